// The tokenizer behind python_tokens.h.
#include "scorers/math/python_tokens.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "scorers/math/parser.h"

namespace moebius::scorers::math {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : s_(text) {}

  std::vector<PyToken> tokens() {
    std::vector<PyToken> out;
    int brackets = 0;
    while (true) {
      while (at_ < s_.size() && (s_[at_] == ' ' || s_[at_] == '\t' || s_[at_] == '\f')) ++at_;
      if (at_ == s_.size() || s_[at_] == '#') break;
      if (s_[at_] == '\n' || s_[at_] == '\r') {
        const bool last = s_.find_first_not_of(" \t\r\n", at_) == std::string_view::npos;
        if (!last && brackets == 0) throw SyntaxError("two lines");
        ++at_;
        continue;
      }
      out.push_back(next());
      const std::string& t = out.back().text;
      if (t == "(" || t == "[" || t == "{") ++brackets;
      if (t == ")" || t == "]" || t == "}") --brackets;
    }
    out.push_back({PyType::kEnd, ""});
    return out;
  }

 private:
  PyToken next() {
    if (digit(s_[at_]) || (s_[at_] == '.' && at_ + 1 < s_.size() && digit(s_[at_ + 1]))) {
      return number();
    }
    const std::size_t start = at_;
    while (at_ < s_.size()) {
      const std::size_t step = python_name_character(s_, at_);
      if (step == 0) break;
      at_ += step;
    }
    if (at_ > start) return {PyType::kName, std::string(s_.substr(start, at_ - start))};
    return operation();
  }

  std::size_t run(std::size_t from, bool (*accept)(char)) const {
    std::size_t end = from;
    while (end < s_.size() && (accept(s_[end]) || (s_[end] == '_' && end > from &&
                                                   end + 1 < s_.size() && accept(s_[end + 1])))) {
      ++end;
    }
    return end;
  }

  PyToken based(unsigned base, bool (*accept)(char)) {
    const std::size_t end = run(at_ + 2, accept);
    std::string digits(s_.substr(at_ + 2, end - at_ - 2));
    digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
    at_ = end;
    return {PyType::kNumber, mpz_class(digits, static_cast<int>(base)).get_str()};
  }

  PyToken number() {
    if (s_[at_] == '0' && at_ + 2 < s_.size()) {
      const char kind = static_cast<char>(std::tolower(s_[at_ + 1]));
      const auto hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
      const auto octal = [](char c) { return c >= '0' && c <= '7'; };
      const auto binary = [](char c) { return c == '0' || c == '1'; };
      if (kind == 'x' && hex(s_[at_ + 2])) return based(16, hex);
      if (kind == 'o' && octal(s_[at_ + 2])) return based(8, octal);
      if (kind == 'b' && binary(s_[at_ + 2])) return based(2, binary);
    }
    const std::size_t start = at_;
    std::size_t end = run(at_, digit);
    bool real = false;
    if (end < s_.size() && s_[end] == '.') {
      real = true;
      end = run(end + 1, digit);
    }
    std::size_t exponent = end;
    if (exponent < s_.size() && (s_[exponent] == 'e' || s_[exponent] == 'E')) {
      ++exponent;
      if (exponent < s_.size() && (s_[exponent] == '+' || s_[exponent] == '-')) ++exponent;
      if (exponent < s_.size() && digit(s_[exponent])) {
        real = true;
        end = run(exponent, digit);
      }
    }
    const bool imaginary = end < s_.size() && (s_[end] == 'j' || s_[end] == 'J');
    if (!real && !imaginary) end = whole_end(start, end);
    std::string text(s_.substr(start, end - start));
    text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
    at_ = imaginary ? end + 1 : end;
    return {PyType::kNumber, imaginary ? text + "j" : text};
  }

  /// "007" is the two numbers 00 and 7 for Python's tokenizer.
  std::size_t whole_end(std::size_t start, std::size_t end) const {
    if (s_[start] != '0') return end;
    std::size_t zeros = start;
    while (zeros < end && (s_[zeros] == '0' || s_[zeros] == '_')) ++zeros;
    return zeros;
  }

  PyToken operation() {
    static constexpr std::array<std::string_view, 8> kTwo = {
        "**", "//", "<=", ">=", "==", "!=", "<<", ">>"};
    for (const std::string_view two : kTwo) {
      if (s_.substr(at_, 2) == two) {
        at_ += 2;
        return {PyType::kOperator, std::string(two)};
      }
    }
    constexpr std::string_view kOne = "+-*/%()[]{},<>!^|&~";
    if (kOne.find(s_[at_]) == std::string_view::npos) throw SyntaxError("unknown character");
    return {PyType::kOperator, std::string(1, s_[at_++])};
  }

  std::string_view s_;
  std::size_t at_ = 0;
};

}  // namespace

std::size_t python_name_character(std::string_view s, std::size_t at) {
  const auto c = static_cast<unsigned char>(s[at]);
  if (std::isalnum(c) != 0 || c == '_') return 1;
  if (c < 0xC2) return 0;
  const std::size_t size = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
  if (at + size > s.size()) return 0;
  const auto d = static_cast<unsigned char>(s[at + 1]);
  if (c == 0xC2) return d == 0xAA || d == 0xB2 || d == 0xB3 || d == 0xB5 || d == 0xB9 ? 2U : 0U;
  if (c == 0xC3 && (d == 0x97 || d == 0xB7)) return 0;  // times, divided by
  if (c < 0xE0) return size;
  return c >= 0xE3 && c <= 0xED ? size : 0;  // kana, CJK, hangul; not the symbols of U+2xxx
}

std::vector<PyToken> python_tokens(std::string_view text) {
  return Lexer(text).tokens();
}

}  // namespace moebius::scorers::math
