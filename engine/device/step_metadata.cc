#include "engine/device/step_metadata.h"

#include <algorithm>

#include "kernels/ragged.h"

namespace moebius::engine {
namespace {

template <typename T>
using Array = TwinBlock::Array<T>;

struct Arrays {
  Array<std::int32_t> ids, row_begin, position_begin, row_position, row_sequence, pages;
};

void put(const Arrays& to, std::int64_t index, const StepSequence& s, std::int64_t stride) {
  const std::int32_t first = to.row_begin.host[index];
  const auto rows = static_cast<std::int32_t>(s.ids.size());
  std::copy(s.ids.begin(), s.ids.end(), to.ids.host + first);
  to.row_begin.host[index + 1] = first + rows;
  to.position_begin.host[index] = s.position;
  for (std::int32_t r = 0; r < rows; ++r) {
    to.row_position.host[first + r] = s.position + r;
    to.row_sequence.host[first + r] = static_cast<std::int32_t>(index);
  }
  // Tables cover the sequence's whole reservation; what this step does not reach is left out.
  const std::int64_t count = std::min<std::int64_t>(std::ssize(s.pages), stride);
  std::int32_t* table = to.pages.host + index * stride;
  std::copy_n(s.pages.begin(), count, table);
  std::fill(table + count, table + stride, 0);
}

}  // namespace

std::int64_t pages_needed(std::span<const StepSequence> sequences) {
  std::int64_t most = 1;
  for (const StepSequence& s : sequences) {
    const std::int64_t end = s.position + std::ssize(s.ids);
    most = std::max(most, (end + kernels::kPageTokens - 1) / kernels::kPageTokens);
  }
  return most;
}

std::int64_t pages_begun(std::span<const StepSequence> sequences) {
  const auto covering = [](std::int64_t end) {
    return (end + kernels::kPageTokens - 1) / kernels::kPageTokens;
  };
  std::int64_t count = 0;
  for (const StepSequence& s : sequences) {
    count += covering(s.position + std::ssize(s.ids)) - covering(s.position);
  }
  return count;
}

DeviceStep pack_step(std::span<const StepSequence> sequences, const StepPadding& padding,
                     const kernels::AttentionShape& shape, TwinBlock& block) {
  block.reset();
  std::int64_t rows = 0;
  for (const StepSequence& s : sequences) rows += std::ssize(s.ids);
  const std::int64_t dummies = std::max<std::int64_t>(0, padding.rows - rows);
  rows += dummies;
  const std::int64_t count = std::ssize(sequences) + dummies;
  const std::int64_t stride = std::max(padding.pages, pages_needed(sequences));
  Arrays to;
  to.ids = block.take<std::int32_t>(rows);
  to.row_begin = block.take<std::int32_t>(count + 1);
  to.position_begin = block.take<std::int32_t>(count);
  to.row_position = block.take<std::int32_t>(rows);
  to.row_sequence = block.take<std::int32_t>(rows);
  to.pages = block.take<std::int32_t>(count * stride);
  to.row_begin.host[0] = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    put(to, static_cast<std::int64_t>(i), sequences[i], stride);
  }
  const std::int32_t token = 0;
  const StepSequence dummy{{&token, 1}, 0, {&padding.spare_page, 1}};
  for (std::int64_t i = std::ssize(sequences); i < count; ++i) put(to, i, dummy, stride);

  kernels::Ragged ragged{.sequences = count,
                         .rows = rows,
                         .row_begin = to.row_begin.host,
                         .position_begin = to.position_begin.host,
                         .pages = to.pages.host,
                         .max_pages = stride};
  const std::size_t plan_bytes = kernels::attention_plan_bytes(
      shape, {.rows = rows, .sequences = count, .positions = stride * kernels::kPageTokens});
  const Array<std::byte> plan = block.take<std::byte>(static_cast<std::int64_t>(plan_bytes));
  kernels::attention_plan(shape, ragged, plan.host, plan_bytes);

  DeviceStep step{.rows = rows, .ids = to.ids.device, .plan = plan.device};
  ragged.row_begin = to.row_begin.device;
  ragged.position_begin = to.position_begin.device;
  ragged.pages = to.pages.device;
  step.batch = {.ragged = ragged,
                .row_position = to.row_position.device,
                .row_sequence = to.row_sequence.device,
                .max_positions = stride * kernels::kPageTokens};
  return step;
}

}  // namespace moebius::engine
