// The conversions behind sympy_latex_meaning.h.
#include "scorers/math/sympy_latex_meaning.h"

#include "scorers/math/parser.h"

namespace moebius::scorers::math {
namespace {

bool plain(const Piece& piece) {
  return piece.derivative_by.empty() && symbols_of(piece.value).empty();
}

}  // namespace

Expr juxtaposed(const std::vector<Piece>& pieces) {
  Expr result;
  for (std::size_t i = pieces.size(); i-- > 0;) {
    const Piece& piece = pieces[i];
    if (!piece.derivative_by.empty()) {
      if (!result) throw Refused("expected expression for derivative");
      result = call("Derivative", {result, symbol(piece.derivative_by)});
      continue;
    }
    const bool cross = i > 0 && i + 1 < pieces.size() && piece.value->kind == Kind::kSymbol &&
                       piece.value->name == "x" && plain(pieces[i - 1]) && plain(pieces[i + 1]);
    if (cross) continue;
    result = result ? mul({piece.value, result}) : piece.value;
  }
  return result;
}

Expr named_function(const std::string& name, const Expr& arg, const Expr& sub, const Expr& sup) {
  Expr value;
  std::string plain = name;
  if (name.starts_with("arc")) plain = "a" + name.substr(3);
  if (name.starts_with("ar") && name.ends_with("h")) plain = "a" + name.substr(2);
  if (name == "exp") value = power(constant("E"), arg);
  if (name == "log" || name == "ln" || name == "lg") {
    const Expr base = sub ? sub : name == "lg" ? integer(10) : constant("E");
    value = divide(call("log", {arg}), call("log", {base}));
  }
  const bool inverse = sup && is_number(sup) && sup->value == -1 && !value && plain[0] != 'a';
  if (inverse) return call("a" + plain, {arg});
  if (!value) value = call(plain, {arg});
  return sup ? power(value, sup) : value;
}

}  // namespace moebius::scorers::math
