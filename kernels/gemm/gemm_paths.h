// The three arithmetics behind gemm_cuda, each with its own file.
#pragma once

#include "kernels/gemm/gemm_cuda.h"

namespace moebius::kernels {

void gemm_f32(const GemmCudaArgs& args, const Stream& stream);
void gemm_bf16(const GemmCudaArgs& args, const Stream& stream);
void gemm_fp8(const GemmCudaArgs& args, const Stream& stream);

}  // namespace moebius::kernels
