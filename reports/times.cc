// Time at work, from when answers were stored.
#include "reports/times.h"

#include <algorithm>

#include "reports/leaderboard.h"

namespace moebius::reports {
namespace {

constexpr std::int64_t kLeastSpan = 100;  // milliseconds: answers are stored in groups of 50 ms

/// What was stored during one attempt.
struct AttemptSpan {
  std::int64_t begun = 0;  // 0: not known
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t answers = 0;
};

/// Answers that are older than every attempt come first, in a span of their own.
class AttemptSpans {
 public:
  explicit AttemptSpans(const std::vector<std::int64_t>& attempts)
      : attempts_(attempts), spans_(attempts.size() + 1) {
    for (std::size_t i = 0; i < attempts.size(); ++i) spans_[i + 1].begun = attempts[i];
  }

  void add(std::int64_t stored_ms) {
    if (stored_ms <= 0) return;
    const auto next = std::upper_bound(attempts_.begin(), attempts_.end(), stored_ms);
    AttemptSpan& span = spans_[static_cast<std::size_t>(next - attempts_.begin())];
    span.first = span.answers == 0 ? stored_ms : std::min(span.first, stored_ms);
    span.last = std::max(span.last, stored_ms);
    ++span.answers;
  }

  const std::vector<AttemptSpan>& spans() const { return spans_; }

 private:
  const std::vector<std::int64_t>& attempts_;
  std::vector<AttemptSpan> spans_;
};

}  // namespace

std::optional<double> answers_per_second(const SetResults& results,
                                         const std::vector<std::int64_t>& attempts) {
  AttemptSpans spans(attempts);
  for (const Answered& answer : results.answers) spans.add(answer.stored_ms);
  double answers = 0;  // but the first of each span, whose beginning is not known
  double milliseconds = 0;
  for (const AttemptSpan& span : spans.spans()) {
    if (span.answers < 2) continue;
    answers += static_cast<double>(span.answers - 1);
    milliseconds += static_cast<double>(span.last) - static_cast<double>(span.first);
  }
  if (milliseconds < static_cast<double>(kLeastSpan)) return std::nullopt;
  return 1000 * answers / milliseconds;
}

std::optional<double> busy_seconds(Reader& reader, std::int64_t run) {
  const std::vector<std::int64_t> attempts = reader.attempts(run);
  AttemptSpans spans(attempts);
  reader.each_judgement(run, [&](const SampleRow& row) { spans.add(row.sample.stored_ms); });
  double milliseconds = 0;
  for (const AttemptSpan& span : spans.spans()) {
    if (span.answers == 0) continue;
    const std::int64_t begin = span.begun > 0 ? span.begun : span.first;
    milliseconds += static_cast<double>(span.last) - static_cast<double>(begin);
  }
  if (milliseconds <= 0) return std::nullopt;
  return milliseconds / 1000;
}

}  // namespace moebius::reports
