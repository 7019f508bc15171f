// The evaluator behind numeric.h.
#include "scorers/math/numeric.h"

#include <cmath>
#include <map>
#include <string>

#include "scorers/math/effort.h"
#include "scorers/math/node_builder.h"

namespace moebius::scorers::math {
namespace {

constexpr long kBudget = 60000;  // operations; a transcendental one counts kCostly
constexpr long kCostly = 20;
constexpr mp_bitcnt_t kIntegerBits = 512;  // of a long integer that count: beyond every precision

/// Of one operation in units of Effort, measured.
template <typename Real>
struct Cost {
  static constexpr long kPlain = 1;
  static constexpr long kCostly = 2;
};
template <>
struct Cost<Real50> {
  static constexpr long kPlain = 10;
  static constexpr long kCostly = 600;
};
template <>
struct Cost<Real100> {
  static constexpr long kPlain = 20;
  static constexpr long kCostly = 2500;
};
constexpr long kMaxWholePower = 1L << 20;
constexpr long kMaxSumSteps = 2000;
constexpr long kMaxFactorial = 3000;

template <typename Real>
class Evaluator {
 public:
  using B = Ball<Real>;
  using Result = std::optional<B>;

  explicit Evaluator(const Point& point) : point_(point) {}

  Result operator()(const Expr& e) {
    spend(1);
    if (budget_ < 0) return std::nullopt;
    Result result = dispatch(e);
    if (result && !result->finite()) return std::nullopt;
    return result;
  }

 private:
  void spend(long operations) {
    budget_ -= operations;
    if (!Effort::spend(operations * Cost<Real>::kPlain)) budget_ = -1;
  }
  void spend_costly(long operations) {
    budget_ -= operations * kCostly;
    if (!Effort::spend(operations * Cost<Real>::kCostly)) budget_ = -1;
  }

  Result dispatch(const Expr& e) {
    switch (e->kind) {
      case Kind::kNumber:
        return number(e->value);
      case Kind::kConstant:
        return constant_value(e->name);
      case Kind::kSymbol:
        return symbol_value(e->name);
      case Kind::kAdd:
        return sum(e);
      case Kind::kMul:
        return product(e);
      case Kind::kPow:
        return raised(e);
      case Kind::kCall:
        return function(e);
      default:
        return std::nullopt;
    }
  }

  static Real integer_value(const mpz_class& z) {
    if constexpr (std::is_same_v<Real, double>) {
      return z.get_d();
    } else {
      if (z.fits_slong_p()) return Real(z.get_si());
      const mp_bitcnt_t bits = mpz_sizeinbase(z.get_mpz_t(), 2);
      if (bits <= kIntegerBits) return Real(z.get_str());
      // Digits of a million bits would take seconds to read and then be rounded away.
      const mpz_class top = z >> (bits - kIntegerBits);
      return ldexp(Real(top.get_str()), static_cast<int>(bits - kIntegerBits));
    }
  }
  static B number(const mpq_class& q) {
    const Real top = integer_value(q.get_num());
    return rounded<Real>(q.get_den() == 1 ? top : Real(top / integer_value(q.get_den())), 0, 0);
  }
  static B real(const Real& value) { return rounded<Real>(value, 0, 0); }
  static Real pi() {
    static const Real value = [] {
      using std::atan2;
      return Real(atan2(Real(0), Real(-1)));
    }();
    return value;
  }
  static Real e() {
    static const Real value = [] {
      using std::exp;
      return Real(exp(Real(1)));
    }();
    return value;
  }

  Result constant_value(std::string_view name) {
    if (name == "pi") return real(pi());
    if (name == "E") return real(e());
    if (name == "I") return B{0, 1, 0};
    return std::nullopt;
  }

  /// A multiple of 2^-30 in [0, 1), the same in every precision.
  static Real fraction(std::uint64_t bits) {
    return Real(static_cast<long>(bits >> 34)) / Real(1L << 30);
  }
  B drawn(std::uint64_t key) const {
    const std::uint64_t a = scramble(key, point_.index * 2);
    const std::uint64_t b = scramble(key, point_.index * 2 + 1);
    const Real size = Real(1) / 4 + 3 * fraction(a);
    switch (point_.domain) {
      case Domain::kNatural:
        return real(Real(3 + static_cast<long>(a % 16)));
      case Domain::kPositive:
        return real(size);
      case Domain::kReal:
        return real((b & 1) != 0 ? size : Real(-size));
      case Domain::kComplex:
        return {size - Real(3) / 2, (b & 1) != 0 ? size : Real(fraction(b) - 2), 0};
    }
    return {};
  }
  Result symbol_value(const std::string& name) const {
    const auto bound = bound_.find(name);
    return bound != bound_.end() ? bound->second : drawn(name_hash(name));
  }

