// A checkpoint in this process: files, forward pass and serving core put together.
#include <algorithm>
#include <fstream>
#include <mutex>
#include <utility>

#include "engine/engine.h"
#include "engine/forward/forward.h"
#include "engine/local/made_up.h"
#include "engine/local/model_files.h"
#include "engine/serving/server.h"

namespace moebius::engine {
namespace {

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
  const bool narrow = options.arithmetic == Arithmetic::kBF16;
  plan.precision = narrow ? kernels::Precision::kBF16 : kernels::Precision::kF32;
  plan.kv_dtype = narrow ? kernels::Dtype::kBF16 : kernels::Dtype::kF32;
  if (options.max_batch_rows < 1) throw Error("max_batch_rows: expected at least 1");
  plan.max_rows = options.max_batch_rows;
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
  if (pages < 1) {
    throw Error("KV cache: one page of " + std::to_string(kernels::kPageTokens) + " tokens needs " +
                mebibytes(page) + ", there is room for " +
                mebibytes(options.kv_bytes ? options.kv_bytes : available / 4));
  }
  plan.pages = static_cast<std::int32_t>(pages);
  plan.max_context = static_cast<std::int32_t>(std::min(context, pages * kernels::kPageTokens));
  return plan;
}

class Local : public LocalEngine {
 public:
  Local(Checkpoint checkpoint, const LocalOptions& options)
      : checkpoint_(std::move(checkpoint)),
        info_(describe(checkpoint_)),
        pool_(options.threads),
        stream_(kernels::Stream::host(pool_)),
        plan_(plan(checkpoint_, options)),
        forward_(checkpoint_.config, checkpoint_.weights, stream_, plan_),
        server_(forward_, checkpoint_.tokenizer.get(),
                {.prefill_chunk = options.prefill_chunk,
                 .share_prefixes = options.share_prefixes,
                 .eos_ids = checkpoint_.eos_ids,
                 .max_context = plan_.max_context}) {
    info_.context = plan_.max_context;
  }

  void submit(std::vector<Request> requests, Done done) override {
    server_.submit(std::move(requests), std::move(done));
  }
  void cancel(std::uint64_t id) override { server_.cancel(id); }
  void wait() override { server_.wait(); }

  std::string fingerprint() const override {
    const bool narrow = plan_.precision == kernels::Precision::kBF16;
    return "weights " + info().weights_hash + " tokenizer " + info_.tokenizer_hash + " cpu " +
           (narrow ? "bf16" : "f32");
  }

  const ModelInfo& info() const override {
    // Hashing reads every byte of the weights: only for who asks.
    std::call_once(hashed_, [this] { info_.weights_hash = checkpoint_.tensors->content_hash(); });
    return info_;
  }

  bool has_tokenizer() const override { return checkpoint_.tokenizer != nullptr; }
  const Tokenizer& tokenizer() const override {
    if (!checkpoint_.tokenizer) {
      throw Error(checkpoint_.path + "/tokenizer.json: expected a file, found none");
    }
    return *checkpoint_.tokenizer;
  }

  std::vector<std::vector<std::int64_t>> take_expert_loads() override {
    server_.wait();
    return forward_.take_expert_loads();
  }

  Trace trace(std::span<const std::int32_t> ids) override {
    server_.wait();
    for (std::int32_t id : ids) {
      if (id < 0 || id >= checkpoint_.config.vocab) {
        throw Error("token id " + std::to_string(id) + " is outside the vocabulary of " +
                    std::to_string(checkpoint_.config.vocab));
      }
    }
    if (std::ssize(ids) > plan_.max_context) {
      throw Error("sequence of " + std::to_string(ids.size()) + " tokens: the context is " +
                  std::to_string(plan_.max_context));
    }
    return forward_.trace(ids);
  }

 private:
  Checkpoint checkpoint_;
  mutable ModelInfo info_;
  mutable std::once_flag hashed_;
  kernels::ThreadPool pool_;
  kernels::Stream stream_;
  ForwardOptions plan_;
  Forward forward_;
  Server server_;  // last: its thread uses all the others
};

}  // namespace

std::unique_ptr<LocalEngine> load(const std::string& model, const LocalOptions& options) {
  kernels::require_supported_cpu();
  return std::make_unique<Local>(open_checkpoint(model), options);
}

std::unique_ptr<LocalEngine> load_shape(const std::string& shape, int layers,
                                        const LocalOptions& options) {
  kernels::require_supported_cpu();
  return std::make_unique<Local>(made_up_checkpoint(shape, layers), options);
}

ModelInfo inspect(const std::string& model) {
  const Checkpoint checkpoint = open_checkpoint(model);
  ModelInfo info = describe(checkpoint);
  info.weights_hash = checkpoint.tensors->content_hash();
  return info;
}

}  // namespace moebius::engine
