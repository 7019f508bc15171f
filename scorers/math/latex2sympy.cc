// latex2sympy2 as Qwen2.5-Math calls it: after parse_latex and parse_expr have refused a text.
//
// Its grammar knows what is left then: matrices, \pi and e as constants, mixed numbers, \sqrt3,
// percent. Our own dialect reads all of that, so what it reads is taken and what latex2sympy2 has
// no node for (lists, sets, intervals, words, units, +-) is refused. Source: latex2sympy2 1.5.4,
// latex2sympy2.py. It differs where that grammar is stricter about blanks and braces than ours.
#include <algorithm>

#include "scorers/math/parser.h"

namespace moebius::scorers::math {
namespace {

bool has_node(const Expr& e) {
  switch (e->kind) {
    case Kind::kText:
    case Kind::kTuple:
    case Kind::kSet:
    case Kind::kInterval:
    case Kind::kUnion:
    case Kind::kPlusMinus:
      return false;
    case Kind::kCall:
      if (e->name == "unit" || e->name == "base" || e->name == "builder" || e->name == "degree") {
        return false;
      }
      break;
    default:
      break;
  }
  return std::all_of(e->args.begin(), e->args.end(), has_node);
}

Expr percents_as_numbers(const Expr& e) {
  if (e->kind == Kind::kCall && e->name == "percent") {
    return mul({e->args[0], exact(mpq_class(1, 100))});
  }
  return e;
}

}  // namespace

Expr parse_latex2sympy(std::string_view text) {
  const Expr e = parse_latex(text);
  if (!has_node(e)) throw SyntaxError("latex2sympy has no node for this");
  return percents_as_numbers(e);
}

}  // namespace moebius::scorers::math
