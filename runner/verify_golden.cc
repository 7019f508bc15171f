// model verify --golden: compares a loaded model with what a reference computed.
#include "runner/verify_golden.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/text/tokenizer.h"
#include "runner/input.h"
#include "runner/requests.h"

namespace moebius::runner {
namespace {

/// Two log-probabilities this close are the same number in the golden's six decimals.
constexpr double kTie = 1e-6;

/// Natural logarithm of the softmax of every row, computed in double from the trace.
class LogProbs {
 public:
  explicit LogProbs(const engine::Trace& trace) : trace_(trace) {
    for (const std::vector<float>& row : trace.logits) {
      const double largest = *std::max_element(row.begin(), row.end());
      double sum = 0;
      for (const float logit : row) sum += std::exp(logit - largest);
      log_sum_.push_back(largest + std::log(sum));
    }
  }

  double operator()(std::size_t row, std::int32_t id) const {
    return trace_.logits[row][static_cast<std::size_t>(id)] - log_sum_[row];
  }

 private:
  const engine::Trace& trace_;
  std::vector<double> log_sum_;
};

void require_ids(const std::vector<std::int32_t>& ids, std::int32_t vocab,
                 const std::string& where) {
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= vocab) {
      throw InputError(
          fmt::format("{}: token {} outside the model's vocabulary of {}", where, id, vocab));
    }
  }
}

/// The golden must be about a model like this one.
void require_fits(const GoldenCase& golden, const engine::ModelInfo& info) {
  const std::string where = "golden case " + golden.name;
  require_ids(golden.ids, info.vocab, where);
  require_ids(golden.greedy, info.vocab, where);
  for (const auto& ids : golden.top_ids) require_ids(ids, info.vocab, where);
  if (golden.logits_last.size() != static_cast<std::size_t>(info.vocab)) {
    throw InputError(fmt::format("{}: {} logits, the model's vocabulary is {}", where,
                                 golden.logits_last.size(), info.vocab));
  }
  if (golden.ids.size() > static_cast<std::size_t>(info.context)) {
    throw InputError(fmt::format("{}: longer than the model's context of {}", where, info.context));
  }
  const std::size_t levels =
      static_cast<std::size_t>(info.layers) + (golden.final_norm_apart ? 2 : 1);
  if (golden.hidden_l2.size() != levels) {
    throw InputError(fmt::format("{}: hidden norms at {} levels, expected {} for {} layers", where,
                                 golden.hidden_l2.size(), levels, info.layers));
  }
}

void compare_logprobs(const GoldenCase& golden, const LogProbs& logprobs, GoldenReport& report) {
  for (std::size_t i = 0; i < golden.next_logprobs.size(); ++i) {
    report.next_logprob.add(logprobs(i, golden.ids[i + 1]) - golden.next_logprobs[i]);
  }
  for (std::size_t i = 0; i < golden.top_logprobs.size(); ++i) {
    for (std::size_t k = 0; k < golden.top_logprobs[i].size(); ++k) {
      report.top_logprob.add(logprobs(i, golden.top_ids[i][k]) - golden.top_logprobs[i][k]);
    }
  }
}

void compare_logits(const GoldenCase& golden, const engine::Trace& trace, GoldenReport& report) {
  double scale = 1;
  for (const double logit : golden.logits_last) scale = std::max(scale, std::fabs(logit));
  for (std::size_t v = 0; v < golden.logits_last.size(); ++v) {
    report.logits_last.add((trace.logits.back()[v] - golden.logits_last[v]) / scale);
  }
}

/// Whether `id` is as good as the golden's best at position `i`, as far as its decimals tell.
bool is_tie(const GoldenCase& golden, std::size_t i, std::int32_t id) {
  if (golden.top_logprobs.empty()) return false;
  for (std::size_t k = 1; k < golden.top_ids[i].size(); ++k) {
    const double margin = golden.top_logprobs[i][0] - golden.top_logprobs[i][k];
    if (golden.top_ids[i][k] == id && std::fabs(margin) <= kTie) return true;
  }
  return false;
}

void compare_top1(const GoldenCase& golden, const engine::Trace& trace, GoldenReport& report) {
  for (std::size_t i = 0; i < golden.top_ids.size(); ++i) {
    const std::vector<float>& row = trace.logits[i];
    const bool finite =
        std::all_of(row.begin(), row.end(), [](float x) { return std::isfinite(x); });
    const auto best =
        static_cast<std::int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
    const bool tie = best != golden.top_ids[i][0] && is_tie(golden, i, best);
    ++report.top1.total;
    if (finite && (tie || best == golden.top_ids[i][0])) ++report.top1.agree;
    if (finite && tie) ++report.top1.ties;
  }
}

