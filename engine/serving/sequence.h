// One sequence as the scheduler drives it: tokens in, heads asked, results back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/forward/stepper.h"

namespace moebius::engine {

struct Task;  // engine/serving/scheduler.cc

/// Why a request ends whose model overflowed: what would follow is no answer of the model's.
inline std::string not_finite(std::int32_t position) {
  return "the model's logits at position " + std::to_string(position) +
         " are not finite: its weights, or what they were rounded to, overflow";
}

/// A leaf of the prefix trie: one answer being generated, or one text being scored.
/// The scheduler computes `ids`, asks ask() for the head of every row from `first_head`
/// on, and hands the results to take() in order.
class Sequence {
 public:
  static constexpr std::int32_t kNone = -1;

  Sequence() = default;
  virtual ~Sequence() = default;
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;

  /// Says what is wanted of the row at `position`; `head` comes default-initialised.
  virtual void ask(std::int32_t position, StepHead& head) = 0;

  /// The result of that row. After the last row: the token to continue with, or kNone when
  /// the sequence has ended. At most `growth` tokens in all; ignored on earlier rows.
  virtual std::int32_t take(std::int32_t position, StepResult& result) = 0;

  std::vector<std::int32_t> ids;  // >= 1; moved out by Scheduler::add
  std::int32_t first_head = 0;    // in [0, ids.size()); rows from here on are its own
  std::int32_t growth = 0;        // tokens that may follow `ids` into the cache
  void* owner = nullptr;          // whose it is; sequences of one request have one owner

  std::int32_t cached_tokens = 0;  // set by Scheduler::add: rows that another request computes
  Task* task = nullptr;            // the scheduler's; null when it does not hold the sequence
};

}  // namespace moebius::engine
