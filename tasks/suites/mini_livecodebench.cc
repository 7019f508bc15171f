// mini-livecodebench: 278 generated programs that read and write, in LiveCodeBench's form.
#include "tasks/parts/livecodebench_data.h"
#include "tasks/parts/mini_items.h"
#include "tasks/suites/registry.h"

namespace moebius::tasks::suites {
namespace {

constexpr std::int32_t kTokens = 330;  // as the recorded answers

MiniSuite suite() {
  return {.name = "mini-livecodebench",
          .description = "278 generated programs with input and output in LiveCodeBench's form",
          .sha256 = "c090beffdcd567d8d2ce22378d752d81e4ee81ca8510c4d25cf56d2b64775974",
          .rows = 278,
          .demo = 40,
          .variants =
              {{"generic", "the rendered prompt, greedy, public and private tests", {}, "pass@1"}},
          .options = {{"mode", "subprocess: a fresh process for each test (default); official"}},
          .id_field = "question_id",
          .family_field = "family"};
}

class MiniLiveCodeBench : public Mini {
 public:
  MiniLiveCodeBench() : Mini(suite()) {}

 private:
  void fill(const Variant&, const Row& row, const Options& options, SandboxOnce& sandbox,
            Sample& sample) const override {
    const LcbProblem problem = lcb_problem(row);
    auto judged = std::make_shared<scorers::LiveCodeBenchProblem>(
        scorers::LiveCodeBenchProblem{problem.id, problem.fn_name, lcb_tests(problem, true)});
    const auto mode = option(options, "mode", {"subprocess", "official"}) == "official"
                          ? scorers::LiveCodeBenchMode::kOfficial
                          : scorers::LiveCodeBenchMode::kSubprocess;
    sample.target = std::to_string(judged->tests.size()) + " tests";
    sample.tags["difficulty"] = problem.difficulty;
    sample.asks.push_back(rendered_ask(row.filled("prompt"), kTokens));
    sample.scorers.push_back(scorers::make_livecodebench_scorer(std::move(judged), mode, false,
                                                                false, false, sandbox.get()));
  }
};

}  // namespace

std::unique_ptr<Task> make_mini_livecodebench() {
  return std::make_unique<MiniLiveCodeBench>();
}

}  // namespace moebius::tasks::suites
