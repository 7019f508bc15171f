// One decoder layer on the device: which kernels run, on what, in what order.
#pragma once

#include "engine/device/device_workspace.h"
#include "engine/device/step_metadata.h"
#include "engine/device/weight_layout.h"
#include "kernels/rms_norm/rms_norm_cuda.h"
#include "kernels/stream.h"

namespace moebius::engine {

/// What a block leaves to be added to the residual: by the next norm, in the same pass.
struct Pending {
  kernels::Rows add;
  kernels::ExpertSum sum;
};

/// What every layer of a step shares.
struct DevicePass {
  const Config& config;
  const DeviceWorkspace& work;
  const DeviceStep& step;
  kernels::AttentionShape attention;
  bool narrow = false;  // bf16 activations
  kernels::Stream stream;
};

/// residual += pending; work.x = norm of it for whatever reads it next.
struct NormFor {
  bool plain = false;      // bf16 or float32 rows
  bool quantized = false;  // fp8 rows
};
void norm(const DevicePass& pass, const Pending& pending, const float* weight,
          const NormFor& needs);

/// residual += pending, and nothing else.
void settle(const DevicePass& pass, const Pending& pending);

/// Whether a product with `w` takes quantised rows.
inline bool takes_fp8(const DevicePass& pass, const kernels::DeviceMatrix& w) {
  return pass.narrow && w.dtype == kernels::Dtype::kF8E4M3;
}

/// Norm and attention of one layer, norm and feed-forward of one layer. `loads`: [experts]
/// counters of the layer, device memory.
Pending attention_layer(const DevicePass& pass, const DeviceLayer& layer,
                        const kernels::KvLayer& kv, const Pending& pending);
Pending ffn_layer(const DevicePass& pass, const DeviceLayer& layer, const Pending& pending,
                  std::int64_t* loads);

}  // namespace moebius::engine
