// mini-mmlu: 467 generated questions with four choices in MMLU's form.
#include "tasks/parts/mini_items.h"
#include "tasks/suites/registry.h"

namespace moebius::tasks::suites {
namespace {

MiniSuite suite() {
  return {
      .name = "mini-mmlu",
      .description = "467 generated four-choice questions in MMLU's form",
      .sha256 = "a483f8eec4b118ed9e828d5b37f2260263004fbb1b77f5228ee173bfe0585ba2",
      .rows = 467,
      .demo = 80,
      .variants = {{"5-shot", "five worked examples, letters by log-probability", {}, "accuracy"},
                   {"0-shot", "no example, letters by log-probability", {}, "accuracy"}},
      .id_field = "id",
      .family_field = "subject"};
}

class MiniMmlu : public Mini {
 public:
  MiniMmlu() : Mini(suite()) {}

 private:
  void fill(const Variant& variant, const Row& row, const Options&, SandboxOnce&,
            Sample& sample) const override {
    const std::int64_t gold = row.integer("answer");
    if (gold < 0 || gold > 3) row.fail("answer", "0 to 3", std::to_string(gold));
    sample.cluster = row.filled("subject");
    sample.target = std::string(1, static_cast<char>('A' + gold));
    sample.asks.push_back(
        choice_ask(row.filled(variant.name == "5-shot" ? "prompt_5shot" : "prompt"),
                   {" A", " B", " C", " D"}));
    sample.scorers.push_back(
        scorers::make_choice_scorer(static_cast<int>(gold), scorers::ChoiceNorm::kSum));
  }
};

}  // namespace

std::unique_ptr<Task> make_mini_mmlu() {
  return std::make_unique<MiniMmlu>();
}

}  // namespace moebius::tasks::suites
