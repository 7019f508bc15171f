// The supply behind effort.h.
#include "scorers/math/effort.h"

namespace moebius::scorers::math {
namespace {

// About 50 ms. The dearest of 58,000 recorded questions, binomial(2026, 1013), takes 132,000.
constexpr long kSupply = 1'000'000;

thread_local bool counting = false;
thread_local long left = 0;

}  // namespace

Effort::Effort() : outermost_(!counting) {
  if (!outermost_) return;
  counting = true;
  left = kSupply;
}

Effort::~Effort() {
  if (outermost_) counting = false;
}

bool Effort::spend(long cost) {
  if (!counting) return true;
  if (left > 0) left -= cost;
  return left > 0;
}

}  // namespace moebius::scorers::math
