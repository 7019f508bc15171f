#include "engine/device/device_plan.h"

#include <algorithm>
#include <string>

#include "engine/device/weight_layout.h"
#include "kernels/kv_write/fp8_cache.h"

namespace moebius::engine {
namespace {

using kernels::Dtype;

// Left for the driver: code of kernels, recorded graphs.
constexpr std::int64_t kReserve = std::int64_t{1} << 30;
constexpr std::int64_t kUsualRows = 8192;
constexpr std::int64_t kMaxSequences = 2048;
constexpr std::int64_t kMaxPages = 1 << 22;
// Sequences of full context that the cache holds, if memory allows.
constexpr std::int64_t kDefaultSequences = 512;

std::string gibibytes(std::int64_t bytes) {
  const std::int64_t tenths = (bytes * 10 + (std::int64_t{1} << 30) - 1) >> 30;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GiB";
}

/// Sizes that do not depend on how large a step may be.
class Sizes {
 public:
  Sizes(const Config& config, const ModelWeights& weights, const DevicePlanOptions& options)
      : config_(config), options_(options) {
    const WeightLayout layout(config, weights, options.arithmetic, nullptr);
    weights_ = static_cast<std::int64_t>(layout.bytes());
    const bool narrow = options.arithmetic == Arithmetic::kBF16;
    for (const WeightPart& part : layout.parts()) {
      plan_.fp8 = plan_.fp8 || (narrow && part.dtype == Dtype::kF8E4M3);
    }
    for (const DeviceLayer& layer : layout.model().layers) {
      plan_.shared_parts = std::max(plan_.shared_parts, layer.shared_parts);
    }
    plan_.page_bytes =
        config.layers * kernels::kv_page_bytes(cache_layout(config, options.kv_dtype));
  }

  /// With steps of so many rows.
  DevicePlan of_rows(std::int64_t rows) const {
    DevicePlan plan = plan_;
    plan.limits = {
        .rows = rows, .sequences = std::min(rows, kMaxSequences), .context = options_.max_context};
    return plan;
  }
  std::int64_t workspace(const DevicePlan& plan) const {
    return static_cast<std::int64_t>(DeviceWorkspace(config_, options_.arithmetic,
                                                     options_.kv_dtype, plan.fp8, plan.limits,
                                                     plan.shared_parts, nullptr)
                                         .bytes);
  }
  /// Bytes without the cache, but with its spare page.
  std::int64_t fixed(const DevicePlan& plan) const {
    return weights_ + workspace(plan) + plan.page_bytes + kReserve;
  }
  std::int64_t weights() const { return weights_; }

 private:
  const Config& config_;
  const DevicePlanOptions& options_;
  std::int64_t weights_ = 0;
  DevicePlan plan_;
};

std::int64_t pages_of(std::int64_t tokens) {
  return (tokens + kernels::kPageTokens - 1) / kernels::kPageTokens;
}

[[noreturn]] void refuse(const Sizes& sizes, const DevicePlan& plan, std::int64_t free_bytes) {
  std::string fits = "nothing smaller would fit either";
  for (std::int64_t rows = plan.limits.rows / 2; rows >= 1; rows /= 2) {
    if (sizes.fixed(sizes.of_rows(rows)) + plan.page_bytes > free_bytes) continue;
    fits = "--max-batch-rows " + std::to_string(rows) + " would fit";
    break;
  }
  throw Error("GPU memory: weights of " + gibibytes(sizes.weights()) + ", steps of " +
              std::to_string(plan.limits.rows) + " rows " + gibibytes(sizes.workspace(plan)) +
              ", one page of cache " + gibibytes(plan.page_bytes) + " and a reserve of " +
              gibibytes(kReserve) + " do not fit into the " + gibibytes(free_bytes) +
              " that are free; " + fits);
}

}  // namespace

DevicePlan plan_device(const Config& config, const ModelWeights& weights,
                       const DevicePlanOptions& options, std::int64_t free_bytes) {
  const Sizes sizes(config, weights, options);
  DevicePlan plan = sizes.of_rows(options.max_rows > 0 ? options.max_rows : kUsualRows);
  std::int64_t wanted_pages =
      std::min(pages_of(options.max_context) * kDefaultSequences, kMaxPages);
  if (options.max_kv_tokens > 0) {
    wanted_pages = std::min(wanted_pages, pages_of(options.max_kv_tokens));
  }
  if (options.max_rows == 0) {
    // Activations may take a quarter of what the weights leave.
    const std::int64_t room = (free_bytes - sizes.weights() - kReserve) / 4;
    while (plan.limits.rows > 16 && sizes.workspace(plan) > room) {
      plan = sizes.of_rows(plan.limits.rows / 2);
    }
  }
  const std::int64_t left = free_bytes - sizes.fixed(plan);
  if (left < plan.page_bytes) refuse(sizes, plan, free_bytes);
  if (options.kv_bytes > left) {
    throw Error("GPU memory: a KV cache of " + gibibytes(options.kv_bytes) + " asked for, " +
                gibibytes(left) + " are left beside weights and activations");
  }
  const std::int64_t bytes = options.kv_bytes > 0 ? options.kv_bytes : left;
  plan.pages = std::min(bytes / plan.page_bytes, wanted_pages);
  if (plan.pages < 1) {
    throw Error("GPU memory: one page of the KV cache needs " + gibibytes(plan.page_bytes) +
                ", asked for were " + gibibytes(options.kv_bytes));
  }
  plan.limits.context = std::min(options.max_context, plan.pages * kernels::kPageTokens);
  return plan;
}

}  // namespace moebius::engine
