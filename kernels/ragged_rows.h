// Walking a ragged batch row by row on the host.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/ragged.h"
#include "kernels/stream.h"

namespace moebius::kernels {

/// Throws std::invalid_argument(what) unless the row counts agree and no row lies
/// before position 0. Looks at pages only if `with_pages`: the page of every row
/// must exist and be below `pages`.
inline void require_ragged(const Ragged& batch, const char* what, bool with_pages = false,
                           std::int64_t pages = 0) {
  require(batch.sequences >= 0 && batch.rows >= 0, what);
  if (batch.sequences == 0) return require(batch.rows == 0, what);
  require(batch.row_begin && batch.position_begin, what);
  require(batch.row_begin[0] == 0 && batch.row_begin[batch.sequences] == batch.rows, what);
  for (std::int64_t s = 0; s < batch.sequences; ++s) {
    const std::int64_t rows = std::int64_t{batch.row_begin[s + 1]} - batch.row_begin[s];
    require(rows >= 0 && batch.position_begin[s] >= 0, what);
    if (!with_pages || rows == 0) continue;
    const std::int64_t first = batch.position_begin[s] / kPageTokens;
    const std::int64_t last = (batch.position_begin[s] + rows - 1) / kPageTokens;
    require(batch.pages && last < batch.max_pages, what);
    const std::int32_t* page = batch.pages + s * batch.max_pages;
    require(std::all_of(page + first, page + last + 1,
                        [&](std::int32_t p) { return p >= 0 && p < pages; }),
            what);
  }
}

/// Calls body(row, sequence, position) for each row in [begin, end).
template <class Body>
void for_ragged_rows(const Ragged& batch, std::int64_t begin, std::int64_t end, const Body& body) {
  const std::int32_t* starts = batch.row_begin;
  std::int64_t s = std::upper_bound(starts, starts + batch.sequences + 1, begin) - starts - 1;
  for (std::int64_t row = begin; row < end; ++row) {
    while (row >= starts[s + 1]) ++s;
    body(row, s, row - starts[s] + batch.position_begin[s]);
  }
}

}  // namespace moebius::kernels
