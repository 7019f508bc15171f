// A ragged batch: rows of several sequences, packed without padding, each
// sequence attending to its own pages of the KV cache.
#pragma once

#include <cstdint>

#include "kernels/tensor.h"

namespace moebius::kernels {

/// Tokens per KV page. Pages start at absolute positions that are multiples of it.
inline constexpr std::int64_t kPageTokens = 64;

/// Sequence s owns rows [row_begin[s], row_begin[s+1]); its row j is the token at
/// absolute position position_begin[s] + j. All arrays live where the stream runs.
struct Ragged {
  std::int64_t sequences = 0;
  std::int64_t rows = 0;                         // == row_begin[sequences]
  const std::int32_t* row_begin = nullptr;       // [sequences + 1]
  const std::int32_t* position_begin = nullptr;  // [sequences]
  const std::int32_t* pages = nullptr;  // [sequences, max_pages], page of each 64 positions
  std::int64_t max_pages = 0;
};

/// One layer of the paged cache: [pages, kPageTokens, width] elements of `dtype`.
/// GQA entries hold the keys of all KV heads, then the values of all; MLA entries
/// hold the normalised latent, then the rotated shared key (512 + 64 in DeepSeek-V3).
///
/// With `block`, an entry's values up to its last `plain` go through fp8, so many under one scale
/// (kernels/kv_write/fp8_cache.h). On a GPU dtype is then kF8E4M3 and pages lie as Fp8Page says; on
/// the host it is kBF16, which holds the same values.
struct KvLayer {
  void* data = nullptr;
  Dtype dtype = Dtype::kF32;  // kF32 or kBF16; on a GPU kF8E4M3, too
  std::int64_t pages = 0;
  std::int64_t width = 0;
  std::int64_t block = 0;
  std::int64_t plain = 0;
};

}  // namespace moebius::kernels
