// mini-aime: 285 generated problems with integer answers, thought through before the answer.
#include "tasks/parts/aime_data.h"
#include "tasks/parts/mini_items.h"
#include "tasks/suites/registry.h"

namespace moebius::tasks::suites {
namespace {

constexpr std::int32_t kTokens = 960;  // as the recorded answers

MiniSuite suite() {
  return {
      .name = "mini-aime",
      .description = "285 generated problems with integer answers in AIME's form",
      .sha256 = "88b09c48222b5fc092d9d4821b00afe5085d5f9cd6ef2e5bae7be63d1a0fbc40",
      .rows = 285,
      .demo = 20,
      .variants = {{"boxed", "the rendered R1 prompt that opens <think>, greedy", {}, "accuracy"}},
      .id_field = "id",
      .family_field = "type"};
}

class MiniAime : public Mini {
 public:
  MiniAime() : Mini(suite()) {}

 private:
  void fill(const Variant&, const Row& row, const Options&, SandboxOnce&,
            Sample& sample) const override {
    const std::int64_t answer = aime_answer(row.filled("answer"));
    if (answer < 0) row.fail("answer", "an integer from 0 to 999", row.text("answer"));
    sample.target = std::to_string(answer);
    sample.asks.push_back(rendered_ask(row.filled("prompt"), kTokens));
    sample.scorers.push_back(scorers::make_integer_scorer(answer, true));
  }
};

}  // namespace

std::unique_ptr<Task> make_mini_aime() {
  return std::make_unique<MiniAime>();
}

}  // namespace moebius::tasks::suites
