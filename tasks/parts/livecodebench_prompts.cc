// The texts of LiveCodeBench's prompts.
#include "tasks/parts/livecodebench_prompts.h"

namespace moebius::tasks {
namespace {

const std::string kTask =
    "You will be given a question (problem specification) and will generate a correct Python "
    "program that matches the specification and passes all tests.";

const std::string kWithStarter =
    "You will use the following starter code to write the solution to the problem and enclose "
    "your code within delimiters.";

const std::string kWithoutStarter =
    "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly "
    "test on the sample inputs). Enclose your code within delimiters as follows. Ensure that when "
    "the python program runs, it reads the inputs, runs the algorithm and writes output to "
    "STDOUT.";

const std::string kR1System =
    "<｜begin▁of▁sentence｜>A conversation between User and Assistant. The user asks a question, "
    "and "
    "the Assistant solves it. The assistant first thinks about the reasoning process in the mind "
    "and then provides the user with the answer. The reasoning process and answer are enclosed "
    "within <think> </think> and <answer> </answer> tags, respectively, i.e., <think> reasoning "
    "process here </think> <answer> answer here </answer>.<｜User｜>";

std::string format_of(const LcbProblem& problem) {
  if (problem.starter.empty()) return kWithoutStarter + "\n```python\n# YOUR CODE HERE\n```\n\n";
  return kWithStarter + "\n```python\n" + problem.starter + "\n```\n\n";
}

std::string example(const std::string& question, const std::string* starter,
                    const std::string& answer) {
  std::string text = "### Question\n" + question + "\n\n";
  if (starter != nullptr) text += "### Starter Code\n" + *starter + "\n\n";
  text += "### Answer\n\n" + answer;
  return answer.empty() ? text : text + "\n\n";
}

}  // namespace

std::vector<Message> lcb_generic_chat(const LcbProblem& problem) {
  return {{"system", "You are an expert Python programmer. " + kTask},
          {"user", "### Question:\n" + problem.content + "\n\n### Format: " + format_of(problem) +
                       "### Answer: (use the provided format with backticks)\n\n"}};
}

std::string lcb_lighteval_user(const LcbProblem& problem) {
  return kTask + "\n\nQuestion: " + problem.content + "\n\n" + format_of(problem);
}

std::string lcb_r1_text(const LcbProblem& problem) {
  return kR1System + lcb_lighteval_user(problem) + "<｜Assistant｜>";
}

std::string lcb_base_text(const LcbProblem& problem) {
  const bool functional = !problem.starter.empty();
  const LcbShot& shot = lcb_shot(functional);
  const std::string starter = functional ? shot.starter : "";
  return example(shot.question, functional ? &starter : nullptr, shot.answer) +
         example(problem.content, functional ? &problem.starter : nullptr, "");
}

}  // namespace moebius::tasks
