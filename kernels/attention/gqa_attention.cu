// Grouped-query attention on the tensor cores: head sizes 64 and 128, bf16.
//
// Prefill is compute-bound, 4 * head_dim FLOPs per row, head and key; decode is bound by reading
// the cache once, 4 * head_dim bytes per KV head and key. One kernel does both: a block takes up to
// 128 rows = (token, head of the group) of one KV head, 64 per consumer warpgroup, while a producer
// streams tiles of 64 keys (one page) through shared memory. A warpgroup starts the scores of the
// next tile before it multiplies the values of this one, so that its exponentials run beside the
// tensor cores. Queries stay in registers: with 64 keys a tile, reading them from shared memory
// would cost as much as reading the keys. Chunks are merged in shared memory; or, where a long
// sequence is cut between blocks or its prefix was read once for several, by a second kernel from
// records in the workspace, with the same operations in the same order.
//
// On an H200 (2026-11-22), Qwen3-30B-A3B's shape: prefill of 4,096 tokens 276 us, 498 TFLOP/s;
// decode of 128 x 4,096 positions 271 us, 3,980 GB/s. Tried: queries from shared memory (454
// TFLOP/s), turns at the tensor cores between the two warpgroups (420); scores two tiles ahead give
// 4 % of prefill's speed and take 3 % of decode's, and spill.
//
// Order inside a chunk: tiles of 64 keys ascending, each row with its own running maximum; weights
// exp2((s - m) * scale * log2 e) rounded to bf16 for the product with the values, but not in their
// sum; a lane sums its 16 weights of a tile, and a chunk's sums are added over the row's four
// lanes at its end. Keys that a row does not see weigh exactly 0; a value that is not finite at a
// later position of the same 64 rows would still show.
#include <cuda.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>

#include "kernels/attention/attention_path.h"
#include "kernels/attention/gqa_consumer.cuh"
#include "kernels/attention/gqa_feed.cuh"
#include "kernels/attention/gqa_fp8.cuh"
#include "kernels/attention/gqa_merge.cuh"
#include "kernels/attention/gqa_plan.h"
#include "kernels/device/device.h"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"
#include "kernels/device/tma.h"
#include "kernels/kv_write/fp8_cache.h"

