// HumanEval: 164 Python functions to complete, judged by running their tests.
// Chen et al. 2021, "Evaluating Large Language Models Trained on Code", MIT licence.
#include "tasks/dataset.h"
#include "tasks/suite.h"
#include "tasks/suites/registry.h"

namespace moebius::tasks::suites {
namespace {

using scorers::CodeExtraction;
using scorers::HumanEvalProblem;

/// lm-evaluation-harness lm_eval/tasks/humaneval/humaneval.yaml at 4e7e0d4, and the same strings
/// in DeepSeek-Coder Evaluation/HumanEval at 2f9fd85.
const std::vector<std::string> kStops = {"\nclass", "\ndef", "\n#", "\nif", "\nprint"};

/// simple-evals humaneval_eval.py at ee3b031.
const char* const kSimpleEvals =
    "Read the following function signature and docstring, and fully implement the function "
    "described. Your response should only contain the code for this function.\n";

/// DeepSeek-Coder Evaluation/HumanEval/eval_instruct.py at 2f9fd85.
const char* const kDeepSeek =
    "Please continue to complete the function. You are not allowed to modify the given code and "
    "do the completion only. Please return all completed function in a codeblock. Here is the "
    "given code to do completion:\n```python\n";

Info description() {
  Info info;
  info.name = "humaneval";
  info.description = "HumanEval, 164 Python functions, pass@1 by their tests";
  info.sources = {{.file = "HumanEval.jsonl.gz",
                   .url = "https://raw.githubusercontent.com/openai/human-eval/"
                          "6d43fb980f9fee3c892a914eda09951f772ad10d/data/HumanEval.jsonl.gz",
                   .licence = "MIT",
                   .sha256 = "b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef",
                   .rows = 164,
                   .note = "openai/human-eval at 6d43fb9"}};
  info.variants = {
      {"base", "the prompt is continued; lm-evaluation-harness' stops, greedy", {}, "pass@1"},
      {"deepseek-base",
       "DeepSeek-Coder's base models: stripped prompt, 500 tokens, greedy",
       {},
       "pass@1"},
      {"chat", "simple-evals' prompt and extraction, T 0.5", {.temperature = 0.5}, "pass@1"},
      {"deepseek", "DeepSeek-Coder's chat prompt and extraction, greedy", {}, "pass@1"}};
  info.options = {{"think", kThinkHelp}};
  return info;
}

Ask ask_of(const std::string& variant, const std::string& prompt, Think think) {
  if (variant == "base") return text_ask(prompt, 1024, kStops);
  if (variant == "deepseek-base") return text_ask(stripped(prompt), 500, kStops);
  if (variant == "chat") return chat_ask(kSimpleEvals + prompt, 2048, think);
  return chat_ask(kDeepSeek + stripped(prompt) + "\n```", 1024, think);
}

CodeExtraction extraction_of(const std::string& variant) {
  if (variant == "chat") return CodeExtraction::kFenced;
  return variant == "deepseek" ? CodeExtraction::kDeepSeek : CodeExtraction::kCompletion;
}

HumanEvalProblem problem_of(const Row& row) {
  return {.id = row.filled("task_id"),
          .prompt = row.filled("prompt"),
          .test = row.filled("test"),
          .entry_point = row.filled("entry_point")};
}

class HumanEval : public Suite {
 public:
  HumanEval() : Suite(with_file_options(description())) {}

  std::vector<SampleSet> load(const Options& options) const override {
    check_options(options);
    const std::vector<const Variant*> variants = chosen_variants(options);
    const Think thinking = think(options);
    const std::vector<DataFile> files = data_files(options);
    std::vector<HumanEvalProblem> problems;
    UniqueIds ids;
    LineReader lines(files.front().path);
    each_row(lines, [&](const Row& row) {
      problems.push_back(problem_of(row));
      ids.add(problems.back().id, row.where());
    });
    SandboxOnce sandbox(options);
    std::vector<SampleSet> sets;
    for (const Variant* variant : variants) {
      sets.push_back(empty_set(*variant, joined_sha256(files)));
      for (const HumanEvalProblem& problem : problems) {
        sets.back().samples.push_back(sample_of(variant->name, problem, thinking, sandbox));
      }
    }
    return sets;
  }

 private:
  static Sample sample_of(const std::string& variant, HumanEvalProblem problem, Think thinking,
                          SandboxOnce& sandbox) {
    const bool chat = variant == "chat" || variant == "deepseek";
    Sample sample;
    sample.item = problem.id;
    sample.cluster = problem.id;
    sample.target = problem.entry_point;
    sample.asks.push_back(ask_of(variant, problem.prompt, thinking));
    sample.program = [problem, box = sandbox.get()] {
      return scorers::make_humaneval_scorer(problem, CodeExtraction::kWholeProgram, false, box);
    };
    // The reference joins prompt, a line feed and the completion of the stripped prompt.
    if (variant == "deepseek-base") problem.prompt += "\n";
    sample.scorers.push_back(
        scorers::make_humaneval_scorer(std::move(problem), extraction_of(variant),
                                       chat && thinking != Think::kNone, sandbox.get()));
    return sample;
  }
};

}  // namespace

std::unique_ptr<Task> make_humaneval() {
  return std::make_unique<HumanEval>();
}

}  // namespace moebius::tasks::suites
