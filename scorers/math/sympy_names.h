// Names that are taken in the namespace where sympy's parse_expr evaluates.
#pragma once

#include <string_view>

namespace moebius::scorers::math {

/// Functions and classes: "sin", "test", "N". Constants (pi, E, I, oo) are not among them.
bool sympy_callable(std::string_view name);

}  // namespace moebius::scorers::math