namespace moebius::kernels {
namespace gqa {

/// The block's shared memory with its barriers; `fillers` arrive when a tile is there.
template <int D>
__device__ __forceinline__ Shared<D>& set_up(std::uint8_t* memory, int fillers) {
  auto& shared =
      *reinterpret_cast<Shared<D>*>(memory + (1024 - shared_address(memory) % 1024) % 1024);
  if (threadIdx.x == 0) {
    for (int i = 0; i < Shared<D>::kStages; ++i) {
      barrier_init(&shared.k_full[i], fillers);
      barrier_init(&shared.v_full[i], fillers);
      barrier_init(&shared.k_empty[i], 4 * kConsumers);
      barrier_init(&shared.v_empty[i], 4 * kConsumers);
    }
    for (int i = 0; i < 2; ++i) {
      barrier_init(&shared.item_full[i], kFetchers);
      barrier_init(&shared.item_empty[i], 4 * kConsumers);
    }
    barrier_init(&shared.q_empty, 4 * kConsumers);
    fence_barrier_init();
  }
  __syncthreads();  // barriers are ready before anyone waits on them
  return shared;
}

/// The items of block blockIdx.x: a producer of keys and values, kFetchers threads for queries, and
/// kConsumers warpgroups. `cache` as [width / 64][pages * 64][64].
template <int D>
__global__ void __launch_bounds__(kThreads, 1)
    attend(const __grid_constant__ CUtensorMap cache, const Params params) {
  extern __shared__ std::uint8_t memory[];
  auto& shared = set_up<D>(memory, 1);
  // Blocks wait for nobody of another block, so it does not matter in which order they find a
  // place.
  follow_previous_kernel();
  // 128 * 40 + 256 * 232 registers are those of 384 threads with 168: for more, it would wait
  // forever.
  if (threadIdx.x < 128) {
    registers_decrease<40>();
    if (threadIdx.x == 0) produce(params, cache, shared);
    if (threadIdx.x >= 128 - kFetchers) fetch(params, shared);
  } else {
    registers_increase<232>();
    consume(params, shared);
  }
}

/// The same over the fp8 cache: a third warpgroup in the producer's place.
template <int D>
__global__ void __launch_bounds__(kFp8Threads, 1)
    attend_fp8(const __grid_constant__ Fp8Blocks cache, const Params params) {
  extern __shared__ std::uint8_t memory[];
  auto& shared = set_up<D>(memory, 4);  // the warps that widen
  follow_previous_kernel();
  // 128 * (32 + 96) + 256 * 192 registers are those of 512 threads with 128.
  if (threadIdx.x < 128) {
    registers_decrease<32>();
    if (threadIdx.x >= 128 - kFetchers) fetch(params, shared);
  } else if (threadIdx.x < kThreads) {
    registers_increase<192>();
    consume(params, shared);
  } else {
    registers_decrease<96>();
    Widener<D>{cache}.run(params, shared);
  }
}

}  // namespace gqa

namespace {

constexpr int kMergeBlocks = 2 * gqa::kBlocks;
constexpr int kMergeThreads = 256;

bool serves(const AttentionShape& shape) {
  const std::int64_t unit = shape.kv_dtype == Dtype::kF8E4M3 ? shape.qk_dim : 64;
  return (shape.kv_dtype == Dtype::kBF16 || shape.kv_dtype == Dtype::kF8E4M3) &&
         shape.qk_dim == shape.v_dim && (shape.qk_dim == 64 || shape.qk_dim == 128) &&
         shape.k_offset % unit == 0 && shape.v_offset % unit == 0;
}

std::size_t workspace_bytes(const AttentionShape& shape, const AttentionLimits& limits) {
  const std::int64_t record = shape.qk_dim == 64 ? gqa::kRecord<64> : gqa::kRecord<128>;
  return static_cast<std::size_t>(gqa::most_records(shape, limits) * record) * sizeof(float);
}

void check(const AttentionCudaArgs& args) {
  const AttentionShape& shape = args.shape;
  require(serves(shape), "attention: not a shape of the grouped-query kernel");
  require(shape.heads >= 1 && shape.kv_heads >= 1 && shape.heads % shape.kv_heads == 0,
          "attention: heads is no multiple of kv_heads");
  require(args.q.dtype == Dtype::kBF16 && args.out.dtype == Dtype::kBF16,
          "attention: q or out is not bf16");
  require(args.kv.dtype == shape.kv_dtype, "attention: the cache's dtype is not the shape's");
  require(args.kv.dtype == Dtype::kBF16 || (args.kv.block == shape.qk_dim && args.kv.plain == 0),
          "attention: an fp8 cache without a scale for each head");
  require(shape.k_offset >= 0 && shape.k_offset + shape.kv_heads * shape.qk_dim <= args.kv.width,
          "attention: keys reach outside the entry");
  require(shape.v_offset >= 0 && shape.v_offset + shape.kv_heads * shape.v_dim <= args.kv.width,
          "attention: values reach outside the entry");
  require(args.kv.width % 8 == 0, "attention: the entry's width is no multiple of 8");
  require(shape.scale > 0 && std::isfinite(shape.scale), "attention: scale is not positive");
  require(args.q.ld >= shape.heads * shape.qk_dim && args.out.ld >= shape.heads * shape.v_dim,
          "attention: rows are narrower than their heads");
  require(args.q.ld % 8 == 0 && args.out.ld % 8 == 0, "attention: rows are not 16-byte aligned");
  if (args.batch.ragged.rows == 0) return;
  require(args.q.data && args.out.data && args.kv.data && args.plan && args.workspace &&
              args.batch.ragged.pages,
          "attention: a pointer is missing");
}

template <int D>
constexpr std::size_t kShared = sizeof(gqa::Shared<D>) + 1024;  // and what aligning it costs

template <int D>
void attend_bf16(const AttentionCudaArgs& args, const gqa::Params& params, const Stream& stream) {
  allow_shared_bytes(gqa::attend<D>, kShared<D>);
  const CUtensorMap cache =
      make_tensor_map({.data = args.kv.data,
                       .dtype = Dtype::kBF16,
                       .rank = 3,
                       .size = {64, args.kv.pages * kPageTokens, args.kv.width / 64},
                       .step = {1, args.kv.width, 64},
                       .box = {64, gqa::kTileKeys, D / 64},
                       .swizzle = Swizzle::k128});
  launch_kernel(
      gqa::attend<D>,
      {.grid = gqa::kBlocks, .block = gqa::kThreads, .shared_bytes = kShared<D>, .early = true},
      stream, cache, params);
}

template <int D>
void attend_fp8(const AttentionCudaArgs& args, const gqa::Params& params, const Stream& stream) {
  allow_shared_bytes(gqa::attend_fp8<D>, kShared<D>);
  const Fp8Page page(args.kv);
  const gqa::Fp8Blocks cache{.data = static_cast<const std::uint8_t*>(args.kv.data),
                             .page_bytes = page.bytes,
                             .scales_at = page.scales_at,
                             .k_block = static_cast<int>(args.shape.k_offset / D),
                             .v_block = static_cast<int>(args.shape.v_offset / D)};
  launch_kernel(
      gqa::attend_fp8<D>,
      {.grid = gqa::kBlocks, .block = gqa::kFp8Threads, .shared_bytes = kShared<D>, .early = true},
      stream, cache, params);
}

template <int D>
void start(const AttentionCudaArgs& args, const gqa::Params& params, const Stream& stream) {
  static_assert(kShared<D> <= 227 << 10);
  args.kv.dtype == Dtype::kBF16 ? attend_bf16<D>(args, params, stream)
                                : attend_fp8<D>(args, params, stream);
  if (!gqa::may_split(args.batch.ragged.max_pages)) return;
  // Its blocks move in as those of the first kernel leave, and wait there for the last of them: the
  // fewer there are, the sooner they are gone.
  const std::int64_t most = args.batch.ragged.rows * args.shape.heads;
  const auto blocks = static_cast<unsigned>(std::min<std::int64_t>(kMergeBlocks, most));
  launch_kernel(gqa::merge<D>, {.grid = blocks, .block = kMergeThreads, .early = true}, stream,
                params);
}

// What the step's positions are only its plan knows: the cost is declared as if every row saw
// max_positions.
void launch(const AttentionCudaArgs& args, const Stream& stream) {
  check(args);
  const AttentionShape& shape = args.shape;
  const Ragged& batch = args.batch.ragged;
  if (batch.rows == 0) return;
  const gqa::Params params{.plan = static_cast<const gqa::PlanHead*>(args.plan),
                           .q = static_cast<const __nv_bfloat16*>(args.q.data),
                           .out = static_cast<__nv_bfloat16*>(args.out.data),
                           .records = static_cast<float*>(args.workspace),
                           .pages = batch.pages,
                           .max_pages = batch.max_pages,
                           .q_ld = args.q.ld,
                           .out_ld = args.out.ld,
                           .group = static_cast<int>(shape.heads / shape.kv_heads),
                           .k_offset = static_cast<int>(shape.k_offset),
                           .v_offset = static_cast<int>(shape.v_offset),
                           .scale = shape.scale * 1.4426950408889634F};
  const std::int64_t most = args.batch.max_positions;
  const bool fp8 = shape.kv_dtype == Dtype::kF8E4M3;
  const std::int64_t entry = 2 * shape.kv_heads * (fp8 ? shape.qk_dim + 2 : 2 * shape.qk_dim);
  const DeviceLaunch scope(
      stream, fp8 ? "attention_gqa_fp8" : "attention_gqa",
      4 * batch.rows * shape.heads * shape.qk_dim + batch.sequences * most * entry,
      4 * batch.rows * most * shape.heads * shape.qk_dim);
  shape.qk_dim == 64 ? start<64>(args, params, stream) : start<128>(args, params, stream);
  scope.launched();
}

}  // namespace

const AttentionPath kGqaAttention = {.serves = serves,
                                     .plan_bytes = gqa::plan_bytes,
                                     .plan = gqa::make_plan,
                                     .workspace_bytes = workspace_bytes,
                                     .launch = launch};

}  // namespace moebius::kernels
