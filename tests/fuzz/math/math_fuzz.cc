// Fuzz target: any bytes through every dialect and the moebius grader; the halves before and
// after the first NUL byte are the two answers.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "scorers/math/expression_node.h"
#include "scorers/math/moebius_grader.h"

using namespace moebius::scorers::math;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = bytes.find('\0');
  const std::string_view a = bytes.substr(0, cut);
  const std::string_view b = cut == std::string_view::npos ? a : bytes.substr(cut + 1);
  for (const Dialect dialect : {Dialect::kLatex, Dialect::kSympyLatex, Dialect::kSympyText,
                                Dialect::kSympyTextImplicit, Dialect::kLatex2Sympy}) {
    const Expr x = parse(a, dialect);
    const Expr y = parse(b, dialect);
    if (x && !same_form(x, x)) std::abort();
    if (same_value(x, y) != same_value(x, y)) std::abort();
    if (x) number(x);
  }
  const bool equal = moebius_equal(a, b).equal;
  if (equal != moebius_equal(a, b).equal) std::abort();
  return 0;
}
