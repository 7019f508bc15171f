// Device code's small change: a few elements at a time between memory and float32 registers,
// reductions over warps and blocks, fp8 quantisation.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp8.h>

#include <cstdint>

#include "kernels/device/rows.h"

namespace moebius::kernels {

using Bf16 = __nv_bfloat16;

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;

/// kCount neighbouring elements, in float32.
template <int kCount>
struct Floats {
  float v[kCount];
  __device__ float& operator[](int i) { return v[i]; }
  __device__ const float& operator[](int i) const { return v[i]; }
};

__device__ __forceinline__ float widened(float x) {
  return x;
}
__device__ __forceinline__ float widened(Bf16 x) {
  return __bfloat162float(x);
}
/// To the nearest, ties to even.
template <class T>
__device__ __forceinline__ T narrowed(float x);
template <>
__device__ __forceinline__ float narrowed<float>(float x) {
  return x;
}
template <>
__device__ __forceinline__ Bf16 narrowed<Bf16>(float x) {
  return __float2bfloat16_rn(x);
}

/// What one memory instruction moves.
template <int kBytes>
struct Packet;
template <>
struct Packet<2> {
  using Type = std::uint16_t;
};
template <>
struct Packet<4> {
  using Type = std::uint32_t;
};
template <>
struct Packet<8> {
  using Type = uint2;
};
template <>
struct Packet<16> {
  using Type = uint4;
};

/// kCount neighbouring elements as memory has them: fewer registers than Floats while a load is
/// under way.
template <class T, int kCount>
class Loaded {
 public:
  /// p is aligned to the kCount elements' bytes, or to 16 if they are more.
  __device__ void take(const T* p) {
#pragma unroll
    for (int i = 0; i < kBytes / kEach; ++i) u_.packets[i] = reinterpret_cast<const Each*>(p)[i];
  }
  __device__ float get(int i) const {
    return widened(u_.values[i]);
  }

 private:
  static constexpr int kBytes = kCount * static_cast<int>(sizeof(T));
  static constexpr int kEach = kBytes < 16 ? kBytes : 16;
  using Each = typename Packet<kEach>::Type;
  union Both {
    __device__ Both() {}
    Each packets[kBytes / kEach];
    T values[kCount];
  } u_;
};

/// Aligned as for Loaded.
template <int kCount, class T>
__device__ __forceinline__ Floats<kCount> load(const T* p) {
  Loaded<T, kCount> raw;
  raw.take(p);
  Floats<kCount> x;
#pragma unroll
  for (int i = 0; i < kCount; ++i) x[i] = raw.get(i);
  return x;
}

template <int kCount, class T>
__device__ __forceinline__ void store(T* p, const Floats<kCount>& x) {
  constexpr int kBytes = kCount * static_cast<int>(sizeof(T));
  constexpr int kEach = kBytes < 16 ? kBytes : 16;
  using Each = typename Packet<kEach>::Type;
  union Both {
    __device__ Both() {}
    Each packets[kBytes / kEach];
    T values[kCount];
  } u;
#pragma unroll
  for (int i = 0; i < kCount; ++i) u.values[i] = narrowed<T>(x[i]);
#pragma unroll
  for (int i = 0; i < kBytes / kEach; ++i) reinterpret_cast<Each*>(p)[i] = u.packets[i];
}

template <class T>
__device__ __forceinline__ T* row_of(const Rows& rows, std::int64_t r) {
  return static_cast<T*>(rows.data) + r * rows.ld;
}

/// The same bits in every lane: each step adds two partners, in either order.
__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) x += __shfl_xor_sync(kAllLanes, x, lanes);
  return x;
}
__device__ __forceinline__ float warp_max(float x) {
#pragma unroll
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) {
    x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, lanes));
  }
  return x;
}

/// Over all threads of a block of whole warps; warps in ascending order. `sums` holds one
/// float per warp and is free again after the next __syncthreads().
__device__ __forceinline__ float block_sum(float x, float* sums) {
  x = warp_sum(x);
  if (threadIdx.x % kWarp == 0) sums[threadIdx.x / kWarp] = x;
  __syncthreads();  // sums written before anyone reads them
  float sum = 0;
  for (unsigned w = 0; w < blockDim.x / kWarp; ++w) sum += sums[w];
  return sum;
}

/// Quantises 128 columns, kWidth (4 or 8) to each of 128 / kWidth lanes: a lane's first at y,
/// their scale to *scale. Source: DeepSeek-V3 inference/kernel.py, act_quant_kernel.
template <int kWidth>
__device__ __forceinline__ void quantize_group(const Floats<kWidth>& x, bool active,
                                               std::uint8_t* y, float* scale) {
  constexpr int kLanes = static_cast<int>(kScaleBlock) / kWidth;
  float most = 0;
#pragma unroll
  for (int i = 0; i < kWidth; ++i) most = active ? fmaxf(most, fabsf(x[i])) : most;
#pragma unroll
  for (int lanes = kLanes / 2; lanes > 0; lanes /= 2) {
    most = fmaxf(most, __shfl_xor_sync(kAllLanes, most, lanes));
  }
  const float s = fmaxf(most, 1e-4F) / 448.0F;
  if (!active) return;
  if (threadIdx.x % kLanes == 0) *scale = s;
  const auto two = [&](float a, float b) {
    return static_cast<std::uint32_t>(
        __nv_cvt_float2_to_fp8x2(make_float2(a / s, b / s), __NV_SATFINITE, __NV_E4M3));
  };
  const std::uint32_t four = two(x[0], x[1]) | two(x[2], x[3]) << 16;
  if constexpr (kWidth == 8) {
    const std::uint32_t next = two(x[4], x[5]) | two(x[6], x[7]) << 16;
    *reinterpret_cast<uint2*>(y) = make_uint2(four, next);
  } else {
    *reinterpret_cast<std::uint32_t*>(y) = four;
  }
}

/// Calls f with a null pointer of the element type, float or Bf16.
template <class F>
void with_element(Dtype dtype, const F& f) {
  if (dtype == Dtype::kBF16) {
    f(static_cast<Bf16*>(nullptr));
  } else {
    f(static_cast<float*>(nullptr));
  }
}

inline bool is_float(Dtype dtype) {
  return dtype == Dtype::kF32 || dtype == Dtype::kBF16;
}

/// Whether rows may be read 16 bytes at a time, wherever they are.
inline bool aligned(const Rows& rows) {
  const auto bytes = static_cast<std::int64_t>(dtype_bytes(rows.dtype)) * rows.ld;
  return reinterpret_cast<std::uintptr_t>(rows.data) % 16 == 0 && bytes % 16 == 0;
}

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace moebius::kernels
