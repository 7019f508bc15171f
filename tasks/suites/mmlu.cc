// MMLU: 14,042 questions with four choices in 57 subjects, 5-shot, judged by log-probability.
// Hendrycks et al. 2021, "Measuring Massive Multitask Language Understanding", MIT licence.
#include "tasks/parts/mmlu_prompts.h"
#include "tasks/parts/mmlu_sets.h"
#include "tasks/suites/registry.h"

namespace moebius::tasks::suites {
namespace {

constexpr int kShots = 5;
constexpr std::int32_t kSimpleEvalsTokens = 2048;

using Prompt = std::string (*)(const std::string&, const MmluSubject&, const MmluQuestion&, int);

std::vector<std::string> letters() {
  return {" A", " B", " C", " D"};
}

std::vector<std::string> texts(const MmluQuestion& question) {
  std::vector<std::string> continuations;
  for (const std::string& choice : question.choices) continuations.push_back(" " + choice);
  return continuations;
}

/// From five examples down to none, dropped from the end of the list, until the prompt fits.
MmluFill compared(Prompt prompt, scorers::ChoiceNorm norm) {
  return [=](const std::string& subject, const MmluSubject& data, const MmluQuestion& question,
             Sample& sample) {
    const auto continuations = norm == scorers::ChoiceNorm::kSum ? letters() : texts(question);
    for (int shots = kShots; shots >= 0; --shots) {
      sample.asks.push_back(choice_ask(prompt(subject, data, question, shots), continuations));
    }
    sample.scorers.push_back(scorers::make_choice_scorer(question.gold, norm));
  };
}

Info description() {
  Info info;
  info.name = "mmlu";
  info.description = "MMLU, 57 subjects, 14,042 questions, 5-shot by log-probability";
  info.sources = mmlu_sources();
  info.variants = {
      {"original", "hendrycks/test: letters, two spaces after \"about\"", {}, "accuracy"},
      {"lm-eval", "lm-evaluation-harness: letters, one space, question stripped", {}, "accuracy"},
      {"text",
       "texts of the answers, log-probability per byte (lm-eval's continuation prompt)",
       {},
       "accuracy"},
      {"cot", "simple-evals: 0-shot, answered in writing", {.temperature = 0.5}, "accuracy"}};
  info.options = {{"think", kThinkHelp}};
  return info;
}

class Mmlu : public Suite {
 public:
  Mmlu() : Suite(with_file_options(description())) {}

  std::vector<SampleSet> load(const Options& options) const override {
    check_options(options);
    const std::vector<const Variant*> variants = chosen_variants(options);
    const Think thinking = think(options);
    const MmluData data = load_mmlu(data_files(options));
    std::vector<SampleSet> sets;
    for (const Variant* variant : variants) {
      sets.push_back(mmlu_set(*variant, data, fill(variant->name, thinking)));
    }
    return sets;
  }

 private:
  static MmluFill fill(const std::string& variant, Think thinking) {
    using scorers::ChoiceNorm;
    if (variant == "original") return compared(mmlu_original_prompt, ChoiceNorm::kSum);
    if (variant == "lm-eval") return compared(mmlu_harness_prompt, ChoiceNorm::kSum);
    if (variant == "text") return compared(mmlu_text_prompt, ChoiceNorm::kPerByte);
    return mmlu_written(kSimpleEvalsTokens, thinking);
  }
};

}  // namespace

std::unique_ptr<Task> make_mmlu() {
  return std::make_unique<Mmlu>();
}

}  // namespace moebius::tasks::suites
