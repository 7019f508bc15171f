// The device kernels that may serve attention_cuda(), and how one is chosen.
#pragma once

#include <cstddef>

#include "kernels/attention/attention_cuda.h"

namespace moebius::kernels {

/// Functions as in attention_cuda.h, for the shapes that `serves` accepts.
struct AttentionPath {
  bool (*serves)(const AttentionShape& shape) = nullptr;
  std::size_t (*plan_bytes)(const AttentionShape& shape, const AttentionLimits& limits) = nullptr;
  std::size_t (*plan)(const AttentionShape& shape, const Ragged& batch, void* plan,
                      std::size_t bytes) = nullptr;
  std::size_t (*workspace_bytes)(const AttentionShape& shape,
                                 const AttentionLimits& limits) = nullptr;
  void (*launch)(const AttentionCudaArgs& args, const Stream& stream) = nullptr;
};

extern const AttentionPath kMlaAttention;      // mla_attention.cu: 576 / 512, bf16, tensor cores
extern const AttentionPath kGqaAttention;      // gqa_attention.cu: head_dim 64 or 128, bf16
extern const AttentionPath kGeneralAttention;  // general_attention.cu: any shape, vector units

}  // namespace moebius::kernels
