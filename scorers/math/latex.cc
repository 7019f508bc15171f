// Our own LaTeX dialect.
#include "scorers/math/parser.h"

namespace moebius::scorers::math {

Expr parse_latex(std::string_view text) {
  return parse_sympy_latex(text);
}

}  // namespace moebius::scorers::math
