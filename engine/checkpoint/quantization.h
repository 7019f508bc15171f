// How the matrices of a checkpoint are quantised: what config.json says of it, read and written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace moebius::engine {

class ConfigReader;

/// Weight-only quantisation of the matrices that config.json does not except. A matrix that lies
/// in the files as plain floats is one of those, whatever the list says.
struct Quantization {
  kernels::Dtype dtype = kernels::Dtype::kBF16;  // kF8E4M3, kI8, kI4; kBF16: nothing is quantised
  /// Columns of one row that share a scale; 0: all. -1: blocks of 128 x 128 (kF8E4M3 only).
  std::int64_t group = -1;

  bool grouped() const { return dtype != kernels::Dtype::kBF16 && group >= 0; }
  /// Matrix::group of a matrix with `cols` columns.
  std::int64_t group_of(std::int64_t cols) const;
  std::string name() const;  // "int4:group=32", "fp8", "fp8:channel"
};

/// "fp8" (blocks), "int8" (groups of 128), "int4" (groups of 32), each also with ":channel" (or
/// "-channel"), the last two with ":group=N". Throws Error for anything else.
Quantization parse_quantization(const std::string& name);

/// Largest scale of a group: every product of a code and a scale is finite.
inline constexpr float kMaxGroupScale = 0x1p100F;

/// Reads "quantization_config" of config.json. Throws Error unless it is missing or says
/// - "fp8" with weight_block_size [128, 128] (DeepSeek-V3), or
/// - "compressed-tensors", one config group for all of Linear, weights only, symmetric, static:
///   "pack-quantized" with 4 or 8 bits per group or channel, or "float-quantized" with 8
///   bits per channel; groups of a multiple of 32 up to 65536.
/// Source: vllm-project/compressed-tensors, quantization/quant_args.py and quant_config.py.
Quantization read_quantization(const ConfigReader& config);

/// What read_quantization() reads, a JSON object; `kept` names the linear modules that are not
/// quantised. Not for a Quantization without any.
std::string quantization_json(const Quantization& quantization,
                              const std::vector<std::string>& kept);

}  // namespace moebius::engine
