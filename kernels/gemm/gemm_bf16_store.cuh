// From a warpgroup's sums to rows of y: bias, gate-up pairs, rounding, stores.
#pragma once

#include <cstdint>

#include "kernels/device/fragment.cuh"
#include "kernels/device/math.cuh"
#include "kernels/gemm/gemm_bf16_tiles.cuh"

namespace moebius::kernels {

/// Where this thread's results go: its outputs `weight` and `weight + 8` (or the pair's one) of
/// tokens 8 j + 2 (lane % 4), + 1.
struct GemmOutput {
  const GemmBf16Params& p;
  const GemmPlace& place;
  int group;   // warpgroup
  int weight;  // the block's first output
};

template <int N>
__device__ __forceinline__ void finish(float (&sum)[N / 2], const GemmOutput& out) {
  const GemmBf16Params& p = out.p;
  const int thread = threadIdx.x % 128, warp = thread / 32, lane = threadIdx.x % 32;
  if (p.bias) {
    const int row = out.weight + 64 * out.group + 16 * warp + lane / 4;
    const float low = row < p.n ? p.bias[row] : 0.0f;
    const float high = row + 8 < p.n ? p.bias[row + 8] : 0.0f;
#pragma unroll
    for (int i = 0; i < N / 2; ++i) sum[i] = __fadd_rn(sum[i], i % 4 < 2 ? low : high);
  }
  if (p.pairs) {
#pragma unroll
    for (int i = 0; i < N / 2; i += 4) {
      sum[i] = __fmul_rn(silu(sum[i]), sum[i + 2]);
      sum[i + 1] = __fmul_rn(silu(sum[i + 1]), sum[i + 3]);
    }
  }
}

/// Straight from registers: 8 lanes fill one 32-byte sector.
template <int N>
__device__ __forceinline__ void store_f32(const float (&sum)[N / 2], const GemmOutput& out) {
  const GemmBf16Params& p = out.p;
  const int thread = threadIdx.x % 128, warp = thread / 32, lane = threadIdx.x % 32;
  const int in_tile = 64 * out.group + 16 * warp;
  const int row = out.weight + in_tile + lane / 4;  // of w; the pair's gate
  if (in_tile >= p.weights) return;
  const bool first = p.pairs ? row - lane / 4 < p.n : row < p.n;
  const bool second = !p.pairs && row + 8 < p.n;
  const int column = p.pairs ? (out.weight + in_tile) / 2 + lane / 4 : row;
  float* y = static_cast<float*>(p.y) + out.place.batch * p.y_head + column;
#pragma unroll
  for (int i = 0; i < N / 2; i += 4) {
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      const int token = 2 * i + 2 * (lane % 4) + c;
      if (token >= out.place.rows) continue;
      float* at = y + (out.place.x_row + token) * p.y_ld;
      if (first) at[0] = sum[i + c];
      if (second) at[8] = sum[i + c + 2];
    }
  }
}

/// Through shared memory, 32 tokens a pass in turn through two buffers, so that a row's 64
/// outputs leave as whole 16-byte chunks side by side.
template <int N, bool kPairs>
__device__ __forceinline__ void store_bf16(const float (&sum)[N / 2], const GemmOutput& out,
                                           std::uint8_t* staging) {
  const GemmBf16Params& p = out.p;
  constexpr int kChunks = kPairs ? 4 : 8;  // 16-byte chunks of a token
  const int thread = threadIdx.x % 128, warp = thread / 32, lane = threadIdx.x % 32;
  // Byte of a chunk of a token in a buffer, spread over the banks.
  const auto at = [](int token, int chunk) {
    return kPairs ? token * 64 + 16 * (chunk ^ (token / 2 % 4))
                  : token * 128 + 16 * (chunk ^ (token % 8));
  };
  const int limit = min(p.weights - 64 * out.group, p.n - out.weight - 64 * out.group);
  const int chunks = kPairs ? limit / 16 : limit / 8;
  const int column = kPairs ? (out.weight + 64 * out.group) / 2 : out.weight + 64 * out.group;
  auto* y = static_cast<std::uint16_t*>(p.y) + out.place.batch * p.y_head + column;
#pragma unroll
  for (int pass = 0; pass < (N + kPassTokens - 1) / kPassTokens; ++pass) {
    constexpr int kHere = N < kPassTokens ? N : kPassTokens;
    std::uint8_t* buffer = staging + (pass % 2) * (kStagingBytes / 2);
#pragma unroll
    for (int j = 0; j < kHere / 8; ++j) {
      const int i = pass * kPassTokens / 2 + 4 * j;
      const int token = 8 * j + lane % 8;
      if constexpr (kPairs) {
        store_matrix_transposed(buffer + at(token, warp), pack_bf16(sum[i], sum[i + 1]));
      } else {
        store_matrix_pair_transposed(buffer + at(token, 2 * warp + lane / 8 % 2),
                                     pack_bf16(sum[i], sum[i + 1]),
                                     pack_bf16(sum[i + 2], sum[i + 3]));
      }
    }
    // The buffer is whole; and the other one, read in the pass before, is free again.
    named_barrier_sync(1 + out.group, 128);
#pragma unroll
    for (int c = thread; c < kHere * kChunks; c += 128) {
      const int token = c / kChunks, chunk = c % kChunks;
      const int row = pass * kPassTokens + token;
      if (row < out.place.rows && chunk < chunks) {
        *reinterpret_cast<uint4*>(y + (out.place.x_row + row) * p.y_ld + 8 * chunk) =
            *reinterpret_cast<const uint4*>(buffer + at(token, chunk));
      }
    }
  }
  // The next tile starts with the first buffer; with an odd number of passes it was the last read.
  if constexpr ((N + kPassTokens - 1) / kPassTokens % 2 == 1)
    named_barrier_sync(1 + out.group, 128);
}

}  // namespace moebius::kernels
