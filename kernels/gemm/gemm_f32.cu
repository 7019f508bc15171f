// Matrix products in float32 by vector units: one chain of fused multiply-adds per output.
//
// Memory-bound for a few rows (each weight is read once), bound by the 67 TFLOP/s of the
// vector units above. The chain over k is the contract, so work is cut along outputs only:
// a thread owns kTm x kTn of them, reads four k of each operand at a time from shared memory
// and lets consecutive threads own consecutive outputs, so that stores are coalesced. Weights
// stay in their own dtype in shared memory and are widened as they are used. Padding beyond K
// is zero in both operands: fma(0, 0, sum) is sum.
#include <cuda_bf16.h>
#include <cuda_fp8.h>
#include <cuda_pipeline.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "kernels/device/device.h"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"
#include "kernels/gemm/gemm_cuda.h"
#include "kernels/gemm/gemm_groups.cuh"
#include "kernels/gemm/gemm_paths.h"

namespace moebius::kernels {
namespace {

// 16 bytes more per row than it needs: eight rows read at once fall into different banks.
constexpr int kPad = 16;

template <int tx, int ty, int tm, int tn, int k, int stages>
struct Tile {
  static constexpr int kTx = tx, kTy = ty, kTm = tm, kTn = tn, kK = k, kStages = stages;
  static constexpr int kRows = ty * tm, kOuts = tx * tn, kThreads = tx * ty;
  static constexpr int kXLine = k * 4 + kPad;
};
using SmallTile = Tile<32, 4, 2, 1, 64, 4>;    // 8 rows x 32 outputs: decoding
using MediumTile = Tile<16, 16, 4, 4, 32, 3>;  // 64 x 64
using LargeTile = Tile<16, 16, 8, 8, 32, 3>;   // 128 x 128

template <typename W, typename T>
constexpr int w_line() {
  return T::kK * static_cast<int>(sizeof(W)) + kPad;
}
template <typename W, typename T>
constexpr int stage_bytes() {
  return T::kRows * T::kXLine + T::kOuts * w_line<W, T>();
}

// Where this block's operands lie; rows and outputs at or past the ends read as zeros.
struct Place {
  const float* x;
  const std::byte* w;
  std::int32_t rows, outs;  // that exist, from the block's first
  std::int32_t first_row, first_out;
  std::int32_t scale_row0, scale_out0;  // of the matrix in the stack of scales; its first row
  std::int32_t y_column;
  bool any;
};

template <typename T>
__device__ Place place_of(const GemmCudaArgs& a, std::int32_t w_bytes) {
  Place p{};
  const auto n = static_cast<std::int32_t>(a.n);
  p.first_out = static_cast<std::int32_t>(blockIdx.x) * T::kOuts;
  std::int32_t end = static_cast<std::int32_t>(a.rows), x_column = 0;
  std::int64_t w_row = p.first_out;
  p.first_row = static_cast<std::int32_t>(blockIdx.y) * T::kRows;
  p.scale_out0 = p.first_out;
  if (a.groups > 0) {
    GroupWalk walk(a.offsets, static_cast<std::int32_t>(a.groups), T::kRows);
    const GroupSpan t = walk.find(p.first_row / T::kRows);
    if (t.group < 0) return p;
    p.first_row = t.first + (p.first_row / T::kRows - t.before) * T::kRows;
    end = t.end;
    w_row += t.group * a.n;
    p.scale_row0 = t.group * weight_scale_rows(n, a.pairs);
  } else if (a.heads > 1) {
    const std::int64_t head = blockIdx.z;
    w_row += a.w_first + a.w_head * head;
    p.scale_out0 = static_cast<std::int32_t>(w_row);
    x_column = static_cast<std::int32_t>(a.x_head * head);
    p.y_column = static_cast<std::int32_t>(a.y_head * head);
  } else {
    w_row += a.w_first;
    p.scale_out0 = static_cast<std::int32_t>(w_row);
  }
  p.rows = min(end - p.first_row, T::kRows);
  p.outs = min(n - p.first_out, T::kOuts);
  p.x = static_cast<const float*>(a.x.data) + p.first_row * a.x.ld + x_column;
  p.w = static_cast<const std::byte*>(a.w.data) + w_row * a.w.ld * w_bytes;
  p.any = true;
  return p;
}

// Copies `lines` lines of `line_bytes` (16 each thread at a time); what lies past `exist` lines or
// `valid` bytes of a line becomes zero.
template <int kLines, int kLineBytes, int kThreads, int kWidth>
__device__ void stage_lines(std::byte* to, const std::byte* from, std::int64_t from_ld,
                            std::int32_t exist, std::int64_t valid) {
  constexpr int kPieces = kLineBytes / kWidth;
  for (int i = static_cast<int>(threadIdx.x); i < kLines * kPieces; i += kThreads) {
    const int line = i / kPieces, byte = i % kPieces * kWidth;
    const std::int64_t left = line < exist ? min(max(valid - byte, 0L), long{kWidth}) : 0;
    // Nothing is read where nothing is left, but the address must be one that exists.
    const std::byte* source = left > 0 ? from + line * from_ld + byte : from;
    __pipeline_memcpy_async(to + line * (kLineBytes + kPad) + byte, source, kWidth,
                            static_cast<std::size_t>(kWidth - left));
  }
}

__device__ float4 widen4(const float* w) {
  return *reinterpret_cast<const float4*>(w);
}
__device__ float4 widen4(const __nv_bfloat16* w) {
  const uint2 bits = *reinterpret_cast<const uint2*>(w);
  return {__uint_as_float(bits.x << 16), __uint_as_float(bits.x & 0xffff0000U),
          __uint_as_float(bits.y << 16), __uint_as_float(bits.y & 0xffff0000U)};
}
__device__ float4 widen4(const __nv_fp8_e4m3* w) {
  return static_cast<float4>(*reinterpret_cast<const __nv_fp8x4_e4m3*>(w));
}

template <typename W, typename T>
struct Block {
  Place place;
  float sum[T::kTm][T::kTn] = {};
  float scale[T::kTn], next_scale[T::kTn];

