// The three paths behind gemm_cuda, one for each dtype of x. Arguments are checked before.
#pragma once

#include "kernels/gemm/gemm_cuda.h"

namespace moebius::kernels {

void gemm_f32(const GemmCudaArgs& args, const Stream& stream);
void gemm_bf16(const GemmCudaArgs& args, const Stream& stream);
void gemm_fp8(const GemmCudaArgs& args, const Stream& stream);

}  // namespace moebius::kernels
