// sympy's parse_latex: the longest beginning of the text that its grammar accepts.
//
// Source   sympy 1.14 parsing/latex/LaTeX.g4 and _parse_latex_antlr.py (antlr back end). The
//          grammar has no end of input, so "1,2" is 1 and what follows is not looked at; \pi, e
//          and i are plain symbols; "x(y)" is a function; "1 2" is 12, spaces being no tokens.
//          Where a sum, product, power or juxtaposition could go on, antlr looks ahead and stops
//          before the operator if what follows is no operand ("x+(1,2)" is x): here that is
//          trying and stepping back. A relation sign is never stepped back over.
#include <algorithm>
#include <array>

#include "scorers/math/parser.h"
#include "scorers/math/sympy_latex_cursor.h"
#include "scorers/math/sympy_latex_meaning.h"

namespace moebius::scorers::math {
namespace {

class Parser : private SympyLatexCursor {
 public:
  using SympyLatexCursor::SympyLatexCursor;

  Expr relation_chain() {
    Expr left = expression();
    for (std::string op = relation_operator(); !op.empty(); op = relation_operator()) {
      ++at_;
      const Expr right = expression();
      const bool truth = !is_scalar(left);
      if (truth && op != "=" && op != "!=") throw Refused("comparison of a relation");
      left = relation(op, left, right);
    }
    return left;
  }

 private:
  Expr expression() {
    const Nested nested(depth_);
    std::vector<Expr> terms{product(true)};  // added at once: one by one would be quadratic
    while (at("+") || at("-")) {
      const bool plus = at("+");
      Expr right;
      if (!attempt([&] { right = after(&Parser::product, true); })) break;
      terms.push_back(plus ? right : negate(right));
    }
    return terms.size() == 1 ? terms[0] : add(std::move(terms));
  }
  Expr after(Expr (Parser::*operand)(bool), bool functions) {
    ++at_;
    return (this->*operand)(functions);
  }

  /// `functions`: whether functions may follow the first factor (mp and mp_nofunc).
  Expr product(bool functions) {
    Expr left = signed_factors(functions);
    while (true) {
      const bool times = at("*") || at_command("times") || at_command("cdot");
      const bool over = at("/") || at(":") || at_command("div");
      if (!times && !over) return left;
      Expr right;
      if (!attempt([&] { right = after(&Parser::signed_factors, functions); })) return left;
      left = times ? mul({left, right}) : divide(left, right);
    }
  }

  Expr signed_factors(bool functions) {
    const Nested nested(depth_);
    if (take("+")) return signed_factors(functions);
    if (take("-")) return negate(signed_factors(functions));
    std::vector<Piece> pieces{postfix(true)};
    while (starts_factor(functions) && !(in_bars_ && at("|"))) {
      if (!attempt([&] { pieces.push_back(postfix(functions)); })) break;
    }
    return juxtaposed(pieces);
  }

  bool starts_factor(bool functions) const {
    switch (peek().type) {
      case LatexType::kLetter:
      case LatexType::kDigit:
      case LatexType::kDifferential:
        return true;
      case LatexType::kCommand:
        if (at_listed(kPlainFunctions) || at_listed(kOtherFunctions)) return functions;
        return !at_listed(kOperators);
      case LatexType::kOther:
        return at("(") || at("[") || at("{") || at("\\{") || at("|");
      default:
        return false;
    }
  }
  Piece postfix(bool functions) {
    Piece piece = powers(functions);
    while (true) {
      if (at("!")) {
        if (!piece.derivative_by.empty()) throw Refused("factorial of d/dx");
        ++at_;
        piece.value = call("factorial", {piece.value});
      } else if (!in_bars_ && at("|") && (at("_", 1) || at("^", 1)) && at("{", 2)) {
        piece.value = evaluated_at(piece.value);
      } else {
        return piece;
      }
    }
  }
  /// f|_{x=a}^{...}: kept as a call that equals itself only.
  Expr evaluated_at(const Expr& e) {
    ++at_;
    std::vector<Expr> args{e};
    while ((at("_") || at("^")) && at("{", 1)) {
      at_ += 2;
      args.push_back(expression());
      if (take("=")) args.push_back(expression());
      expect("}");
    }
    return call("EvalAt", std::move(args));
  }

  Piece powers(bool functions) {
    Piece base = component(functions);
    while (at("^")) {
      Expr exponent;
      if (!attempt([&] { exponent = superscript(); })) break;
      if (!base.derivative_by.empty()) throw Refused("power of d/dx");
      base.value = power(base.value, exponent);
    }
    return base;
  }

  Expr superscript() {
    ++at_;
    const Expr exponent = script();
    if (at("_")) {
      ++at_;
      script();
    }
    return exponent;
  }

  /// What follows ^ or _: one atom or an expression in braces.
  Expr script() {
    if (take("{")) {
      const Expr inner = expression();
      expect("}");
      return inner;
    }
    const Piece piece = atom();
    if (!piece.value) throw SyntaxError("d/dx as a script");
    return piece.value;
  }

