// What both warpgroups of the MLA attention kernel do to a tile of keys:
// products, weights and their exchange.
#pragma once

#include <cstdint>

#include "kernels/attention/mla_shared.cuh"
#include "kernels/attention/mla_softmax.cuh"
#include "kernels/device/fragment.cuh"
#include "kernels/device/wgmma.cuh"

namespace moebius::kernels::mla {

/// Whether the phase of this parity has completed, without waiting.
__device__ __forceinline__ bool barrier_test(Barrier* barrier, std::uint32_t parity) {
  std::uint32_t done;
  asm volatile(
      "{\n"
      ".reg .pred p;\n"
      "mbarrier.test_wait.parity.shared::cta.b64 p, [%1], %2;\n"
      "selp.u32 %0, 1, 0, p;\n"
      "}\n"
      : "=r"(done)
      : "r"(shared_address(barrier)), "r"(parity)
      : "memory");
  return done != 0;
}

/// Where a thread stands; warp w of a warpgroup has 16 heads of token 16 w /
/// tile_heads.
struct Place {
  int warp, lane, row;  // row: the lower of the thread's two
};
/// Volatile, so that what follows from it is computed where it is used, not
/// kept in registers that the loop does not have.
__device__ __forceinline__ Place place() {
  int thread;
  asm volatile("mov.u32 %0, %%tid.x;" : "=r"(thread));
  const int warp = thread / 32 % 4, lane = thread % 32;
  return {warp, lane, 16 * warp + lane / 4};
}

/// A pair of values per row in shared memory; all four lanes of a row have the
/// same.
__device__ __forceinline__ RowPair read_pair(const float* values, const Place& at) {
  return {values[at.row], values[at.row + 8]};
}
__device__ __forceinline__ void write_pair(float* values, const Place& at, RowPair pair) {
  if (at.lane % 4 != 0) return;
  values[at.row] = pair.low;
  values[at.row + 8] = pair.high;
}

/// An item as one warp sees it.
struct Mine {
  const MlaItem* item;
  int tile_begin, tile_end, last;  // the item's
  int fragments;                   // of the item, a chunk
  bool live;                       // the warp's rows are some token's
  int position;                    // that token's
};
__device__ __forceinline__ Mine mine_of(const MlaItem& item, int warp, int tile_heads) {
  const int token = 16 * warp / tile_heads;
  const bool live = token < item.tokens;
  return {.item = &item,
          .tile_begin = item.tile_begin,
          .tile_end = item.tile_end,
          .last = item.last,
          .fragments = item.tokens * tile_heads / static_cast<int>(kMlaFragmentRows),
          .live = live,
          .position = live ? item.position[token] : 0};
}

/// Of the open chunk; sum: this thread's part.
struct Progress {
  RowPair reference, sum;
};

__device__ __forceinline__ void add_scores(float (&s)[32], const std::byte* q,
                                           const std::byte* keys, Barrier* full,
                                           std::uint32_t phase) {
#pragma unroll
  for (int box = 0; box < kBoxes; ++box) {
    barrier_wait(&full[box], phase);
    const std::uint64_t a = descriptor_k128(q + box * kBoxBytes);
    const std::uint64_t b = descriptor_k128(keys + box * kBoxBytes);
    wgmma_arrive();
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      wgmma_bf16<64>(s, a + k * kDescriptorStepK, b + k * kDescriptorStepK, box + k > 0);
    }
  }
  wgmma_commit();
}

/// Values: 64 keys by 256 columns in four boxes, columns contiguous.
__device__ __forceinline__ std::uint64_t value_descriptor(const std::byte* boxes) {
  return descriptor_128(boxes, kBoxBytes, 1024);
}
constexpr std::uint64_t kValueStep = 16 * 128 / 16;  // 16 keys on

__device__ __forceinline__ void add_values(float (&o)[128], const std::uint32_t (&weights)[4][4],
                                           const std::byte* boxes, bool fresh) {
  const std::uint64_t b = value_descriptor(boxes);
  wgmma_arrive();
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    wgmma_bf16<256, true>(o, weights[k], b + k * kValueStep, k > 0 || !fresh);
  }
  wgmma_commit();
}

