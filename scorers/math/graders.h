// The graders of the reference projects, by the names of their functions.
//
// All take valid UTF-8, are total and bounded: strings and numbers are compared at any length,
// expressions up to kMaxSymbolicBytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scorers/math/normalizers.h"
#include "scorers/scorer.h"

namespace moebius::scorers::math {

/// Source: hendrycks/math modeling/math_equivalence.py, lm-evaluation-harness
/// lm_eval/tasks/hendrycks_math/utils.py: is_equiv.
Equality hendrycks_equal(std::string_view gold, std::string_view pred, HendrycksFlavour flavour);

/// Source: openai/prm800k prm800k/grading/grader.py, grade_answer.
Equality prm800k_equal(std::string_view gold, std::string_view pred);

/// Source: lm_eval/tasks/minerva_math/utils.py: normalize_final_answer of both, then is_equiv.
Equality minerva_equal(std::string_view gold, std::string_view pred);

/// Source: DeepSeek-Math evaluation/eval/eval_utils.py, math_equal; answers as they are.
Equality deepseek_math_equal(std::string_view gold, std::string_view pred);
/// Source: DeepSeek-Math evaluation/eval/eval_script.py, is_correct of strings, after strip_string
/// of both, as its extraction does.
Equality deepseek_is_correct(std::string_view gold, std::string_view pred);
/// Source: eval_script.py, eval_math: repeated answers count once, as many predictions as there
/// are golds are kept from the end, and both sides must be matched. Answers are stripped already.
Equality deepseek_eval_math(const std::vector<std::string>& golds,
                            const std::vector<std::string>& preds);

/// Source: QwenLM/Qwen2.5-Math evaluation/grader.py, math_equal; answers as they are.
Equality qwen_math_equal(std::string_view gold, std::string_view pred);
/// The same after strip_string of both, as evaluation/evaluate.py has them.
Equality qwen_strip_then_math_equal(std::string_view gold, std::string_view pred);

}  // namespace moebius::scorers::math