  Expr between(std::string_view close) {
    const bool outer = in_bars_;
    in_bars_ = false;
    ++at_;
    const Expr inner = expression();
    in_bars_ = outer;
    expect(close);
    return inner;
  }

  Piece component(bool functions) {
    const Nested nested(depth_);
    if (at("(")) return {between(")"), ""};
    if (at("[")) return {between("]"), ""};
    if (at("{")) return {between("}"), ""};
    if (at("\\{")) return {between("\\}"), ""};
    if (at("|")) return {absolute(), ""};
    if (at_command("lfloor") || at_command("lceil")) return {rounded_value(), ""};
    if (at_listed(kPlainFunctions)) return {plain_function(), ""};
    if (at_listed(kOtherFunctions)) return {other_function(), ""};
    if (functions && at_symbol()) {
      Expr applied;
      if (attempt([&] { applied = applied_symbol(); })) return {applied, ""};
    }
    return atom();
  }

  Expr absolute() {
    const bool outer = in_bars_;
    in_bars_ = true;
    ++at_;
    const Expr inner = expression();
    in_bars_ = outer;
    expect("|");
    return call("abs", {inner});
  }
  Expr rounded_value() {
    const bool down = peek().text == "lfloor";
    ++at_;
    const Expr inner = expression();
    if (!at_command(down ? "rfloor" : "rceil")) throw SyntaxError("floor not closed");
    ++at_;
    return call(down ? "floor" : "ceiling", {inner});
  }

  /// A letter or command with subscript and primes, as a name.
  std::string symbol_name() {
    std::string name = peek().text;
    const bool is_letter = peek().type == LatexType::kLetter;
    ++at_;
    std::string primes;
    if (peek().type == LatexType::kQuotes) primes = tokens_[at_++].text;
    if (at("_")) {
      ++at_;
      name += "_{" + to_string(script()) + "}";
      if (primes.empty() && peek().type == LatexType::kQuotes) primes = tokens_[at_++].text;
    }
    return is_letter ? name + primes : name;
  }
  /// "f(x, y)"
  Expr applied_symbol() {
    const std::string name = symbol_name();
    expect("(");
    const bool outer = in_bars_;
    in_bars_ = false;
    std::vector<Expr> args{expression()};
    while (take(",")) args.push_back(expression());
    expect(")");
    in_bars_ = outer;
    return call(name, std::move(args));
  }

  Piece atom() {
    switch (peek().type) {
      case LatexType::kDigit:
        return {number(), ""};
      case LatexType::kDifferential:
        return {symbol("d" + tokens_[at_++].text), ""};
      case LatexType::kLetter:
        return {symbol(symbol_name()), ""};
      case LatexType::kCommand:
        break;
      default:
        throw SyntaxError("unexpected " + peek().text);
    }
    if (at_listed(" frac dfrac tfrac ")) return fraction();
    if (at_listed(" binom dbinom tbinom ")) return {binomial(), ""};
    if (at_command("mathit")) return {upright(), ""};
    if (!at_symbol()) throw SyntaxError("unexpected \\" + peek().text);
    const bool infinity = at_command("infty");
    const std::string name = symbol_name();
    return {infinity ? constant("oo") : symbol(name), ""};
  }

  bool digit(std::size_t ahead) const { return peek(ahead).type == LatexType::kDigit; }
  Expr number() {
    std::string text;
    bool real = false;
    while (digit(0)) text += tokens_[at_++].text;
    while (at(",") && digit(1) && digit(2) && digit(3)) {
      for (std::size_t i = 1; i <= 3; ++i) text += peek(i).text;
      at_ += 4;
    }
    if (at(".")) {
      if (!digit(1)) throw SyntaxError("a point without digits");
      real = true;
      text += tokens_[at_++].text;
      while (digit(0)) text += tokens_[at_++].text;
    }
    const bool octal = !real && text[0] == '0' && text.find_first_not_of('0') != std::string::npos;
    if (octal) throw Refused("sympy reads no number with a leading zero");
    return real ? decimal(decimal_value(text)) : exact(decimal_value(text));
  }

  Expr fraction_part() {
    if (digit(0)) return exact(decimal_value(tokens_[at_++].text));
    if (!at("{")) throw SyntaxError("expected { after \\frac");
    return between("}");
  }
  bool single(LatexType type, std::string_view text) const {
    return at("{") && peek(1).type == type && (text.empty() || peek(1).text == text) && at("}", 2);
  }
  Piece fraction() {
    ++at_;
    const std::size_t top_at = at_;
    const bool d = single(LatexType::kLetter, "d");
    const bool partial = single(LatexType::kCommand, "partial");
    const Expr top = fraction_part();
    std::string by;
    if (single(LatexType::kDifferential, "")) by = peek(1).text;
    const bool round = at("{") && peek(1).type == LatexType::kCommand &&
                       peek(1).text == "partial" && at_symbol(2) && at("}", 3);
    if (partial && round) by = peek(2).text;
    const Expr bottom = fraction_part();
    if (!by.empty() && (d || partial)) return {nullptr, by};
    const bool derivative = !by.empty() && tokens_[top_at + 1].type == LatexType::kDifferential;
    if (derivative) return {call("Derivative", {top, symbol(by)}), ""};
    return {divide(top, bottom), ""};
  }
  Expr binomial() {
    ++at_;
    if (!at("{")) throw SyntaxError("expected {");
    const Expr n = between("}");
    if (!at("{")) throw SyntaxError("expected {");
    const Expr k = between("}");
    return call("binomial", {n, k});
  }
  Expr upright() {
    ++at_;
    expect("{");
    std::string name;
    while (peek().type == LatexType::kLetter) name += tokens_[at_++].text;
    expect("}");
    return symbol(name);
  }

