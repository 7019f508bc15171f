// latex2sympy2's grammar, as far as answers need it.
#include "scorers/math/parser.h"

namespace moebius::scorers::math {

Expr parse_latex2sympy(std::string_view text) {
  return parse_sympy_latex(text);
}

}  // namespace moebius::scorers::math
