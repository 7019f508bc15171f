// Tokens of sympy's LaTeX grammar.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::scorers::math {

enum class LatexType : std::uint8_t {
  kLetter,        // one letter
  kDigit,         // one digit
  kCommand,       // "\name"; the text is the name without the backslash
  kDifferential,  // "dx" or "d\theta"; the text is what follows the d
  kQuotes,        // '''
  kOther,         // one of + - * / ( ) { } [ ] | _ ^ : ! , . and \{ \} \left| \right| = < >
  kError,         // a character that begins no token; whoever looks at it refuses the text
  kEnd,
};

struct LatexToken {
  LatexType type;
  std::string text;
};

/// Source: sympy 1.14 parsing/latex/LaTeX.g4. Ends at the first kError.
std::vector<LatexToken> sympy_latex_tokens(std::string_view text);

}  // namespace moebius::scorers::math
