// Makers of scorers for tests that link no real ones.
#include "tasks/testing/fake_scorers.h"

#include "scorers/sandbox/sandbox.h"

namespace moebius::tasks::testing {

const std::map<std::string, std::string>& given_to(const scorers::ScorerPtr& scorer) {
  return dynamic_cast<const FakeScorer&>(*scorer).given;
}

namespace {

scorers::ScorerPtr fake(std::string kind, std::map<std::string, std::string> arguments) {
  return std::make_shared<FakeScorer>(std::move(kind), std::move(arguments));
}

std::string flag(bool value) {
  return value ? "1" : "0";
}

}  // namespace
}  // namespace moebius::tasks::testing

namespace moebius::scorers {

using tasks::testing::fake;
using tasks::testing::flag;

ScorerPtr make_choice_scorer(int gold, ChoiceNorm norm) {
  return fake("choice",
              {{"gold", std::to_string(gold)}, {"norm", std::to_string(static_cast<int>(norm))}});
}

ScorerPtr make_letter_scorer(char gold, bool think_opened) {
  return fake("letter", {{"gold", std::string(1, gold)}, {"opened", flag(think_opened)}});
}

ScorerPtr make_math_scorer(std::string grader, std::string extractor, std::string gold,
                           bool think_opened) {
  return fake("math", {{"grader", std::move(grader)},
                       {"extractor", std::move(extractor)},
                       {"gold", std::move(gold)},
                       {"opened", flag(think_opened)}});
}

ScorerPtr make_integer_scorer(std::int64_t gold, bool think_opened) {
  return fake("integer", {{"gold", std::to_string(gold)}, {"opened", flag(think_opened)}});
}

ScorerPtr make_humaneval_scorer(HumanEvalProblem problem, CodeExtraction extraction,
                                bool think_opened, std::shared_ptr<sandbox::Sandbox> sandbox) {
  return fake("humaneval", {{"id", std::move(problem.id)},
                            {"prompt", std::move(problem.prompt)},
                            {"test", std::move(problem.test)},
                            {"entry_point", std::move(problem.entry_point)},
                            {"extraction", std::to_string(static_cast<int>(extraction))},
                            {"opened", flag(think_opened)},
                            {"sandbox", flag(sandbox != nullptr)}});
}

ScorerPtr make_livecodebench_scorer(std::shared_ptr<const LiveCodeBenchProblem> problem,
                                    LiveCodeBenchMode mode, bool base, bool extracted,
                                    bool think_opened, std::shared_ptr<sandbox::Sandbox> sandbox) {
  return fake("livecodebench",
              {{"id", problem->id},
               {"fn_name", problem->fn_name},
               {"tests", std::to_string(problem->tests.size())},
               {"input", problem->tests.front().input},
               {"output", problem->tests.front().output},
               {"mode", mode == LiveCodeBenchMode::kOfficial ? "official" : "subprocess"},
               {"base", flag(base)},
               {"extracted", flag(extracted)},
               {"opened", flag(think_opened)},
               {"sandbox", flag(sandbox != nullptr)}});
}

}  // namespace moebius::scorers
