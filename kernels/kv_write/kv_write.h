// Writes new tokens' keys and values into their pages.
#pragma once

#include <cstdint>

#include "kernels/ragged.h"
#include "kernels/stream.h"

namespace moebius::kernels {

struct KvWriteArgs {
  const float* x = nullptr;  // [batch.rows, width], rows ldx elements apart
  std::int64_t ldx = 0;
  std::int64_t width = 0;   // elements per token
  std::int64_t offset = 0;  // where in the entry they go; offset + width <= kv.width
  Ragged batch;
  KvLayer kv;
};

/// entry(position of r)[offset + i] = x[r, i], rounded to the cache's dtype
/// (nearest even); with kv.block, through fp8 first: whole blocks, or columns behind them. Errors:
/// std::invalid_argument on a broken limit.
void kv_write(const KvWriteArgs& args, const Stream& stream);

}  // namespace moebius::kernels
