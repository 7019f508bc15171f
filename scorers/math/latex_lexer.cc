// From characters to tokens, forgiving: unknown commands become words, markup disappears.
#include "scorers/math/latex_lexer.h"

#include <algorithm>
#include <cctype>

#include "scorers/math/latex_words.h"
#include "scorers/math/parser.h"

namespace moebius::scorers::math {
namespace {

constexpr int kMaxTextNesting = 8;

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string trimmed(std::string_view s) {
  while (!s.empty() && (space(s.front()) || s.front() == '~')) s.remove_prefix(1);
  while (!s.empty() && (space(s.back()) || s.back() == '~')) s.remove_suffix(1);
  return std::string(s);
}

/// Characters beyond ASCII in their LaTeX spelling.
std::string in_ascii(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const bool plain = static_cast<unsigned char>(text[i]) < 0x80;
    const Character* known = plain ? nullptr : special_character(text.substr(i));
    if (known != nullptr) {
      out += known->latex;
      i += known->utf8.size();
    } else {
      out += text[i++];
    }
  }
  return out;
}

class Lexer {
 public:
  Lexer(std::string_view text, int nesting) : s_(text), nesting_(nesting) {}

  std::vector<LatexTok> tokens() {
    while (at_ < s_.size() && out_.size() < kMaxInput) step();
    return std::move(out_);
  }

 private:
  char look(std::size_t ahead = 0) const {
    return at_ + ahead < s_.size() ? s_[at_ + ahead] : '\0';
  }
  void push(Tok type, std::string_view text) {
    out_.push_back({type, std::string(text), spaced_});
    spaced_ = false;
  }
  void operation(std::string_view text, std::size_t length) {
    if (text == "(" || text == "[" || text == "\\{") ++depth_;
    if (text == ")" || text == "]" || text == "\\}") --depth_;
    push(Tok::kOperator, text);
    at_ += length;
  }

  void step() {
    const char c = look();
    if (space(c) || c == '~' || c == '$') {
      spaced_ = true;
      ++at_;
    } else if (digit(c) || (c == '.' && digit(look(1)))) {
      number();
    } else if (c == '\\') {
      backslash();
    } else if (letter(c)) {
      word();
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      foreign();
    } else {
      punctuation(c);
    }
  }

  void punctuation(char c) {
    const std::string_view two = s_.substr(at_, 2);
    if (two == "**") return operation("^", 2);
    if (two == "<=" || two == "=<") return operation("<=", 2);
    if (two == ">=") return operation(">=", 2);
    if (two == "!=") return operation("!=", 2);
    if (two == "==") return operation("=", 2);
    if (two == "~=") return operation("approx", 2);
    constexpr std::string_view kKnown = "+-*/^_()[]{}|,;:!%'&=<>";
    if (kKnown.find(c) != std::string_view::npos) return operation(std::string_view(&c, 1), 1);
    spaced_ = true;  // a stray full stop, quote or question mark
    ++at_;
  }

  /// Letters beyond ASCII, gathered into one word.
  void foreign() {
    const std::size_t start = at_;
    while (at_ < s_.size() && (static_cast<unsigned char>(s_[at_]) >= 0x80 || letter(s_[at_])))
      ++at_;
    push(Tok::kText, s_.substr(start, at_ - start));
  }