  Expr plain_function() {
    const std::string name = tokens_[at_++].text;
    const std::size_t start = at_;
    // Digits after the subscript belong to it as long as an argument remains: \log_2 3.
    Expr value;
    for (std::size_t spared = 0;; ++spared) {
      if (attempt([&] { value = applied_function(name, spared); })) return value;
      if (spared > 0 || !spare_digit(start)) throw SyntaxError("no argument of \\" + name);
    }
  }
  bool spare_digit(std::size_t start) const {
    const auto is_digit = [&](std::size_t i) {
      return i < tokens_.size() && tokens_[i].type == LatexType::kDigit;
    };
    return tokens_[start].type == LatexType::kOther && tokens_[start].text == "_" &&
           is_digit(start + 1) && is_digit(start + 2);
  }
  Expr applied_function(const std::string& name, std::size_t spared) {
    Expr sub;
    Expr sup;
    for (int i = 0; i < 2; ++i) {
      if (!sub && at("_")) {
        ++at_;
        sub = spared > 0 && digit(0) ? shorter_number(spared) : script();
      } else if (!sup && at("^")) {
        ++at_;
        sup = script();
      }
    }
    const Expr arg = function_argument();
    return named_function(name, arg, sub, sup);
  }
  Expr shorter_number(std::size_t spared) {
    std::string text;
    while (digit(spared)) text += tokens_[at_++].text;
    return exact(decimal_value(text));
  }
  Expr function_argument() {
    const Nested nested(depth_);
    Expr first;
    const bool in_parentheses = at("(") && attempt([&] {
                                  ++at_;
                                  const bool outer = in_bars_;
                                  in_bars_ = false;
                                  first = expression();
                                  while (take(",")) expression();
                                  in_bars_ = outer;
                                  expect(")");
                                });
    return in_parentheses ? first : product(false);
  }
  Expr other_function() {
    const std::string name = tokens_[at_++].text;
    if (name == "sqrt") return root();
    if (name == "overline") {
      if (!at("{")) throw SyntaxError("expected {");
      return call("conjugate", {between("}")});
    }
    if (name == "int") return integral();
    if (name == "lim") return limit();
    return repeated(name == "sum" ? "Sum" : "Product");
  }
  Expr root() {
    Expr degree = integer(2);
    if (at("[")) degree = between("]");
    if (!at("{")) throw SyntaxError("expected { after \\sqrt");
    return power(between("}"), power(degree, integer(-1)));
  }
  Expr integral() {
    Expr low;
    Expr high;
    for (int i = 0; i < 2; ++i) {
      if (at("_")) {
        ++at_;
        low = script();
      } else if (at("^")) {
        ++at_;
        high = script();
      }
    }
    if (!low != !high) throw SyntaxError("one bound only");
    const Expr body = expression();
    if (!low) return call("Integral", {body});
    return call("Integral", {body, low, high});
  }
  Expr repeated(std::string_view name) {
    Expr variable;
    Expr low;
    Expr high;
    for (int i = 0; i < 2; ++i) {
      if (at("_")) {
        ++at_;
        expect("{");
        variable = expression();
        expect("=");
        low = expression();
        expect("}");
      } else if (at("^")) {
        ++at_;
        high = script();
      }
    }
    if (!low || !high) throw SyntaxError("sum without bounds");
    return call(name, {product(true), variable, low, high});
  }
  Expr limit() {
    expect("_");
    expect("{");
    if (!at_symbol()) throw SyntaxError("limit of what");
    const Expr variable = symbol(tokens_[at_++].text);
    if (!at_listed(" to rightarrow Rightarrow longrightarrow Longrightarrow ")) {
      throw SyntaxError("limit to what");
    }
    ++at_;
    const Expr to = expression();
    std::string direction = "+-";
    if (take("^")) {
      const bool braced = take("{");
      direction = peek().text;
      if (!take("+") && !take("-")) throw SyntaxError("limit from where");
      if (braced) expect("}");
    }
    expect("}");
    return call("Limit", {product(true), variable, to, symbol(direction)});
  }
};

}  // namespace

Expr parse_sympy_latex(std::string_view text) {
  return Parser(sympy_latex_tokens(text)).relation_chain();
}

}  // namespace moebius::scorers::math
