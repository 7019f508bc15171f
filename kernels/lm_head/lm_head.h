// The LM head fused with log-sum-exp: logits are reduced as they are made, so no
// [tokens, vocab] tensor exists.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace moebius::kernels {

/// Vocabulary entries whose exponentials share one maximum.
inline constexpr std::int64_t kVocabTile = 1024;

struct LmHeadArgs {
  const float* x = nullptr;  // [rows, w.cols], already normalised
  std::int64_t rows = 0;
  Matrix w;  // [vocab, dim]
  Precision precision = Precision::kF32;
  float* logsumexp = nullptr;  // out [rows]
  const std::int32_t* target_begin =
      nullptr;  // [rows + 1]: row r wants targets [begin[r], begin[r+1]); or null
  const std::int32_t* targets = nullptr;  // ids, each in [0, vocab)
  float* target_logits = nullptr;         // out, as targets
  std::int64_t top_k = 0;                 // 0 .. 1024
  std::int32_t* top_ids = nullptr;        // out [rows, top_k], best first, ties to the lower id
  float* top_logits = nullptr;            // out [rows, top_k]
  float* logits = nullptr;                // out [rows, vocab], or null: only for rows to be sampled
  void* workspace = nullptr;              // lm_head_workspace_bytes(args, stream)
};

/// Logits as gemm computes them. logsumexp: per tile of kVocabTile ids m = max, s =
/// 16 chains of exp(logit - m) (chain c over ids c, c + 16, ...) folded as in rms_norm;
/// tiles are merged in ascending order, M = max(m_a, m_b), s = fma(s_b, exp(m_b - M),
/// s_a * exp(m_a - M)); then m + log(s).
///
/// Cost     2 * rows * vocab * dim FLOPs; w read once per launch.
/// Errors   std::invalid_argument on a broken limit, a target outside the vocabulary included.
void lm_head(const LmHeadArgs& args, const Stream& stream);

std::size_t lm_head_workspace_bytes(const LmHeadArgs& args, const Stream& stream);

}  // namespace moebius::kernels
