// MLA in its absorbed form on the tensor cores: prefill and decode by one kernel, and a second that
// merges what long contexts leave in pieces.
//
// A key is 1152 bytes and, for each head, 2176 FLOPs: 16 heads are bound by memory (30 FLOP a
// byte), 128 heads by the tensor cores (242, where the H200 turns at 206).
#include <algorithm>

#include "kernels/attention/attention_path.h"
#include "kernels/attention/mla_kernel.cuh"
#include "kernels/attention/mla_merge.cuh"
#include "kernels/attention/mla_plan.h"
#include "kernels/device/device.h"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"
#include "kernels/device/tma.h"
#include "kernels/kv_write/fp8_cache.h"

namespace moebius::kernels {
namespace {

/// Blocks of the attention kernel: one for each multiprocessor. 132, an H200's, where there is no
/// device to ask: plans can be made and tested without one.
int mla_blocks() {
  return std::min<int>(multiprocessors_or(132), kMlaMaxBlocks);
}

bool serves(const AttentionShape& shape) {
  return shape.kv_heads == 1 && shape.heads > 0 && shape.heads % kMlaFragmentRows == 0 &&
         shape.qk_dim == kMlaQkDim && shape.v_dim == kMlaVDim && shape.k_offset == 0 &&
         shape.v_offset == 0 &&
         (shape.kv_dtype == Dtype::kBF16 || shape.kv_dtype == Dtype::kF8E4M3);
}

std::size_t plan(const AttentionShape& shape, const Ragged& batch, void* plan, std::size_t bytes) {
  return mla_plan(shape, batch, mla_blocks(), plan, bytes);
}

std::int64_t all_fragments() {
  return mla_blocks() * (kMlaTileRows / kMlaFragmentRows) + kMlaPartialFragments;
}

std::size_t workspace_bytes(const AttentionShape&, const AttentionLimits&) {
  return static_cast<std::size_t>(all_fragments()) *
         (kMlaFragmentFloats * sizeof(float) + kMlaFragmentRows * sizeof(float2));
}

void check(const AttentionCudaArgs& args) {
  require(serves(args.shape), "mla attention: not a shape it serves");
  require(args.shape.scale > 0, "mla attention: scale must be positive");
  require(args.q.dtype == Dtype::kBF16 && args.out.dtype == Dtype::kBF16,
          "mla attention: q and out must be bf16");
  require(args.q.ld >= args.shape.heads * kMlaQkDim && args.q.ld % 8 == 0 &&
              args.out.ld >= args.shape.heads * kMlaVDim && args.out.ld % 8 == 0,
          "mla attention: rows too close together or not 16-byte aligned");
  require(args.kv.dtype == args.shape.kv_dtype,
          "mla attention: the cache's dtype is not the shape's");
  require(args.kv.width >= kMlaQkDim && args.kv.width % 8 == 0 && args.kv.pages > 0,
          "mla attention: the cache must be 576 wide");
  require(
      args.kv.dtype == Dtype::kBF16 ||
          (args.kv.width == kMlaQkDim && args.kv.block == mla::kFp8Columns &&
           args.kv.plain == kMlaQkDim - kMlaVDim),
      "mla attention: an fp8 cache must have 512 latents in blocks of 128 and 64 plain columns");
  require(args.plan != nullptr && args.workspace != nullptr,
          "mla attention: plan and workspace expected");
}

CUtensorMap query_map(const AttentionCudaArgs& args, std::int64_t tile_heads) {
  return make_tensor_map({.data = args.q.data,
                          .dtype = Dtype::kBF16,
                          .rank = 3,
                          .size = {kMlaQkDim, args.shape.heads, args.batch.ragged.rows},
                          .step = {1, kMlaQkDim, args.q.ld},
                          .box = {64, static_cast<std::int32_t>(tile_heads), 1}});
}

CUtensorMap key_map(const KvLayer& kv) {
  return make_tensor_map({.data = kv.data,
                          .dtype = Dtype::kBF16,
                          .rank = 2,
                          .size = {kMlaQkDim, kv.pages * kMlaTileKeys},
                          .step = {1, kv.width},
                          .box = {64, static_cast<std::int32_t>(kMlaTileKeys)}});
}

/// The columns of an fp8 cache that stay bf16.
CUtensorMap rotated_map(const KvLayer& kv, const Fp8Page& page) {
  return make_tensor_map({.data = static_cast<const std::byte*>(kv.data) + page.plain_at,
                          .dtype = Dtype::kBF16,
                          .rank = 3,
                          .size = {kv.plain, kMlaTileKeys, kv.pages},
                          .step = {1, kv.plain, page.bytes / 2},
                          .box = {64, static_cast<std::int32_t>(kMlaTileKeys), 1}});
}

MlaKernelArgs kernel_args(const AttentionCudaArgs& args, std::int64_t tile_heads) {
  auto* fragments = static_cast<float*>(args.workspace);
  constexpr float kLog2E = 1.4426950408889634F;
  return {.plan = static_cast<const std::byte*>(args.plan),
          .pages = args.batch.ragged.pages,
          .max_pages = args.batch.ragged.max_pages,
          .out = static_cast<__nv_bfloat16*>(args.out.data),
          .out_ld = args.out.ld,
          .fragments = fragments,
          .states = reinterpret_cast<float2*>(fragments + all_fragments() * kMlaFragmentFloats),
          .tile_heads = static_cast<int>(tile_heads),
          .chunk_tiles = static_cast<int>(mla_chunk_positions(args.shape.heads) / kMlaTileKeys),
          .score_scale = args.shape.scale * kLog2E};
}

/// Its blocks come up while the attention's are still ending, and wait for them there: the fewer
/// there are, the sooner they are gone. A row has a merge for each 16 of its heads at most.
void launch_merge(const MlaKernelArgs& its, std::int64_t rows, std::int64_t heads,
                  const Stream& stream) {
  const DeviceLaunch merge(stream, "attention_mla_merge", 0, 0);
  const int attention_blocks = mla_blocks();
  constexpr std::int64_t kUnitsOfBlock = mla::kMergeThreads / 32;
  const std::int64_t units = rows * (heads / kMlaFragmentRows) * mla::kMergeUnits;
  const std::int64_t blocks =
      std::min<std::int64_t>(attention_blocks * mla::kMergeBlocksPerProcessor,
                             (units + kUnitsOfBlock - 1) / kUnitsOfBlock);
  launch_kernel(mla::mla_merge_kernel,
                {.grid = static_cast<unsigned>(blocks), .block = mla::kMergeThreads, .early = true},
                stream, its, attention_blocks);
}

void launch_bf16(const AttentionCudaArgs& args, const MlaKernelArgs& its, const Stream& stream) {
  allow_shared_bytes(mla::mla_attention_kernel, mla::kSharedBytes);
  launch_kernel(mla::mla_attention_kernel,
                {.grid = static_cast<unsigned>(mla_blocks()),
                 .block = mla::kThreads,
                 .shared_bytes = mla::kSharedBytes,
                 .early = true},
                stream, its, query_map(args, its.tile_heads), key_map(args.kv));
}

void launch_fp8(const AttentionCudaArgs& args, const MlaKernelArgs& its, const Stream& stream) {
  allow_shared_bytes(mla::mla_attention_fp8_kernel, mla::kSharedBytes);
  const Fp8Page page(args.kv);
  const mla::Fp8Latents cache{.data = static_cast<const std::uint8_t*>(args.kv.data),
                              .page_bytes = page.bytes,
                              .scales_at = page.scales_at};
  launch_kernel(mla::mla_attention_fp8_kernel,
                {.grid = static_cast<unsigned>(mla_blocks()),
                 .block = mla::kThreads,
                 .shared_bytes = mla::kSharedBytes,
                 .early = true},
                stream, its, query_map(args, its.tile_heads), rotated_map(args.kv, page), cache);
}

void launch(const AttentionCudaArgs& args, const Stream& stream) {
  check(args);
  const std::int64_t rows = args.batch.ragged.rows, heads = args.shape.heads;
  if (rows == 0) return;
  const std::int64_t tile_heads = mla_tile_heads(heads);
  const MlaKernelArgs its = kernel_args(args, tile_heads);
  // As if every row saw max_positions keys, each sequence's read once: the plan lies on the device.
  const std::int64_t keys = args.batch.max_positions;
  const bool fp8 = args.kv.dtype == Dtype::kF8E4M3;
  const DeviceLaunch attention(
      stream, fp8 ? "attention_mla_fp8" : "attention_mla",
      args.batch.ragged.sequences * keys * (kv_page_bytes(args.kv) / kPageTokens) +
          rows * heads * (kMlaQkDim + kMlaVDim) * 2,
      2 * rows * heads * keys * (kMlaQkDim + kMlaVDim));
  fp8 ? launch_fp8(args, its, stream) : launch_bf16(args, its, stream);
  attention.launched();
  if (mla_may_merge(heads, args.batch.ragged.max_pages)) launch_merge(its, rows, heads, stream);
}

}  // namespace

const AttentionPath kMlaAttention = {.serves = serves,
                                     .plan_bytes = mla_plan_bytes,
                                     .plan = plan,
                                     .workspace_bytes = workspace_bytes,
                                     .launch = launch};

}  // namespace moebius::kernels