  Result sum(const Expr& e) {
    B total;
    for (const Expr& arg : e->args) {
      const Result value = (*this)(arg);
      if (!value) return std::nullopt;
      total = total + *value;
    }
    return total;
  }
  Result product(const Expr& e) {
    B total{1, 0, 0};
    for (const Expr& arg : e->args) {
      const Result value = (*this)(arg);
      if (!value) return std::nullopt;
      total = total * *value;
    }
    return total;
  }

  Result whole_power(B base, long n) {
    B result{1, 0, 0};
    const bool invert = n < 0;
    for (unsigned long m = invert ? -static_cast<unsigned long>(n) : n; m > 0; m >>= 1) {
      if ((m & 1) != 0) result = result * base;
      if (m > 1) base = base * base;
      spend(2);
    }
    return invert ? inverse(result) : Result(result);
  }
  Result raised(const Expr& e) {
    const Expr& exponent = e->args[1];
    if (is_constant(e->args[0], "E")) {
      const Result x = (*this)(exponent);
      spend_costly(1);
      return x ? Result(exp(*x)) : std::nullopt;
    }
    const Result base = (*this)(e->args[0]);
    if (!base) return std::nullopt;
    if (is_integer(exponent) && abs(exponent->value.get_num()) <= kMaxWholePower) {
      return whole_power(*base, exponent->value.get_num().get_si());
    }
    if (is_number(exponent) && exponent->value == mpq_class(1, 2)) return root(*base);
    if (is_number(exponent) && exponent->value == mpq_class(-1, 2)) {
      const Result r = root(*base);
      return r ? inverse(*r) : std::nullopt;
    }
    const Result x = (*this)(exponent);
    return x ? general_power(*base, *x) : std::nullopt;
  }
  Result root(const B& a) {
    using std::sqrt;
    spend(2);
    if (a.re == 0 && a.im == 0 && a.error == 0) return a;
    if (!a.real() || a.re < 0 || a.may_be_zero()) return general_power(a, real(Real(1) / 2));
    const Real value = sqrt(a.re);
    return rounded<Real>(value, 0, a.error / value);
  }
  Result general_power(const B& base, const B& exponent) {
    if (base.re == 0 && base.im == 0 && base.error == 0) {
      return exponent.re > exponent.error ? Result(base) : std::nullopt;
    }
    spend_costly(2);
    if (base.may_be_zero()) return tiny_power(base, exponent);
    const Result l = log(base);
    return l ? Result(exp(exponent * *l)) : std::nullopt;
  }
  /// A base that may be zero: all that is known is how small the result is.
  Result tiny_power(const B& base, const B& exponent) {
    using std::exp;
    using std::log;
    if (!exponent.real() || !(exponent.re > exponent.error)) return std::nullopt;
    const Real size = base.above() + base.error;
    return B{0, 0, Real(exp(exponent.re * log(size)) * 2)};
  }

  Result function(const Expr& e) {
    const std::string& name = e->name;
    if (name == "Sum" || name == "Product") return repeated(e, name == "Sum");
    std::vector<B> args;
    for (const Expr& arg : e->args) {
      const Result value = (*this)(arg);
      if (!value) return opaque_infinite(e);
      args.push_back(*value);
    }
    spend_costly(1);
    if (args.size() == 1) {
      bool known = true;
      Result value = unary(name, args[0], known);
      if (known) return value;
    }
    if (args.size() == 2) {
      bool known = true;
      Result value = binary(name, args[0], args[1], known);
      if (known) return value;
    }
    if ((name == "max" || name == "min") && !args.empty()) return extremum(args, name == "max");
    return opaque(name, args);
  }

  /// Arguments that are not numbers (infinity, a relation): the call is a symbol of its own, for
  /// functions nobody knows; a known function has no value there.
  Result opaque_infinite(const Expr& e) {
    if (e->name != "Integral" && e->name != "Limit" && e->name != "Derivative") return std::nullopt;
    return drawn(name_hash(to_string(e)));
  }
  Result opaque(const std::string& name, const std::vector<B>& args) {
    std::string key = name;
    for (const B& arg : args) key += "," + rounded_text(arg.re) + "," + rounded_text(arg.im);
    return drawn(name_hash(key));
  }
  static std::string rounded_text(const Real& value) {
    char buffer[40];
    const double plain = static_cast<double>(value);
    std::snprintf(buffer, sizeof buffer, "%.9g", std::fabs(plain) < 1e-12 ? 0.0 : plain);
    return buffer;
  }

