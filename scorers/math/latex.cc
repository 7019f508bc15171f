// Our own LaTeX dialect: lists of relations of expressions, tolerant of how people write.
//
// A list at the top ("1, 2 and 3") is a tuple without brackets; a chain "0 < x < 1" is a tuple of
// relations named "chain"; "x = 2 + 3 = 5" keeps the first and the last side. Percent, degrees,
// units, bases and ratios are calls named "percent", "degree", "unit", "base", "ratio": they mean
// nothing to same_value, the moebius grader knows them.
#include <algorithm>

#include "scorers/math/latex_cursor.h"
#include "scorers/math/latex_meaning.h"
#include "scorers/math/parser.h"

namespace moebius::scorers::math {
namespace {

class Parser : private LatexCursor {
 public:
  using LatexCursor::LatexCursor;

  Expr whole() {
    Expr result = list("", "");
    if (peek().type != Tok::kEnd) throw SyntaxError("unexpected " + peek().text);
    return result;
  }

 private:
  /// Items up to something that closes. One item without a comma stays itself.
  Expr list(std::string_view brackets, std::string_view always) {
    const Nested nested(depth_);
    std::vector<Expr> items;
    while (true) {
      while (at_separator()) ++at_;
      if (at_close()) break;
      items.push_back(chain());
      if (!at_separator()) break;
    }
    if (items.empty() && always.empty()) throw SyntaxError("nothing here");
    if (items.size() == 1 && always.empty()) return items[0];
    return tuple(std::move(items), brackets);
  }

  Expr chain() {
    std::vector<Expr> parts{set_operation()};
    std::vector<std::string> ops;
    for (std::string op = relation_operator(); !op.empty(); op = relation_operator()) {
      ++at_;
      take("&");
      ops.push_back(op);
      parts.push_back(set_operation());
    }
    if (ops.empty()) return parts[0];
    if (ops[0] == "in") return stated_relation("in", parts[0], parts[1]);
    return linked(parts, ops);
  }
  Expr set_operation() {
    Expr left = sum();
    while (at("cup") || at("cap") || at("minus")) {
      const std::string op = tokens_[at_++].text;
      left = pair_as_interval(left);
      const Expr right = pair_as_interval(sum());
      left = op == "cup" ? union_of({left, right}) : call(op, {left, right});
    }
    return left;
  }
  Expr sum() {
    const Nested nested(depth_);
    std::vector<Expr> terms{product()};  // added at once: one by one would be quadratic
    while (at("+") || at("-") || at("pm") || at("mp")) {
      const std::string op = tokens_[at_++].text;
      const Expr right = product();
      if (terms[0]->kind == Kind::kMatrix || right->kind == Kind::kMatrix) {
        const Expr left = terms.size() == 1 ? terms[0] : add(std::move(terms));
        terms = {with_matrix("+", left, op == "-" ? negated(right) : right)};
      } else {
        arithmetic(terms[0]);
        terms.push_back(signed_value(op, right));
      }
    }
    return terms.size() == 1 ? terms[0] : add(std::move(terms));
  }
  Expr product() {
    Expr left = unary();
    while (true) {
      if (at("*") || at("/") || at(":")) {
        const std::string op = tokens_[at_++].text;
        left = combined(op, left, unary());
      } else if (starts_factor()) {
        left = beside(left);
      } else {
        return left;
      }
    }
  }
  bool starts_factor() const {
    const LatexTok& token = peek();
    switch (token.type) {
      case Tok::kNumber:
      case Tok::kSymbol:
      case Tok::kConstant:
      case Tok::kFunction:
      case Tok::kText:
        return true;
      case Tok::kStructure:
        return token.text != "row" && !token.text.starts_with("end:") && token.text[0] != 'r';
      case Tok::kOperator:
        return at("(") || at("[") || at("{") || at("\\{") || (at("|") && bars_ == 0);
      case Tok::kEnd:
        return false;
    }
    return false;
  }
  /// What stands beside an expression: a mixed number's fraction, a unit, or one more factor.
  Expr beside(const Expr& left) {
    if (peek().type == Tok::kText) return with_unit(left);
    const bool whole = is_integer(left) && tokens_[at_ - 1].type == Tok::kNumber;
    if (whole && at_structure("frac")) return mixed(left, fraction());
    if (whole && peek().type == Tok::kNumber && peek().spaced && at("/", 1) &&
        peek(2).type == Tok::kNumber) {
      const Expr top = number();
      ++at_;
      return mixed(left, divide(top, number()));
    }
    return combined("*", left, factor());
  }
  Expr with_unit(const Expr& left) {
    std::string unit;
    while (true) {
      if (peek().type == Tok::kText) {
        unit += (unit.empty() ? "" : " ") + tokens_[at_++].text;
      } else if (at("^") && peek(1).type == Tok::kNumber) {
        unit += "^" + peek(1).text;
        at_ += 2;
      } else if (at("^") && at("{", 1) && peek(2).type == Tok::kNumber && at("}", 3)) {
        unit += "^" + peek(2).text;
        at_ += 4;
      } else if (at("/") && peek(1).type == Tok::kText) {
        unit += "/";
        ++at_;
      } else {
        break;
      }
    }
    return call("unit", {left, text(unit)});
  }

