// Which sequences of a batch share leading pages: whose keys are read once for all of them.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/ragged.h"

namespace moebius::kernels::gqa {

/// Sequences that have chunks [chunk_begin, chunk_end) in the same pages; those chunks lie before
/// each position that the batch has of them.
struct Shared {
  std::vector<std::int32_t> sequences;  // 2 or more
  std::int64_t chunk_begin, chunk_end;
};

struct Prefixes {
  std::vector<Shared> groups;           // a sequence's groups in order of chunks, without gaps
  std::vector<std::int64_t> own_chunk;  // [sequences] the first chunk in no group
};

/// Only sequences of 1 .. most_tokens tokens take part. The groups' members are at most twice as
/// many as those, and so are their tokens.
Prefixes shared_prefixes(const Ragged& batch, std::int64_t most_tokens);

}  // namespace moebius::kernels::gqa