  std::size_t digits_from(std::size_t from) const {
    std::size_t end = from;
    while (end < s_.size() && digit(s_[end])) ++end;
    return end;
  }
  /// Length of a thousands separator at `at` that three digits and no fourth follow; 0 if none.
  std::size_t separator(std::size_t at, bool listed) const {
    static constexpr std::string_view kSeparators[] = {"{,}\\!", "{,}", ",\\!", ",\\,",
                                                       "\\,",    "\\!", "{ ,}", "{, }"};
    std::size_t length = 0;
    for (const std::string_view known : kSeparators) {
      if (length == 0 && s_.substr(at, known.size()) == known) length = known.size();
    }
    if (length > 0) {
      while (at + length < s_.size() && space(s_[at + length])) ++length;
    }
    if (length == 0 && !listed && depth_ == 0 && at < s_.size()) {
      if (s_[at] == ',' || s_[at] == ' ') length = 1;
    }
    if (length == 0) return 0;
    const std::size_t end = digits_from(at + length);
    return end - at - length == 3 ? length : 0;
  }
  bool in_list() const {
    return out_.size() >= 2 && out_.back().text == "," && !spaced_ &&
           out_[out_.size() - 2].type == Tok::kNumber;
  }
  void number() {
    const bool listed = in_list();
    std::size_t end = digits_from(at_);
    std::string text(s_.substr(at_, end - at_));
    if (end - at_ <= 3 && end > at_) {
      for (std::size_t gap = separator(end, listed); gap > 0; gap = separator(end, listed)) {
        text += s_.substr(end + gap, 3);
        end += gap + 3;
      }
    }
    if (end < s_.size() && s_[end] == '.' &&
        (digit(end + 1 < s_.size() ? s_[end + 1] : ' ') || s_.substr(end + 1, 9) == "\\overline")) {
      const std::size_t fraction = digits_from(end + 1);
      text += s_.substr(end, fraction - end);
      end = fraction;
    }
    at_ = end;
    push(Tok::kNumber, text);
  }

  /// A run of letters: a known word, else one symbol each, else (four or more) a word.
  void word() {
    std::size_t end = at_;
    while (end < s_.size() && letter(s_[end])) ++end;
    const std::string_view run = s_.substr(at_, end - at_);
    std::string lower(run);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto known = word_meaning(lower);
    if (known && (run.size() > 2 || run == "pi" || run == "ln" || run == "or" || run == "oo")) {
      at_ = end;
      return push(known->type, known->text);
    }
    if (const std::size_t split = glued_word(run)) {
      return letters(run.substr(0, split));
    }
    if (run.size() >= 4) {
      at_ = end;
      return push(Tok::kText, run);
    }
    letters(run);
  }
  /// "1orW": a known separator glued to letters. Returns how many letters come before it.
  static std::size_t glued_word(std::string_view run) {
    for (const std::string_view separator : {"or", "and"}) {
      const std::size_t at = run.find(separator);
      if (at == 1 && run.size() == separator.size() + 1) return 1;
      if (at == 0 && run.size() == separator.size() + 1) return separator.size();
    }
    return 0;
  }
  void letters(std::string_view run) {
    if (run == "or" || run == "and") {
      at_ += run.size();
      return push(Tok::kOperator, "and");
    }
    for (const char c : run) {
      if (c == 'e') {
        push(Tok::kConstant, "E");
      } else if (c == 'i') {
        push(Tok::kConstant, "I");
      } else {
        push(Tok::kSymbol, std::string_view(&c, 1));
      }
    }
    at_ += run.size();
  }

  void backslash() {
    const char next = look(1);
    if (letter(next)) return command();
    if (next == '{' || next == '}') return operation(s_.substr(at_, 2), 2);
    if (next == '%') return operation("%", 2);
    if (next == '|') return operation("|", 2);
    if (next == '\\') {
      at_ += 2;
      return push(Tok::kStructure, "row");
    }
    spaced_ = true;
    at_ += 2;  // spaces \, \; \! "\ ", brackets \( \[ and the dollar sign
  }