  // Thread's outputs and rows are kTx and kTy apart, so that neighbours read neighbouring lines.
  __device__ static int out(int j) { return static_cast<int>(threadIdx.x) % T::kTx + j * T::kTx; }
  __device__ static int row(int i) { return static_cast<int>(threadIdx.x) / T::kTx + i * T::kTy; }

  __device__ void load_scales(const GemmCudaArgs& a, std::int64_t k) {
    const std::int64_t columns = (a.w.cols + 127) / 128;
#pragma unroll
    for (int j = 0; j < T::kTn; ++j) {
      const std::int32_t line =
          place.scale_row0 + weight_scale_row(place.scale_out0 + min(out(j), place.outs - 1),
                                              static_cast<std::int32_t>(a.n), a.pairs);
      next_scale[j] = k < a.w.cols ? a.w.scale[line * columns + k / 128] : 0.0F;
    }
  }

  __device__ void accumulate(const std::byte* stage) {
    const std::byte* w_lines = stage + T::kRows * T::kXLine;
#pragma unroll 2
    for (int k = 0; k < T::kK; k += 4) {
      float4 x[T::kTm], w[T::kTn];
#pragma unroll
      for (int i = 0; i < T::kTm; ++i)
        x[i] = *reinterpret_cast<const float4*>(stage + row(i) * T::kXLine + k * 4);
#pragma unroll
      for (int j = 0; j < T::kTn; ++j) {
        w[j] = widen4(reinterpret_cast<const W*>(w_lines + out(j) * w_line<W, T>()) + k);
        if constexpr (sizeof(W) == 1) {
          w[j] = {w[j].x * scale[j], w[j].y * scale[j], w[j].z * scale[j], w[j].w * scale[j]};
        }
      }
#pragma unroll
      for (int i = 0; i < T::kTm; ++i) {
#pragma unroll
        for (int j = 0; j < T::kTn; ++j) {
          float s = __fmaf_rn(x[i].x, w[j].x, sum[i][j]);
          s = __fmaf_rn(x[i].y, w[j].y, s);
          s = __fmaf_rn(x[i].z, w[j].z, s);
          sum[i][j] = __fmaf_rn(x[i].w, w[j].w, s);
        }
      }
    }
  }

