// How MATH and MATH-500 are asked: the variants both share.
#pragma once

#include <string>
#include <vector>

#include "tasks/suite.h"

namespace moebius::tasks {

struct MathProblem {
  std::string id;
  std::string problem;
  std::string answer;   // the content of the solution's last \boxed{}
  std::string subject;  // empty if the data does not say
  std::string level;    // "1" .. "5", or empty
};

/// `simple_evals_repeats`: how often that protocol asks (10 in simple_evals.py).
std::vector<Variant> math_variants(std::int32_t simple_evals_repeats);
/// "think", "extractor".
std::map<std::string, std::string> math_options();

/// What a variant asks about a problem.
Ask math_ask(const std::string& variant, const std::string& problem, Think think);

/// R1's README at 0cf7856, Qwen2.5-Math, DeepSeek-Math: the boxed instruction behind the problem.
std::string boxed_prompt(const std::string& problem);

/// The problems of a variant as samples, with the headline grader and the further ones.
SampleSet math_set(const Variant& variant, const std::vector<MathProblem>& problems,
                   std::string data_sha256, const Options& options, Think think);

// ---- Minerva's four examples (minerva_shots.cc) ---------------------------------------

/// lm-evaluation-harness lm_eval/tasks/minerva_math at 4e7e0d4 as it is rendered: one space
/// behind "Solution:", since the harness puts its delimiter there; single backslashes in front
/// of the line ends of align*, as its Python source has them.
std::string minerva_prompt(const std::string& problem);
/// DeepSeek-Math evaluation/few_shot_prompts/cot_minerva_math_4_shot.py at b8b0f8c.
std::string minerva_deepseek_prompt(const std::string& problem);

}  // namespace moebius::tasks