  Result unary(const std::string& name, const B& x, bool& known) {
    using std::abs;
    if (name == "abs") return absolute(x);
    if (name == "log") return log(x);
    if (name == "sin" || name == "cos") return sine(x, name == "cos");
    if (name == "tan") return quotient(sine(x, false), sine(x, true));
    if (name == "cot") return quotient(sine(x, true), sine(x, false));
    if (name == "sec") return inverse(sine(x, true));
    if (name == "csc") return inverse(sine(x, false));
    if (name == "conjugate") return B{x.re, -x.im, x.error};
    if (name == "re") return B{x.re, 0, x.error};
    if (name == "im") return B{x.im, 0, x.error};
    if (name == "arg") {
      const Result l = log(x);
      return l ? Result(B{l->im, 0, l->error}) : std::nullopt;
    }
    if (name == "sign") return sign(x);
    if (name == "floor" || name == "ceiling") return whole(x, name == "floor");
    if (name == "factorial") return factorial(x);
    if (name == "gamma") return factorial(x - B{1, 0, 0});
    if (name[0] == 'a') return inverse_trigonometric(name, x, known);
    return hyperbolic(name, x, known);
  }

  static Result quotient(const B& a, const B& b) {
    const Result r = inverse(b);
    return r ? Result(a * *r) : std::nullopt;
  }
  Result absolute(const B& x) {
    using std::abs;
    using std::sqrt;
    if (x.im == 0) return rounded<Real>(abs(x.re), 0, x.error);
    return rounded<Real>(sqrt(Real(x.re * x.re + x.im * x.im)), 0, x.error);
  }
  Result sign(const B& x) {
    if (x.re == 0 && x.im == 0 && x.error == 0) return x;
    if (x.may_be_zero()) return std::nullopt;
    return quotient(x, *absolute(x));
  }
  static std::optional<Real> near_integer(const B& x) {
    using std::abs;
    using std::floor;
    if (!x.real()) return std::nullopt;
    const Real nearest = floor(x.re + Real(1) / 2);
    if (abs(x.re - nearest) > x.error) return std::nullopt;
    return nearest;
  }
  /// A value that cannot be told from an integer is that integer: log(8)/log(2).
  Result whole(const B& x, bool down) {
    using std::ceil;
    using std::floor;
    if (!x.real() || !(x.error < 1)) return std::nullopt;
    if (const auto nearest = near_integer(x)) return real(*nearest);
    return real(down ? Real(floor(x.re)) : Real(ceil(x.re)));
  }
  Result factorial(const B& x) {
    const auto n = near_integer(x);
    if (!n || *n < 0 || *n > kMaxFactorial) return n ? std::nullopt : opaque("factorial", {x});
    const auto whole = static_cast<unsigned long>(*n);
    spend(1 + static_cast<long>(whole / 10));
    mpz_class product;
    mpz_fac_ui(product.get_mpz_t(), whole);
    return number(product);
  }

  /// (e^x + sign e^-x) / 2
  static Result half_exponentials(const B& x, int sign) {
    const B up = exp(x);
    const B down = exp(B{-x.re, -x.im, x.error});
    return scaled(sign > 0 ? up + down : up - down, Real(Real(1) / 2));
  }
  Result hyperbolic(const std::string& name, const B& x, bool& known) {
    if (name == "sinh") return half_exponentials(x, -1);
    if (name == "cosh") return half_exponentials(x, +1);
    if (name == "tanh") return quotient(*half_exponentials(x, -1), *half_exponentials(x, +1));
    if (name == "coth") return quotient(*half_exponentials(x, +1), *half_exponentials(x, -1));
    if (name == "sech") return inverse(*half_exponentials(x, +1));
    if (name == "csch") return inverse(*half_exponentials(x, -1));
    known = false;
    return std::nullopt;
  }

