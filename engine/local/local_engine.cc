// A checkpoint in this process: files, forward pass and serving core put together.
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/local/made_up.h"
#include "engine/local/model_files.h"
#include "engine/local/profiling.h"
#include "engine/local/replicas.h"
#include "engine/local/steppers.h"

namespace moebius::engine {
namespace {

class Local : public LocalEngine {
 public:
  Local(Checkpoint checkpoint, const LocalOptions& options, bool on_device)
      : checkpoint_(std::move(checkpoint)), info_(describe(checkpoint_, on_device)) {
    if (options.profile) {
      profiling_ = on_device ? profile_devices(options.devices) : profile_host();
    }
    if (on_device) {
      steppers_ = device_steppers(checkpoint_, options);
    } else {
      steppers_.push_back(
          cpu_stepper(checkpoint_, options, profiling_ ? profiling_->host_log() : nullptr));
    }
    info_.context = steppers_[0]->max_context();
    std::vector<Stepper*> steppers;
    for (const auto& stepper : steppers_) steppers.push_back(stepper.get());
    replicas_.emplace(steppers, checkpoint_.tokenizer.get(),
                      ServerOptions{.prefill_chunk = options.prefill_chunk,
                                    .share_prefixes = options.share_prefixes,
                                    .eos_ids = checkpoint_.eos_ids,
                                    .max_context = info_.context,
                                    .between_steps = between_steps()});
    if (profiling_) profiling_->take();  // loading is not part of it
  }

  void submit(std::vector<Request> requests, Done done) override {
    replicas_->submit(std::move(requests), std::move(done));
  }
  void cancel(std::uint64_t id) override { replicas_->cancel(id); }
  void wait() override { replicas_->wait(); }

  std::string fingerprint() const override {
    return "weights " + info().weights_hash + " tokenizer " + info_.tokenizer_hash + " " +
           steppers_[0]->arithmetic();
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
    wait();
    std::vector<std::vector<std::int64_t>> loads = steppers_[0]->take_expert_loads();
    for (std::size_t i = 1; i < steppers_.size(); ++i) {
      const auto more = steppers_[i]->take_expert_loads();
      for (std::size_t layer = 0; layer < loads.size(); ++layer) {
        for (std::size_t e = 0; e < loads[layer].size(); ++e) loads[layer][e] += more[layer][e];
      }
    }
    return loads;
  }

  KernelProfile take_profile() override {
    wait();
    if (!profiling_) throw Error("profile: the model was loaded without LocalOptions::profile");
    return profiling_->take();
  }

  Trace trace(std::span<const std::int32_t> ids) override {
    wait();
    require_sequence(ids);
    return steppers_[0]->trace(ids);
  }

  Trace follow(std::span<const std::int32_t> ids, std::int32_t first) override {
    wait();
    require_sequence(ids);
    if (first < 0 || first >= std::ssize(ids)) {
      throw Error("follow: expected a first position in 0 .. " + std::to_string(ids.size()) +
                  " - 1, found " + std::to_string(first));
    }
    return steppers_[0]->follow(ids, first);
  }

 private:
  void require_sequence(std::span<const std::int32_t> ids) const {
    for (std::int32_t id : ids) {
      if (id < 0 || id >= checkpoint_.config.vocab) {
        throw Error("token id " + std::to_string(id) + " is outside the vocabulary of " +
                    std::to_string(checkpoint_.config.vocab));
      }
    }
    if (std::ssize(ids) > info_.context) {
      throw Error("sequence of " + std::to_string(ids.size()) + " tokens: the context is " +
                  std::to_string(info_.context));
    }
  }

  std::function<void()> between_steps() const {
    if (!profiling_) return nullptr;
    return [profiling = profiling_.get()] { profiling->between_steps(); };
  }

  Checkpoint checkpoint_;
  mutable ModelInfo info_;
  mutable std::once_flag hashed_;
  std::unique_ptr<Profiling> profiling_;  // outlives what it watches
  std::vector<std::unique_ptr<ModelStepper>> steppers_;
  std::optional<Replicas> replicas_;  // last: its threads use all the others
};

}  // namespace

std::unique_ptr<LocalEngine> load(const std::string& model, const LocalOptions& options) {
  kernels::require_supported_cpu();
  const bool on_device = runs_on_device(options);
  return std::make_unique<Local>(open_checkpoint(model), options, on_device);
}

std::unique_ptr<LocalEngine> load_shape(const Shape& shape, const LocalOptions& options) {
  kernels::require_supported_cpu();
  const bool on_device = runs_on_device(options);
  return std::make_unique<Local>(made_up_checkpoint(shape, !on_device), options, on_device);
}

ModelInfo inspect(const std::string& model) {
  const Checkpoint checkpoint = open_checkpoint(model);
  ModelInfo info = describe(checkpoint);
  info.weights_hash = checkpoint.tensors->content_hash();
  return info;
}

}  // namespace moebius::engine
