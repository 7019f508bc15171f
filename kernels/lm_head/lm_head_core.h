// The vector loops of the LM head, dispatched to the processor's widest target.
#pragma once

#include <cstdint>

namespace moebius::kernels {

/// Sum of exponentials of some logits: s * exp(m).
struct ExpSum {
  float m = 0;
  float s = 0;
};

/// Of one tile, in the canonical order of lm_head.h; count >= 1.
ExpSum tile_exp_sum(const float* logits, std::int64_t count);

/// First multiple of 16, counted from `begin`, whose 16 logits are not all <= bar; `end`
/// if there is none. A NaN on either side is not <=.
std::int64_t find_above(const float* logits, std::int64_t begin, std::int64_t end, float bar);

}  // namespace moebius::kernels
