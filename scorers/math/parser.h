// The parsers behind parse(): one per family of dialects.
#pragma once

#include <stdexcept>
#include <string_view>

#include "scorers/math/expression_node.h"

namespace moebius::scorers::math {

inline constexpr std::size_t kMaxInput = 8 << 10;  // bytes; longer texts are nobody's answer
inline constexpr int kMaxNesting = 100;

/// Thrown inside a parser, never out of parse().
struct SyntaxError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Ends a parse for good where SyntaxError lets a parser step back and try something else.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Counts nesting for as long as it lives.
class Nested {
 public:
  explicit Nested(int& depth) : depth_(depth) {
    if (++depth_ > kMaxNesting) {
      --depth_;
      // Not a SyntaxError: stepping back from here level by level would double the work at each.
      throw Refused("nested too deeply");
    }
  }
  ~Nested() { --depth_; }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  int& depth_;
};

Expr parse_sympy_text(std::string_view text, bool implicit);
Expr parse_sympy_latex(std::string_view text);
Expr parse_latex2sympy(std::string_view text);
Expr parse_latex(std::string_view text);

/// Digits with an optional point and exponent as an exact fraction. Exponents beyond +-4000 are
/// refused.
mpq_class decimal_value(std::string_view digits);

/// "0.1" and "6" as 0.1666...: the digits repeat for ever after those of `start`.
mpq_class repeating_decimal(std::string_view start, std::string_view digits);

/// A sympy function by its Python name applied to arguments; nullptr if it is not one we know.
Expr apply_function(std::string_view name, std::vector<Expr> args);

}  // namespace moebius::scorers::math