  Result one_plus(const B& x, int sign) { return B{1, 0, 0} + scaled(x, Real(sign)); }
  Result log_of_sum(const B& a, const Result& b) { return b ? log(a + *b) : std::nullopt; }
  /// -i log(i x + sqrt(1 - x^2))
  Result arcsine(const B& x) {
    const Result l = log_of_sum(times_i(x), root(*one_plus(x * x, -1)));
    return l ? Result(scaled(times_i(*l), Real(-1))) : std::nullopt;
  }
  /// (i/2) (log(1 - i x) - log(1 + i x))
  Result arctangent(const B& x) {
    const B ix = times_i(x);
    const Result a = log(*one_plus(ix, -1));
    const Result b = log(*one_plus(ix, +1));
    if (!a || !b) return std::nullopt;
    return scaled(times_i(*a - *b), Real(Real(1) / 2));
  }
  Result artanh(const B& x) {
    const Result a = log(*one_plus(x, +1));
    const Result b = log(*one_plus(x, -1));
    if (!a || !b) return std::nullopt;
    return scaled(*a - *b, Real(Real(1) / 2));
  }
  Result inverse_trigonometric(const std::string& name, const B& x, bool& known) {
    const B right_angle = real(pi() / 2);
    if (name == "asin") return clean(arcsine(x), x);
    if (name == "acos") {
      const Result a = clean(arcsine(x), x);
      return a ? Result(right_angle - *a) : std::nullopt;
    }
    if (name == "atan") return clean(arctangent(x), x);
    if (name == "asinh") return log_of_sum(x, root(*one_plus(x * x, +1)));
    if (name == "acosh") {
      const Result a = root(x - B{1, 0, 0});
      const Result b = root(x + B{1, 0, 0});
      return a && b ? log(x + *a * *b) : std::nullopt;
    }
    if (name == "atanh") return artanh(x);
    known = name == "acot" || name == "asec" || name == "acsc";
    if (!known) return std::nullopt;
    const Result r = inverse(x);
    if (!r) return std::nullopt;
    return inverse_trigonometric(name == "acot"   ? "atan"
                                 : name == "asec" ? "acos"
                                                  : "asin",
                                 *r, known);
  }
  /// A real argument within [-1, 1] (asin) or any (atan) has a real value.
  static Result clean(Result value, const B& x) {
    using std::abs;
    if (value && x.im == 0 && abs(value->im) <= value->error) value->im = 0;
    return value;
  }

  Result binary(const std::string& name, const B& a, const B& b, bool& known) {
    if (name == "binomial") {
      const Result top = factorial(a);
      const Result left = factorial(b);
      const Result right = factorial(a - b);
      if (!top || !left || !right) return std::nullopt;
      return quotient(*top, *left * *right);
    }
    if (name == "mod") {
      const Result q = quotient(a, b);
      const Result down = q ? whole(*q, true) : std::nullopt;
      return down ? Result(a - b * *down) : std::nullopt;
    }
    known = false;
    return std::nullopt;
  }
  Result extremum(const std::vector<B>& args, bool largest) {
    B best = args[0];
    for (const B& arg : args) {
      if (!arg.real()) return std::nullopt;
      if (largest ? arg.re > best.re : arg.re < best.re) best = arg;
    }
    return best;
  }

  /// args: body, symbol, low, high with whole bounds.
  Result repeated(const Expr& e, bool is_sum) {
    if (e->args.size() != 4 || e->args[1]->kind != Kind::kSymbol) return std::nullopt;
    const Result low = (*this)(e->args[2]);
    const Result high = (*this)(e->args[3]);
    const auto from = low ? near_integer(*low) : std::nullopt;
    const auto to = high ? near_integer(*high) : std::nullopt;
    if (!from || !to || !(*to - *from < kMaxSumSteps)) return drawn(name_hash(to_string(e)));
    const std::string& name = e->args[1]->name;
    const auto outer = bound_.find(name);
    const Result saved = outer != bound_.end() ? Result(outer->second) : std::nullopt;
    B total = is_sum ? B{} : B{1, 0, 0};
    bool failed = false;
    const Real last = to.value_or(0);
    for (Real k = from.value_or(0); k <= last && !failed; k += 1) {
      bound_[name] = real(k);
      const Result term = (*this)(e->args[0]);
      failed = !term;
      if (term) total = is_sum ? total + *term : total * *term;
    }
    bound_.erase(name);
    if (saved) bound_[name] = *saved;
    return failed ? std::nullopt : Result(total);
  }

  Point point_;
  long budget_ = kBudget;
  std::map<std::string, B> bound_;
};

}  // namespace

template <typename Real>
std::optional<Ball<Real>> evaluate(const Expr& e, const Point& point) {
  return Evaluator<Real>(point)(e);
}

template std::optional<Ball<double>> evaluate(const Expr&, const Point&);
template std::optional<Ball<Real50>> evaluate(const Expr&, const Point&);
template std::optional<Ball<Real100>> evaluate(const Expr&, const Point&);

}  // namespace moebius::scorers::math
