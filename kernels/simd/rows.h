// Cuts rows into tasks for a stream's threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/stream.h"

namespace moebius::kernels {

/// What a task should hold at least: handing out less costs more than it saves.
inline constexpr std::int64_t kTaskElements = 20'000;

/// Calls body(begin, end) for blocks that cover [0, rows), as many rows to a block as
/// make kTaskElements elements. Small work is one block, done by the caller. The
/// cut depends on the sizes alone, never on the number of threads.
template <class Body>
void for_row_blocks(const Stream& stream, std::int64_t rows, std::int64_t row_elements,
                    const Body& body) {
  const std::int64_t block =
      std::max<std::int64_t>(1, kTaskElements / std::max<std::int64_t>(1, row_elements));
  stream.pool().run((rows + block - 1) / block, [&](std::int64_t task, int) {
    body(task * block, std::min(rows, (task + 1) * block));
  });
}

}  // namespace moebius::kernels
