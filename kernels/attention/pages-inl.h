// Reading pages of the KV cache and turning rows into lanes.
//
// Include it after hwy/foreach_target.h, in a file that includes
// kernels/simd/targets.h first.

// Per-target include guard.
#if defined(MOEBIUS_KERNELS_ATTENTION_PAGES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MOEBIUS_KERNELS_ATTENTION_PAGES_INL_H_
#undef MOEBIUS_KERNELS_ATTENTION_PAGES_INL_H_
#else
#define MOEBIUS_KERNELS_ATTENTION_PAGES_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"
#include "kernels/attention/attention_core.h"
#include "kernels/attention/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

using Four = hn::FixedTag<std::uint32_t, 4>;
using FourV = hn::Vec<Four>;

HWY_INLINE FourV load_four(const void* p) {
  return hn::LoadU(Four(), static_cast<const std::uint32_t*>(p));
}
HWY_INLINE void store_four(FourV v, void* p) {
  hn::StoreU(v, Four(), static_cast<std::uint32_t*>(p));
}

/// Rows become columns.
HWY_INLINE void transpose_four(FourV& a, FourV& b, FourV& c, FourV& d) {
  const hn::RepartitionToWide<Four> wide;
  const Four four;
  const auto ab_low = hn::BitCast(wide, hn::InterleaveLower(four, a, b));
  const auto ab_high = hn::BitCast(wide, hn::InterleaveUpper(four, a, b));
  const auto cd_low = hn::BitCast(wide, hn::InterleaveLower(four, c, d));
  const auto cd_high = hn::BitCast(wide, hn::InterleaveUpper(four, c, d));
  a = hn::BitCast(four, hn::InterleaveLower(wide, ab_low, cd_low));
  b = hn::BitCast(four, hn::InterleaveUpper(wide, ab_low, cd_low));
  c = hn::BitCast(four, hn::InterleaveLower(wide, ab_high, cd_high));
  d = hn::BitCast(four, hn::InterleaveUpper(wide, ab_high, cd_high));
}

/// to[i * stride + r] = rows[r][begin + i] for i in [0, count), r in [0, 4).
HWY_INLINE void transpose_rows(const float* const* rows, std::int64_t begin, std::int64_t count,
                               float* to, std::int64_t stride) {
  std::int64_t i = begin;
  const std::int64_t end = begin + count;
  for (; i + 4 <= end; i += 4, to += 4 * stride) {
    FourV a = load_four(rows[0] + i);
    FourV b = load_four(rows[1] + i);
    FourV c = load_four(rows[2] + i);
    FourV d = load_four(rows[3] + i);
    transpose_four(a, b, c, d);
    store_four(a, to);
    store_four(b, to + stride);
    store_four(c, to + 2 * stride);
    store_four(d, to + 3 * stride);
  }
  for (; i < end; ++i, to += stride) {
    for (int r = 0; r < 4; ++r) to[r] = rows[r][i];
  }
}

/// The same of bfloat16, count a multiple of 8: pairs travel as 32 bits and part at the end.
HWY_INLINE void transpose_rows(const std::uint16_t* const* rows, std::int64_t begin,
                               std::int64_t count, float* to, std::int64_t stride) {
  const FourV odd = hn::Set(Four(), 0xFFFF0000U);
  for (std::int64_t i = begin; i < begin + count; i += 8, to += 8 * stride) {
    FourV v[4] = {load_four(rows[0] + i), load_four(rows[1] + i), load_four(rows[2] + i),
                  load_four(rows[3] + i)};
    transpose_four(v[0], v[1], v[2], v[3]);
#pragma GCC unroll 4
    for (int pair = 0; pair < 4; ++pair) {
      store_four(hn::ShiftLeft<16>(v[pair]), to + 2 * pair * stride);
      store_four(hn::And(v[pair], odd), to + (2 * pair + 1) * stride);
    }
  }
}

/// Keys or values of a block's KV head.
struct Part {
  std::int64_t offset, dim;
};
HWY_INLINE Part keys_of(const AttentionBlock& block) {
  const AttentionArgs& args = *block.args;
  return {args.k_offset + block.kv_head * args.qk_dim, args.qk_dim};
}
HWY_INLINE Part values_of(const AttentionBlock& block) {
  const AttentionArgs& args = *block.args;
  return {args.v_offset + block.kv_head * args.v_dim, args.v_dim};
}

/// A part of the entries of one page: kPageTokens rows kv.width elements apart.
template <class T>
HWY_INLINE const T* page_part(const AttentionBlock& block, const Part& part, std::int64_t page) {
  const AttentionArgs& args = *block.args;
  const std::int64_t id = args.batch.pages[block.sequence * args.batch.max_pages + page];
  return static_cast<const T*>(args.kv.data) + id * kPageTokens * args.kv.width + part.offset;
}

/// The rows that are read after a page of keys (or else values) of a chunk whose last page
/// is `last`: keys of a chunk, then its values, then the next chunk's keys.
template <class T>
class NextPage {
 public:
  NextPage(const AttentionBlock& block, bool keys, std::int64_t page, std::int64_t last)
      : ld_(block.args->kv.width) {
    constexpr std::int64_t kChunkPages = kAttentionChunk / kPageTokens;
    if (page == last) {
      page = keys ? page / kChunkPages * kChunkPages - 1 : page;
      keys = !keys;
    }
    if ((page + 1) * kPageTokens > block.position(block.rows - 1)) return;
    const Part part = keys ? keys_of(block) : values_of(block);
    rows_ = page_part<T>(block, part, page + 1);
    dim_ = part.dim;
  }

  /// Asks for rows [row, row + count). Entries of several heads lie too far apart for the
  /// processor to guess the next.
  void prefetch(std::int64_t row, std::int64_t count) const {
    if (!rows_) return;
    constexpr std::int64_t kLine = 64 / sizeof(T);
    for (const T* p = rows_ + row * ld_; count > 0; --count, p += ld_) {
      for (std::int64_t i = 0; i < dim_; i += kLine) __builtin_prefetch(p + i);
    }
  }

 private:
  const T* rows_ = nullptr;
  std::int64_t ld_;
  std::int64_t dim_ = 0;
};

/// Rows of float32, ld elements apart.
struct Rows {
  const float* data;
  std::int64_t ld;
};

/// `count` entries of float32 as they lie in the page.
HWY_INLINE Rows widen(const float* entries, std::int64_t width, std::int64_t, std::int64_t,
                      float*) {
  return {entries, width};
}

/// `count` entries' first n elements, widened to `to`. Rows are a line longer than they
/// need be: at a power of two apart they would compete for a few sets of the cache.
HWY_INLINE Rows widen(const std::uint16_t* entries, std::int64_t width, std::int64_t count,
                      std::int64_t n, float* to) {
  const std::int64_t ld = widened_ld(n);
  for (std::int64_t row = 0; row < count; ++row) {
    const std::uint16_t* from = entries + row * width;
    float* out = to + row * ld;
    std::int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) hn::StoreU(load_lanes(from + i), F32(), out + i);
    for (; i < n; ++i) {
      const std::uint32_t bits = static_cast<std::uint32_t>(from[i]) << 16;
      hwy::CopyBytes<4>(&bits, out + i);
    }
  }
  return {to, ld};
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
