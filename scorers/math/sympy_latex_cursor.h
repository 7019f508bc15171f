// A place in the tokens of sympy's LaTeX grammar, and stepping back to an earlier one.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scorers/math/parser.h"
#include "scorers/math/sympy_latex_lexer.h"

namespace moebius::scorers::math {

// Commands that are tokens of their own in the grammar.
inline constexpr std::string_view kPlainFunctions =
    " exp log lg ln sin cos tan csc sec cot arcsin arccos arctan arccsc arcsec arccot sinh cosh "
    "tanh arsinh arcosh artanh ";
inline constexpr std::string_view kOtherFunctions = " int sqrt overline sum prod lim ";
inline constexpr std::string_view kOperators =
    " times cdot div langle rangle to rightarrow Rightarrow longrightarrow Longrightarrow rfloor "
    "rceil neq leq le leqq leqslant geq ge geqq geqslant ";
inline constexpr std::string_view kStructures =
    " frac dfrac tfrac binom dbinom tbinom mathit lfloor lceil ";

inline bool listed(std::string_view list, std::string_view word) {
  return list.find(" " + std::string(word) + " ") != std::string_view::npos;
}

/// Attempts for each token, and a few more; stepping back out of many levels doubles the work at
/// each. Texts that need no stepping back take three for each token at most.
inline constexpr std::size_t kMaxAttempts = 10;
inline constexpr std::size_t kMoreAttempts = 200;

class SympyLatexCursor {
 public:
  explicit SympyLatexCursor(std::vector<LatexToken> tokens) : tokens_(std::move(tokens)) {}

 protected:
  const LatexToken& peek(std::size_t ahead = 0) const {
    const LatexToken& token = tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
    if (token.type == LatexType::kError) throw Refused("no token");
    return token;
  }
  /// Runs `step`; if it finds no operand, everything is as before and the answer is no.
  template <typename Step>
  bool attempt(const Step& step) {
    if (++attempts_ > kMaxAttempts * tokens_.size() + kMoreAttempts) {
      throw Refused("too many attempts");
    }
    const std::size_t start = at_;
    const bool bars = in_bars_;
    const int depth = depth_;
    try {
      step();
      return true;
    } catch (const SyntaxError&) {
      at_ = start;
      in_bars_ = bars;
      depth_ = depth;
      return false;
    }
  }
  bool at(std::string_view text, std::size_t ahead = 0) const {
    return peek(ahead).type == LatexType::kOther && peek(ahead).text == text;
  }
  bool at_command(std::string_view name) const {
    return peek().type == LatexType::kCommand && peek().text == name;
  }
  bool at_listed(std::string_view list) const {
    return peek().type == LatexType::kCommand && listed(list, peek().text);
  }
  bool at_symbol(std::size_t ahead = 0) const {
    const LatexToken& token = peek(ahead);
    if (token.type == LatexType::kLetter) return true;
    return token.type == LatexType::kCommand && !listed(kPlainFunctions, token.text) &&
           !listed(kOtherFunctions, token.text) && !listed(kOperators, token.text) &&
           !listed(kStructures, token.text);
  }
  bool take(std::string_view text) {
    if (!at(text)) return false;
    ++at_;
    return true;
  }
  void expect(std::string_view text) {
    if (!take(text)) throw SyntaxError("expected " + std::string(text));
  }

  std::string relation_operator() const {
    if (at("=") || at("<") || at(">")) return peek().text;
    if (peek().type != LatexType::kCommand) return "";
    if (listed(" leq le leqq leqslant ", peek().text)) return "<=";
    if (listed(" geq ge geqq geqslant ", peek().text)) return ">=";
    return peek().text == "neq" ? "!=" : "";
  }

  std::vector<LatexToken> tokens_;  // the last is kEnd
  std::size_t at_ = 0;
  int depth_ = 0;
  std::size_t attempts_ = 0;
  bool in_bars_ = false;
};

}  // namespace moebius::scorers::math
