// Products at real model shapes with random inputs: what benchmarks and the tile sweep run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device/device.h"
#include "kernels/gemm/gemm_cuda.h"

namespace moebius::kernels {

struct GemmShape {
  std::string model;  // "V3 o_proj"
  std::int64_t rows = 0, n = 0, k = 0;
  bool pairs = false;
  std::int64_t heads = 1;
  std::int64_t groups = 0;  // rows = tokens * chosen, spread at random
  std::int64_t chosen = 0;

  std::string name() const;
};

/// Dense, per-head and expert products of DeepSeek-V3, V2-Lite and Qwen3-30B-A3B.
std::vector<GemmShape> gemm_shapes();

/// bf16 inputs of one shape on the device, drawn anew for each of several sets, so many that they
/// do not all stay in the L2 cache. Not copyable: args() point into it.
class GemmInputs {
 public:
  GemmInputs(const GemmShape& shape, const Stream& stream);
  std::size_t sets() const { return sets_.size(); }
  const GemmCudaArgs& args(std::size_t set) const { return sets_[set].args; }

 private:
  struct Set {
    DeviceBuffer<std::uint16_t> x, w, y;
    DeviceBuffer<std::int32_t> offsets;
    GemmCudaArgs args;
  };
  std::vector<Set> sets_;
};

}  // namespace moebius::kernels
