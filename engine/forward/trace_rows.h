// What the forward passes of all devices write into a Trace.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/engine.h"

namespace moebius::engine {

/// What a pass over rows of one sequence records.
struct Recording {
  Trace* trace = nullptr;  // nothing if null; norms only where it has levels for them
  std::int64_t skip = 0;   // the first rows, of which nothing is recorded
};

/// Which tokens the first pages of a cache hold, so that a sequence that begins like the last one
/// is not computed from its beginning.
class CachedPrefix {
 public:
  /// The position from which `ids` must be computed for its rows from `first` on. Either that
  /// where the last sequence ended, or the beginning of a page: what a page holds behind the common
  /// prefix may not be finite, and a page that is begun is cleared. Nothing is held until keep().
  std::int64_t begin(std::span<const std::int32_t> ids, std::int64_t first);
  void keep(std::span<const std::int32_t> ids) { ids_.assign(ids.begin(), ids.end()); }
  void forget() { ids_.clear(); }

 private:
  std::vector<std::int32_t> ids_;
};

/// Ready to be written into, for a model of `layers` layers.
Trace empty_trace(std::int64_t layers);

/// The table of a sequence of `tokens` in the first pages of the cache, which has `pages`.
/// Throws Error if it does not fit.
std::vector<std::int32_t> first_pages(std::int64_t tokens, std::int32_t pages);

/// Euclidean norm of value(0) .. value(dim - 1), summed in double.
template <typename Value>
float l2_norm(std::int64_t dim, const Value& value) {
  double sum = 0;
  for (std::int64_t i = 0; i < dim; ++i) {
    const double v = value(i);
    sum += v * v;
  }
  return static_cast<float>(std::sqrt(sum));
}

/// Norm of each row of `rows`, `dim` wide.
void add_norms(std::span<const float> rows, std::int64_t dim, std::vector<float>& norms);

/// The first `top_k` of every `slots` ids.
void add_experts(std::span<const std::int32_t> ids, std::int64_t slots, std::int64_t top_k,
                 std::vector<std::vector<std::int32_t>>& experts);

/// Rows of `vocab` logits.
void add_logits(std::span<const float> rows, std::int64_t vocab,
                std::vector<std::vector<float>>& logits);

}  // namespace moebius::engine
