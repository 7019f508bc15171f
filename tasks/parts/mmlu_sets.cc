// Makes samples of MMLU's questions.
#include "tasks/parts/mmlu_sets.h"

#include "tasks/parts/mmlu_prompts.h"

namespace moebius::tasks {

SampleSet mmlu_set(const Variant& variant, const MmluData& data, const MmluFill& fill) {
  SampleSet set = empty_set(variant, data.sha256);
  for (const auto& [name, subject] : data.subjects) {
    for (std::size_t i = 0; i < subject.test.size(); ++i) {
      Sample sample;
      sample.item = name + "/" + std::to_string(i);
      sample.cluster = name;
      sample.stratum = mmlu_groups().at(name);
      sample.target = std::string(1, static_cast<char>('A' + subject.test[i].gold));
      sample.tags["subject"] = name;
      fill(name, subject, subject.test[i], sample);
      set.samples.push_back(std::move(sample));
    }
  }
  return set;
}

MmluFill mmlu_written(std::int32_t max_new_tokens, Think think) {
  return [=](const std::string&, const MmluSubject&, const MmluQuestion& question, Sample& sample) {
    sample.asks.push_back(chat_ask(mmlu_simple_evals_prompt(question), max_new_tokens, think));
    sample.scorers.push_back(
        scorers::make_letter_scorer(static_cast<char>('A' + question.gold), think != Think::kNone));
  };
}

}  // namespace moebius::tasks
