// What LiveCodeBench asks, word for word, by style of model.
#pragma once

#include "tasks/parts/livecodebench_data.h"
#include "tasks/task.h"

namespace moebius::tasks {

// All: LiveCodeBench lcb_runner/prompts/code_generation.py at 28fef95.

/// OpenAIChat, and DeepSeek through its API: a system message and a user's turn.
std::vector<Message> lcb_generic_chat(const LcbProblem& problem);

/// DeepSeekR1: rendered, with DeepSeek's special tokens in it.
std::string lcb_r1_text(const LcbProblem& problem);

/// The same question without special tokens: lighteval src/lighteval/tasks/extended/lcb at 3fd1526.
std::string lcb_lighteval_user(const LcbProblem& problem);

/// GenericBase: one worked example, then the problem.
std::string lcb_base_text(const LcbProblem& problem);

/// The worked examples, func.json[0] and stdin.json[0] of the same commit's
/// lcb_runner/prompts/few_shot_examples/generation.
struct LcbShot {
  const char* question;
  const char* starter;  // null with standard input
  const char* answer;
};
const LcbShot& lcb_shot(bool functional);

}  // namespace moebius::tasks
