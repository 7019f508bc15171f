// The door of the parsers, and what they share.
#include "scorers/math/parser.h"

namespace moebius::scorers::math {
namespace {

struct Renamed {
  std::string_view from;
  std::string_view to;
};

// sympy's name, ours.
constexpr Renamed kFunctions[] = {
    {"Abs", "abs"},         {"abs", "abs"},
    {"ln", "log"},          {"log", "log"},
    {"sin", "sin"},         {"cos", "cos"},
    {"tan", "tan"},         {"cot", "cot"},
    {"sec", "sec"},         {"csc", "csc"},
    {"asin", "asin"},       {"acos", "acos"},
    {"atan", "atan"},       {"acot", "acot"},
    {"asec", "asec"},       {"acsc", "acsc"},
    {"sinh", "sinh"},       {"cosh", "cosh"},
    {"tanh", "tanh"},       {"coth", "coth"},
    {"sech", "sech"},       {"csch", "csch"},
    {"asinh", "asinh"},     {"acosh", "acosh"},
    {"atanh", "atanh"},     {"factorial", "factorial"},
    {"gamma", "gamma"},     {"floor", "floor"},
    {"ceiling", "ceiling"}, {"sign", "sign"},
    {"re", "re"},           {"im", "im"},
    {"arg", "arg"},         {"conjugate", "conjugate"},
};

Expr two_arguments(std::string_view name, const Expr& a, const Expr& b) {
  if (name == "log" || name == "ln") return divide(call("log", {a}), call("log", {b}));
  if (name == "root" || name == "real_root") return power(a, power(b, integer(-1)));
  if (name == "Pow" || name == "pow") return power(a, b);
  if (name == "Rational") return divide(a, b);
  if (name == "Mod") return call("mod", {a, b});
  if (name == "binomial" || name == "gcd" || name == "lcm") return call(name, {a, b});
  if (name == "Eq" || name == "Equality") return relation("=", a, b);
  if (name == "Interval") return interval(a, b, "[]");
  return nullptr;
}

Expr one_argument(std::string_view name, const Expr& a) {
  for (const Renamed& known : kFunctions) {
    if (known.from == name) return call(known.to, {a});
  }
  if (name == "sqrt") return power(a, exact(mpq_class(1, 2)));
  if (name == "cbrt") return power(a, exact(mpq_class(1, 3)));
  if (name == "exp") return power(constant("E"), a);
  if (name == "factorial2" && is_integer(a) && a->value >= 0 && a->value <= 1000) {
    mpz_class result;
    mpz_2fac_ui(result.get_mpz_t(), a->value.get_num().get_ui());
    return exact(result);
  }
  const bool same = name == "Integer" || name == "Float" || name == "Rational" || name == "S" ||
                    name == "sympify" || name == "simplify" || name == "expand" || name == "factor";
  return same ? a : nullptr;
}

Expr matrix_of(const std::vector<Expr>& args) {
  if (args.size() != 1 || args[0]->kind != Kind::kTuple) return nullptr;
  std::vector<Expr> items;
  for (const Expr& row : args[0]->args) {
    if (row->kind == Kind::kTuple) {
      if (row->args.size() != args[0]->args[0]->args.size()) return nullptr;
      items.insert(items.end(), row->args.begin(), row->args.end());
    } else {
      items.push_back(row);
    }
  }
  return matrix(std::move(items), static_cast<std::uint32_t>(args[0]->args.size()));
}

Expr parse_any(std::string_view text, Dialect dialect) {
  switch (dialect) {
    case Dialect::kLatex:
      return parse_latex(text);
    case Dialect::kSympyLatex:
      return parse_sympy_latex(text);
    case Dialect::kSympyText:
      return parse_sympy_text(text, false);
    case Dialect::kSympyTextImplicit:
      return parse_sympy_text(text, true);
    case Dialect::kLatex2Sympy:
      return parse_latex2sympy(text);
  }
  return nullptr;
}

}  // namespace

Expr parse(std::string_view text, Dialect dialect) {
  if (text.size() > kMaxInput) return nullptr;
  try {
    return parse_any(text, dialect);
  } catch (const SyntaxError&) {
    return nullptr;
  } catch (const Refused&) {
    return nullptr;
  }
}

mpq_class decimal_value(std::string_view digits) {
  constexpr long kMaxExponent = 4000;
  std::string whole;
  long exponent = 0;
  bool point = false;
  std::size_t at = 0;
  for (; at < digits.size() && digits[at] != 'e' && digits[at] != 'E'; ++at) {
    if (digits[at] == '.') {
      point = true;
    } else if (digits[at] >= '0' && digits[at] <= '9') {
      whole += digits[at];
      exponent -= point ? 1 : 0;
    }
  }
  if (at < digits.size()) {
    const std::string written(digits.substr(at + 1));
    if (written.size() > 6) throw SyntaxError("exponent too large");
    exponent += std::atol(written.c_str());
  }
  if (whole.empty()) whole = "0";
  if (exponent > kMaxExponent || exponent < -kMaxExponent - static_cast<long>(digits.size())) {
    throw SyntaxError("exponent too large");
  }
  mpz_class scale;
  mpz_ui_pow_ui(scale.get_mpz_t(), 10, static_cast<unsigned long>(std::labs(exponent)));
  mpq_class value(mpz_class(whole, 10));
  value = exponent < 0 ? mpq_class(value / scale) : mpq_class(value * scale);
  return value;
}

mpq_class repeating_decimal(std::string_view start, std::string_view digits) {
  const std::size_t places = start.size() - start.find('.') - 1;
  if (digits.empty() || digits.size() + start.size() > 1000) throw SyntaxError("repeating digits");
  mpz_class ring;
  mpz_class shift;
  mpz_ui_pow_ui(ring.get_mpz_t(), 10, digits.size());
  mpz_ui_pow_ui(shift.get_mpz_t(), 10, places);
  return decimal_value(start) + decimal_value(digits) / mpq_class((ring - 1) * shift);
}

Expr apply_function(std::string_view name, std::vector<Expr> args) {
  if (name == "Matrix") return matrix_of(args);
  if (name == "FiniteSet") return set(std::move(args));
  if (name == "Union") return union_of(std::move(args));
  if (name == "Tuple") return tuple(std::move(args), "()");
  if (name == "Add") return add(std::move(args));
  if (name == "Mul") return mul(std::move(args));
  if (name == "Max" || name == "max") return call("max", std::move(args));
  if (name == "Min" || name == "min") return call("min", std::move(args));
  if (args.size() == 1) return one_argument(name, args[0]);
  if (args.size() == 2) return two_arguments(name, args[0], args[1]);
  return nullptr;
}

}  // namespace moebius::scorers::math
