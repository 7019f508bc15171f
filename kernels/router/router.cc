// The router on the host: scores by SIMD, the choice by integer keys that order like
// (score, lower id first).
#include "kernels/router/router.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>

#include "kernels/simd/rows.h"
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/router/router.cc"
#include "hwy/foreach_target.h"  // before the next

#include "hwy/highway.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// A NaN is never greater, so it never is the maximum.
HWY_INLINE float maximum(const float* x, std::int64_t count) {
  float max = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < count; ++i) max = x[i] > max ? x[i] : max;
  return max;
}

HWY_INLINE void softmax(const float* x, float* y, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const float max = maximum(x, count);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(exp(d, hn::Sub(hn::LoadU(d, x + i), hn::Set(d, max))), d, y + i);
  }
  for (; i < count; ++i) y[i] = exp_scalar(x[i] - max);
  float sum = 0;
  for (i = 0; i < count; ++i) sum += y[i];
  for (i = 0; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Div(hn::LoadU(d, y + i), hn::Set(d, sum)), d, y + i);
  }
  for (; i < count; ++i) y[i] /= sum;
}

HWY_INLINE void sigmoids(const float* x, float* y, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(sigmoid(d, hn::LoadU(d, x + i)), d, y + i);
  for (; i < count; ++i) y[i] = sigmoid_scalar(x[i]);
}

void scores(RouterScore score, const float* logits, float* s, std::int64_t experts) {
  if (score == RouterScore::kSoftmax) {
    softmax(logits, s, experts);
  } else {
    sigmoids(logits, s, experts);
  }
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {
namespace {

HWY_EXPORT(scores);

constexpr std::int64_t kMaxExperts = 4096;
constexpr float kNever = -std::numeric_limits<float>::infinity();

// Orders like (key, lower id first): greater is better. Keys are neither NaN nor -0:
// scores are positive or +0, and so is a sum that cancels.
std::uint64_t rank(float key, std::int64_t id) {
  const auto bits = std::bit_cast<std::uint32_t>(key);
  const std::uint32_t ordered = bits & 0x80000000U ? ~bits : bits | 0x80000000U;
  return std::uint64_t{ordered} << 32 | (0xFFFFFFFFU - static_cast<std::uint32_t>(id));
}

// The `wanted` best of keys[count] to ids, ascending.
void best(const float* keys, std::int64_t count, std::int64_t wanted, std::int32_t* ids) {
  std::uint64_t ranks[kMaxExperts];
  for (std::int64_t i = 0; i < count; ++i) ranks[i] = rank(keys[i], i);
  std::nth_element(ranks, ranks + wanted - 1, ranks + count, std::greater<>());
  for (std::int64_t k = 0; k < wanted; ++k) {
    ids[k] = static_cast<std::int32_t>(0xFFFFFFFFU - static_cast<std::uint32_t>(ranks[k]));
  }
  std::sort(ids, ids + wanted);
}

float group_score(GroupScore kind, const float* keys, std::int64_t count) {
  float first = kNever, second = kNever;
  for (std::int64_t i = 0; i < count; ++i) {
    if (keys[i] > first) {
      second = first;
      first = keys[i];
    } else if (keys[i] > second) {
      second = keys[i];
    }
  }
  const float score = kind == GroupScore::kMax ? first : first + second;
  return score == score ? score : kNever;
}

// Experts outside the best groups can no longer be chosen.
void limit_groups(const RouterArgs& a, float* keys) {
  const std::int64_t size = a.experts / a.groups;
  float group_keys[kMaxExperts];
  std::int32_t kept[kMaxExperts];
  for (std::int64_t g = 0; g < a.groups; ++g) {
    group_keys[g] = group_score(a.group_score, keys + g * size, size);
  }
  best(group_keys, a.groups, a.top_groups, kept);
  const std::int32_t* next = kept;
  for (std::int64_t g = 0; g < a.groups; ++g) {
    if (next != kept + a.top_groups && *next == g) {
      ++next;
    } else {
      std::fill(keys + g * size, keys + (g + 1) * size, kNever);
    }
  }
}

void choose(const RouterArgs& a, const float* s, std::int32_t* ids) {
  float keys[kMaxExperts];
  for (std::int64_t e = 0; e < a.experts; ++e) {
    const float c = a.bias ? s[e] + a.bias[e] : s[e];
    keys[e] = c == c ? c : kNever;
  }
  if (a.groups > 1) limit_groups(a, keys);
  best(keys, a.experts, a.top_k, ids);
}

void weigh(const RouterArgs& a, const float* s, const std::int32_t* ids, float* weights) {
  float sum = 0;
  for (std::int64_t k = 0; k < a.top_k; ++k) {
    weights[k] = s[ids[k]];
    sum += weights[k];
  }
  const float divisor = a.normalize ? sum + 1e-20F : 1.0F;
  for (std::int64_t k = 0; k < a.top_k; ++k) weights[k] = weights[k] / divisor * a.scale;
}

void router_rows(const RouterArgs& a, std::int64_t begin, std::int64_t end) {
  alignas(64) float s[kMaxExperts];
  for (std::int64_t r = begin; r < end; ++r) {
    std::int32_t* ids = a.expert_ids + r * a.top_k;
    HWY_DYNAMIC_DISPATCH(scores)(a.score, a.logits + r * a.experts, s, a.experts);
    choose(a, s, ids);
    weigh(a, s, ids, a.expert_weights + r * a.top_k);
  }
}

void require_limits(const RouterArgs& a) {
  require(a.rows >= 0, "router: rows < 0");
  require(a.experts >= 1 && a.experts <= kMaxExperts, "router: experts outside 1..4096");
  require(a.top_k >= 1 && a.top_k <= a.experts, "router: top_k outside 1..experts");
  require(a.groups >= 1 && a.experts % a.groups == 0, "router: groups do not divide experts");
  require(a.top_groups >= 1 && a.top_groups <= a.groups, "router: top_groups outside 1..groups");
  require(a.top_groups * (a.experts / a.groups) >= a.top_k,
          "router: top_groups hold fewer than top_k experts");
  require(a.groups == 1 || a.group_score == GroupScore::kMax || a.experts / a.groups >= 2,
          "router: groups of one expert have no best two");
}

}  // namespace

void router(const RouterArgs& args, const Stream& stream) {
  require_limits(args);
  if (args.rows == 0) return;
  require(args.logits && args.expert_ids && args.expert_weights,
          "router: logits, expert_ids or expert_weights is null");
  const LaunchScope scope(
      stream.log(), "router",
      4 * (args.rows * (args.experts + 2 * args.top_k) + (args.bias ? args.experts : 0)),
      args.rows * args.experts);
  // An expert costs some eight elements' time: an exponential and its part of the choice.
  for_row_blocks(stream, args.rows, 8 * args.experts,
                 [&](std::int64_t begin, std::int64_t end) { router_rows(args, begin, end); });
}

}  // namespace moebius::kernels
#endif  // HWY_ONCE
