// parse_expr: Python expressions with sympy's names, with or without implicit multiplication.
//
// Source   sympy 1.14 parsing/sympy_parser.py: standard_transformations and
//          implicit_multiplication_application. There the text is rewritten as Python tokens and
//          evaluated; here one descent over the same tokens does both.
#include <algorithm>
#include <array>
#include <cctype>

#include "scorers/math/parser.h"
#include "scorers/math/sympy_names.h"

namespace moebius::scorers::math {
namespace {

enum class Type : std::uint8_t { kNumber, kName, kOperator, kEnd };

struct Token {
  Type type;
  std::string text;
};

constexpr std::string_view kKeywords =
    " and or not in is if else for lambda None as assert async await break class continue def del "
    "elif except finally from global import nonlocal pass raise return try while with yield ";

constexpr std::string_view kGreek =
    " alpha beta gamma delta epsilon zeta eta theta iota kappa lamda mu nu xi omicron pi rho sigma "
    "tau upsilon phi chi psi omega stigma digamma koppa sampi san sho heta yot ";

bool listed(std::string_view list, std::string_view word) {
  return list.find(" " + std::string(word) + " ") != std::string_view::npos;
}

bool digit(char c) {
  return c >= '0' && c <= '9';
}

/// Length of the UTF-8 character at `at` if it belongs to a Python name; 0 otherwise.
std::size_t name_character(std::string_view s, std::size_t at) {
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

class Lexer {
 public:
  explicit Lexer(std::string_view text) : s_(text) {}

  std::vector<Token> tokens() {
    std::vector<Token> out;
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
    out.push_back({Type::kEnd, ""});
    return out;
  }

 private:
  Token next() {
    if (digit(s_[at_]) || (s_[at_] == '.' && at_ + 1 < s_.size() && digit(s_[at_ + 1]))) {
      return number();
    }
    const std::size_t start = at_;
    while (at_ < s_.size()) {
      const std::size_t step = name_character(s_, at_);
      if (step == 0) break;
      at_ += step;
    }
    if (at_ > start) return {Type::kName, std::string(s_.substr(start, at_ - start))};
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

  Token based(unsigned base, bool (*accept)(char)) {
    const std::size_t end = run(at_ + 2, accept);
    std::string digits(s_.substr(at_ + 2, end - at_ - 2));
    digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
    at_ = end;
    return {Type::kNumber, mpz_class(digits, static_cast<int>(base)).get_str()};
  }

  Token number() {
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
    return {Type::kNumber, imaginary ? text + "j" : text};
  }

  /// "007" is the two numbers 00 and 7 for Python's tokenizer.
  std::size_t whole_end(std::size_t start, std::size_t end) const {
    if (s_[start] != '0') return end;
    std::size_t zeros = start;
    while (zeros < end && (s_[zeros] == '0' || s_[zeros] == '_')) ++zeros;
    return zeros;
  }

  Token operation() {
    static constexpr std::array<std::string_view, 8> kTwo = {
        "**", "//", "<=", ">=", "==", "!=", "<<", ">>"};
    for (const std::string_view two : kTwo) {
      if (s_.substr(at_, 2) == two) {
        at_ += 2;
        return {Type::kOperator, std::string(two)};
      }
    }
    constexpr std::string_view kOne = "+-*/%()[]{},<>!^|&~";
    if (kOne.find(s_[at_]) == std::string_view::npos) throw SyntaxError("unknown character");
    return {Type::kOperator, std::string(1, s_[at_++])};
  }

  std::string_view s_;
  std::size_t at_ = 0;
};

bool splittable(const std::string& name) {
  if (name.size() < 2 || name.find('_') != std::string::npos) return false;
  std::string lower = name;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return !listed(kGreek, lower) && static_cast<unsigned char>(name[0]) < 0x80;
}

bool constant_name(std::string_view name) {
  return listed(" E I pi oo zoo nan ", name) || name == "True" || name == "False" ||
         name == "true" || name == "false";
}

bool taken(const std::string& name) {
  return sympy_callable(name) || constant_name(name) ||
         listed(
             " Catalan EulerGamma GoldenRatio TribonacciConstant Q EmptySequence EmptySet Reals "
             "ord0 Naturals Naturals0 UniversalSet Integers Rationals Complexes ",
             name);
}

/// "xyz" becomes x y z, "x12" becomes x 12.
std::vector<Token> split_symbols(const std::vector<Token>& tokens) {
  std::vector<Token> out;
  for (const Token& token : tokens) {
    if (token.type != Type::kName || taken(token.text) || listed(kKeywords, token.text) ||
        !splittable(token.text)) {
      out.push_back(token);
      continue;
    }
    const std::string& name = token.text;
    for (std::size_t i = 0; i < name.size();) {
      std::size_t end = i + std::max<std::size_t>(1, name_character(name, i));
      if (digit(name[i])) {
        while (end < name.size() && digit(name[end])) ++end;
        out.push_back({Type::kNumber, name.substr(i, end - i)});
      } else {
        out.push_back({Type::kName, name.substr(i, end - i)});
      }
      i = end;
    }
  }
  return out;
}

class Parser {
 public:
  Parser(std::vector<Token> tokens, bool implicit)
      : tokens_(std::move(tokens)), implicit_(implicit) {}

  Expr whole() {
    Expr result = list(Type::kEnd, "", "()");
    if (peek().type != Type::kEnd) throw SyntaxError("unexpected " + peek().text);
    return result;
  }

 private:
  const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool at(std::string_view op) const { return peek().type == Type::kOperator && peek().text == op; }
  bool take(std::string_view op) {
    if (!at(op)) return false;
    ++at_;
    return true;
  }
  void expect(std::string_view op) {
    if (!take(op)) throw SyntaxError("expected " + std::string(op) + ", found " + peek().text);
  }
  static const Expr& scalar(const Expr& e) {
    if (!is_scalar(e)) throw SyntaxError("no arithmetic with " + to_string(e));
    return e;
  }

  /// Items up to a closing bracket or the end: one item stays itself, commas make a tuple.
  Expr list(Type close_type, std::string_view close, std::string_view brackets) {
    std::vector<Expr> items;
    bool comma = false;
    const auto closed = [&] {
      return close_type == Type::kEnd ? peek().type == Type::kEnd : at(close);
    };
    while (!closed()) {
      items.push_back(logical());
      if (!at(",")) break;
      ++at_;
      comma = true;
    }
    if (brackets == "()" && !comma && items.size() == 1) return items[0];
    if (close_type == Type::kEnd && items.empty()) throw SyntaxError("empty");
    return tuple(std::move(items), brackets);
  }

  /// Python's "x and y" is y, "x or y" is x, as symbols are true.
  Expr logical() {
    const Nested nested(depth_);
    Expr left = negation();
    while (peek().type == Type::kName && (peek().text == "and" || peek().text == "or")) {
      if (implicit_) throw SyntaxError("keyword");
      const bool both = peek().text == "and";
      ++at_;
      const Expr right = negation();
      const bool truth = !is_constant(left, "False") && !(is_number(left) && left->value == 0);
      if (both == truth) left = right;
    }
    return left;
  }
  Expr negation() {
    if (peek().type == Type::kName && peek().text == "not" && !implicit_) {
      ++at_;
      const Nested nested(depth_);
      const Expr inner = negation();
      return constant(is_number(inner) && inner->value == 0 ? "True" : "False");
    }
    return comparison();
  }

  Expr comparison() {
    Expr left = bitwise();
    Expr result;
    while (at("<") || at(">") || at("<=") || at(">=") || at("==") || at("!=")) {
      const std::string op = peek().text;
      ++at_;
      const Expr right = bitwise();
      Expr now;
      if (op == "==" || op == "!=") {
        now = constant((compare(left, right) == 0) == (op == "==") ? "True" : "False");
      } else {
        now = relation(op, scalar(left), scalar(right));
      }
      // A chain asks for the truth of its first part, which a relation with symbols has not.
      if (result && is_relation(result)) throw SyntaxError("chained relation");
      if (!result || is_constant(result, "True")) result = now;
      left = right;
    }
    return result ? result : left;
  }

  Expr bitwise() {
    Expr left = sum();
    while (at("|") || at("&") || at("^")) {
      const std::string op = peek().text;
      ++at_;
      const Expr right = sum();
      if (is_integer(left) && is_integer(right)) {
        left = bits(op, left, right);
      } else if (is_number(left) || is_number(right) || op == "^") {
        throw SyntaxError("no " + op + " of these");
      } else {
        left = call(op, {left, right});
      }
    }
    return left;
  }
  static Expr bits(const std::string& op, const Expr& a, const Expr& b) {
    const mpz_class& x = a->value.get_num();
    const mpz_class& y = b->value.get_num();
    return exact(op == "|" ? mpz_class(x | y) : op == "&" ? mpz_class(x & y) : mpz_class(x ^ y));
  }

  Expr sum() {
    Expr left = product();
    while (at("+") || at("-")) {
      const bool plus = at("+");
      ++at_;
      const Expr right = product();
      left = plus ? add({scalar(left), scalar(right)}) : subtract(scalar(left), scalar(right));
    }
    return left;
  }

  /// Whether the next token begins a factor that stands beside the last one.
  bool juxtaposed() const {
    if (!implicit_) return false;
    const Token& token = peek();
    if (token.type == Type::kName) return !listed(kKeywords, token.text);
    return token.type == Type::kNumber || at("(");
  }

  Expr product() {
    Expr left = unary();
    while (true) {
      if (at("*") || at("/") || at("//") || at("%")) {
        const std::string op = peek().text;
        ++at_;
        left = combined(op, scalar(left), scalar(unary()));
      } else if (juxtaposed()) {
        left = mul({scalar(left), scalar(raised())});
      } else {
        return left;
      }
    }
  }
  static Expr combined(const std::string& op, const Expr& a, const Expr& b) {
    if (op == "*") return mul({a, b});
    if (op == "/") return divide(a, b);
    if (op == "//") return call("floor", {divide(a, b)});
    return call("mod", {a, b});
  }

  Expr unary() {
    const Nested nested(depth_);
    if (take("-")) return negate(scalar(unary()));
    if (take("+")) return scalar(unary());
    if (take("~")) return call("~", {unary()});
    return raised();
  }

  Expr raised() {
    const Expr base = postfix();
    if (!take("**")) return base;
    return power(scalar(base), scalar(unary()));
  }

  Expr postfix() {
    Expr e = primary();
    while (at("!")) {
      ++at_;
      if (at("!")) {
        ++at_;
        e = apply_function("factorial2", {scalar(e)});
        if (!e) throw SyntaxError("double factorial");
      } else {
        e = call("factorial", {scalar(e)});
      }
    }
    return e;
  }

  Expr primary() {
    const Nested nested(depth_);
    const Token token = peek();
    ++at_;
    if (token.type == Type::kNumber) return number(token.text);
    if (token.type == Type::kName) return name(token.text);
    if (token.text == "(") {
      Expr inner = list(Type::kOperator, ")", "()");
      expect(")");
      if (!implicit_ && at("(")) throw SyntaxError("not callable");
      return inner;
    }
    if (token.text == "[") {
      Expr inner = list(Type::kOperator, "]", "[]");
      expect("]");
      return inner;
    }
    if (token.text == "{") {
      const Expr inner = list(Type::kOperator, "}", "[]");
      expect("}");
      return set(inner->args);
    }
    throw SyntaxError("unexpected " + token.text);
  }

  Expr number(const std::string& text) {
    if (!implicit_ && at("(")) throw SyntaxError("not callable");
    if (text.back() == 'j') {
      return mul({constant("I"), exact(decimal_value(text.substr(0, text.size() - 1)))});
    }
    const bool whole = text.find_first_of(".eE") == std::string::npos;
    if (!whole && at("[") && peek(1).type == Type::kNumber) return repeating(text);
    return whole ? exact(decimal_value(text)) : decimal(decimal_value(text));
  }
  /// 0.2[1] is 0.2111...
  Expr repeating(const std::string& text) {
    ++at_;
    const std::string digits = peek().text;
    ++at_;
    expect("]");
    const std::size_t places = text.size() - text.find('.') - 1;
    if (digits.size() + places > 1000) throw SyntaxError("too many digits");
    mpz_class ring;
    mpz_class shift;
    mpz_ui_pow_ui(ring.get_mpz_t(), 10, digits.size());
    mpz_ui_pow_ui(shift.get_mpz_t(), 10, places);
    return exact(decimal_value(text) + decimal_value(digits) / mpq_class((ring - 1) * shift));
  }

  Expr name(const std::string& name) {
    if (listed(kKeywords, name)) throw SyntaxError("keyword " + name);
    if (name == "true") return constant("True");
    if (name == "false") return constant("False");
    if (constant_name(name)) return constant(name);
    if (sympy_callable(name)) return function(name);
    if (taken(name)) throw SyntaxError("not an expression: " + name);
    if (!implicit_ && take("(")) return call(name, arguments());
    return symbol(name);
  }
  std::vector<Expr> arguments() {
    const Expr inner = list(Type::kOperator, ")", "[]");
    expect(")");
    return inner->args;
  }

  Expr function(const std::string& name) {
    Expr exponent;
    if (implicit_ && take("**")) exponent = unary_of_function();
    std::vector<Expr> args;
    if (take("(")) {
      args = arguments();
    } else if (implicit_ && juxtaposed()) {
      args = {bare_argument()};
    } else {
      throw SyntaxError("a function without arguments: " + name);
    }
    Expr value = apply_function(name, std::move(args));
    if (!value) throw SyntaxError("not known: " + name);
    return exponent ? power(value, exponent) : value;
  }
  Expr unary_of_function() {
    if (take("-")) return negate(scalar(primary()));
    return scalar(primary());
  }
  /// "sin 2x**2" takes products and powers, not quotients or sums.
  Expr bare_argument() {
    Expr left = raised();
    while (at("*") || juxtaposed()) {
      take("*");
      left = mul({scalar(left), scalar(raised())});
    }
    return scalar(left);
  }

  std::vector<Token> tokens_;
  bool implicit_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Expr parse_sympy_text(std::string_view text, bool implicit) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) throw SyntaxError("empty");
  std::vector<Token> tokens = Lexer(text.substr(start)).tokens();
  if (implicit) tokens = split_symbols(tokens);
  return Parser(std::move(tokens), implicit).whole();
}

}  // namespace moebius::scorers::math
