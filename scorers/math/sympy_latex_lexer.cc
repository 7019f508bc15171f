// Longest match over the token table of the grammar.
#include "scorers/math/sympy_latex_lexer.h"

#include <algorithm>
#include <cctype>

#include "scorers/math/parser.h"

namespace moebius::scorers::math {
namespace {

constexpr std::string_view kSkippedCommands =
    " thinspace medspace thickspace quad qquad negthinspace negmedspace negthickspace left right "
    "vrule vcenter vbox vskip vspace hfil ";
constexpr std::string_view kSkippedPunctuation = ",:;!*-./\"(=";

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : s_(text) {}

  std::vector<LatexToken> tokens() {
    try {
      while (at_ < s_.size()) step();
    } catch (const SyntaxError&) {
      out_.push_back({LatexType::kError, ""});
    }
    out_.push_back({LatexType::kEnd, ""});
    return std::move(out_);
  }

 private:
  void push(LatexType type, std::string_view text, std::size_t length) {
    out_.push_back({type, std::string(text)});
    at_ += length;
  }
  std::size_t letters_from(std::size_t from) const {
    std::size_t end = from;
    while (end < s_.size() && letter(s_[end])) ++end;
    return end;
  }
  std::size_t spaces_from(std::size_t from) const {
    std::size_t end = from;
    while (end < s_.size() && space(s_[end])) ++end;
    return end;
  }

  void step() {
    const char c = s_[at_];
    if (space(c)) {
      ++at_;
    } else if (c == 'd' && differential()) {
    } else if (letter(c)) {
      push(LatexType::kLetter, s_.substr(at_, 1), 1);
    } else if (digit(c)) {
      push(LatexType::kDigit, s_.substr(at_, 1), 1);
    } else if (c == '\\') {
      command();
    } else if (c == '\'') {
      const std::size_t end = s_.find_first_not_of('\'', at_);
      const std::size_t length = (end == std::string_view::npos ? s_.size() : end) - at_;
      push(LatexType::kQuotes, s_.substr(at_, length), length);
    } else if (c == '&' || c == '=') {
      equality();
    } else if (std::string_view("+-*/(){}[]|_^:!,.<>").find(c) != std::string_view::npos) {
      push(LatexType::kOther, s_.substr(at_, 1), 1);
    } else {
      throw SyntaxError("no token begins with " + std::string(1, c));
    }
  }

  /// "d", spaces, then a letter or a command.
  bool differential() {
    const std::size_t next = spaces_from(at_ + 1);
    if (next >= s_.size()) return false;
    std::size_t end = next;
    if (letter(s_[next])) {
      end = next + 1;
    } else if (s_[next] == '\\') {
      end = letters_from(next + 1);
      if (end == next + 1) return false;
    } else {
      return false;
    }
    const std::size_t name = s_[next] == '\\' ? next + 1 : next;
    push(LatexType::kDifferential, s_.substr(name, end - name), end - at_);
    return true;
  }

  /// "=" with an alignment mark on either side.
  void equality() {
    std::size_t end = at_ + 1;
    if (s_[at_] == '&') {
      end = spaces_from(end);
      if (end >= s_.size() || s_[end] != '=') throw SyntaxError("& without =");
      ++end;
    } else {
      const std::size_t mark = spaces_from(end);
      if (mark < s_.size() && s_[mark] == '&') end = mark + 1;
    }
    push(LatexType::kOther, "=", end - at_);
  }

  void command() {
    const std::size_t end = letters_from(at_ + 1);
    const std::string_view name = s_.substr(at_ + 1, end - at_ - 1);
    if (name.empty()) {
      if (at_ + 1 >= s_.size()) throw SyntaxError("a backslash at the end");
      const char c = s_[at_ + 1];
      if (c == '{' || c == '}') {
        push(LatexType::kOther, s_.substr(at_, 2), 2);
      } else if (kSkippedPunctuation.find(c) != std::string_view::npos) {
        at_ += 2;
      } else {
        throw SyntaxError("no token begins with \\" + std::string(1, c));
      }
      return;
    }
    const bool bar = end < s_.size() && s_[end] == '|' && (name == "left" || name == "right");
    if (bar) {
      push(LatexType::kOther, s_.substr(at_, end + 1 - at_), end + 1 - at_);
    } else if (kSkippedCommands.find(" " + std::string(name) + " ") != std::string_view::npos) {
      at_ = end;
    } else if (name == "int" && s_.substr(end, 7) == "\\limits") {
      push(LatexType::kCommand, name, end + 7 - at_);
    } else {
      push(LatexType::kCommand, name, end - at_);
    }
  }

  std::string_view s_;
  std::size_t at_ = 0;
  std::vector<LatexToken> out_;
};

}  // namespace

std::vector<LatexToken> sympy_latex_tokens(std::string_view text) {
  return Lexer(text).tokens();
}

}  // namespace moebius::scorers::math
