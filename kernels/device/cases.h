// Kernels at real model shapes: what `moebius bench kernels` and the benchmarks time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/stream.h"

namespace moebius::kernels {

/// One kernel at one shape. Bytes and FLOPs as declared to the launch log.
struct KernelCase {
  std::string kernel;  // the launch log's name: "gemm_fp8"
  std::string shape;   // "V3 o_proj 64 x 7168 x 16384"
  std::int64_t bytes = 0;
  std::int64_t flops = 0;
  bool fp8 = false;  // which matrix peak it is held against
  /// Allocates random inputs, several sets where one would stay in the L2 cache, and returns
  /// a function that launches once. Memory lives as long as that function.
  std::function<std::function<void(const Stream&)>()> make;
};

// One per folder that has a device version, in <op>/<op>_cases.cu.
std::vector<KernelCase> gemm_cases();
std::vector<KernelCase> gemm_fp8_cases();
std::vector<KernelCase> attention_mla_cases();
std::vector<KernelCase> attention_gqa_cases();
std::vector<KernelCase> small_kernel_cases();

}  // namespace moebius::kernels
