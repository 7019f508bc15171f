// The rotation itself on the device, and where in the paged cache a row's entry lies.
#pragma once

#include <cstdint>

#include "kernels/device/vectors.cuh"
#include "kernels/rope/rope_cuda.h"

namespace moebius::kernels {

/// Pairs i .. i + kPairs - 1 of one head's 2 * half rotated columns: from x, rounded to y.
/// kPairs 4: i and half are multiples of 4, both addresses of 8 elements (halves: of 4).
template <int kPairs, class T, class U>
__device__ __forceinline__ void rotate(const RopeAngles& rope, std::int64_t row, const T* x,
                                       std::int64_t i, U* y) {
  const Floats<kPairs> cos = load<kPairs>(rope.cos + row * rope.half + i);
  const Floats<kPairs> sin = load<kPairs>(rope.sin + row * rope.half + i);
  const auto turn = [&](float& a, float& b, int k) {
    const float turned = fmaf(a, cos[k], -(b * sin[k]));
    b = fmaf(b, cos[k], a * sin[k]);
    a = turned;
  };
  if constexpr (kPairs == 1) {
    const bool interleaved = rope.pairs == RopePairs::kInterleaved;
    const std::int64_t first = interleaved ? 2 * i : i;
    const std::int64_t second = interleaved ? 2 * i + 1 : rope.half + i;
    Floats<1> a = load<1>(x + first), b = load<1>(x + second);
    turn(a[0], b[0], 0);
    store<1>(y + first, a);
    store<1>(y + second, b);
  } else if (rope.pairs == RopePairs::kInterleaved) {
    Floats<2 * kPairs> both = load<2 * kPairs>(x + 2 * i);
#pragma unroll
    for (int k = 0; k < kPairs; ++k) turn(both[2 * k], both[2 * k + 1], k);
    store<2 * kPairs>(y + 2 * i, both);
  } else {
    Floats<kPairs> a = load<kPairs>(x + i), b = load<kPairs>(x + rope.half + i);
#pragma unroll
    for (int k = 0; k < kPairs; ++k) turn(a[k], b[k], k);
    store<kPairs>(y + i, a);
    store<kPairs>(y + rope.half + i, b);
  }
}

template <class T>
__device__ __forceinline__ T* entry_of(const KvLayer& kv, const DeviceBatch& batch,
                                       std::int64_t row) {
  const std::int64_t position = batch.row_position[row];
  const std::int64_t page =
      batch.ragged.pages[batch.row_sequence[row] * batch.ragged.max_pages + position / kPageTokens];
  return static_cast<T*>(kv.data) + (page * kPageTokens + position % kPageTokens) * kv.width;
}

inline void require_batch(const DeviceBatch& batch, const char* what) {
  require(batch.ragged.rows >= 0 && (batch.ragged.rows == 0 || batch.ragged.pages) &&
              batch.ragged.max_pages >= 1 && batch.row_position && batch.row_sequence,
          what);
}

}  // namespace moebius::kernels
