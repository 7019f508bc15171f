// Teacher forcing: two models follow the same answer, and what each says of every next token is
// compared position by position. No logits are kept.
#include "runner/forcing.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "runner/output.h"

namespace moebius::runner {
namespace {

constexpr std::int64_t kMostChunkRows = 4096;
constexpr std::int64_t kThreadedLogits = 1 << 18;  // fewer are compared before a thread has begun

/// How many of an answer's rows an earlier answer had with the same tokens before them.
std::int32_t covered_rows(const std::vector<std::vector<std::int32_t>>& answers,
                          std::size_t which) {
  std::ptrdiff_t covered = 0;
  const std::vector<std::int32_t>& own = answers[which];
  for (std::size_t i = 0; i < which; ++i) {
    const std::vector<std::int32_t>& other = answers[i];
    const auto apart = std::mismatch(own.begin(), own.end(), other.begin(), other.end());
    covered = std::max(covered, std::min(apart.first - own.begin() + 1, std::ssize(other)));
  }
  return static_cast<std::int32_t>(std::min(covered, std::ssize(own)));
}

/// Calls `work` with 0 .. count - 1, from several threads if that pays. Throws what it throws.
template <typename Work>
void for_each_row(std::size_t count, std::size_t threads, const Work& work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr error;
  std::mutex error_mutex;
  const auto loop = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      const std::lock_guard lock(error_mutex);
      if (!error) error = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(threads, count); ++i) helpers.emplace_back(loop);
    loop();
  }
  if (error) std::rethrow_exception(error);
}

std::int64_t common_experts(const std::vector<std::int32_t>& a,
                            const std::vector<std::int32_t>& b) {
  std::vector<std::int32_t> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  return std::ssize(common);
}

void add_routing(const engine::Trace& base, const engine::Trace& candidate,
                 reports::ForcedAnswer& to) {
  for (std::size_t layer = 0; layer < base.experts.size(); ++layer) {
    const auto& own = base.experts[layer];
    const auto& other = candidate.experts[layer];
    for (std::size_t row = 0; row < std::min(own.size(), other.size()); ++row) {
      to.chosen_experts[layer] += std::ssize(own[row]);
      to.shared_experts[layer] += common_experts(own[row], other[row]);
    }
  }
}

reports::ForcedPosition compare_row(const std::vector<float>& base,
                                    const std::vector<float>& candidate, std::int32_t token,
                                    bool favourite) {
  const reports::RowDivergence row = reports::compare_logits(base, candidate);
  reports::ForcedPosition position{.kl = row.kl, .same_top = row.base_top == row.candidate_top};
  if (!favourite) return position;
  const double before = base.at(static_cast<std::size_t>(token)) - row.base_log_sum;
  const double after = candidate.at(static_cast<std::size_t>(token)) - row.candidate_log_sum;
  position.delta = after - before;
  return position;
}

}  // namespace

Forcing::Forcing(engine::LocalEngine& base, engine::LocalEngine& candidate,
                 const ForcingOptions& options)
    : base_(base), candidate_(candidate), options_(options) {
  const engine::ModelInfo& own = base.info();
  const engine::ModelInfo& other = candidate.info();
  same_layers_ = own.family == other.family && own.layers == other.layers;
  context_ = std::min(own.context, other.context);
  chunk_rows_ = static_cast<std::int32_t>(std::clamp<std::int64_t>(
      options.chunk_bytes / (4 * std::max(1, own.vocab)), 1, kMostChunkRows));
  if (options_.threads <= 0) {
    options_.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }
}

Forced Forcing::follow(const ForcedQuestion& question) {
  Forced forced;
  forced.answer.item = question.item;
  forced.answer.written = question.written;
  if (same_layers_) {
    forced.answer.shared_experts.resize(static_cast<std::size_t>(base_.info().layers));
    forced.answer.chosen_experts.resize(static_cast<std::size_t>(base_.info().layers));
  }
  const auto prompt = static_cast<std::int32_t>(question.prompt.size());
  for (std::size_t i = 0; i < question.answers.size(); ++i) {
    const auto tokens = static_cast<std::int32_t>(question.answers[i].size());
    // The last token is only ever looked for, so it needs no place in the context.
    std::int32_t end = std::min(tokens, std::max(0, context_ - prompt + 1));
    if (options_.max_positions > 0) end = std::min(end, options_.max_positions);
    forced.cut = forced.cut || end < tokens;
    for (std::int32_t at = covered_rows(question.answers, i); at < end; at += chunk_rows_) {
      follow_span(question, i, {at, std::min(end, at + chunk_rows_)}, forced.answer);
    }
  }
  return forced;
}

void Forcing::follow_span(const ForcedQuestion& question, std::size_t which, Span span,
                          reports::ForcedAnswer& to) {
  const std::vector<std::int32_t>& answer = question.answers[which];
  std::vector<std::int32_t> ids = question.prompt;
  ids.insert(ids.end(), answer.begin(), answer.begin() + span.end - 1);
  const auto first = static_cast<std::int32_t>(question.prompt.size()) - 1 + span.begin;
  const engine::Trace base = base_.follow(ids, first);
  const engine::Trace candidate = candidate_.follow(ids, first);
  if (base.logits.size() != candidate.logits.size()) {
    throw std::logic_error("follow: rows of one model are missing");
  }
  const std::size_t rows = base.logits.size();
  const std::size_t done = to.positions.size();
  to.positions.resize(done + rows);
  const bool many = std::ssize(base.logits) * base_.info().vocab >= kThreadedLogits;
  for_each_row(rows, many ? static_cast<std::size_t>(options_.threads) : 1, [&](std::size_t row) {
    try {
      to.positions[done + row] =
          compare_row(base.logits[row], candidate.logits[row],
                      answer[static_cast<std::size_t>(span.begin) + row], which == 0);
    } catch (const std::invalid_argument& error) {
      throw engine::Error(fmt::format("{}, position {} of the answer: {}", one_line(question.item),
                                      static_cast<std::size_t>(span.begin) + row, error.what()));
    }
  });
  if (same_layers_) add_routing(base, candidate, to);
}

}  // namespace moebius::runner
