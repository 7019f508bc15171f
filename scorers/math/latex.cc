// Our own LaTeX dialect: lists of relations of expressions, tolerant of how people write.
//
// A list at the top ("1, 2 and 3") is a tuple without brackets; a chain "0 < x < 1" is a tuple of
// relations named "chain"; "x = 2 + 3 = 5" keeps the first and the last side. Percent, degrees,
// units, bases and ratios are calls named "percent", "degree", "unit", "base", "ratio": they mean
// nothing to same_value, the moebius grader knows them.
#include <algorithm>

#include "scorers/math/latex_lexer.h"
#include "scorers/math/parser.h"

namespace moebius::scorers::math {
namespace {

class Parser {
 public:
  explicit Parser(std::vector<LatexTok> tokens) : tokens_(std::move(tokens)) {}

  Expr whole() {
    Expr result = list("", "");
    if (peek().type != Tok::kEnd) throw SyntaxError("unexpected " + peek().text);
    return result;
  }

 private:
  const LatexTok& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool at(std::string_view op, std::size_t ahead = 0) const {
    return peek(ahead).type == Tok::kOperator && peek(ahead).text == op;
  }
  bool at_structure(std::string_view name) const {
    return peek().type == Tok::kStructure && peek().text == name;
  }
  bool take(std::string_view op) {
    if (!at(op)) return false;
    ++at_;
    return true;
  }
  void expect(std::string_view op) {
    if (!take(op)) throw SyntaxError("expected " + std::string(op) + ", found " + peek().text);
  }
  bool at_separator() const {
    return at(",") || at(";") || at("and") || at("sep") || at_structure("row");
  }
  bool at_close() const {
    return at(")") || at("]") || at("}") || at("\\}") || peek().type == Tok::kEnd || at("&") ||
           (peek().type == Tok::kStructure && peek().text.starts_with("end:"));
  }

  /// Items up to something that closes. One item without a comma stays itself.
  Expr list(std::string_view brackets, std::string_view always) {
    const Nested nested(depth_);
    std::vector<Expr> items;
    bool comma = false;
    while (true) {
      while (at_separator()) comma |= tokens_[at_++].text == "," && !items.empty();
      if (at_close()) break;
      items.push_back(chain());
      if (!at_separator()) break;
    }
    if (items.empty() && always.empty()) throw SyntaxError("nothing here");
    if (items.size() == 1 && always.empty()) return items[0];
    return tuple(std::move(items), brackets);
  }

