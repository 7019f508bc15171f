// Router and permutation on the device: from logits to experts' rows, without atomics on
// anything but counters.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/device/rows.h"
#include "kernels/router/router.h"
#include "kernels/stream.h"

namespace moebius::kernels {

/// Choices as router() makes them, then `shared` more slots per row for experts that always
/// serve, ids experts .. experts + shared - 1, weight 1. slot_count = top_k + shared.
struct RouterCudaArgs {
  /// logits, bias device memory; expert_ids and expert_weights [rows, slot_count] out, ids
  /// ascending.
  RouterArgs router;
  std::int64_t shared = 0;
  std::int32_t* offsets = nullptr;      // out [experts + shared + 1]
  std::int32_t* source_rows = nullptr;  // out [rows * slot_count], token of each permuted row
  std::int32_t* slots = nullptr;        // out [rows, slot_count], permuted row of each
  std::int64_t* loads = nullptr;        // [experts] += rows given to each; or null
  void* workspace = nullptr;            // router_cuda_workspace_bytes
};
/// Same formulas and ties as router(); the sort is permute()'s: stable, ties by row.
/// Softmax's sum is router()'s chain, so all bits are the host's. experts 1 .. 512.
void router_cuda(const RouterCudaArgs& args, const Stream& stream);
std::size_t router_cuda_workspace_bytes(std::int64_t rows, std::int64_t experts,
                                        std::int64_t slot_count);

/// y[i] = x[source_rows[i]]: activations in the experts' order, scales of fp8 rows too.
struct GatherRowsArgs {
  Rows x;                                     // [*, width], any dtype
  const std::int32_t* source_rows = nullptr;  // [rows]
  Rows y;                                     // out [rows, width], of the same dtype
  std::int64_t rows = 0;
  std::int64_t width = 0;
};
void gather_rows_cuda(const GatherRowsArgs& args, const Stream& stream);

}  // namespace moebius::kernels
