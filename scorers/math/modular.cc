// Evaluation in prime fields.
#include "scorers/math/modular.h"

#include "scorers/math/node_builder.h"
#include "scorers/math/points.h"

namespace moebius::scorers::math {
namespace {

/// A prime p = 1 mod 4 with a square root of -1.
struct Field {
  std::uint64_t p;
  std::uint64_t i;
};

enum class Trouble : std::uint8_t { kNone, kUnsupported, kPole };

std::uint64_t times(std::uint64_t a, std::uint64_t b, std::uint64_t p) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Wide>(a) * b % p);
}

std::uint64_t raise(std::uint64_t base, std::uint64_t exponent, std::uint64_t p) {
  std::uint64_t result = 1;
  for (; exponent > 0; exponent >>= 1, base = times(base, base, p)) {
    if ((exponent & 1) != 0) result = times(result, base, p);
  }
  return result;
}

/// The first two primes 1 mod 4 below 2^61, with the root of -1 that 2, 3, 5, ... gives.
Field make_field(std::uint64_t below) {
  mpz_class candidate(static_cast<unsigned long>(below));
  do {
    candidate -= 1;
  } while (mpz_fdiv_ui(candidate.get_mpz_t(), 4) != 1 ||
           mpz_probab_prime_p(candidate.get_mpz_t(), 40) == 0);
  const std::uint64_t p = candidate.get_ui();
  for (std::uint64_t g = 2;; ++g) {
    const std::uint64_t root = raise(g, (p - 1) / 4, p);
    if (times(root, root, p) == p - 1) return {p, root};
  }
}

class Evaluator {
 public:
  Evaluator(const Field& field, std::uint64_t point) : field_(field), point_(point) {}

  std::uint64_t operator()(const Expr& e) {
    if (trouble_ != Trouble::kNone) return 0;
    switch (e->kind) {
      case Kind::kNumber:
        return number(e->value);
      case Kind::kSymbol:
        return value_of(e->name);
      case Kind::kConstant:
        return constant_value(e->name);
      case Kind::kAdd:
        return sum(e);
      case Kind::kMul:
        return product(e);
      case Kind::kPow:
        return raised(e);
      default:
        return fail(Trouble::kUnsupported);
    }
  }
  Trouble trouble() const { return trouble_; }

 private:
  std::uint64_t fail(Trouble why) {
    trouble_ = why;
    return 0;
  }
  std::uint64_t value_of(std::string_view name) const {
    return scramble(name_hash(name), point_) % field_.p;
  }
  std::uint64_t constant_value(std::string_view name) {
    if (name == "I") return field_.i;
    if (name == "pi") return value_of("\\pi");
    if (name == "E") return value_of("\\e");
    return fail(Trouble::kUnsupported);
  }
  std::uint64_t inverse(std::uint64_t a) {
    return a == 0 ? fail(Trouble::kPole) : raise(a, field_.p - 2, field_.p);
  }
  std::uint64_t number(const mpq_class& q) {
    const std::uint64_t top = mpz_fdiv_ui(q.get_num_mpz_t(), field_.p);
    if (q.get_den() == 1) return top;
    return times(top, inverse(mpz_fdiv_ui(q.get_den_mpz_t(), field_.p)), field_.p);
  }
  std::uint64_t sum(const Expr& e) {
    std::uint64_t total = 0;
    for (const Expr& arg : e->args) total = (total + (*this)(arg)) % field_.p;
    return total;
  }
  std::uint64_t product(const Expr& e) {
    std::uint64_t total = 1;
    for (const Expr& arg : e->args) total = times(total, (*this)(arg), field_.p);
    return total;
  }
  std::uint64_t raised(const Expr& e) {
    const Expr& exponent = e->args[1];
    if (!is_integer(exponent)) return fail(Trouble::kUnsupported);
    const std::uint64_t base = (*this)(e->args[0]);
    if (trouble_ != Trouble::kNone) return 0;
    if (base == 0) return sgn(exponent->value) < 0 ? fail(Trouble::kPole) : 0;
    return raise(base, mpz_fdiv_ui(exponent->value.get_num_mpz_t(), field_.p - 1), field_.p);
  }

  const Field& field_;
  std::uint64_t point_;
  Trouble trouble_ = Trouble::kNone;
};

}  // namespace

std::optional<bool> identically_zero(const Expr& e) {
  static const Field fields[] = {make_field(1ULL << 61), make_field((1ULL << 61) - (1ULL << 40))};
  constexpr int kPoints = 2;
  constexpr int kTries = 8;
  for (const Field& field : fields) {
    int zeros = 0;
    for (std::uint64_t point = 0; point < kTries && zeros < kPoints; ++point) {
      Evaluator evaluate(field, point);
      const std::uint64_t value = evaluate(e);
      if (evaluate.trouble() == Trouble::kUnsupported) return std::nullopt;
      if (evaluate.trouble() == Trouble::kPole) continue;
      if (value != 0) return false;
      ++zeros;
    }
    if (zeros < kPoints) return std::nullopt;
  }
  return true;
}

}  // namespace moebius::scorers::math
