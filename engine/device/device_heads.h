// The rows of a step whose logits are wanted: packed for the device in rounds of blocks, and
// unpacked when the device has answered.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/device/arena.h"
#include "engine/device/device_workspace.h"
#include "engine/forward/stepper.h"
#include "kernels/lm_head/lm_head_cuda.h"

namespace moebius::engine {

/// A StepHead, or a part of one whose targets are many.
struct HeadAsk {
  const StepHead* head = nullptr;
  std::int32_t row = 0;       // of the step
  std::int32_t position = 0;  // of that row
  std::span<const std::int32_t> targets;
  bool first = true;  // the part that draws and lists the best
  StepResult* result = nullptr;
};

/// Adds the ask of `head`, or its parts; `result` gets room for the answer.
void add_asks(const StepHead& head, std::int32_t row, std::int32_t position, StepResult& result,
              std::vector<HeadAsk>& asks);

/// Rows of logits that exist at one time.
struct HeadBlock {
  template <typename T>
  using Array = TwinBlock::Array<T>;

  std::span<const HeadAsk> asks;
  const std::int32_t* rows = nullptr;  // [asks], device memory
  kernels::LogitsCudaArgs args;        // but for the logits and the workspace
  // What the device answers, beside `args`'s pointers into the same memory:
  Array<float> logsumexp, target_logits, top_logits, token_logits;
  Array<std::int32_t> top_ids, tokens;
};

struct HeadLimits {
  std::int64_t vocab = 0;
  std::int64_t rows = 0;          // of one block
  std::size_t scratch_bytes = 0;  // for logits_cuda
};

/// Packs as many of `asks` as fit into `in` (what is left of it) and `out`; at least one.
/// `asks` must outlive the blocks.
std::vector<HeadBlock> pack_heads(std::span<const HeadAsk> asks, const HeadLimits& limits,
                                  TwinBlock& in, TwinBlock& out);

/// Moves the answers of a block, which are on the host by now, to where its asks want them.
void unpack_heads(const HeadBlock& block);

}  // namespace moebius::engine
