// Embedding lookup on the host: a gather of rows, widened.
#include "kernels/embedding/embedding.h"

#include <algorithm>
#include <cstring>

#include "kernels/simd/rows.h"
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/embedding/embedding.cc"
#include "hwy/foreach_target.h"  // before the next

#include "hwy/highway.h"
#include "kernels/simd/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE void widen_bf16(const std::uint16_t* x, float* y, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(load_bf16(d, x + i), d, y + i);
  for (; i < count; ++i) y[i] = bf16_to_f32(x[i]);
}

HWY_INLINE void widen_f16(const std::uint16_t* x, float* y, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(load_f16(d, x + i), d, y + i);
  for (; i < count; ++i) y[i] = f16_to_f32(x[i]);
}

void embedding_rows(const EmbeddingArgs& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t dim = a.table.cols;
  for (std::int64_t r = begin; r < end; ++r) {
    const std::int64_t first = a.ids[r] * dim;
    float* y = a.y + r * dim;
    if (a.table.dtype == Dtype::kF32) {
      std::memcpy(y, static_cast<const float*>(a.table.data) + first,
                  static_cast<std::size_t>(dim) * sizeof(float));
    } else if (a.table.dtype == Dtype::kBF16) {
      widen_bf16(static_cast<const std::uint16_t*>(a.table.data) + first, y, dim);
    } else {
      widen_f16(static_cast<const std::uint16_t*>(a.table.data) + first, y, dim);
    }
  }
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {
namespace {

HWY_EXPORT(embedding_rows);

}  // namespace

void embedding(const EmbeddingArgs& args, const Stream& stream) {
  const Matrix& table = args.table;
  require(args.rows >= 0, "embedding: rows < 0");
  require(table.data && table.rows >= 1 && table.cols >= 1, "embedding: empty table");
  require(dtype_bits(table.dtype) >= 16, "embedding: a quantised table");
  if (args.rows == 0) return;
  require(args.ids && args.y, "embedding: ids or y is null");
  require(std::all_of(args.ids, args.ids + args.rows,
                      [&](std::int32_t id) { return id >= 0 && id < table.rows; }),
          "embedding: an id outside the table");
  const auto element_bytes = static_cast<std::int64_t>(dtype_bytes(table.dtype) + sizeof(float));
  const LaunchScope scope(stream.log(), "embedding", args.rows * (table.cols * element_bytes + 4),
                          0);
  for_row_blocks(stream, args.rows, table.cols, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(embedding_rows)(args, begin, end);
  });
}

}  // namespace moebius::kernels
#endif  // HWY_ONCE
