// The canonical order of a sum of squares on the device, one for each dim.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/device/vectors.cuh"

namespace moebius::kernels {

/// Thread t of `threads` sums the packets t, t + threads, ... of `width` neighbouring elements
/// as one chain of fma; block_sum() adds the threads. Further threads of a block add zeros.
struct RmsLayout {
  int width;    // 4, or 1 where dim is no multiple of 4
  int threads;  // whole warps, at most 512
  int packets;  // per thread, at most

  constexpr explicit RmsLayout(std::int64_t dim) : width(4), threads(0), packets(0) {
    std::int64_t count = ceil_div(dim, 4);
    packets = dim <= 1024 ? 1 : dim <= 4096 ? 2 : dim <= 8192 ? 4 : 8;
    if (dim % 4 != 0) {
      width = 1;
      count = dim;
      packets = 32;
    }
    const std::int64_t warps = ceil_div(count, std::int64_t{packets} * kWarp);
    threads = static_cast<int>(std::max<std::int64_t>(1, warps)) * kWarp;
  }
};

template <int kCount>
__device__ __forceinline__ float add_squares(const Floats<kCount>& x, float sum) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) sum = fmaf(x[i], x[i], sum);
  return sum;
}

__device__ __forceinline__ float rms_factor(float sum, std::int64_t dim, float eps) {
  return 1.0F / sqrtf(sum / static_cast<float>(dim) + eps);
}

/// weight * (x * factor)
template <int kCount>
__device__ __forceinline__ Floats<kCount> normalized(const Floats<kCount>& x,
                                                     const Floats<kCount>& weight, float factor) {
  Floats<kCount> y;
#pragma unroll
  for (int i = 0; i < kCount; ++i) y[i] = weight[i] * (x[i] * factor);
  return y;
}

}  // namespace moebius::kernels
