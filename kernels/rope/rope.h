// Rotary position embedding: tables of angles and the rotation itself.
#pragma once

#include <cstdint>

#include "kernels/ragged.h"
#include "kernels/stream.h"

namespace moebius::kernels {

/// cos and sin of every row's angles: computed once a step, used by every layer.
struct RopeTableArgs {
  const float* inv_freq = nullptr;  // [half]; scaling (YaRN, llama3) already applied
  std::int64_t half = 0;            // rotated pairs per head
  float scale = 1;                  // multiplies cos and sin (YaRN's mscale ratio)
  Ragged batch;
  float* cos = nullptr;  // out [batch.rows, half]
  float* sin = nullptr;  // out [batch.rows, half]
};

/// angle = float(position) * inv_freq[i], rounded to float32 as the reference
/// implementations do; cos and sin of that angle to within 1 ulp, times scale.
void rope_table(const RopeTableArgs& args, const Stream& stream);

enum class RopePairs : std::uint8_t {
  kHalves,       // (x[i], x[i + half]): Llama, Qwen, Mixtral, OLMoE
  kInterleaved,  // (x[2i], x[2i + 1]): DeepSeek
};

struct RopeArgs {
  float* x = nullptr;  // in place: head h of row r is [2 * half] at x + r * ldx + h * head_stride
  std::int64_t ldx = 0;
  std::int64_t heads = 0;
  std::int64_t head_stride = 0;
  const float* cos = nullptr;  // [rows, half]
  const float* sin = nullptr;  // [rows, half]
  std::int64_t half = 0;
  std::int64_t rows = 0;
  RopePairs pairs = RopePairs::kHalves;
};

/// (a, b) -> (a cos - b sin, b cos + a sin), each as fma(a, cos, -(b * sin)) and
/// fma(b, cos, a * sin). Elements stay where they are: an interleaved head stays
/// interleaved, so caches of the two kinds must not be mixed.
/// Source: DeepSeek-V3 inference/model.py, apply_rotary_emb; transformers, rotate_half.
void rope(const RopeArgs& args, const Stream& stream);

}  // namespace moebius::kernels
