// Cutting the program out of what a model wrote, each way as its reference implementation does.
#pragma once

#include <string>
#include <string_view>

#include "scorers/scorer.h"

namespace moebius::scorers::code {

/// A program to run, valid UTF-8.
struct HumanEvalProgram {
  std::string source;  // what is executed
  std::string shown;   // what was cut out of the answer
};

/// The program of a HumanEval answer (its thinking removed already).
///   kCompletion    human-eval execution.py: prompt + text.
///   kFenced        simple-evals humaneval_eval.py find_code: first ```python block or all, cut two
///                  bytes after the first ":\n    "; without one the first character is lost
///                  (find() gives -1). prompt + that.
///   kDeepSeek      DeepSeek-Coder Evaluation/HumanEval utils.py extract_generation_code, and
///                  evaluation.py's imports in front: the first ```python block (any case) from
///                  "def name" on, with what the prompt has before its last def; if there is no
///                  block, the prompt and the whole text.
///   kWholeProgram  text.
HumanEvalProgram humaneval_program(const HumanEvalProblem& problem, CodeExtraction extraction,
                                   std::string_view text);

}  // namespace moebius::scorers::code
