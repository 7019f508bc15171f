// What the serving core needs of a model: one step over a ragged batch. The forward
// pass implements it; tests put a toy in its place.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace moebius::engine {

/// Rows of one sequence that are computed in this step.
struct StepSequence {
  std::span<const std::int32_t> ids;  // the tokens, >= 1
  std::int32_t position = 0;          // absolute position of ids[0]; all before it are in the cache
  std::span<const std::int32_t> pages;  // the sequence's page table, covering position + ids.size()
};

/// How the next token is chosen from a row's logits.
struct StepDraw {
  enum Kind : std::uint8_t { kNone, kGreedy, kSample } kind = kNone;
  float temperature = 1;
  float top_p = 1;
  float min_p = 0;
  std::int32_t top_k = 0;
  std::uint64_t seed = 0;
  std::uint64_t sample = 0;
};

/// A row whose logits are wanted. The token drawn is the one at the row's position + 1.
struct StepHead {
  std::int32_t sequence = 0;  // index into StepBatch::sequences
  std::int32_t offset = 0;    // which of its ids
  StepDraw draw;
  std::int32_t top = 0;               // 0 .. 1024 best tokens wanted
  std::vector<std::int32_t> targets;  // tokens whose logits are wanted
  std::vector<std::int32_t> banned;   // tokens that may not be drawn; fewer than 1024
};

struct StepBatch {
  std::vector<StepSequence> sequences;
  std::vector<StepHead> heads;
};

/// The answer to a StepHead, in the same order.
struct StepResult {
  float logsumexp = 0;
  std::int32_t token = -1;  // drawn; -1 for StepDraw::kNone
  float token_logit = 0;
  std::vector<float> target_logits;
  std::vector<std::int32_t> top_ids;  // best first, ties to the lower id
  std::vector<float> top_logits;
};

class Stepper {
 public:
  virtual ~Stepper() = default;
  virtual std::int32_t vocab() const = 0;
  virtual std::int32_t pages() const = 0;  // in the cache, each of kernels::kPageTokens positions
  virtual std::int32_t max_rows() const = 0;     // of one step, over all sequences
  virtual std::int32_t max_heads() const = 0;    // of one step
  virtual std::int32_t max_context() const = 0;  // positions of one sequence

  /// Computes every sequence's rows, writes their KV entries, answers the heads. Rows
  /// of one sequence do not see another's of the same step.
  virtual std::vector<StepResult> step(const StepBatch& batch) = 0;

  /// Copies the first `tokens` entries of page `from` to page `to`, in every layer.
  virtual void copy_page(std::int32_t from, std::int32_t to, std::int32_t tokens) = 0;
};

}  // namespace moebius::engine
