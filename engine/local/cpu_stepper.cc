// The forward pass on the CPU, with its threads and its share of memory.
#include <algorithm>
#include <fstream>

#include "engine/forward/forward.h"
#include "engine/local/steppers.h"

namespace moebius::engine {
namespace {

constexpr std::int32_t kUsualRows = 512;
// Sequences of full context that the default cache holds, if memory allows.
constexpr std::int64_t kDefaultSequences = 512;
constexpr std::int64_t kMaxPages = 1 << 24;

std::int64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  for (std::string name, unit; file >> name;) {
    std::int64_t kib = 0;
    file >> kib;
    std::getline(file, unit);
    if (name == "MemAvailable:") return kib * 1024;
  }
  return std::int64_t{4} << 30;
}

std::int64_t kv_page_bytes(const Config& c, kernels::Dtype dtype) {
  return c.layers * kernels::kPageTokens * c.kv_width() *
         static_cast<std::int64_t>(kernels::dtype_bytes(dtype));
}

std::string mebibytes(std::int64_t bytes) {
  return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

/// How much of everything: decided before anything is allocated.
ForwardOptions plan(const Checkpoint& checkpoint, const LocalOptions& options) {
  const Config& c = checkpoint.config;
  ForwardOptions plan;
  const Arithmetic arithmetic = options.arithmetic.value_or(Arithmetic::kF32);
  const KvCache cache =
      options.kv_cache.value_or(arithmetic == Arithmetic::kBF16 ? KvCache::kBF16 : KvCache::kF32);
  plan.precision =
      arithmetic == Arithmetic::kBF16 ? kernels::Precision::kBF16 : kernels::Precision::kF32;
  plan.kv_dtype = cache == KvCache::kF32 ? kernels::Dtype::kF32 : kernels::Dtype::kBF16;
  plan.kv_fp8 = cache == KvCache::kFp8;
  if (options.max_batch_rows < 0) throw Error("max_batch_rows: expected at least 1");
  plan.max_rows = options.max_batch_rows > 0 ? options.max_batch_rows : kUsualRows;
  std::int64_t context = c.context;
  if (options.max_context > 0) context = std::min<std::int64_t>(context, options.max_context);

  const std::int64_t page = kv_page_bytes(c, plan.kv_dtype);
  const std::int64_t per_sequence = (context + kernels::kPageTokens - 1) / kernels::kPageTokens;
  const std::int64_t available = available_memory();
  std::int64_t pages = options.kv_bytes / page;
  if (options.kv_bytes == 0) {
    pages = std::min({available / 4 / page, per_sequence * kDefaultSequences, kMaxPages});
  } else if (options.kv_bytes > available) {
    throw Error("KV cache: " + mebibytes(options.kv_bytes) + " asked for, " + mebibytes(available) +
                " of memory available");
  }
  if (options.max_kv_tokens > 0) {
    pages =
        std::min(pages, (options.max_kv_tokens + kernels::kPageTokens - 1) / kernels::kPageTokens);
  }
  if (pages < 1) {
    throw Error("KV cache: one page of " + std::to_string(kernels::kPageTokens) + " tokens needs " +
                mebibytes(page) + ", there is room for " +
                mebibytes(options.kv_bytes ? options.kv_bytes : available / 4));
  }
  plan.pages = static_cast<std::int32_t>(pages);
  plan.max_context = static_cast<std::int32_t>(std::min(context, pages * kernels::kPageTokens));
  return plan;
}

// A base of its own, so that the threads are there before the forward pass.
struct Threads {
  kernels::ThreadPool pool;
};

class CpuForward : private Threads, public Forward {
 public:
  CpuForward(const Checkpoint& checkpoint, const LocalOptions& options, kernels::LaunchLog* log)
      : Threads{kernels::ThreadPool(options.threads)},
        Forward(checkpoint.config, checkpoint.weights, logged(kernels::Stream::host(pool), log),
                plan(checkpoint, options)) {}

 private:
  static kernels::Stream logged(kernels::Stream stream, kernels::LaunchLog* log) {
    stream.set_log(log);
    return stream;
  }
};

}  // namespace

std::unique_ptr<ModelStepper> cpu_stepper(const Checkpoint& checkpoint, const LocalOptions& options,
                                          kernels::LaunchLog* log) {
  return std::make_unique<CpuForward>(checkpoint, options, log);
}

}  // namespace moebius::engine
