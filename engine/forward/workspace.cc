#include "engine/forward/workspace.h"

#include <algorithm>
#include <cstring>

#include "kernels/gemm/weight_value.h"
#include "kernels/simd/convert.h"

namespace moebius::engine {

using kernels::Buffer;

Workspace::Workspace(const Config& c, std::int64_t max_rows) {
  const auto floats = [&](std::int64_t width) {
    return Buffer<float>(static_cast<std::size_t>(max_rows * width));
  };
  const auto ints = [](std::int64_t count) {
    return Buffer<std::int32_t>(static_cast<std::size_t>(count));
  };
  residual = floats(c.hidden);
  x = floats(c.hidden);
  out = floats(c.hidden);
  cos = floats(c.rope.half);
  sin = floats(c.rope.half);
  if (c.attention == AttentionKind::kMla) {
    const std::int64_t entry = c.kv_lora + c.qk_rope;
    q = floats(c.heads * (c.qk_nope + c.qk_rope));
    q_a = floats(c.q_lora);
    latent = floats(entry);
    q_latent = floats(c.heads * entry);
    o_latent = floats(c.heads * c.kv_lora);
    heads = floats(c.heads * c.v_dim);
  } else {
    q = floats(c.heads * c.head_dim);
    k = floats(c.kv_heads * c.head_dim);
    v = floats(c.kv_heads * c.head_dim);
    heads = floats(c.heads * c.head_dim);
  }
  wide = floats(std::max({c.dense_width, c.shared_width, c.top_k * c.expert_width}));
  if (c.mlp_bias) wide_up = floats(std::max(c.dense_width, c.shared_width));
  if (c.experts == 0) return;
  router_logits = floats(c.experts);
  expert_weights = floats(c.top_k);
  expert_ids = ints(max_rows * c.top_k);
  offsets = ints(c.experts + 1);
  source_rows = ints(max_rows * c.top_k);
  slots = ints(max_rows * c.top_k);
  expert_out = floats(c.top_k * c.hidden);
  shared_out = floats(c.hidden);
}

namespace {

// Codes under group scales stand for bf16 values; those in blocks for longer ones.
kernels::Dtype absorbed_dtype(const kernels::Matrix& kv_b) {
  if (kv_b.group_scale) return kernels::Dtype::kBF16;
  return kv_b.dtype == kernels::Dtype::kF8E4M3 ? kernels::Dtype::kF32 : kv_b.dtype;
}

// Element (row, col) of kv_b goes to dst; what is quantised, scaled, as absorbed_dtype().
void copy_element(const kernels::Matrix& kv_b, std::int64_t row, std::int64_t col, std::byte* dst) {
  const auto* from = static_cast<const std::byte*>(kv_b.data);
  const std::int64_t index = row * kv_b.cols + col;
  if (kernels::dtype_bits(kv_b.dtype) >= 16) {
    const std::size_t size = kernels::dtype_bytes(kv_b.dtype);
    std::memcpy(dst, from + index * size, size);
    return;
  }
  const float value = kernels::weight_value(kv_b, row, col);
  const std::uint16_t bits = kernels::f32_to_bf16(value);
  if (absorbed_dtype(kv_b) == kernels::Dtype::kF32) {
    std::memcpy(dst, &value, sizeof value);
  } else {
    std::memcpy(dst, &bits, sizeof bits);
  }
}

}  // namespace

std::byte* grow(Buffer<std::byte>& buffer, std::size_t bytes) {
  if (buffer.size() < bytes) buffer = Buffer<std::byte>(bytes);
  return buffer.data();
}

AbsorbedKeys absorb_keys(const Config& c, const kernels::Matrix& kv_b) {
  const kernels::Dtype dtype = absorbed_dtype(kv_b);
  const std::int64_t size = static_cast<std::int64_t>(kernels::dtype_bytes(dtype));
  const std::int64_t rows = c.heads * c.kv_lora;
  AbsorbedKeys keys;
  keys.data = Buffer<std::byte>(static_cast<std::size_t>(rows * c.qk_nope * size));
  std::byte* dst = keys.data.data();
  for (std::int64_t h = 0; h < c.heads; ++h) {
    for (std::int64_t col = 0; col < c.kv_lora; ++col) {
      for (std::int64_t i = 0; i < c.qk_nope; ++i, dst += size) {
        copy_element(kv_b, h * (c.qk_nope + c.v_dim) + i, col, dst);
      }
    }
  }
  keys.matrix = {keys.data.data(), dtype, rows, c.qk_nope, nullptr};
  return keys;
}

}  // namespace moebius::engine
