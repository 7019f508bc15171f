// For tests: a Stepper without a model. Its logits are a hash of the token prefix as its
// own paged store holds it, so a wrong page, a missing copy, a stale entry or a wrong
// position changes results or throws.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/forward/stepper.h"

namespace moebius::engine {

struct ToyLimits {
  std::int32_t vocab = 40;
  std::int32_t pages = 64;
  std::int32_t max_rows = 32;
  std::int32_t max_heads = 32;
  std::int32_t max_context = 1024;
};

class ToyStepper : public Stepper {
 public:
  explicit ToyStepper(const ToyLimits& limits);

  std::int32_t vocab() const override { return limits_.vocab; }
  std::int32_t pages() const override { return limits_.pages; }
  std::int32_t max_rows() const override { return limits_.max_rows; }
  std::int32_t max_heads() const override { return limits_.max_heads; }
  std::int32_t max_context() const override { return limits_.max_context; }

  /// std::logic_error if the batch breaks the contract of stepper.h: too many rows or
  /// heads, a page out of range, a row whose past is not in the store, two rows of one
  /// step in one place.
  std::vector<StepResult> step(const StepBatch& batch) override;
  void copy_page(std::int32_t from, std::int32_t to, std::int32_t tokens) override;

  /// What step() answers for a row whose token prefix, itself included, is `prefix`.
  StepResult answer(std::span<const std::int32_t> prefix, const StepHead& head) const;

  std::int32_t throw_at_step = -1;  // counted from 0
  std::int32_t sleep_us = 0;        // in every step
  std::int32_t steps = 0;

 private:
  struct Entry {
    std::int32_t token = -1;
    std::int32_t position = -1;
  };

  Entry& entry(const StepSequence& sequence, std::int32_t position);
  std::vector<std::int32_t> past(const StepSequence& sequence);
  void write(const StepBatch& batch);
  void check_sizes(const StepBatch& batch) const;

  ToyLimits limits_;
  std::vector<Entry> store_;           // [pages, kPageTokens]
  std::vector<std::int64_t> written_;  // [pages, kPageTokens]: the step that wrote it, + 1
};

}  // namespace moebius::engine
