// Writing to the paged cache on the host.
#include "kernels/kv_write/kv_write.h"

#include <algorithm>
#include <cstring>

#include "kernels/kv_write/fp8_cache.h"
#include "kernels/ragged_rows.h"
#include "kernels/simd/rows.h"
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/kv_write/kv_write.cc"
#include "hwy/foreach_target.h"  // before the next

#include "hwy/highway.h"
#include "kernels/simd/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE void narrow_bf16(const float* x, std::uint16_t* y, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) store_bf16(d, hn::LoadU(d, x + i), y + i);
  for (; i < count; ++i) y[i] = f32_to_bf16(x[i]);
}

// What an fp8 cache would give back, in bf16. A block at a time; the plain columns come last.
void narrow_fp8(const KvWriteArgs& a, const float* x, std::uint16_t* y) {
  const std::int64_t quantised = std::min(a.offset + a.width, a.kv.width - a.kv.plain) - a.offset;
  std::uint8_t codes[kMaxFp8Block];
  for (std::int64_t i = 0; i < quantised; i += a.kv.block) {
    const std::uint16_t scale = quantize_block(x + i, a.kv.block, codes);
    for (std::int64_t j = 0; j < a.kv.block; ++j) {
      y[i + j] = f32_to_bf16(fp8_value(codes[j], scale));
    }
  }
  const std::int64_t done = std::max<std::int64_t>(quantised, 0);
  narrow_bf16(x + done, y + done, a.width - done);
}

void kv_write_rows(const KvWriteArgs& a, std::int64_t begin, std::int64_t end) {
  for_ragged_rows(
      a.batch, begin, end, [&](std::int64_t row, std::int64_t s, std::int64_t position) {
        const std::int64_t page = a.batch.pages[s * a.batch.max_pages + position / kPageTokens];
        const std::int64_t entry = page * kPageTokens + position % kPageTokens;
        const std::int64_t first = entry * a.kv.width + a.offset;
        const float* x = a.x + row * a.ldx;
        if (a.kv.dtype == Dtype::kF32) {
          std::memcpy(static_cast<float*>(a.kv.data) + first, x,
                      static_cast<std::size_t>(a.width) * sizeof(float));
        } else if (a.kv.block > 0) {
          narrow_fp8(a, x, static_cast<std::uint16_t*>(a.kv.data) + first);
        } else {
          narrow_bf16(x, static_cast<std::uint16_t*>(a.kv.data) + first, a.width);
        }
      });
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {
namespace {

HWY_EXPORT(kv_write_rows);

void require_blocks(const KvWriteArgs& a) {
  const KvLayer& kv = a.kv;
  require(kv.dtype == Dtype::kBF16 && kv.block <= kMaxFp8Block,
          "kv_write: fp8 values in a cache that is not bf16, or blocks of more than 1024");
  require(kv.plain >= 0 && kv.plain <= kv.width && (kv.width - kv.plain) % kv.block == 0,
          "kv_write: the quantised part of an entry is no multiple of its block");
  const std::int64_t quantised = kv.width - kv.plain, end = a.offset + a.width;
  require(a.offset >= quantised ||
              (a.offset % kv.block == 0 && (end >= quantised || end % kv.block == 0)),
          "kv_write: a write begins or ends inside a block");
}

}  // namespace

void kv_write(const KvWriteArgs& args, const Stream& stream) {
  require(args.kv.dtype == Dtype::kF32 || args.kv.dtype == Dtype::kBF16,
          "kv_write: the cache is neither f32 nor bf16");
  require(args.width >= 1 && args.offset >= 0 && args.offset + args.width <= args.kv.width,
          "kv_write: offset and width outside the entry");
  require_ragged(args.batch, "kv_write: malformed batch, or a page outside the cache", true,
                 args.kv.pages);
  require(args.kv.block >= 0, "kv_write: block < 0");
  if (args.kv.block > 0) require_blocks(args);
  if (args.batch.rows == 0) return;
  require(args.batch.rows == 1 || args.ldx >= args.width, "kv_write: ldx < width");
  require(args.x && args.kv.data, "kv_write: x or the cache is null");
  const auto element_bytes = static_cast<std::int64_t>(sizeof(float) + dtype_bytes(args.kv.dtype));
  const LaunchScope scope(stream.log(), "kv_write", args.batch.rows * args.width * element_bytes,
                          0);
  for_row_blocks(stream, args.batch.rows, args.width, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(kv_write_rows)(args, begin, end);
  });
}

}  // namespace moebius::kernels
#endif  // HWY_ONCE