void compare_hidden(const GoldenCase& golden, const engine::Trace& trace, GoldenReport& report) {
  const std::size_t last = golden.hidden_l2.size() - 1;
  for (std::size_t level = 0; level <= last; ++level) {
    // The trace holds the last layer's state only after the final norm.
    if (golden.final_norm_apart && level == last - 1) continue;
    const std::vector<float>& row =
        trace.hidden_l2[level == last ? trace.hidden_l2.size() - 1 : level];
    for (std::size_t i = 0; i < golden.hidden_positions.size(); ++i) {
      const double want = golden.hidden_l2[level][i];
      const double got = row[static_cast<std::size_t>(golden.hidden_positions[i])];
      report.hidden_l2.add((got - want) / std::max(std::fabs(want), 1e-3));
    }
  }
}

/// The model layer that `routing` is about.
std::size_t routed_layer(const GoldenRouting& routing, const engine::Trace& trace,
                         const std::string& name) {
  std::int64_t mixtures = 0;
  for (std::size_t layer = 0; layer < trace.experts.size(); ++layer) {
    if (trace.experts[layer].empty()) continue;
    const std::int64_t index = routing.among_mixtures ? mixtures : static_cast<std::int64_t>(layer);
    if (index == routing.layer) return layer;
    ++mixtures;
  }
  throw InputError(fmt::format("golden case {}: routing of layer {}, but the model has no such {}",
                               name, routing.layer,
                               routing.among_mixtures ? "mixture layer" : "layer with experts"));
}

void compare_routing(const GoldenCase& golden, const engine::Trace& trace, GoldenReport& report) {
  for (const GoldenRouting& routing : golden.routing) {
    const auto& experts = trace.experts[routed_layer(routing, trace, golden.name)];
    for (std::size_t i = 0; i < routing.experts.size(); ++i) {
      ++report.routing.total;
      if (experts[i] == routing.experts[i]) ++report.routing.agree;
    }
  }
}

engine::Request greedy_request(const GoldenCase& golden, bool hold_back_eos) {
  const auto steps = static_cast<std::int32_t>(std::max<std::size_t>(1, golden.greedy.size()));
  return {.prompt = {.ids = golden.ids},
          .generate = engine::Generate{.max_new_tokens = steps,
                                       .ignore_eos = true,
                                       .min_new_tokens = hold_back_eos ? steps : 0}};
}

bool room_to_generate(const GoldenCase& golden, const engine::ModelInfo& info) {
  return golden.ids.size() < static_cast<std::size_t>(info.context);
}

/// Requests that take the public way through what the trace has shown: the greedy
/// continuation, the same without end-of-sequence ids (references made with a minimum length
/// never drew one, and do not say so), and the score of the tokens themselves.
std::vector<engine::Request> path_requests(const GoldenCase& golden,
                                           const engine::ModelInfo& info) {
  std::vector<engine::Request> requests;
  if (room_to_generate(golden, info)) {
    requests.push_back(greedy_request(golden, false));
    requests.push_back(greedy_request(golden, true));
  }
  if (golden.ids.size() > 1) {
    engine::Score score{{{.ids = {golden.ids.begin() + 1, golden.ids.end()}}}};
    requests.push_back({.prompt = {.ids = {golden.ids[0]}}, .score = std::move(score)});
  }
  for (std::size_t i = 0; i < requests.size(); ++i) requests[i].id = i;
  return requests;
}

bool same_tokens(const engine::Completion& completion, const std::vector<std::int32_t>& ids) {
  return std::equal(completion.tokens.begin(), completion.tokens.end(), ids.begin(), ids.end(),
                    [](const auto& token, std::int32_t id) { return token.id == id; });
}

void compare_generated(const GoldenCase& golden, const engine::Completion& completion,
                       const engine::Completion& without_eos, const LogProbs& logprobs,
                       GoldenReport& report) {
  if (completion.tokens.empty()) throw engine::Error("generate: no token came back");
  const engine::GeneratedToken& first = completion.tokens.front();
  report.score_path.add(first.logprob - logprobs(golden.ids.size() - 1, first.id));
  if (golden.greedy.empty()) return;
  ++report.greedy.total;
  if (same_tokens(completion, golden.greedy)) {
    ++report.greedy.agree;
  } else if (same_tokens(without_eos, golden.greedy)) {
    ++report.greedy.agree;
    ++report.greedy_without_eos;
  }
}

