// The string normalisers of the reference graders, character for character.
//
// All take valid UTF-8, are linear in its length and total; where the reference raises, they say
// so with nullopt.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace moebius::scorers::math {

enum class HendrycksFlavour {
  kOriginal,  // hendrycks/math: a slash between non-integers is left alone
  kLmEval,    // lm-evaluation-harness: it raises
};
/// Source: hendrycks/math modeling/math_equivalence.py and lm-evaluation-harness
/// lm_eval/tasks/hendrycks_math/utils.py, strip_string.
std::optional<std::string> strip_hendrycks(std::string_view answer, HendrycksFlavour flavour);
/// Source: openai/prm800k prm800k/grading/math_normalize.py, normalize_answer.
std::string normalize_mathd(std::string_view answer);
/// Source: openai/prm800k prm800k/grading/grader.py, _normalize.
std::string normalize_prm800k(std::string_view answer);
/// Source: deepseek-ai/DeepSeek-Math evaluation/data_processing/answer_extraction.py, strip_string.
std::string strip_deepseek(std::string_view answer);
/// Source: QwenLM/Qwen2.5-Math evaluation/parser.py, strip_string.
std::string strip_qwen(std::string_view answer);
/// Source: lm-evaluation-harness lm_eval/tasks/minerva_math/utils.py, normalize_final_answer.
std::string normalize_minerva(std::string_view answer);

/// Names of the above: "hendrycks_strip_string", "qwen_strip_string", ...
std::span<const char* const> normalizer_names();
/// By name, any bytes; nullopt where the reference raises. Throws Error on an unknown name.
std::optional<std::string> normalize(std::string_view name, std::string_view answer);

}  // namespace moebius::scorers::math