  __device__ void put(const GemmCudaArgs& a, int i, std::int32_t column, float value) const {
    const std::int64_t at = (place.first_row + row(i)) * a.y.ld + place.y_column + column;
    if (a.y.dtype == Dtype::kF32) {
      static_cast<float*>(a.y.data)[at] = value;
    } else {
      static_cast<__nv_bfloat16*>(a.y.data)[at] = __float2bfloat16_rn(value);
    }
  }

  __device__ void store(const GemmCudaArgs& a) const {
#pragma unroll
    for (int j = 0; j < T::kTn; ++j) {
      const std::int32_t column = place.first_out + out(j);
      const bool exists = out(j) < place.outs;
      const float bias = a.bias != nullptr && exists ? a.bias[column] : 0.0F;
#pragma unroll
      for (int i = 0; i < T::kTm; ++i) {
        const bool wanted = exists && row(i) < place.rows;
        if (a.pairs) {  // gate and up of a pair are eight outputs, hence eight lanes, apart
          const float gate = sum[i][j];
          const float up = __shfl_xor_sync(0xffffffffU, gate, 8);
          if (wanted && column % 16 < 8)
            put(a, i, column / 16 * 8 + column % 8, gate / (1.0F + expf(-gate)) * up);
        } else if (wanted) {
          put(a, i, column, a.bias != nullptr ? sum[i][j] + bias : sum[i][j]);
        }
      }
    }
  }
};

template <typename W, typename T>
__global__ void __launch_bounds__(T::kThreads)
    gemm_f32_kernel(const __grid_constant__ GemmCudaArgs a, bool x_aligned) {
  extern __shared__ __align__(16) std::byte shared[];
  Block<W, T> block;
  block.place = place_of<T>(a, sizeof(W));
  const Place& p = block.place;
  if (!p.any) return;

  const int steps = static_cast<int>((a.w.cols + T::kK - 1) / T::kK);
  const auto stage = [&](int step) {
    if (step < steps) {
      std::byte* to = shared + step % T::kStages * stage_bytes<W, T>();
      const std::int64_t k = std::int64_t{step} * T::kK;
      const auto* x = reinterpret_cast<const std::byte*>(p.x + k);
      const std::int64_t x_left = (a.w.cols - k) * 4;
      if (x_aligned) {
        stage_lines<T::kRows, T::kK * 4, T::kThreads, 16>(to, x, a.x.ld * 4, p.rows, x_left);
      } else {
        stage_lines<T::kRows, T::kK * 4, T::kThreads, 4>(to, x, a.x.ld * 4, p.rows, x_left);
      }
      constexpr int kWLine = T::kK * static_cast<int>(sizeof(W));
      stage_lines<T::kOuts, kWLine, T::kThreads, 16>(
          to + T::kRows * T::kXLine, p.w + k * static_cast<std::int64_t>(sizeof(W)),
          a.w.ld * static_cast<std::int64_t>(sizeof(W)), p.outs,
          (a.w.cols - k) * static_cast<std::int64_t>(sizeof(W)));
    }
    __pipeline_commit();
  };
  if constexpr (sizeof(W) == 1) block.load_scales(a, 0);
  for (int s = 0; s + 1 < T::kStages; ++s) stage(s);
  for (int step = 0; step < steps; ++step) {
    if constexpr (sizeof(W) == 1) {
#pragma unroll
      for (int j = 0; j < T::kTn; ++j) block.scale[j] = block.next_scale[j];
      block.load_scales(a, (step + std::int64_t{1}) * T::kK);
    }
    __pipeline_wait_prior(T::kStages - 2);
    __syncthreads();  // every thread's copies of this step, before anyone reads them; and the
                      // reads of the step before, before its place is filled again
    stage(step + T::kStages - 1);
    block.accumulate(shared + step % T::kStages * stage_bytes<W, T>());
  }
  block.store(a);
}

template <typename W, typename T>
void launch(const GemmCudaArgs& a, const Stream& stream) {
  constexpr int kBytes = T::kStages * stage_bytes<W, T>();
  allow_shared_bytes(gemm_f32_kernel<W, T>, kBytes);
  const std::int64_t tiles = (a.rows + T::kRows - 1) / T::kRows;
  // Each group adds at most one tile that is not full.
  const std::int64_t row_tiles =
      a.groups > 0 ? a.rows / T::kRows + std::min(a.groups, a.rows) : tiles;
  require(row_tiles <= 65535, "gemm_f32: too many rows for one launch");
  const dim3 grid(static_cast<unsigned>((a.n + T::kOuts - 1) / T::kOuts),
                  static_cast<unsigned>(row_tiles), static_cast<unsigned>(a.heads));
  const bool aligned = a.heads == 1 || a.x_head % 4 == 0;
  gemm_f32_kernel<W, T>
      <<<grid, T::kThreads, kBytes, static_cast<cudaStream_t>(stream.handle())>>>(a, aligned);
}

template <typename W>
void launch_tile(const GemmCudaArgs& a, const Stream& stream) {
  const std::int64_t rows = a.groups > 0 ? (a.rows + a.groups - 1) / a.groups : a.rows;
  const std::int64_t large_tiles = (a.rows + 127) / 128 * ((a.n + 127) / 128) * a.heads;
  if (rows <= 16) {
    launch<W, SmallTile>(a, stream);
  } else if (rows <= 64 || large_tiles < 132) {
    launch<W, MediumTile>(a, stream);
  } else {
    launch<W, LargeTile>(a, stream);
  }
}

}  // namespace

void gemm_f32(const GemmCudaArgs& a, const Stream& stream) {
  require(a.x.dtype == Dtype::kF32, "gemm_f32: float32 rows expected");
  require(a.y.dtype == Dtype::kF32 || a.y.dtype == Dtype::kBF16,
          "gemm_f32: float32 or bf16 outputs expected");
  require(a.w.dtype == Dtype::kF32 || a.w.dtype == Dtype::kBF16 ||
              (a.w.dtype == Dtype::kF8E4M3 && a.w.scale != nullptr),
          "gemm_f32: weights of float32, bf16 or float8 with scales expected");
  require(!a.pairs || (a.n % 16 == 0 && a.heads == 1 && a.bias == nullptr),
          "gemm_f32: pairs need whole packs of 16 rows, one head and no bias");
  if (a.rows == 0 || a.n == 0) return;
  const std::int64_t matrices = a.groups > 0 ? std::min(a.groups, a.rows) : a.heads;
  const std::int64_t outputs = a.rows * (a.pairs ? a.n / 2 : a.n) * a.heads;
  const std::int64_t bytes =
      a.rows * a.w.cols * a.heads * 4 +
      matrices * a.n * a.w.cols * static_cast<std::int64_t>(dtype_bytes(a.w.dtype)) +
      outputs * static_cast<std::int64_t>(dtype_bytes(a.y.dtype));
  const DeviceLaunch declared(stream, "gemm_f32", bytes, 2 * a.rows * a.n * a.w.cols * a.heads);
  if (a.w.dtype == Dtype::kF32) {
    launch_tile<float>(a, stream);
  } else if (a.w.dtype == Dtype::kBF16) {
    launch_tile<__nv_bfloat16>(a, stream);
  } else {
    launch_tile<__nv_fp8_e4m3>(a, stream);
  }
  declared.launched();
}

}  // namespace moebius::kernels
