// parse_expr: Python expressions with sympy's names, with or without implicit multiplication.
//
// Source   sympy 1.14 parsing/sympy_parser.py: standard_transformations and
//          implicit_multiplication_application. There the text is rewritten as Python tokens and
//          evaluated; here one descent over the same tokens does both.
#include <algorithm>
#include <cctype>

#include "scorers/math/parser.h"
#include "scorers/math/python_tokens.h"
#include "scorers/math/sympy_names.h"

namespace moebius::scorers::math {
namespace {

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
std::vector<PyToken> split_symbols(const std::vector<PyToken>& tokens) {
  std::vector<PyToken> out;
  for (const PyToken& token : tokens) {
    if (token.type != PyType::kName || taken(token.text) || listed(kKeywords, token.text) ||
        !splittable(token.text)) {
      out.push_back(token);
      continue;
    }
    const std::string& name = token.text;
    for (std::size_t i = 0; i < name.size();) {
      std::size_t end = i + std::max<std::size_t>(1, python_name_character(name, i));
      if (digit(name[i])) {
        while (end < name.size() && digit(name[end])) ++end;
        out.push_back({PyType::kNumber, name.substr(i, end - i)});
      } else {
        out.push_back({PyType::kName, name.substr(i, end - i)});
      }
      i = end;
    }
  }
  return out;
}

class Parser {
 public:
  Parser(std::vector<PyToken> tokens, bool implicit)
      : tokens_(std::move(tokens)), implicit_(implicit) {}

  Expr whole() {
    Expr result = list(PyType::kEnd, "", "()");
    if (peek().type != PyType::kEnd) throw SyntaxError("unexpected " + peek().text);
    return result;
  }

 private:
  const PyToken& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool at(std::string_view op) const {
    return peek().type == PyType::kOperator && peek().text == op;
  }
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
  Expr list(PyType close_type, std::string_view close, std::string_view brackets) {
    std::vector<Expr> items;
    bool comma = false;
    const auto closed = [&] {
      return close_type == PyType::kEnd ? peek().type == PyType::kEnd : at(close);
    };
    while (!closed()) {
      items.push_back(logical());
      if (!at(",")) break;
      ++at_;
      comma = true;
    }
    if (brackets == "()" && !comma && items.size() == 1) return items[0];
    if (close_type == PyType::kEnd && items.empty()) throw SyntaxError("empty");
    return tuple(std::move(items), brackets);
  }

  /// Python's "x and y" is y, "x or y" is x, as symbols are true.
  Expr logical() {
    const Nested nested(depth_);
    Expr left = negation();
    while (peek().type == PyType::kName && (peek().text == "and" || peek().text == "or")) {
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
    if (peek().type == PyType::kName && peek().text == "not" && !implicit_) {
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
    std::vector<Expr> terms{product()};  // added at once: one by one would be quadratic
    while (at("+") || at("-")) {
      const bool plus = at("+");
      ++at_;
      const Expr right = product();
      scalar(terms[0]);
      terms.push_back(plus ? scalar(right) : negate(scalar(right)));
    }
    return terms.size() == 1 ? terms[0] : add(std::move(terms));
  }

  /// Whether the next token begins a factor that stands beside the last one.
  bool juxtaposed() const {
    if (!implicit_) return false;
    const PyToken& token = peek();
    if (token.type == PyType::kName) return !listed(kKeywords, token.text);
    return token.type == PyType::kNumber || at("(");
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
    const PyToken token = peek();
    ++at_;
    if (token.type == PyType::kNumber) return number(token.text);
    if (token.type == PyType::kName) return name(token.text);
    if (token.text == "(") {
      Expr inner = list(PyType::kOperator, ")", "()");
      expect(")");
      if (!implicit_ && at("(")) throw SyntaxError("not callable");
      return inner;
    }
    if (token.text == "[") {
      Expr inner = list(PyType::kOperator, "]", "[]");
      expect("]");
      return inner;
    }
    if (token.text == "{") {
      const Expr inner = list(PyType::kOperator, "}", "[]");
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
    if (!whole && at("[") && peek(1).type == PyType::kNumber) return repeating(text);
    return whole ? exact(decimal_value(text)) : decimal(decimal_value(text));
  }
  /// 0.2[1] is 0.2111...
  Expr repeating(const std::string& text) {
    ++at_;
    const std::string digits = peek().text;
    ++at_;
    expect("]");
    return exact(repeating_decimal(text, digits));
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
    const Expr inner = list(PyType::kOperator, ")", "[]");
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

  std::vector<PyToken> tokens_;
  bool implicit_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Expr parse_sympy_text(std::string_view text, bool implicit) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) throw SyntaxError("empty");
  std::vector<PyToken> tokens = python_tokens(text.substr(start));
  if (implicit) tokens = split_symbols(tokens);
  return Parser(std::move(tokens), implicit).whole();
}

}  // namespace moebius::scorers::math