  Expr unary() {
    const Nested nested(depth_);
    if (take("-")) return negated(unary());
    if (take("+")) return unary();
    if (take("pm")) return plus_minus(arithmetic(unary()));
    if (take("mp")) return negate(plus_minus(arithmetic(unary())));
    return factor();
  }
  Expr factor() { return postfixed(powered(primary())); }
  Expr powered(Expr base) {
    while (at("^") || at("_")) {
      const bool up = at("^");
      ++at_;
      if (up && degree_follows()) {
        base = call("degree", {arithmetic(base)});
      } else if (up && take("'")) {
        base = call("prime", {base});
      } else if (up) {
        base = power(arithmetic(base), arithmetic(script()));
      } else {
        base = subscripted(base);
      }
    }
    return base;
  }
  bool degree_follows() {
    if (take("degree")) return true;
    const bool braced = at("{") && at("degree", 1) && at("}", 2);
    if (braced) at_ += 3;
    return braced;
  }
  /// 1011_2 is a numeral in base 2.
  Expr subscripted(const Expr& base) {
    const Expr index = script();
    const bool numeral = is_number(base) && is_integer(index);
    if (numeral) return call("base", {base, index});
    throw SyntaxError("a subscript of " + to_string(base));
  }
  Expr script() {
    const Nested nested(depth_);
    if (take("{")) {
      const Expr inner = list("", "");
      expect("}");
      return inner;
    }
    if (take("-")) return negate(arithmetic(script()));
    return primary();
  }
  Expr postfixed(Expr e) {
    while (true) {
      if (at("!") && !at("=", 1)) {
        ++at_;
        e = call("factorial", {arithmetic(e)});
      } else if (take("%")) {
        e = call("percent", {arithmetic(e)});
      } else if (take("degree")) {
        e = call("degree", {arithmetic(e)});
      } else if (at("^")) {
        e = powered(e);
      } else {
        return e;
      }
    }
  }

  Expr number() {
    const LatexTok token = tokens_[at_++];
    const std::size_t point = token.text.find('.');
    if (point == std::string::npos) return exact(decimal_value(token.text));
    if (at_structure("overline")) return repeating(token.text);
    return decimal(decimal_value(token.text));
  }
  /// 0.1\overline{6}
  Expr repeating(const std::string& text) {
    ++at_;
    const bool braced = take("{");
    const std::string digits = peek().text;
    if (peek().type != Tok::kNumber || digits.find('.') != std::string::npos) {
      throw SyntaxError("repeating digits");
    }
    ++at_;
    if (braced) expect("}");
    return exact(repeating_decimal(text, digits));
  }

  Expr primary() {
    const Nested nested(depth_);
    const LatexTok token = peek();
    switch (token.type) {
      case Tok::kNumber:
        return number();
      case Tok::kConstant:
        ++at_;
        if (at("_")) return symbol_with(token.text == "E" ? "e" : "i");
        return constant(token.text);
      case Tok::kSymbol:
        ++at_;
        return symbol_with(token.text);
      case Tok::kText:
        ++at_;
        return words(token.text);
      case Tok::kFunction:
        ++at_;
        return function(token.text);
      case Tok::kStructure:
        return structure(token.text);
      case Tok::kOperator:
        return bracketed();
      case Tok::kEnd:
        break;
    }
    throw SyntaxError("unexpected end");
  }
  /// Words that go on: "no solution".
  Expr words(std::string all) {
    while (peek().type == Tok::kText) all += " " + tokens_[at_++].text;
    return text(all);
  }

