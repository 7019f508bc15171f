// Pages of the KV cache: who holds which, and page tables that share a prefix.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/forward/stepper.h"

namespace moebius::engine {

/// Reference counts over the pages [0, total()) of a Stepper. A page table lists the pages
/// of positions [0, 64), [64, 128), ... of one sequence.
///
/// A fork shares the full pages of its prefix and owns fresh ones from there on. The page
/// that the prefix fills only in part is fresh in the fork too: copy_tail() brings its
/// entries over once they are computed, so nobody ever writes into a shared page.
class KvPages {
 public:
  explicit KvPages(std::int32_t total);  // std::invalid_argument unless >= 1

  std::int32_t total() const { return static_cast<std::int32_t>(references_.size()); }
  std::int32_t free() const { return static_cast<std::int32_t>(free_.size()); }

  /// Pages for positions [0, end).
  static std::int32_t covering(std::int32_t end);
  /// Fresh pages that a fork at `begin` takes to cover positions up to `end`.
  static std::int32_t fresh(std::int32_t begin, std::int32_t end);

  /// A table over [0, end) whose positions before `begin` continue `prefix`, a table that
  /// covers them. Holds every page in it. std::logic_error if fewer than fresh() are free.
  std::vector<std::int32_t> fork(std::span<const std::int32_t> prefix, std::int32_t begin,
                                 std::int32_t end);

  /// Gives back every page of `table` and empties it.
  void release(std::vector<std::int32_t>& table);

  /// Copies what `prefix` holds of the page that `begin` splits into the fork's own page.
  static void copy_tail(Stepper& stepper, std::span<const std::int32_t> prefix,
                        std::span<const std::int32_t> table, std::int32_t begin);

 private:
  std::vector<std::int32_t> references_;  // [pages]
  std::vector<std::int32_t> free_;        // a stack
};

}  // namespace moebius::engine
