// Sampling on the host, without sorting the vocabulary.
//
// Probabilities are used in two forms. Their order is that of e = exp((x - max) / t),
// a float32 in [0, 1]; their mass is floor(e * 2^40), an integer. Integers add up to
// the same sum in every order, so a threshold found by counting is the one that a sort
// and a running sum would find, and a token's fate depends on no order of summation.
// What the floor drops is below 2^-40 of the most probable token, per token.
//
// top_k and top_p each look for the place in the sorted order where a count or a mass
// is reached. The bits of a non-negative float order like its value, so three
// histograms over ten bits each find the value there; ties are kept by lower id.
#include "kernels/sample/sample.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sample/sample.cc"
#include "hwy/foreach_target.h"  // before the next

#include "hwy/highway.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// The greatest logit, NaN apart; -inf if there is none.
HWY_INLINE float maximum(const float* x, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  float max = -std::numeric_limits<float>::infinity();
  auto maxima = hn::Set(d, max);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    maxima = hn::IfThenElse(hn::Gt(v, maxima), v, maxima);
  }
  max = hn::GetLane(hn::MaxOfLanes(d, maxima));
  for (; i < count; ++i) max = x[i] > max ? x[i] : max;
  return max;
}

// e[i] = exp((x[i] - max) / temperature) in [0, 1]; 1 where x[i] is the maximum, even
// an infinite one; 0 for NaN. False, and e untouched, if no logit is above -inf.
bool unnormalized(const float* x, float* e, std::int64_t count, float temperature) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const float max = maximum(x, count);
  if (max == -std::numeric_limits<float>::infinity()) return false;
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    auto y = exp(d, hn::Div(hn::Sub(v, hn::Set(d, max)), hn::Set(d, temperature)));
    y = hn::IfThenZeroElse(hn::IsNaN(y), y);
    y = hn::IfThenElse(hn::Eq(v, hn::Set(d, max)), hn::Set(d, 1.0F), y);
    hn::StoreU(y, d, e + i);
  }
  for (; i < count; ++i) {
    const float y = exp_scalar((x[i] - max) / temperature);
    e[i] = x[i] == max ? 1.0F : y == y ? y : 0.0F;
  }
  return true;
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {
namespace {

HWY_EXPORT(unnormalized);

// 2^22 masses of at most 2^40 stay below 2^63.
constexpr std::int64_t kMaxVocab = std::int64_t{1} << 22;

// Tokens still in the draw: e[i] belongs to id[i], ids ascending.
struct Candidates {
  float* e;
  std::int32_t* id;
  std::int64_t count;
};

std::uint64_t mass(float e) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(e * 0x1p40F));
}

std::uint64_t total_mass(const Candidates& c) {
  std::uint64_t sum = 0;
  for (std::int64_t i = 0; i < c.count; ++i) sum += mass(c.e[i]);
  return sum;
}

// Keeps the shortest run of the order (e descending, id ascending) whose measure
// reaches `target`; the measure of all must. 1 <= target.
template <class Measure>
void keep_run(Candidates& c, std::uint64_t target, const Measure& measure) {
  constexpr std::uint32_t kBuckets = 1024;
  std::uint32_t prefix = 0;
  for (int shift = 20; shift >= 0; shift -= 10) {
    std::uint64_t buckets[kBuckets] = {};
    for (std::int64_t i = 0; i < c.count; ++i) {
      const auto bits = std::bit_cast<std::uint32_t>(c.e[i]);
      if (bits >> shift >> 10 == prefix) buckets[(bits >> shift) % kBuckets] += measure(c.e[i]);
    }
    std::uint32_t b = kBuckets - 1;
    for (; buckets[b] < target; --b) target -= buckets[b];
    prefix = prefix << 10 | b;
  }
  // `prefix` is now the value where the run ends; `target` is left for its ties.
  const auto last = std::bit_cast<float>(prefix);
  const std::uint64_t each = measure(last);
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < c.count; ++i) {
    if (c.e[i] < last || (c.e[i] == last && target == 0)) continue;
    if (c.e[i] == last) target -= std::min(target, each);
    c.e[kept] = c.e[i];
    c.id[kept++] = c.id[i];
  }
  c.count = kept;
}