  std::string relation_operator() const {
    for (const char* op : {"=", "!=", "<", "<=", ">", ">=", "approx", "in"}) {
      if (at(op)) return op;
    }
    return "";
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
  static Expr linked(const std::vector<Expr>& parts, std::vector<std::string> ops) {
    // "x = 5/3 = 1.67 approx 1.7": what is only about equal adds nothing unless it is all there is.
    std::size_t last = ops.size();
    while (last > 1 && ops[last - 1] == "approx") --last;
    std::vector<Expr> relations;
    bool ordered = false;
    for (std::size_t i = 0; i < last; ++i) {
      if (ops[i] == "approx") ops[i] = "=";
      ordered |= ops[i] != "=";
      relations.push_back(stated_relation(ops[i], parts[i], parts[i + 1]));
    }
    if (!ordered) return stated_relation("=", named_side(parts, last), parts[last]);
    if (relations.size() == 1) return relations[0];
    return tuple(std::move(relations), "chain");
  }

  /// The first side of "1 = y = x = 0" that is a name, or else the first.
  static const Expr& named_side(const std::vector<Expr>& parts, std::size_t last) {
    const auto name = [](const Expr& e) {
      return e->kind == Kind::kSymbol || e->kind == Kind::kText;
    };
    const auto end = parts.begin() + static_cast<std::ptrdiff_t>(last);
    const auto found = std::find_if(parts.begin(), end, name);
    return symbols_of(parts[0]).empty() && found != end ? *found : parts[0];
  }

  Expr set_operation() {
    Expr left = sum();
    while (at("cup") || at("cap") || at("minus")) {
      const std::string op = tokens_[at_++].text;
      const Expr right = sum();
      left = op == "cup" ? union_of({as_set(left), as_set(right)})
                         : call(op, {as_set(left), as_set(right)});
    }
    return left;
  }
  static Expr as_set(const Expr& e) {
    const bool pair = e->kind == Kind::kTuple && e->args.size() == 2 && e->name == "()";
    return pair ? interval(e->args[0], e->args[1], "()") : e;
  }

  Expr sum() {
    const Nested nested(depth_);
    Expr left = product();
    while (at("+") || at("-") || at("pm") || at("mp")) {
      const std::string op = tokens_[at_++].text;
      const Expr right = product();
      if (left->kind == Kind::kMatrix || right->kind == Kind::kMatrix) {
        left = with_matrix("+", left, op == "-" ? negated(right) : right);
      } else {
        left = add({arithmetic(left), signed_value(op, right)});
      }
    }
    return left;
  }
  static Expr signed_value(const std::string& op, const Expr& e) {
    if (op == "+") return arithmetic(e);
    if (op == "-") return negate(arithmetic(e));
    return op == "pm" ? plus_minus(arithmetic(e)) : negate(plus_minus(arithmetic(e)));
  }
  static const Expr& arithmetic(const Expr& e) {
    if (is_scalar(e)) return e;
    throw SyntaxError("no arithmetic with " + to_string(e));
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
  static Expr combined(const std::string& op, const Expr& a, const Expr& b) {
    if (op == ":") return ratio(a, b);
    if (a->kind == Kind::kMatrix || b->kind == Kind::kMatrix) return with_matrix(op, a, b);
    return op == "*" ? mul({arithmetic(a), arithmetic(b)}) : divide(arithmetic(a), arithmetic(b));
  }
  static Expr with_matrix(const std::string& op, const Expr& a, const Expr& b) {
    Expr result;
    if (op == "+") result = matrix_sum(a, b);
    if (op == "*") result = matrix_product(a, b);
    if (op == "/" && is_scalar(b)) result = matrix_product(a, power(b, integer(-1)));
    if (!result) throw SyntaxError("matrices that do not fit");
    return result;
  }
  static Expr ratio(const Expr& a, const Expr& b) {
    std::vector<Expr> parts{a, b};
    if (a->kind == Kind::kTuple && a->name == "ratio") {
      parts = a->args;
      parts.push_back(b);
    }
    return tuple(std::move(parts), "ratio");
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
  /// 3 1/2 is 3 + 1/2 if the fraction is one of numbers below 1; else a product.
  static Expr mixed(const Expr& whole, const Expr& fraction) {
    const bool proper = is_number(fraction) && sgn(fraction->value) > 0 && fraction->value < 1;
    return proper ? add({whole, fraction}) : mul({whole, arithmetic(fraction)});
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
  static Expr negated(const Expr& e) {
    return e->kind == Kind::kMatrix ? matrix_product(integer(-1), e) : negate(arithmetic(e));
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
    if (peek().type != Tok::kNumber || digits.find('.') != std::string::npos ||
        digits.size() + text.size() > 500) {
      throw SyntaxError("repeating digits");
    }
    ++at_;
    if (braced) expect("}");
    const std::size_t places = text.size() - text.find('.') - 1;
    mpz_class ring;
    mpz_class shift;
    mpz_ui_pow_ui(ring.get_mpz_t(), 10, digits.size());
    mpz_ui_pow_ui(shift.get_mpz_t(), 10, places);
    return exact(decimal_value(text) + decimal_value(digits) / mpq_class((ring - 1) * shift));
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
  static Expr applied(const std::string& name, const std::vector<Expr>& args, const Expr& base,
                      const Expr& exponent) {
    Expr value;
    const Expr& x = args.at(0);
    if (name == "exp") {
      value = power(constant("E"), x);
    } else if (name == "ln" || name == "log" || name == "lg") {
      // \log alone is the natural one, as in the references.
      const Expr b = base ? base : name == "lg" ? integer(10) : constant("E");
      value = divide(call("log", {x}), call("log", {b}));
    } else if (exponent && is_number(exponent) && exponent->value == -1 && name[0] != 'a') {
      return call("a" + name, args);
    } else {
      value = call(name, args);
    }
    return exponent ? power(value, arithmetic(exponent)) : value;
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
    if (name == "overline") return over(argument());
    if (name == "lfloor" || name == "lceil") return rounded_value(name == "lfloor");
    if (name == "empty") return set({});
    if (name == "reals") return interval(constant("-oo"), constant("oo"), "()");
    if (name == "sum" || name == "prod" || name == "int" || name == "lim") return operated(name);
    throw SyntaxError("unexpected " + name);
  }
  static Expr over(const Expr& e) { return call("overline", {e}); }

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
  static Expr arranged(const std::string& kind, const std::vector<std::vector<Expr>>& rows) {
    std::vector<Expr> all;
    bool even = true;
    for (const std::vector<Expr>& row : rows) {
      even &= row.size() == rows[0].size();
      all.insert(all.end(), row.begin(), row.end());
    }
    const bool is_matrix = kind.ends_with("matrix") || kind == "array";
    if (is_matrix && even && !all.empty()) {
      return matrix(std::move(all), static_cast<std::uint32_t>(rows.size()));
    }
    if (all.empty()) throw SyntaxError("empty environment");
    return all.size() == 1 ? all[0] : tuple(std::move(all), kind == "cases" ? "cases" : "");
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

  std::vector<LatexTok> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int bars_ = 0;
};

}  // namespace

Expr parse_latex(std::string_view text) {
  return Parser(latex_tokens(text)).whole();
}

}  // namespace moebius::scorers::math
