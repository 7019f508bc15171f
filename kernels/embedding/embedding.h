// Token ids to hidden states.
#pragma once

#include <cstdint>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace moebius::kernels {

struct EmbeddingArgs {
  const std::int32_t* ids = nullptr;  // [rows], each in [0, table.rows)
  std::int64_t rows = 0;
  Matrix table;        // [vocab, dim]; kF32, kF16 or kBF16
  float* y = nullptr;  // out [rows, dim]
};

/// y[r] = table[ids[r]], widened exactly.
/// Errors: std::invalid_argument on a broken limit, an id outside the table included.
void embedding(const EmbeddingArgs& args, const Stream& stream);

}  // namespace moebius::kernels
