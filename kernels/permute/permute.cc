// Counting sort of tokens to experts, and the sum that brings outputs back, on the host.
#include "kernels/permute/permute.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/simd/rows.h"
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/permute/permute.cc"
#include "hwy/foreach_target.h"  // before the next

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Lanes [i, i + width of D) of row r: all slots, then the shared expert.
template <class D>
HWY_INLINE void combine_lanes(D d, const CombineArgs& a, std::int64_t r, std::int64_t i) {
  const std::int32_t* slots = a.slots + r * a.top_k;
  const float* weights = a.weights + r * a.top_k;
  auto sum = hn::Zero(d);
  for (std::int64_t k = 0; k < a.top_k; ++k) {
    const float* out = a.expert_out + slots[k] * a.dim + i;
    sum = hn::MulAdd(hn::Set(d, weights[k]), hn::LoadU(d, out), sum);
  }
  if (a.shared) sum = hn::Add(sum, hn::LoadU(d, a.shared + r * a.dim + i));
  hn::StoreU(sum, d, a.y + r * a.dim + i);
}

void combine_columns(const CombineArgs& a, std::int64_t r, std::int64_t begin, std::int64_t end) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> d1;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = begin;
  for (; i + lanes <= end; i += lanes) combine_lanes(d, a, r, i);
  for (; i < end; ++i) combine_lanes(d1, a, r, i);
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {
namespace {

HWY_EXPORT(combine_columns);

// One token's sum is cut along columns too: at batch 1 there is no other way to
// give every thread a part.
constexpr std::int64_t kColumns = 2048;

bool all_in(const std::int32_t* values, std::int64_t count, std::int64_t limit) {
  return std::all_of(values, values + count, [&](std::int32_t v) { return v >= 0 && v < limit; });
}

}  // namespace

// Serial: at most a few ten thousand pairs a step, two passes over 4 bytes each. The
// offsets serve as each expert's write position, so no memory is needed besides.
void permute(const PermuteArgs& args, const Stream& stream) {
  require(args.rows >= 0 && args.top_k >= 1 && args.experts >= 1,
          "permute: rows < 0, top_k < 1 or experts < 1");
  const std::int64_t pairs = args.rows * args.top_k;
  require(pairs <= std::numeric_limits<std::int32_t>::max(), "permute: more than 2^31 - 1 pairs");
  require(args.offsets, "permute: offsets is null");
  require(pairs == 0 || (args.expert_ids && args.source_rows && args.slots),
          "permute: expert_ids, source_rows or slots is null");
  require(all_in(args.expert_ids, pairs, args.experts), "permute: an expert id out of range");
  const LaunchScope scope(stream.log(), "permute", (3 * pairs + args.experts + 1) * 4, 0);
  std::int32_t* offsets = args.offsets;
  std::fill(offsets, offsets + args.experts + 1, 0);
  for (std::int64_t i = 0; i < pairs; ++i) ++offsets[args.expert_ids[i] + 1];
  for (std::int64_t e = 0; e < args.experts; ++e) offsets[e + 1] += offsets[e];
  for (std::int64_t i = 0; i < pairs; ++i) {
    const std::int32_t place = offsets[args.expert_ids[i]]++;
    args.source_rows[place] = static_cast<std::int32_t>(i / args.top_k);
    args.slots[i] = place;
  }
  // Each offset has moved on to the next expert's.
  std::copy_backward(offsets, offsets + args.experts, offsets + args.experts + 1);
  offsets[0] = 0;
}

void combine(const CombineArgs& args, const Stream& stream) {
  require(args.rows >= 0 && args.top_k >= 1 && args.dim >= 1,
          "combine: rows < 0, top_k < 1 or dim < 1");
  if (args.rows == 0) return;
  require(args.expert_out && args.slots && args.weights && args.y,
          "combine: expert_out, slots, weights or y is null");
  const std::int64_t pairs = args.rows * args.top_k;
  require(all_in(args.slots, pairs, pairs), "combine: a slot out of range");
  const std::int64_t others = args.shared ? 2 : 1;  // y and the shared expert
  const LaunchScope scope(stream.log(), "combine",
                          ((pairs + others * args.rows) * args.dim + 2 * pairs) * 4,
                          2 * pairs * args.dim + (others - 1) * args.rows * args.dim);
  const std::int64_t blocks = (args.dim + kColumns - 1) / kColumns;
  for_row_blocks(stream, args.rows * blocks, args.top_k * std::min(args.dim, kColumns),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i) {
                     const std::int64_t column = i % blocks * kColumns;
                     HWY_DYNAMIC_DISPATCH(combine_columns)
                     (args, i / blocks, column, std::min(args.dim, column + kColumns));
                   }
                 });
}

}  // namespace moebius::kernels
#endif  // HWY_ONCE
