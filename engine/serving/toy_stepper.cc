#include "engine/serving/toy_stepper.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>

#include "kernels/ragged.h"

namespace moebius::engine {
namespace {

constexpr auto kPage = static_cast<std::int32_t>(kernels::kPageTokens);

// SplitMix64's finaliser.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

double uniform(std::uint64_t bits) {
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

void require(bool ok, const char* what) {
  if (!ok) throw std::logic_error(std::string("ToyStepper: ") + what);
}

std::int32_t pick(std::span<const float> logits, const StepDraw& draw, std::size_t position) {
  if (draw.kind == StepDraw::kGreedy) {
    return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) -
                                     logits.begin());
  }
  std::vector<double> weight(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    weight[i] = std::exp(static_cast<double>(logits[i] / draw.temperature));
  }
  double left = std::accumulate(weight.begin(), weight.end(), 0.0) *
                uniform(mix(mix(mix(draw.seed) + draw.sample) + position));
  for (std::size_t i = 0; i + 1 < weight.size(); ++i) {
    if ((left -= weight[i]) < 0) return static_cast<std::int32_t>(i);
  }
  return static_cast<std::int32_t>(weight.size()) - 1;
}

}  // namespace

ToyStepper::ToyStepper(const ToyLimits& limits)
    : limits_(limits),
      store_(static_cast<std::size_t>(limits.pages) * kPage),
      written_(store_.size()) {}

StepResult ToyStepper::answer(std::span<const std::int32_t> prefix, const StepHead& head) const {
  std::uint64_t hash = 0;
  for (std::int32_t token : prefix) hash = mix(hash + static_cast<std::uint64_t>(token));
  std::vector<float> logits(limits_.vocab);
  double sum = 0;
  for (std::int32_t v = 0; v < limits_.vocab; ++v) {
    logits[v] = static_cast<float>(6 * uniform(mix(hash ^ mix(v))) - 3);
    sum += std::exp(static_cast<double>(logits[v]));
  }
  StepResult result;
  result.logsumexp = static_cast<float>(std::log(sum));
  if (head.draw.kind != StepDraw::kNone) {
    result.token = pick(logits, head.draw, prefix.size());
    result.token_logit = logits[result.token];
  }
  for (std::int32_t target : head.targets) result.target_logits.push_back(logits.at(target));
  std::vector<std::int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t a, std::int32_t b) { return logits[a] > logits[b]; });
  for (std::int32_t i = 0; i < std::min(head.top, limits_.vocab); ++i) {
    result.top_ids.push_back(order[i]);
    result.top_logits.push_back(logits[order[i]]);
  }
  return result;
}

ToyStepper::Entry& ToyStepper::entry(const StepSequence& sequence, std::int32_t position) {
  const std::int32_t page = sequence.pages[position / kPage];
  require(page >= 0 && page < limits_.pages, "page out of range");
  return store_[static_cast<std::size_t>(page) * kPage + position % kPage];
}

std::vector<std::int32_t> ToyStepper::past(const StepSequence& sequence) {
  std::vector<std::int32_t> tokens;
  for (std::int32_t position = 0; position < sequence.position; ++position) {
    const Entry& found = entry(sequence, position);
    require(found.position == position, "a row's past is not in the cache");
    tokens.push_back(found.token);
  }
  return tokens;
}

void ToyStepper::check_sizes(const StepBatch& batch) const {
  std::size_t rows = 0;
  for (const StepSequence& sequence : batch.sequences) {
    const std::size_t end = sequence.position + sequence.ids.size();
    rows += sequence.ids.size();
    require(!sequence.ids.empty(), "a sequence without rows");
    require(end <= static_cast<std::size_t>(limits_.max_context), "beyond the context");
    require(end <= sequence.pages.size() * kPage, "page table too short");
    for (std::int32_t id : sequence.ids) require(id >= 0 && id < limits_.vocab, "id out of range");
  }
  require(rows >= 1 && rows <= static_cast<std::size_t>(limits_.max_rows), "too many rows");
  require(batch.heads.size() <= static_cast<std::size_t>(limits_.max_heads), "too many heads");
}

// All pasts are read before anything is written: rows see only earlier steps.
std::vector<StepResult> ToyStepper::step(const StepBatch& batch) {
  if (steps == throw_at_step) throw std::runtime_error("toy device fault");
  check_sizes(batch);
  std::vector<std::vector<std::int32_t>> tokens;
  for (const StepSequence& sequence : batch.sequences) {
    tokens.push_back(past(sequence));
    tokens.back().insert(tokens.back().end(), sequence.ids.begin(), sequence.ids.end());
  }
  std::vector<StepResult> results;
  for (const StepHead& head : batch.heads) {
    const StepSequence& sequence = batch.sequences.at(head.sequence);
    require(static_cast<std::size_t>(head.offset) < sequence.ids.size(), "head of no row");
    require(head.top >= 0 && head.top <= limits_.vocab, "more best tokens than there are");
    results.push_back(
        answer(std::span(tokens[head.sequence]).first(sequence.position + head.offset + 1), head));
  }
  write(batch);
  ++steps;
  if (sleep_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(sleep_us));
  return results;
}

void ToyStepper::write(const StepBatch& batch) {
  for (const StepSequence& sequence : batch.sequences) {
    for (std::size_t i = 0; i < sequence.ids.size(); ++i) {
      const auto position = sequence.position + static_cast<std::int32_t>(i);
      Entry& to = entry(sequence, position);
      std::int64_t& when = written_[&to - store_.data()];
      require(when != steps + 1, "two rows of one step in one place");
      when = steps + 1;
      to = {sequence.ids[i], position};
    }
  }
}

void ToyStepper::copy_page(std::int32_t from, std::int32_t to, std::int32_t tokens) {
  require(from != to && tokens > 0 && tokens < kPage, "copy_page: bad arguments");
  require(from >= 0 && from < limits_.pages && to >= 0 && to < limits_.pages,
          "copy_page: page out of range");
  std::copy_n(store_.begin() + static_cast<std::ptrdiff_t>(from) * kPage, tokens,
              store_.begin() + static_cast<std::ptrdiff_t>(to) * kPage);
}

}  // namespace moebius::engine
