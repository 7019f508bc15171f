// Between token order and expert order: sorting tokens to experts without
// atomics, and the slot-ordered sum that brings their outputs back.
#pragma once

#include <cstdint>

#include "kernels/stream.h"

namespace moebius::kernels {

struct PermuteArgs {
  const std::int32_t* expert_ids = nullptr;  // [rows, top_k]
  std::int64_t rows = 0;
  std::int64_t top_k = 0;
  std::int64_t experts = 0;
  std::int32_t* offsets = nullptr;      // out [experts + 1]
  std::int32_t* source_rows = nullptr;  // out [rows * top_k], token of each permuted row
  std::int32_t* slots = nullptr;        // out [rows, top_k], permuted row of each (token, slot)
};

/// Stable counting sort of all (row, slot) pairs by expert, ties by row.
void permute(const PermuteArgs& args, const Stream& stream);

struct CombineArgs {
  const float* expert_out = nullptr;    // [rows * top_k, dim], permuted order
  const std::int32_t* slots = nullptr;  // [rows, top_k]
  const float* weights = nullptr;       // [rows, top_k]
  const float* shared = nullptr;        // [rows, dim] or null
  float* y = nullptr;                   // out [rows, dim]
  std::int64_t rows = 0;
  std::int64_t top_k = 0;
  std::int64_t dim = 0;
};

/// y[r] = the chain of fma(weight, expert output, y) over slots in order, from +0; then
/// + shared[r]. Source: DeepSeek-V3 inference/model.py, class MoE.
void combine(const CombineArgs& args, const Stream& stream);

}  // namespace moebius::kernels
