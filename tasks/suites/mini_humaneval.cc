// mini-humaneval: 284 generated Python functions to complete, in HumanEval's form.
#include "tasks/parts/mini_items.h"
#include "tasks/suites/registry.h"

namespace moebius::tasks::suites {
namespace {

constexpr std::int32_t kTokens = 280;  // as the recorded answers

MiniSuite suite() {
  return {.name = "mini-humaneval",
          .description = "284 generated Python functions in HumanEval's form",
          .sha256 = "03ac68fc2cc6c18fdf264383ec51998af488577df6897ec8446cc6b6f3d38836",
          .rows = 284,
          .demo = 40,
          .variants =
              {{"base", "the prompt is continued to the model's own end, greedy", {}, "pass@1"}},
          .id_field = "task_id",
          .family_field = "family"};
}

class MiniHumanEval : public Mini {
 public:
  MiniHumanEval() : Mini(suite()) {}

 private:
  void fill(const Variant&, const Row& row, const Options&, SandboxOnce& sandbox,
            Sample& sample) const override {
    sample.target = row.filled("entry_point");
    sample.asks.push_back(text_ask(row.filled("prompt"), kTokens, {}));
    sample.scorers.push_back(scorers::make_humaneval_scorer({.id = sample.item,
                                                             .prompt = row.filled("prompt"),
                                                             .test = row.filled("test"),
                                                             .entry_point = sample.target},
                                                            scorers::CodeExtraction::kCompletion,
                                                            false, sandbox.get()));
  }
};

}  // namespace

std::unique_ptr<Task> make_mini_humaneval() {
  return std::make_unique<MiniHumanEval>();
}

}  // namespace moebius::tasks::suites