void keep_top_k(Candidates& c, std::int64_t top_k) {
  if (top_k == 0 || top_k >= c.count) return;
  keep_run(c, static_cast<std::uint64_t>(top_k), [](float) { return std::uint64_t{1}; });
}

void keep_top_p(Candidates& c, float top_p) {
  if (top_p >= 1) return;
  const double share = static_cast<double>(top_p) * static_cast<double>(total_mass(c));
  keep_run(c, std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share))), mass);
}

// The most probable token has e = 1 and passes every filter.
void keep_min_p(Candidates& c, float min_p) {
  if (min_p <= 0) return;
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < c.count; ++i) {
    if (c.e[i] < min_p) continue;
    c.e[kept] = c.e[i];
    c.id[kept++] = c.id[i];
  }
  c.count = kept;
}

// u is uniform over [0, 2^64): the first token at which the running mass exceeds u / 2^64
// of the whole.
std::int32_t pick(const Candidates& c, std::uint64_t u) {
  __extension__ using Wide = unsigned __int128;
  const auto threshold = static_cast<std::uint64_t>(Wide{u} * total_mass(c) >> 64);
  std::int64_t i = 0;  // ends in time: the threshold is below the total
  for (std::uint64_t sum = mass(c.e[0]); sum <= threshold; sum += mass(c.e[i])) ++i;
  return c.id[i];
}

std::uint64_t uniform(const Draw& draw) {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  const auto words =
      philox({low(draw.position), high(draw.position), low(draw.sample), high(draw.sample)},
             {low(draw.seed), high(draw.seed)});
  return std::uint64_t{words[1]} << 32 | words[0];
}

std::int32_t sample_row(const float* logits, std::int64_t vocab, const Draw& draw, float* e,
                        std::int32_t* id) {
  if (!HWY_DYNAMIC_DISPATCH(unnormalized)(logits, e, vocab, draw.temperature)) return -1;
  for (std::int64_t i = 0; i < vocab; ++i) id[i] = static_cast<std::int32_t>(i);
  Candidates candidates{e, id, vocab};
  keep_top_k(candidates, draw.top_k);
  keep_top_p(candidates, draw.top_p);
  keep_min_p(candidates, draw.min_p);
  return pick(candidates, uniform(draw));
}

std::size_t row_bytes(const SampleArgs& args) {
  return static_cast<std::size_t>(args.vocab) * (sizeof(float) + sizeof(std::int32_t));
}

void require_draw(const Draw& d) {
  require(d.temperature > 0 && std::isfinite(d.temperature),
          "sample: temperature is not positive and finite");
  require(d.top_p > 0 && d.top_p <= 1, "sample: top_p outside (0, 1]");
  require(d.min_p >= 0 && d.min_p <= 1, "sample: min_p outside [0, 1]");
  require(d.top_k >= 0, "sample: top_k < 0");
}

}  // namespace

std::size_t sample_workspace_bytes(const SampleArgs& args, const Stream& stream) {
  return row_bytes(args) * static_cast<std::size_t>(stream.pool().threads());
}

void sample(const SampleArgs& args, const Stream& stream) {
  require(args.rows >= 0, "sample: rows < 0");
  require(args.vocab >= 1 && args.vocab <= kMaxVocab, "sample: vocab outside 1..2^22");
  if (args.rows == 0) return;
  require(args.logits && args.draws && args.ids && args.workspace,
          "sample: logits, draws, ids or workspace is null");
  std::for_each(args.draws, args.draws + args.rows, require_draw);
  const LaunchScope scope(stream.log(), "sample", args.rows * (args.vocab * 4 + 4),
                          args.rows * args.vocab * 2);
  stream.pool().run(args.rows, [&](std::int64_t row, int worker) {
    auto* memory = static_cast<std::byte*>(args.workspace) +
                   row_bytes(args) * static_cast<std::size_t>(worker);
    auto* e = reinterpret_cast<float*>(memory);
    auto* id = reinterpret_cast<std::int32_t*>(e + args.vocab);
    args.ids[row] = sample_row(args.logits + row * args.vocab, args.vocab, args.draws[row], e, id);
  });
}

}  // namespace moebius::kernels
#endif  // HWY_ONCE