  std::string subscript_text() {
    std::string name;
    if (!take("{")) return tokens_[at_++].text;
    for (int depth = 1; depth > 0; ++at_) {
      if (peek().type == Tok::kEnd) throw SyntaxError("subscript not closed");
      if (at("{")) ++depth;
      if (at("}") && --depth == 0) continue;
      name += peek().text;
    }
    return name;
  }
  Expr symbol_with(std::string name) {
    if (take("_")) name += "_" + subscript_text();
    while (at("'") || (at("^") && at("'", 1))) {
      take("^");
      take("'");
      name += "'";
    }
    const bool applied = at("(") && !peek().spaced && is_function_name(name);
    if (!applied) return symbol(name);
    ++at_;
    const Expr inner = list("()", "always");
    expect(")");
    return call(name, inner->args);
  }
  /// f(x) is an application, x(y) a product, unless a relation follows: P(x) = ...
  bool is_function_name(const std::string& name) const {
    if (std::string_view("fghFGH").find(name[0]) != std::string_view::npos) return true;
    const LatexTok* before = at_ >= 2 ? &tokens_[at_ - 2] : nullptr;
    const bool first = before == nullptr || before->text == "and" || before->text == "," ||
                       before->text == "sep" || before->text == ";";
    return first && (peek(1).type == Tok::kSymbol || peek(1).type == Tok::kNumber) && at(")", 2) &&
           at("=", 3);
  }

  Expr function(const std::string& name) {
    Expr base;
    Expr exponent;
    while (at("_") || at("^")) {
      const bool sub = at("_");
      ++at_;
      (sub ? base : exponent) = script();
    }
    std::vector<Expr> args;
    if (at("(") || at("[")) {
      const std::string close = at("(") ? ")" : "]";
      ++at_;
      args = list("()", "always")->args;
      if (!take(")") && !take("]")) throw SyntaxError("expected " + close);
    } else {
      args = {bare_argument()};
    }
    for (const Expr& arg : args) arithmetic(arg);
    return applied(name, args, base, exponent);
  }
  /// "sin 2x y" takes the whole product, "sin x cos y" stops at the next function.
  Expr bare_argument() {
    if (take("-")) return negate(arithmetic(bare_argument()));
    Expr left = factor();
    while (starts_factor() && peek().type != Tok::kFunction && peek().type != Tok::kText &&
           !at("(")) {
      left = mul({arithmetic(left), arithmetic(factor())});
    }
    return left;
  }
  Expr structure(const std::string& name) {
    if (name == "frac") return fraction();
    if (name.starts_with("begin:")) return environment(name.substr(6));
    ++at_;
    if (name == "sqrt") return root();
    if (name == "binom") {
      const Expr n = argument();
      return call("binomial", {arithmetic(n), arithmetic(argument())});
    }
    if (name == "overline") return call("overline", {argument()});
    if (name == "lfloor" || name == "lceil") return rounded_value(name == "lfloor");
    if (name == "empty") return set({});
    if (name == "reals") return interval(constant("-oo"), constant("oo"), "()");
    if (name == "sum" || name == "prod" || name == "int" || name == "lim") return operated(name);
    throw SyntaxError("unexpected " + name);
  }
  /// A group in braces, or the next digit or symbol alone, as TeX reads it.
  Expr argument() {
    const Nested nested(depth_);
    if (take("{")) {
      const Expr inner = list("", "");
      expect("}");
      return inner;
    }
    if (peek().type == Tok::kNumber) return one_digit();
    return primary();
  }
  Expr one_digit() {
    LatexTok& token = tokens_[at_];
    if (token.text.size() == 1 || token.text.find('.') != std::string::npos) return number();
    const Expr digit = exact(decimal_value(token.text.substr(0, 1)));
    token.text.erase(0, 1);
    token.spaced = false;
    return digit;
  }
  Expr fraction() {
    ++at_;
    const Expr top = argument();
    const Expr bottom = argument();
    if (!is_scalar(top) || !is_scalar(bottom)) return call("/", {top, bottom});
    return divide(top, bottom);
  }
  Expr root() {
    Expr degree = integer(2);
    if (take("[")) {
      degree = arithmetic(list("", ""));
      expect("]");
    }
    Expr inside;
    if (take("(")) {
      inside = list("", "");
      expect(")");
    } else {
      inside = argument();
    }
    return power(arithmetic(inside), power(degree, integer(-1)));
  }
  Expr rounded_value(bool down) {
    const Expr inner = arithmetic(sum());
    if (!at_structure(down ? "rfloor" : "rceil")) throw SyntaxError("floor not closed");
    ++at_;
    return call(down ? "floor" : "ceiling", {inner});
  }
  /// Sums, integrals and limits: what stands below and above, then the operand.
  Expr operated(const std::string& name) {
    std::vector<Expr> args;
    Expr low;
    Expr high;
    while (at("_") || at("^")) {
      const bool sub = at("_");
      ++at_;
      (sub ? low : high) = script();
    }
    const Expr body = product();
    const bool counted = low && high && low->kind == Kind::kRelation && low->name == "=" &&
                         low->args[0]->kind == Kind::kSymbol && (name == "sum" || name == "prod");
    if (counted) {
      return call(name == "sum" ? "Sum" : "Product",
                  {body, low->args[0], arithmetic(low->args[1]), arithmetic(high)});
    }
    args.push_back(body);
    if (low) args.push_back(low);
    if (high) args.push_back(high);
    return call(name, std::move(args));
  }

