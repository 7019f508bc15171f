// The vector loops of the LM head, built once per target.
#include "kernels/lm_head/lm_head_core.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lm_head/lm_head_core.cc"
#include "hwy/foreach_target.h"  // before the next

#include "hwy/highway.h"
#include "kernels/simd/lanes16-inl.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// 16 logits; beyond `count` of them -inf, whose weight is 0.
HWY_INLINE Lanes16 load_logits(const float* logits, std::int64_t count) {
  if (count >= 16) return Lanes16::load(logits);
  float buffer[16];
  std::fill_n(buffer, 16, kLowest);
  std::memcpy(buffer, logits, static_cast<std::size_t>(count) * sizeof(float));
  return Lanes16::load(buffer);
}

HWY_INLINE float max_logit(const float* logits, std::int64_t count) {
  const Lanes16::D d;
  Lanes16 most = load_logits(logits, count);
  for (std::int64_t i = 16; i < count; i += 16) {
    const Lanes16 x = load_logits(logits + i, count - i);
    for (std::size_t v = 0; v < Lanes16::kVectors; ++v) most.v[v] = hn::Max(most.v[v], x.v[v]);
  }
  auto m = most.v[0];
  for (std::size_t v = 1; v < Lanes16::kVectors; ++v) m = hn::Max(m, most.v[v]);
  return hn::GetLane(hn::MaxOfLanes(d, m));
}

ExpSum exp_sum(const float* logits, std::int64_t count) {
  const Lanes16::D d;
  const float m = max_logit(logits, count);
  const auto shift = hn::Set(d, m);
  Lanes16 sum = Lanes16::zero();
  for (std::int64_t i = 0; i < count; i += 16) {
    const Lanes16 x = load_logits(logits + i, count - i);
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Lanes16::kVectors; ++v) {
      sum.v[v] = hn::Add(sum.v[v], exp(d, hn::Sub(x.v[v], shift)));
    }
  }
  return {m, sum.tree_sum()};
}

std::int64_t find(const float* logits, std::int64_t begin, std::int64_t end, float bar) {
  const Lanes16::D d;
  const auto most = hn::Set(d, bar);
  std::int64_t i = begin;
  for (; i + 16 <= end; i += 16) {
    const Lanes16 x = Lanes16::load(logits + i);
    for (std::size_t v = 0; v < Lanes16::kVectors; ++v) {
      if (!hn::AllTrue(d, hn::Le(x.v[v], most))) return i;
    }
  }
  const auto above = [bar](float x) { return !(x <= bar); };
  return std::any_of(logits + i, logits + end, above) ? i : end;
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {
namespace {

HWY_EXPORT(exp_sum);
HWY_EXPORT(find);

}  // namespace

ExpSum tile_exp_sum(const float* logits, std::int64_t count) {
  return HWY_DYNAMIC_DISPATCH(exp_sum)(logits, count);
}

std::int64_t find_above(const float* logits, std::int64_t begin, std::int64_t end, float bar) {
  return HWY_DYNAMIC_DISPATCH(find)(logits, begin, end, bar);
}

}  // namespace moebius::kernels
#endif  // HWY_ONCE
