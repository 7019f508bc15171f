// What is wanted of rows of logits, on the device: log-sum-exp, targets, best tokens, draws.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/sample/sample.h"
#include "kernels/stream.h"

namespace moebius::kernels {

struct LogitsCudaArgs {
  float* logits = nullptr;  // [rows, vocab], as gemm_cuda made them; banned ones become -inf
  std::int64_t rows = 0;
  std::int64_t vocab = 0;
  float* logsumexp = nullptr;                  // out [rows]; before anything is banned
  const std::int32_t* target_begin = nullptr;  // [rows + 1] or null
  const std::int32_t* targets = nullptr;       // ids in [0, vocab)
  float* target_logits = nullptr;              // out, as targets
  std::int64_t top_k = 0;                      // 0 .. 1024, before anything is banned
  std::int32_t* top_ids = nullptr;  // out [rows, top_k], best first, ties to the lower id
  float* top_logits = nullptr;      // out [rows, top_k]
  const std::int32_t* banned_begin = nullptr;  // [rows + 1] or null
  const std::int32_t* banned = nullptr;        // ids that may not be drawn
  const std::uint8_t* draw_kind = nullptr;     // [rows]: 0 none, 1 greedy, 2 sample; or null
  const Draw* draws = nullptr;                 // [rows], device memory here; read for kind 2
  std::int32_t* tokens = nullptr;              // out [rows]: drawn, -1 for none
  float* token_logits = nullptr;               // out [rows]
  void* workspace = nullptr;                   // logits_cuda_workspace_bytes
};

/// Log-sum-exp by tiles of kVocabTile ids, merged in ascending order as lm_head() does; inside a
/// tile one fixed order. Greedy: the best logit, ties to the lower id, NaN never. Sampling is
/// sample()'s definition: the same kept set, integer masses and Philox draw from the same logits.
void logits_cuda(const LogitsCudaArgs& args, const Stream& stream);
std::size_t logits_cuda_workspace_bytes(std::int64_t rows, std::int64_t vocab, std::int64_t top_k);

}  // namespace moebius::kernels
