// An engine for tests of its callers: logits are a hash of the token prefix, so that they
// behave like a model's, and every promise can be broken on purpose.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace moebius::tests {

class FakeEngine : public engine::LocalEngine {
 public:
  static constexpr std::int32_t kVocab = 40;
  static constexpr std::int32_t kLayers = 3;  // the first without experts
  static constexpr std::int32_t kContext = 700;
  static constexpr std::int32_t kEos = 5;

  FakeEngine() {
    info_.path = "fake";
    info_.vocab = kVocab;
    info_.layers = kLayers;
    info_.context = kContext;
  }

  /// Added to the logit of token 3; gets the number of requests submitted together.
  std::function<float(std::size_t batch)> noise = [](std::size_t) { return 0.0F; };
  /// Makes every request of this prompt length refused.
  std::optional<std::size_t> refuse;
  /// Ends the engine's thread after so many answers.
  std::optional<std::size_t> die_after;
  std::size_t cancelled = 0;

  static std::vector<float> logits(std::span<const std::int32_t> prefix) {
    std::uint64_t state = 1;
    for (const std::int32_t id : prefix) state = mix(state * 31 + static_cast<std::uint64_t>(id));
    std::vector<float> row(kVocab);
    for (std::size_t v = 0; v < row.size(); ++v) {
      row[v] = static_cast<float>(mix(state + v * 977) % 100000) / 10000.0F;
    }
    return row;
  }

  /// Answers on a thread of its own, last request first.
  void submit(std::vector<engine::Request> requests, Done done) override {
    wait();
    thread_ = std::jthread([this, requests = std::move(requests), done = std::move(done)] {
      std::size_t answered = 0;
      for (std::size_t i = requests.size(); i-- > 0;) {
        if (die_after && answered++ == *die_after) {
          dead_ = true;
          return;
        }
        done(answer(requests[i], requests.size()));
      }
    });
  }

  void cancel(std::uint64_t /*id*/) override { ++cancelled; }

  void wait() override {
    const std::lock_guard lock(mutex_);
    if (thread_.joinable()) thread_.join();
    if (std::exchange(dead_, false)) throw engine::Error("fake: the engine died");
  }

  std::string fingerprint() const override { return "fake"; }
  const engine::ModelInfo& info() const override { return info_; }
  bool has_tokenizer() const override { return false; }
  const engine::Tokenizer& tokenizer() const override { throw engine::Error("fake: no tokenizer"); }

  std::vector<std::vector<std::int64_t>> take_expert_loads() override { return {}; }
  engine::KernelProfile take_profile() override { return {}; }

  engine::Trace trace(std::span<const std::int32_t> ids) override {
    engine::Trace trace;
    trace.experts.resize(kLayers);
    trace.hidden_l2.resize(kLayers + 1);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      trace.logits.push_back(logits(ids.first(i + 1)));
      for (std::size_t level = 0; level <= kLayers; ++level) {
        trace.hidden_l2[level].push_back(static_cast<float>(level + 1) * 10.5F +
                                         static_cast<float>(i));
      }
      for (std::size_t layer = 1; layer < kLayers; ++layer) {
        const auto first = static_cast<std::int32_t>((layer + i) % 4);
        trace.experts[layer].push_back({first, first + 2});
      }
    }
    return trace;
  }

  engine::Trace follow(std::span<const std::int32_t> ids, std::int32_t first) override {
    engine::Trace all = trace(ids);
    all.hidden_l2.clear();
    all.logits.erase(all.logits.begin(), all.logits.begin() + first);
    for (auto& layer : all.experts) {
      if (!layer.empty()) layer.erase(layer.begin(), layer.begin() + first);
    }
    return all;
  }

 private:
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  std::vector<float> logprobs(std::span<const std::int32_t> prefix, std::size_t batch) const {
    std::vector<float> row = logits(prefix);
    row[3] += noise(batch);
    double sum = 0;
    for (const float x : row) sum += std::exp(static_cast<double>(x));
    for (float& x : row) x = static_cast<float>(x - std::log(sum));
    return row;
  }

  engine::Completion answer(const engine::Request& request, std::size_t batch) const {
    engine::Completion completion;
    completion.id = request.id;
    completion.prompt_tokens = static_cast<std::int32_t>(request.prompt.ids.size());
    if (refuse == request.prompt.ids.size()) {
      completion.finish = engine::Finish::kRefused;
      completion.error = "fake: refused";
    } else if (request.generate) {
      generate(request, batch, completion);
    } else {
      score(request, batch, completion);
    }
    return completion;
  }

  void generate(const engine::Request& request, std::size_t batch,
                engine::Completion& completion) const {
    completion.finish = engine::Finish::kLength;
    std::vector<std::int32_t> ids = request.prompt.ids;
    for (std::int32_t n = 0; n < request.generate->max_new_tokens; ++n) {
      std::vector<float> row = logprobs(ids, batch);
      if (n < request.generate->min_new_tokens) row[kEos] = -100;
      const auto best =
          static_cast<std::int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
      engine::GeneratedToken token{.id = best, .logprob = row[static_cast<std::size_t>(best)]};
      for (std::int32_t k = 0; k < request.generate->logprobs; ++k) {
        token.top.push_back({k, row[static_cast<std::size_t>(k)]});
      }
      completion.tokens.push_back(std::move(token));
      ids.push_back(best);
    }
  }

  void score(const engine::Request& request, std::size_t batch,
             engine::Completion& completion) const {
    for (const engine::Prompt& continuation : request.score->continuations) {
      std::vector<std::int32_t> ids = request.prompt.ids;
      engine::ScoredContinuation scored{.ids = continuation.ids};
      for (const std::int32_t id : continuation.ids) {
        scored.logprobs.push_back(logprobs(ids, batch)[static_cast<std::size_t>(id)]);
        scored.sum += scored.logprobs.back();
        ids.push_back(id);
      }
      completion.continuations.push_back(std::move(scored));
    }
  }

  engine::ModelInfo info_;
  std::mutex mutex_;
  bool dead_ = false;
  std::jthread thread_;
};

}  // namespace moebius::tests
