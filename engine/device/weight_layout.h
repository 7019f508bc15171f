// How a model's weights lie on the device, and where each row of them comes from. Plain
// arithmetic over sizes: nothing here touches a GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "engine/families/family.h"
#include "kernels/device/rows.h"

namespace moebius::engine {

/// A matrix, vector or table of scales on the device: `rows` rows of `ld` elements.
struct WeightPart {
  std::byte* data = nullptr;  // 256-byte aligned
  kernels::Dtype dtype = kernels::Dtype::kF32;
  std::int64_t rows = 0;
  std::int64_t ld = 0;
  /// Writes rows [begin, end) as they lie on the device to host memory; thread-safe.
  std::function<void(std::int64_t begin, std::int64_t end, std::byte* to)> fill;
  /// Where weights are made up: about how large; 0: filled as always (norms, biases).
  float made_up_scale = 0;
  bool positive = false;  // made-up scales

  std::size_t row_bytes() const {
    return static_cast<std::size_t>(ld) * kernels::dtype_bytes(dtype);
  }
  std::size_t bytes() const { return static_cast<std::size_t>(rows) * row_bytes(); }
};

/// One product of the normalised residual; its outputs are columns [column, column + w.rows) of
/// what an attention block projects.
struct DeviceProjection {
  kernels::DeviceMatrix w;
  const float* bias = nullptr;
  std::int64_t column = 0;
};

/// An MLP, or all experts of a layer stacked. Widths that are no multiple of 8 (16 for fp8) are
/// padded with zeros.
struct DeviceMlp {
  kernels::DeviceMatrix gate_up;  // pair-packed, 2 * width rows of each
  kernels::DeviceMatrix down;     // hidden rows of each, width columns
  const float* down_bias = nullptr;
  std::int64_t width = 0;  // padded

  bool empty() const { return gate_up.empty(); }
};

struct DeviceLayer {
  const float* attention_norm = nullptr;
  const float* ffn_norm = nullptr;
  std::vector<DeviceProjection> in;  // [q_a; kv_a], [q; kv_a] or [q; k; v], in that order
  const float* q_a_norm = nullptr;
  const float* kv_a_norm = nullptr;
  kernels::DeviceMatrix q_b;
  kernels::DeviceMatrix keys;    // MLA, absorbed: [heads * kv_lora, qk_nope]
  kernels::DeviceMatrix values;  // MLA: [heads * v_dim, kv_lora]
  const float* q_norm = nullptr;
  const float* k_norm = nullptr;
  kernels::DeviceMatrix o;
  const float* o_bias = nullptr;
  DeviceMlp dense;   // dense layers
  DeviceMlp shared;  // a shared expert that could not join the others
  DeviceMlp experts;
  std::int64_t shared_parts = 0;  // the last so many of `experts` serve every row
  kernels::DeviceMatrix router;
  const float* router_bias = nullptr;
};

struct DeviceModel {
  kernels::DeviceMatrix embedding;
  const float* inv_freq = nullptr;  // [rope.half]
  std::vector<DeviceLayer> layers;
  const float* final_norm = nullptr;
  kernels::DeviceMatrix head;
};

/// Matrices keep their dtype, but: float16 becomes float32; under kBF16 float16 and float32
/// become bf16, as a model loaded in bf16; fp8 kv_b is dequantised; codes under group scales
/// (int8, int4, fp8 per channel) become the bf16 values that they stand for, exactly, under both.
class WeightLayout {
 public:
  /// Lays everything out from `base` on, which may be null to learn the size. `config` and
  /// `weights` must outlive every call of WeightPart::fill. Throws Error naming the dimension
  /// or the bias that the device kernels do not serve.
  WeightLayout(const Config& config, const ModelWeights& weights, Arithmetic arithmetic,
               std::byte* base);

  const DeviceModel& model() const { return model_; }
  std::span<const WeightPart> parts() const { return parts_; }
  std::size_t bytes() const { return bytes_; }

 private:
  friend class WeightPlacer;
  DeviceModel model_;
  std::vector<WeightPart> parts_;
  std::size_t bytes_ = 0;
};

}  // namespace moebius::engine
