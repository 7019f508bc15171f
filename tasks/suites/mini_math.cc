// mini-math: 380 generated problems with worked-out final answers in MATH's form.
#include <algorithm>

#include "tasks/parts/mini_items.h"
#include "tasks/suites/registry.h"

namespace moebius::tasks::suites {
namespace {

constexpr std::int32_t kTokens = 300;  // as the recorded answers

MiniSuite suite() {
  return {.name = "mini-math",
          .description = "380 generated problems with boxed final answers in MATH's form",
          .sha256 = "ffbb0da932c6b89944203af407942af58589dc398e194892f8bc6beb94985aeb",
          .rows = 380,
          .demo = 60,
          .variants = {{"boxed", "the rendered R1 prompt, greedy", {}, "accuracy"}},
          .id_field = "id",
          .family_field = "type"};
}

class MiniMath : public Mini {
 public:
  MiniMath() : Mini(suite()) {}

 private:
  void fill(const Variant&, const Row& row, const Options& options, SandboxOnce&,
            Sample& sample) const override {
    sample.target = row.filled("answer");
    sample.tags["level"] = row.filled("level");
    sample.asks.push_back(rendered_ask(row.filled("prompt"), kTokens));
    // MATH wants answers simplified, as its own grader does: 4 sqrt(20) is not 8 sqrt(5).
    std::vector<std::string> graders = {options.grader};
    if (options.grader.empty()) graders = {"hendrycks", "moebius"};
    graders.insert(graders.end(), options.more_graders.begin(), options.more_graders.end());
    for (auto grader = graders.begin(); grader != graders.end(); ++grader) {
      if (std::find(graders.begin(), grader, *grader) != grader) continue;
      sample.scorers.push_back(scorers::make_math_scorer(*grader, "boxed", sample.target, false));
    }
  }
};

}  // namespace

std::unique_ptr<Task> make_mini_math() {
  return std::make_unique<MiniMath>();
}

}  // namespace moebius::tasks::suites