__device__ __forceinline__ void add_values(float (&o)[128], const std::byte* weights,
                                           const std::byte* boxes, bool fresh) {
  const std::uint64_t a = descriptor_k128(weights);
  const std::uint64_t b = value_descriptor(boxes);
  wgmma_arrive();
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    wgmma_bf16<256, false, true>(o, a + k * kDescriptorStepK, b + k * kValueStep, k > 0 || !fresh);
  }
  wgmma_commit();
}

__device__ __forceinline__ void wait_values(Barrier* full, int group, std::uint32_t phase) {
#pragma unroll
  for (int box = 0; box < 4; ++box) barrier_wait(&full[4 * group + box], phase);
}

/// A factor of 1 changes nothing, so whether a warp multiplies does not change
/// bits.
__device__ __forceinline__ void rescale(float (&o)[128], RowPair factor) {
  if (!__any_sync(0xffffffff, factor.low != 1.0f || factor.high != 1.0f)) return;
#pragma unroll
  for (int i = 0; i < 128; i += 4) {
    o[i] = __fmul_rn(o[i], factor.low);
    o[i + 1] = __fmul_rn(o[i + 1], factor.low);
    o[i + 2] = __fmul_rn(o[i + 2], factor.high);
    o[i + 3] = __fmul_rn(o[i + 3], factor.high);
  }
}

/// Moves the references to where another tile left them.
__device__ __forceinline__ RowPair move_to(RowPair to, bool first, Progress& p) {
  const RowPair factor{first ? 1.0f : rescale_factor(p.reference.low, to.low),
                       first ? 1.0f : rescale_factor(p.reference.high, to.high)};
  p.sum.low = __fmul_rn(p.sum.low, factor.low);
  p.sum.high = __fmul_rn(p.sum.high, factor.high);
  p.reference = to;
  return factor;
}

/// Scores of a tile to weights; returns the factor for the sums.
__device__ __forceinline__ RowPair soften(float (&s)[32], float c, int last, bool first,
                                          Progress& p, std::uint32_t (&weights)[4][4]) {
  if (last < kTileKeys - 1) mask_scores(s, last);
  const RowPair m = tile_maximum(s, c);
  const RowPair factor = move_to({next_reference(p.reference.low, m.low, first),
                                  next_reference(p.reference.high, m.high, first)},
                                 first, p);
  weigh(s, c, p.reference, p.sum, weights);
  return factor;
}

/// Weights and references for the other warpgroup, which is to be told next.
__device__ __forceinline__ void publish(const Place& at, const std::uint32_t (&weights)[4][4],
                                        RowPair reference, std::byte* box, float* references) {
  const int row = 16 * at.warp + at.lane % 16;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const int chunk = (2 * k + at.lane / 16) ^ (row % 8);
    store_matrices(box + row * 128 + chunk * 16, weights[k][0], weights[k][1], weights[k][2],
                   weights[k][3]);
  }
  write_pair(references, at, reference);
  fence_proxy_async();  // before the other warpgroup's tensor cores read the
                        // weights
  __syncwarp();
}

/// Values behind the last key of a sequence become zeros: what lies there may
/// be NaN, which a weight of 0 would not silence. By a whole warpgroup, whose
/// named barrier `id` is.
__device__ __forceinline__ void clear_tail(std::byte* keys, int live_keys, int id) {
  if (live_keys >= kTileKeys) return;
  for (int i = live_keys * 8 + threadIdx.x % 128; i < kTileKeys * 8; i += 128) {
#pragma unroll
    for (int box = 0; box < 8; ++box) {
      *reinterpret_cast<uint4*>(keys + box * kBoxBytes + i * 16) = uint4{0, 0, 0, 0};
    }
  }
  fence_proxy_async();  // before the tensor cores read the zeros
  named_barrier_sync(id, 128);
}

}  // namespace moebius::kernels::mla