void compare_scored(const GoldenCase& golden, const engine::Completion& completion,
                    const LogProbs& logprobs, GoldenReport& report) {
  const std::size_t expected = golden.ids.size() - 1;
  if (completion.continuations.size() != 1 ||
      completion.continuations[0].logprobs.size() != expected) {
    throw engine::Error(fmt::format("score: expected {} log-probabilities back", expected));
  }
  for (std::size_t i = 0; i < expected; ++i) {
    report.score_path.add(completion.continuations[0].logprobs[i] - logprobs(i, golden.ids[i + 1]));
  }
}

void compare_paths(const GoldenCase& golden, engine::LocalEngine& engine, const LogProbs& logprobs,
                   GoldenReport& report) {
  const auto completions = engine::run(engine, path_requests(golden, engine.info()));
  for (const engine::Completion& completion : completions) require_served(completion);
  if (room_to_generate(golden, engine.info())) {
    compare_generated(golden, completions.at(0), completions.at(1), logprobs, report);
  }
  if (golden.ids.size() > 1) compare_scored(golden, completions.back(), logprobs, report);
}

void compare_text(const GoldenCase& golden, const engine::LocalEngine& engine,
                  GoldenReport& report) {
  if (golden.text.empty() || !engine.has_tokenizer()) return;
  const engine::Tokenizer& tokenizer = engine.tokenizer();
  std::vector<std::int32_t> ids = tokenizer.encode(golden.text);
  const bool has_bos = !ids.empty() && ids.front() == tokenizer.bos();
  if (tokenizer.adds_bos() && !has_bos) ids.insert(ids.begin(), tokenizer.bos());
  ++report.text.total;
  if (ids == golden.ids) ++report.text.agree;
}

}  // namespace

void Deviation::add(double difference) {
  ++values;
  if (!std::isfinite(difference)) {
    ++not_finite;
  } else {
    max = std::max(max, std::fabs(difference));
  }
}

void Deviation::merge(const Deviation& other) {
  max = std::max(max, other.max);
  values += other.values;
  not_finite += other.not_finite;
}

void Agreement::merge(const Agreement& other) {
  agree += other.agree;
  total += other.total;
  ties += other.ties;
}

void GoldenReport::merge(const GoldenReport& other) {
  tokens += other.tokens;
  next_logprob.merge(other.next_logprob);
  top_logprob.merge(other.top_logprob);
  logits_last.merge(other.logits_last);
  hidden_l2.merge(other.hidden_l2);
  score_path.merge(other.score_path);
  top1.merge(other.top1);
  routing.merge(other.routing);
  greedy.merge(other.greedy);
  greedy_without_eos += other.greedy_without_eos;
  text.merge(other.text);
}

GoldenReport compare_case(const GoldenCase& golden, engine::LocalEngine& engine) {
  require_fits(golden, engine.info());
  GoldenReport report{.name = golden.name, .tokens = static_cast<std::int64_t>(golden.ids.size())};
  const engine::Trace trace = engine.trace(golden.ids);
  const LogProbs logprobs(trace);
  compare_logprobs(golden, logprobs, report);
  compare_logits(golden, trace, report);
  compare_top1(golden, trace, report);
  compare_hidden(golden, trace, report);
  compare_routing(golden, trace, report);

  compare_paths(golden, engine, logprobs, report);
  compare_text(golden, engine, report);
  return report;
}

std::vector<std::string> violations(const GoldenReport& report, const GoldenLimits& limits) {
  std::vector<std::string> lines;
  const auto deviation = [&](const char* what, const Deviation& found, double limit) {
    if (found.within(limit)) return;
    lines.push_back(
        found.not_finite > 0
            ? fmt::format("{}: {} of {} values not finite", what, found.not_finite, found.values)
            : fmt::format("{}: {:.3g}, at most {:.3g} allowed", what, found.max, limit));
  };
  const auto agreement = [&](const char* what, const Agreement& found) {
    if (!found.full()) {
      lines.push_back(
          fmt::format("{}: {} of {} differ", what, found.total - found.agree, found.total));
    }
  };
  const double limit = limits.tolerance + limits.rounding;
  deviation("next-token log-probability", report.next_logprob, limit);
  deviation("top-5 log-probability", report.top_logprob, limit);
  deviation("last logits, scaled", report.logits_last, limit);
  deviation("hidden norm, relative", report.hidden_l2, limit);
  deviation("requests against trace", report.score_path, limits.path);
  agreement("top-1 token", report.top1);
  agreement("routed experts", report.routing);
  agreement("greedy continuation", report.greedy);
  agreement("tokens of the text", report.text);
  return lines;
}

}  // namespace moebius::runner