  Expr environment(const std::string& kind) {
    const Nested nested(depth_);
    ++at_;
    const std::string close = "end:" + kind;
    std::vector<std::vector<Expr>> rows(1);
    while (!at_structure(close)) {
      if (peek().type == Tok::kEnd) throw SyntaxError("environment not closed");
      if (at_structure("row")) {
        rows.emplace_back();
        ++at_;
      } else if (!take("&") && !take(",") && !take("sep")) {
        rows.back().push_back(chain());
      }
    }
    ++at_;
    if (rows.back().empty()) rows.pop_back();
    return arranged(kind, rows);
  }
  Expr bracketed() {
    if (take("{")) return braces();
    if (take("\\{")) {
      const Expr inner = list("", "always");
      if (at("|") || at(":")) return builder(inner);
      expect("\\}");
      return set(inner->args);
    }
    if (take("|")) return bars();
    if (at("(") || at("[")) return parentheses();
    throw SyntaxError("unexpected " + peek().text);
  }
  /// {1, 2} is a set, {x} a group.
  Expr braces() {
    if (take("}")) throw SyntaxError("empty group");
    const Expr inner = list("", "");
    expect("}");
    return inner->kind == Kind::kTuple && inner->name.empty() ? set(inner->args) : inner;
  }
  /// { x | x > 0 }: the condition is what counts.
  Expr builder(const Expr& what) {
    ++at_;
    const Expr condition = list("", "always");
    expect("\\}");
    return call("builder", {what, condition});
  }
  Expr bars() {
    ++bars_;
    const Expr inner = sum();
    --bars_;
    expect("|");
    return is_scalar(inner) ? call("abs", {inner}) : call("bars", {inner});
  }
  Expr parentheses() {
    const std::string open = tokens_[at_++].text;
    const int bars = bars_;
    bars_ = 0;
    const Expr inner = list("", "always");
    bars_ = bars;
    const std::string close = peek().text;
    if (!take(")") && !take("]")) throw SyntaxError("bracket not closed");
    if (inner->args.empty()) throw SyntaxError("nothing in brackets");
    if (inner->args.size() == 1) {
      if (open == "[" || close == "]") return list_of_one(inner->args[0], open, close);
      return inner->args[0];
    }
    const bool round = open == "(" && close == ")";
    if (inner->args.size() == 2 && !round) {
      return interval(inner->args[0], inner->args[1], open + close);
    }
    return tuple(inner->args, open + close);
  }
  static Expr list_of_one(const Expr& e, const std::string& open, const std::string& close) {
    if (is_scalar(e) && open == "[" && close == "]") return e;
    throw SyntaxError("brackets around one thing");
  }

  int depth_ = 0;
  int bars_ = 0;
};

}  // namespace

Expr parse_latex(std::string_view text) {
  return Parser(latex_tokens(text)).whole();
}

}  // namespace moebius::scorers::math
