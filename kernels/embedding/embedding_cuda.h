// Token ids to hidden states, on the device.
#pragma once

#include <cstdint>

#include "kernels/device/rows.h"
#include "kernels/stream.h"

namespace moebius::kernels {

struct EmbeddingCudaArgs {
  const std::int32_t* ids = nullptr;  // [rows], each in [0, table.rows): the caller has checked
  std::int64_t rows = 0;
  DeviceMatrix table;  // [vocab, dim]; kBF16 or kF32
  float* y = nullptr;  // out [rows, dim]
};

/// y[r] = table[ids[r]], widened exactly.
void embedding_cuda(const EmbeddingCudaArgs& args, const Stream& stream);

}  // namespace moebius::kernels
