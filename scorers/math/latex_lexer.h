// Tokens of our own LaTeX dialect: what people and models write between dollars.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::scorers::math {

enum class Tok : std::uint8_t {
  kNumber,     // digits, with at most one point; thousands separators are gone
  kSymbol,     // a variable: "x", "alpha"
  kConstant,   // "pi" "E" "I" "oo"
  kFunction,   // our name: "sin", "log"
  kText,       // words: \text{...}, or a bare word that is no product of letters
  kOperator,   // + - * / ^ _ ( ) [ ] { } \{ \} | , ; : ! % ' & and the names below
  kStructure,  // frac sqrt binom overline begin:NAME end:NAME row log lfloor ...
  kEnd,
};
// Operators with names: "=" "!=" "<" "<=" ">" ">=" "approx" "in" "pm" "mp" "cup" "cap" "minus"
// "degree" "and" "sep" (white space that separates).

struct LatexTok {
  Tok type = Tok::kEnd;
  std::string text;
  bool spaced = false;  // white space came before
};

/// Never fails: what is not understood is left out or becomes text. At most kMaxInput tokens.
std::vector<LatexTok> latex_tokens(std::string_view text);

/// The end (past the brace) of the group that opens at text[open] == '{'; npos if never closed.
std::size_t group_end(std::string_view text, std::size_t open);

}  // namespace moebius::scorers::math
