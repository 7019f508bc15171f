#include "engine/forward/trace_rows.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "kernels/ragged.h"

namespace moebius::engine {

std::int64_t CachedPrefix::begin(std::span<const std::int32_t> ids, std::int64_t first) {
  const std::vector<std::int32_t> held = std::exchange(ids_, {});
  const auto differ = std::mismatch(held.begin(), held.end(), ids.begin(), ids.end());
  const std::int64_t common = differ.first - held.begin();
  if (common == std::ssize(held) && common <= first) return common;
  return std::min(common, first) / kernels::kPageTokens * kernels::kPageTokens;
}

Trace empty_trace(std::int64_t layers) {
  Trace trace;
  trace.hidden_l2.resize(layers + 1);
  trace.experts.resize(layers);
  return trace;
}

std::vector<std::int32_t> first_pages(std::int64_t tokens, std::int32_t pages) {
  const std::int64_t needed = (tokens + kernels::kPageTokens - 1) / kernels::kPageTokens;
  if (needed > pages) throw Error("trace: the KV cache is too small for the sequence");
  std::vector<std::int32_t> table(needed);
  std::iota(table.begin(), table.end(), 0);
  return table;
}

void add_norms(std::span<const float> rows, std::int64_t dim, std::vector<float>& norms) {
  for (std::int64_t at = 0; at < std::ssize(rows); at += dim) {
    norms.push_back(l2_norm(dim, [&](std::int64_t i) { return rows[at + i]; }));
  }
}

void add_experts(std::span<const std::int32_t> ids, std::int64_t slots, std::int64_t top_k,
                 std::vector<std::vector<std::int32_t>>& experts) {
  for (std::int64_t at = 0; at < std::ssize(ids); at += slots) {
    experts.emplace_back(ids.begin() + at, ids.begin() + at + top_k);
  }
}

void add_logits(std::span<const float> rows, std::int64_t vocab,
                std::vector<std::vector<float>>& logits) {
  for (std::int64_t at = 0; at < std::ssize(rows); at += vocab) {
    logits.emplace_back(rows.begin() + at, rows.begin() + at + vocab);
  }
}

}  // namespace moebius::engine
