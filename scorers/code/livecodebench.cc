// LiveCodeBench: the scorer, in its two modes.
//
// Source  LiveCodeBench/LiveCodeBench lcb_runner/evaluation/testing_util.py (official mode) and
//         utils/extraction_utils.py.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "scorers/code/livecodebench_run.h"
#include "scorers/code/wire.h"
#include "scorers/scorer.h"

namespace moebius::scorers {
namespace {

using code::Judgement;

/// Arguments, one JSON value a line: read once, so that a bad line is the data set's fault.
void check_arguments(const LiveCodeBenchProblem& problem) {
  for (const ProgramTest& test : problem.tests) {
    std::string_view rest = test.input;
    for (;;) {
      const std::size_t end = rest.find('\n');
      code::parse_json(rest.substr(0, end));
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
}

std::vector<code::Json> expected_values(const LiveCodeBenchProblem& problem) try {
  std::vector<code::Json> values;
  if (problem.fn_name.empty()) return values;
  check_arguments(problem);
  for (const ProgramTest& test : problem.tests) values.push_back(code::parse_json(test.output));
  return values;
} catch (const Error& error) {
  throw Error("livecodebench: " + problem.id + ": tests: " + error.what());
}

class LiveCodeBenchScorer final : public Scorer {
 public:
  struct Settings {
    LiveCodeBenchMode mode = LiveCodeBenchMode::kSubprocess;
    bool base = false;
    bool extracted = false;
    bool think_opened = false;
  };

  LiveCodeBenchScorer(std::shared_ptr<const LiveCodeBenchProblem> problem, Settings settings,
                      std::shared_ptr<sandbox::Sandbox> box)
      : problem_(std::move(problem)),
        settings_(settings),
        sandbox_(std::move(box)),
        expected_(expected_values(*problem_)) {
    if (problem_->tests.empty()) throw Error("livecodebench: " + problem_->id + ": no tests");
  }

  std::string_view name() const override {
    return official() ? "code.livecodebench.official" : "code.livecodebench";
  }
  int version() const override { return 1; }

  Score score(const Answer& answer) const override {
    std::string source;
    if (settings_.extracted) {
      source = code::valid_utf8(answer.text);
    } else {
      const Spoken spoken = spoken_part(answer.text, settings_.think_opened);
      if (spoken.think_unclosed) {
        return code::make_score({Verdict::kThinkUnclosed, "<think> was never closed"}, "", "");
      }
      source = code::valid_utf8(extract_livecodebench(spoken.text, settings_.base));
      if (source.empty()) {
        return code::make_score({Verdict::kNoAnswer, "no code block was found"}, "", "");
      }
    }
    return judge(source);
  }

 private:
  bool official() const { return settings_.mode == LiveCodeBenchMode::kOfficial; }

  Score judge(const std::string& source) const {
    const code::ProgramRun run{*problem_, expected_, source, *sandbox_};
    const std::vector<Judgement> judgements = official() ? all_at_once(run) : one_by_one(run);
    Judgement last = judgements.back();
    if (!last.passed()) {
      last.reason = "test " + std::to_string(judgements.size()) + " of " +
                    std::to_string(problem_->tests.size()) + ": " + last.reason;
    }
    Score score = code::make_score(
        last, source,
        code::stamp(*sandbox_, test_limits(run, 0), official() ? "official" : "subprocess"));
    for (const Judgement& judgement : judgements) {
      score.tests.push_back(
          {judgement.verdict, judgement.cpu_seconds, code::one_line(judgement.reason)});
    }
    return score;
  }

  static std::vector<Judgement> all_at_once(const code::ProgramRun& run) {
    std::vector<Judgement> judgements = code::run_official(run, false);
    if (judgements.back().doubtful()) judgements = code::run_official(run, true);
    return judgements;
  }

  std::vector<Judgement> one_by_one(const code::ProgramRun& run) const {
    const auto test = problem_->fn_name.empty() ? code::run_process : code::run_call;
    std::vector<Judgement> judgements;
    for (std::size_t i = 0; i < problem_->tests.size(); ++i) {
      Judgement judgement = test(run, i, false);
      if (judgement.doubtful()) judgement = test(run, i, true);
      judgements.push_back(std::move(judgement));
      if (!judgements.back().passed()) break;
    }
    return judgements;
  }

  std::shared_ptr<const LiveCodeBenchProblem> problem_;
  Settings settings_;
  std::shared_ptr<sandbox::Sandbox> sandbox_;
  std::vector<code::Json> expected_;
};

}  // namespace

ScorerPtr make_livecodebench_scorer(std::shared_ptr<const LiveCodeBenchProblem> problem,
                                    LiveCodeBenchMode mode, bool base, bool extracted,
                                    bool think_opened, std::shared_ptr<sandbox::Sandbox> box) {
  return std::make_shared<LiveCodeBenchScorer>(
      std::move(problem), LiveCodeBenchScorer::Settings{mode, base, extracted, think_opened},
      std::move(box));
}

}  // namespace moebius::scorers
