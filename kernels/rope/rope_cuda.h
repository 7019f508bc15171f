// Rotary embedding on the device, in one pass with all that stands between an attention
// block's projections and its scores: head norms, clipping, cache writes.
#pragma once

#include <cstdint>

#include "kernels/device/rows.h"
#include "kernels/rope/rope.h"
#include "kernels/stream.h"

namespace moebius::kernels {

struct RopeTableCudaArgs {
  const float* inv_freq = nullptr;  // [half]
  std::int64_t half = 0;
  float scale = 1;
  const std::int32_t* row_position = nullptr;  // [rows]
  std::int64_t rows = 0;
  float* cos = nullptr;  // out [rows, half]
  float* sin = nullptr;  // out [rows, half]
};
/// As rope_table: angle = float(position) * inv_freq[i] in float32; cos and sin of it to 2 ulp.
void rope_table_cuda(const RopeTableCudaArgs& args, const Stream& stream);

/// How the kernels below rotate.
struct RopeAngles {
  const float* cos = nullptr;  // [rows, half]
  const float* sin = nullptr;  // [rows, half]
  std::int64_t half = 0;
  RopePairs pairs = RopePairs::kHalves;
};

struct MlaPrepareArgs {
  Rows q;                       // [rows, heads, qk_nope + 2 * half], kF32 or kBF16
  Rows latent;                  // [rows, kv_lora + 2 * half], of the same dtype
  const float* norm = nullptr;  // [kv_lora]
  float eps = 0;
  RopeAngles rope;
  Rows q_latent;  // out [rows, heads, kv_lora + 2 * half]: the last 2 * half columns of each head
  DeviceBatch batch;
  KvLayer kv;  // out: entry = normalised latent, rotated key; width kv_lora + 2 * half
  std::int64_t heads = 0;
  std::int64_t qk_nope = 0;
  std::int64_t kv_lora = 0;
};
/// Rotates every head's last 2 * half columns of q into q_latent; normalises and rotates the
/// token's latent and writes it into the cache, rounded to its dtype; an fp8 cache: kv_lora 512 in
/// blocks of 128, rows bf16. Sums as rms_norm_cuda.
/// Source: DeepSeek-V3 inference/model.py, class MLA.
void mla_prepare_cuda(const MlaPrepareArgs& args, const Stream& stream);

enum class HeadNorm : std::uint8_t { kNone, kPerHead, kFull };  // Qwen3: per head; OLMoE: full

struct GqaPrepareArgs {
  Rows qkv;  // [rows, heads + 2 * kv_heads, head_dim], kF32 or kBF16
  HeadNorm head_norm = HeadNorm::kNone;
  const float* q_norm = nullptr;  // [head_dim], or [heads * head_dim] for kFull
  const float* k_norm = nullptr;  // likewise over kv_heads
  float eps = 0;
  float clip = 0;  // 0: off; after the norm, q, k and v alike
  RopeAngles rope;
  Rows q;  // out [rows, heads, head_dim], of qkv's dtype
  DeviceBatch batch;
  KvLayer kv;  // out: keys of all KV heads, then values; width 2 * kv_heads * head_dim
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
};
/// Norm, clip, rotate, and write keys and values into the cache, rounded to its dtype; an fp8
/// cache: head_dim 64 or 128, rows bf16.
void gqa_prepare_cuda(const GqaPrepareArgs& args, const Stream& stream);

/// Copies the first `tokens` entries of page `from` to another page, `to`, in each of `layers`
/// layers, `layer_bytes` apart; the others of `to` become zero.
struct CopyPageArgs {
  KvLayer first;  // the first layer
  std::int64_t layers = 0;
  std::int64_t layer_bytes = 0;
  std::int32_t from = 0, to = 0, tokens = 0;
};
void copy_page_cuda(const CopyPageArgs& args, const Stream& stream);

/// Makes every page zero whose first position is one of the batch's rows, in each layer: before
/// those rows are written. Attention multiplies what lies behind a sequence's last row with zero,
/// which only takes it away if it is finite.
struct ClearPagesArgs {
  KvLayer first;  // the first layer
  std::int64_t layers = 0;
  std::int64_t layer_bytes = 0;
  DeviceBatch batch;
  std::int64_t pages = 0;  // that begin; 0: nothing is launched
};
void clear_pages_cuda(const ClearPagesArgs& args, const Stream& stream);

}  // namespace moebius::kernels
