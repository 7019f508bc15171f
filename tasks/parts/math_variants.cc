// The prompts of MATH's protocols and the samples made of them.
#include "tasks/parts/math_variants.h"

#include <algorithm>

namespace moebius::tasks {
namespace {

/// simple-evals math_eval.py at ee3b031.
std::string simple_evals_prompt(const std::string& problem) {
  return "Solve the following math problem step by step. The last line of your response should be "
         "of the form Answer: $ANSWER (without quotes) where $ANSWER is the answer to the "
         "problem.\n\n" +
         problem +
         "\n\nRemember to put your answer on its own line after \"Answer:\", and you do not need "
         "to use a \\boxed command.";
}

/// Text is continued, not a conversation.
bool few_shot(const std::string& variant) {
  return variant == "minerva" || variant == "minerva-deepseek";
}

std::string extractor_of(const std::string& variant, const Options& options) {
  const auto given = options.values.find("extractor");
  if (given != options.values.end()) return given->second;
  if (variant == "simple-evals" || variant == "minerva") return variant;
  return variant == "minerva-deepseek" ? "deepseek-math" : "boxed";
}

/// The headline first, none twice.
std::vector<std::string> graders(const Options& options) {
  std::vector<std::string> names = {options.grader.empty() ? "moebius" : options.grader};
  for (const std::string& name : options.more_graders) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

}  // namespace

std::vector<Variant> math_variants(std::int32_t simple_evals_repeats) {
  return {{"boxed", "DeepSeek-R1's prompt, greedy, one answer, 32,768 tokens", {}, "accuracy"},
          {"r1",
           "the same prompt as R1 samples: T 0.6, top-p 0.95, 4 answers",
           {.temperature = 0.6, .top_p = 0.95, .repeats = 4},
           "avg@k"},
          {"v3", "the same prompt as DeepSeek-V3 is asked: greedy, 8,192 tokens", {}, "accuracy"},
          {"simple-evals",
           "simple-evals' prompt and extraction, T 0.5, 2,048 tokens",
           {.temperature = 0.5, .repeats = simple_evals_repeats},
           "avg@k"},
          {"minerva",
           "Minerva's four examples as lm-evaluation-harness has them, greedy",
           {},
           "accuracy"},
          {"minerva-deepseek",
           "Minerva's four examples with DeepSeek-Math's white space, greedy",
           {},
           "accuracy"}};
}

std::map<std::string, std::string> math_options() {
  return {{"think", kThinkHelp},
          {"extractor",
           "how the final answer is found; default: the variant's own (boxed, "
           "simple-evals, minerva, deepseek-math)"}};
}

std::string boxed_prompt(const std::string& problem) {
  return problem + "\nPlease reason step by step, and put your final answer within \\boxed{}.";
}

Ask math_ask(const std::string& variant, const std::string& problem, Think think) {
  if (variant == "minerva") return text_ask(minerva_prompt(problem), 1024, {"Problem:"});
  if (variant == "minerva-deepseek") {
    return text_ask(minerva_deepseek_prompt(problem), 1024, {"\nProblem:"});
  }
  if (variant == "simple-evals") return chat_ask(simple_evals_prompt(problem), 2048, think);
  return chat_ask(boxed_prompt(problem), variant == "v3" ? 8192 : 32768, think);
}

SampleSet math_set(const Variant& variant, const std::vector<MathProblem>& problems,
                   std::string data_sha256, const Options& options, Think think) {
  SampleSet set = empty_set(variant, std::move(data_sha256));
  const bool opened = think != Think::kNone && !few_shot(variant.name);
  for (const MathProblem& problem : problems) {
    Sample sample;
    sample.item = problem.id;
    sample.cluster = problem.id;
    sample.stratum = problem.subject;
    sample.target = problem.answer;
    if (!problem.level.empty()) sample.tags["level"] = problem.level;
    sample.asks.push_back(math_ask(variant.name, problem.problem, think));
    for (const std::string& grader : graders(options)) {
      sample.scorers.push_back(scorers::make_math_scorer(
          grader, extractor_of(variant.name, options), problem.answer, opened));
    }
    set.samples.push_back(std::move(sample));
  }
  return set;
}

}  // namespace moebius::tasks
