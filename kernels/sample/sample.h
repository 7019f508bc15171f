// Drawing tokens from logits with a counter-based generator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/stream.h"

namespace moebius::kernels {

/// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

/// How one row is drawn. A draw is a function of these and the logits alone, never
/// of the batch.
struct Draw {
  float temperature = 1;   // > 0; greedy rows do not come here
  float top_p = 1;         // (0, 1]; 1: off
  float min_p = 0;         // [0, 1]; 0: off
  std::int32_t top_k = 0;  // >= 0; 0: off
  std::uint64_t seed = 0;
  std::uint64_t sample = 0;    // the sample's id
  std::uint64_t position = 0;  // absolute position of the token to draw
};

struct SampleArgs {
  const float* logits = nullptr;  // [rows, vocab]
  std::int64_t rows = 0;
  std::int64_t vocab = 0;       // 1 .. 2^22
  const Draw* draws = nullptr;  // [rows], host memory on every stream
  std::int32_t* ids = nullptr;  // out [rows]; -1 where no logit is above -inf
  void* workspace = nullptr;    // sample_workspace_bytes(args, stream)
};

/// p = softmax(logits / temperature); a NaN logit counts as -inf. Kept: the top_k most
/// probable; of those the shortest run whose mass reaches top_p of the kept mass (the
/// token that crosses is kept); of those p >= min_p * max p. Order by probability, ties
/// to the lower id. One uniform u from philox(counter = {position, sample}, key = seed)
/// picks by inverse CDF over the kept tokens in ascending id.
///
/// Order    p is e = exp((logit - max) / temperature), float32, where it is compared, and
///          floor(e * 2^40), an integer, where it is added up: sums are exact, so their
///          order is free. u = (word 1 * 2^32 + word 0) / 2^64. A token's mass
///          below 2^-40 of the greatest is dropped.
/// Source   transformers, generation/logits_process.py (TopK, TopP, MinP in that order);
///          temperature first, as vLLM and transformers do.
/// Errors   std::invalid_argument on a broken limit.
void sample(const SampleArgs& args, const Stream& stream);

std::size_t sample_workspace_bytes(const SampleArgs& args, const Stream& stream);

}  // namespace moebius::kernels
