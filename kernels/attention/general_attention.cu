// Attention of any shape on vector units: float32 arithmetic in the host kernel's own order.
//
// Compute-bound by design of its users: models whose head size the tensor-core kernels do not
// know, and float32 activations. One block takes up to 32 rows = (token, head of a group) of one
// KV head and walks their chunks of kAttentionChunk positions: all scores of a chunk into shared
// memory, their maximum, weights, then weighted values, 64 or 128 columns at a time. A warp owns
// its rows from the first score to the quotient, so only the staging of queries, keys and values
// needs barriers.
//
// Order: that of kernels/attention/attention.h, not the running maximum of tiles of 64: a chunk's
// maximum is known before its first weight. Each score, sum and output is one chain of fmaf by
// one thread, so nothing about tiles or batch can reach the bits, and float32 results equal the
// host's (which flushes subnormals; this does not).
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>

#include "kernels/attention/attention_path.h"
#include "kernels/attention/general_attention.cuh"
#include "kernels/device/device.h"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"

namespace moebius::kernels {
namespace {

using general::kMostRows, general::kFewRows, general::kChunk, general::kPage, general::kStage,
    general::kMostDim, general::kThreads, general::Tile, general::PlanHead, general::Params;

std::size_t shared_bytes(const AttentionShape& shape) {
  const std::int64_t floats = kMostRows * kChunk + kStage + kMostRows * shape.v_dim;
  return static_cast<std::size_t>(floats) * sizeof(float) + kMostRows * sizeof(int) +
         (kChunk / kPage + kMostRows) * sizeof(std::int64_t);
}

bool serves(const AttentionShape& shape) {
  return shape.kv_dtype != Dtype::kF8E4M3;
}

std::int64_t tile_rows(std::int64_t rows) {
  return rows <= kFewRows ? kFewRows : kMostRows;
}

std::size_t plan_bytes(const AttentionShape& shape, const AttentionLimits& limits) {
  const std::int64_t group = shape.heads / shape.kv_heads;
  const std::int64_t tiles =
      limits.rows * group / kMostRows + std::min(limits.rows, limits.sequences);
  return sizeof(PlanHead) + static_cast<std::size_t>(tiles * shape.kv_heads) * sizeof(Tile);
}

// Tiles that see most keys first, so that none of them starts when the others are done.
std::size_t make_plan(const AttentionShape& shape, const Ragged& batch, void* plan,
                      std::size_t bytes) {
  const std::int64_t group = shape.heads / shape.kv_heads;
  auto* head = static_cast<PlanHead*>(plan);
  auto* tiles = reinterpret_cast<Tile*>(head + 1);
  const std::size_t room = bytes < sizeof(PlanHead) ? 0 : (bytes - sizeof(PlanHead)) / sizeof(Tile);
  std::size_t count = 0;
  require(bytes >= sizeof(PlanHead), "attention_plan: no room for the plan");
  for (std::int64_t s = 0; s < batch.sequences; ++s) {
    const std::int64_t rows = (std::int64_t{batch.row_begin[s + 1]} - batch.row_begin[s]) * group;
    for (std::int64_t row = 0; row < rows; row += tile_rows(rows)) {
      for (std::int64_t h = 0; h < shape.kv_heads; ++h) {
        require(count < room, "attention_plan: no room for the plan");
        tiles[count++] = {static_cast<std::int32_t>(s),
                          static_cast<std::int32_t>(h),
                          static_cast<std::int32_t>(row),
                          static_cast<std::int32_t>(std::min(tile_rows(rows), rows - row)),
                          batch.row_begin[s],
                          batch.position_begin[s],
                          {}};
      }
    }
  }
  const auto end = [&](const Tile& t) { return t.first_position + (t.row0 + t.rows - 1) / group; };
  std::stable_sort(tiles, tiles + count,
                   [&](const Tile& a, const Tile& b) { return end(a) > end(b); });
  *head = {static_cast<std::int64_t>(count), {}};
  return sizeof(PlanHead) + count * sizeof(Tile);
}

std::size_t workspace_bytes(const AttentionShape&, const AttentionLimits&) {
  return 0;
}

void check(const AttentionCudaArgs& args) {
  const AttentionShape& shape = args.shape;
  require(shape.heads >= 1 && shape.kv_heads >= 1 && shape.heads % shape.kv_heads == 0,
          "attention: heads is no multiple of kv_heads");
  require(
      shape.qk_dim >= 1 && shape.qk_dim <= kMostDim && shape.v_dim >= 1 && shape.v_dim <= kMostDim,
      "attention: a dimension is not in 1 .. 1024");
  require(shape.kv_dtype == Dtype::kF32 || shape.kv_dtype == Dtype::kBF16,
          "attention: the cache is neither f32 nor bf16");
  require(args.kv.dtype == shape.kv_dtype && args.q.dtype == shape.kv_dtype &&
              args.out.dtype == shape.kv_dtype,
          "attention: q, out and cache differ in type");
  require(shape.k_offset >= 0 && shape.k_offset + shape.kv_heads * shape.qk_dim <= args.kv.width,
          "attention: keys reach outside the entry");
  require(shape.v_offset >= 0 && shape.v_offset + shape.kv_heads * shape.v_dim <= args.kv.width,
          "attention: values reach outside the entry");
  require(shape.scale > 0 && std::isfinite(shape.scale), "attention: scale is not positive");
  require(args.q.ld >= shape.heads * shape.qk_dim && args.out.ld >= shape.heads * shape.v_dim,
          "attention: rows are narrower than their heads");
  if (args.batch.ragged.rows == 0) return;
  require(args.q.data && args.out.data && args.kv.data && args.plan && args.batch.ragged.pages,
          "attention: a pointer is missing");
}

template <typename T>
void start(const Params& params, std::size_t shared, cudaStream_t stream) {
  allow_shared_bytes(general::attention_tiles<T>, shared);
  const int resident = std::clamp(static_cast<int>((227U << 10) / (shared + 1024)), 1, 8);
  general::attention_tiles<T><<<resident * multiprocessors(), kThreads, shared, stream>>>(params);
}

// What the step's positions are only its plan knows: the cost is declared as if every row saw
// max_positions.
void launch(const AttentionCudaArgs& args, const Stream& stream) {
  check(args);
  const AttentionShape& shape = args.shape;
  const Ragged& batch = args.batch.ragged;
  if (batch.rows == 0) return;
  const Params params{.plan = static_cast<const PlanHead*>(args.plan),
                      .q = args.q.data,
                      .cache = args.kv.data,
                      .out = args.out.data,
                      .pages = batch.pages,
                      .max_pages = batch.max_pages,
                      .q_ld = args.q.ld,
                      .out_ld = args.out.ld,
                      .width = args.kv.width,
                      .k_offset = shape.k_offset,
                      .v_offset = shape.v_offset,
                      .group = static_cast<int>(shape.heads / shape.kv_heads),
                      .qk_dim = static_cast<int>(shape.qk_dim),
                      .v_dim = static_cast<int>(shape.v_dim),
                      .scale = shape.scale};
  const std::int64_t dims = shape.qk_dim + shape.v_dim, most = args.batch.max_positions;
  const std::int64_t element = static_cast<std::int64_t>(dtype_bytes(shape.kv_dtype));
  const DeviceLaunch scope(
      stream, "attention_general",
      element * (batch.rows * shape.heads * dims + batch.sequences * most * args.kv.width),
      2 * batch.rows * most * shape.heads * dims);
  const auto handle = static_cast<cudaStream_t>(stream.handle());
  shape.kv_dtype == Dtype::kF32 ? start<float>(params, shared_bytes(shape), handle)
                                : start<__nv_bfloat16>(params, shared_bytes(shape), handle);
  scope.launched();
}

}  // namespace

const AttentionPath kGeneralAttention = {.serves = serves,
                                         .plan_bytes = plan_bytes,
                                         .plan = make_plan,
                                         .workspace_bytes = workspace_bytes,
                                         .launch = launch};

}  // namespace moebius::kernels
