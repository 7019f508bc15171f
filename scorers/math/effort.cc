// The supply behind effort.h.
#include "scorers/math/effort.h"

namespace moebius::scorers::math {
namespace {

// About 25 ms. The dearest of 57,870 recorded questions takes 76,000.
constexpr long kSupply = 500'000;

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
