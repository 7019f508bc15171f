// How the device's memory is shared out before anything is allocated.
#pragma once

#include <cstdint>

#include "engine/device/device_workspace.h"
#include "engine/engine.h"
#include "engine/families/family.h"

namespace moebius::engine {

struct DevicePlanOptions {
  Arithmetic arithmetic = Arithmetic::kBF16;
  kernels::Dtype kv_dtype = kernels::Dtype::kBF16;  // of the cache: the arithmetic's, or kF8E4M3
  std::int64_t max_rows = 0;       // 0: as many as pay, fewer where memory is short
  std::int64_t max_context = 0;    // > 0
  std::int64_t kv_bytes = 0;       // 0: what is left, as far as it can be used
  std::int64_t max_kv_tokens = 0;  // at most so many in the cache; 0: no limit
};

struct DevicePlan {
  StepLimits limits;
  std::int64_t pages = 0;       // besides the spare one
  std::int64_t page_bytes = 0;  // in all layers
  std::int64_t shared_parts = 0;
  bool fp8 = false;  // products of quantised rows
};

/// Throws Error that says what is needed, what there is, and what would fit.
DevicePlan plan_device(const Config& config, const ModelWeights& weights,
                       const DevicePlanOptions& options, std::int64_t free_bytes);

}  // namespace moebius::engine