  void command() {
    std::size_t end = at_ + 1;
    while (end < s_.size() && letter(s_[end])) ++end;
    std::string_view name = s_.substr(at_ + 1, end - at_ - 1);
    if (name == "begin" || name == "end") return environment(name, end);
    if (!command_meaning(name) && !text_command(name) && !invisible_command(name)) {
      name = known_beginning(name);
    }
    at_ += 1 + name.size();
    if (invisible_command(name)) {
      spaced_ = true;
      if (look() == '.' && (name == "left" || name == "right")) ++at_;
    } else if (text_command(name)) {
      textual(name);
    } else if (const auto known = command_meaning(name)) {
      if (known->text == "\\{" || known->text == "(" || known->text == "[") ++depth_;
      if (known->text == "\\}" || known->text == ")" || known->text == "]") --depth_;
      push(known->type, known->text);
    } else {
      push(Tok::kText, name);
    }
  }
  /// "\quadx" is "\quad x": the longest beginning that is a command, or all of it.
  static std::string_view known_beginning(std::string_view name) {
    for (std::size_t size = name.size(); size-- > 2;) {
      const std::string_view part = name.substr(0, size);
      if (command_meaning(part) || (text_command(part) && part == "text")) return part;
    }
    return name;
  }

  void environment(std::string_view name, std::size_t after) {
    at_ = after;
    while (space(look())) ++at_;
    const std::size_t end = look() == '{' ? group_end(s_, at_) : std::string_view::npos;
    if (end == std::string_view::npos) return push(Tok::kText, name);
    std::string kind(s_.substr(at_ + 1, end - at_ - 2));
    at_ = end;
    kind.erase(std::remove(kind.begin(), kind.end(), '*'), kind.end());
    if (name == "begin" && kind == "array" && look() == '{') {
      const std::size_t columns = group_end(s_, at_);
      if (columns != std::string_view::npos) at_ = columns;
    }
    push(Tok::kStructure, std::string(name) + ":" + kind);
  }

  void textual(std::string_view name) {
    while (space(look())) ++at_;
    if (look() != '{') {
      spaced_ = true;
      return;
    }
    const std::size_t end = group_end(s_, at_);
    const std::size_t stop = end == std::string_view::npos ? s_.size() : end - 1;
    const std::string inside = trimmed(s_.substr(at_ + 1, stop - at_ - 1));
    at_ = end == std::string_view::npos ? s_.size() : end;
    if (name == "mathbb" && inside == "R") return push(Tok::kStructure, "reals");
    if (name == "operatorname" || name == "mathrm" || name == "text") {
      if (const auto known = word_meaning(inside)) {
        spaced_ = true;
        return push(known->type, known->text);
      }
    }
    if (readable(name, inside, !out_.empty())) return inner(inside);
    if (!inside.empty()) push(Tok::kText, inside);
    spaced_ = true;
  }
  /// Mathematics inside \text: numbers, single letters, and all that \boxed and \vec hold.
  static bool readable(std::string_view name, std::string_view inside, bool follows) {
    if (name == "boxed" || name == "fbox" || name == "vec" || name == "underline" ||
        name == "boldsymbol" || name == "bm" || name == "hat" || name == "tilde") {
      return true;
    }
    if (inside.find('\\') != std::string_view::npos || inside.find('$') != std::string_view::npos) {
      return true;
    }
    std::size_t run = 0;
    std::size_t longest = 0;
    for (const char c : inside) {
      run = letter(c) || static_cast<unsigned char>(c) >= 0x80 ? run + 1 : 0;
      longest = std::max(longest, run);
    }
    const bool unit = follows && inside.size() == 1 &&
                      std::string_view("mLgsNJWVKA").find(inside[0]) != std::string_view::npos;
    return longest <= 1 && !(unit && name != "mathbf");
  }
  void inner(std::string_view inside) {
    if (nesting_ >= kMaxTextNesting) return push(Tok::kText, inside);
    for (LatexTok& token : Lexer(inside, nesting_ + 1).tokens()) out_.push_back(std::move(token));
    spaced_ = false;
  }

  std::string_view s_;
  int nesting_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool spaced_ = false;
  std::vector<LatexTok> out_;
};

}  // namespace

std::size_t group_end(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

std::vector<LatexTok> latex_tokens(std::string_view text) {
  const std::string ascii = in_ascii(text);
  std::vector<LatexTok> tokens = Lexer(ascii, 0).tokens();
  tokens.push_back({Tok::kEnd, "", true});
  return tokens;
}

}  // namespace moebius::scorers::math
