// Final answers cut out of responses, function by function as the reference projects have them.
//
// All take valid UTF-8 and are linear in its length. nullopt: nothing found, or the reference
// raises.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::scorers::math {

/// The last \boxed (or else \fbox) with its braces balanced.
/// Source: hendrycks/math modeling/dataset/util.py, last_boxed_only_string.
std::optional<std::string_view> last_boxed(std::string_view response);
/// The same, but whatever follows the last "\boxed " up to the next dollar sign comes first.
/// Source: lm-evaluation-harness lm_eval/tasks/hendrycks_math/utils.py.
std::optional<std::string> last_boxed_lm_eval(std::string_view response);
/// Without the \boxed{} around it. Source: as above, remove_boxed of each.
std::optional<std::string_view> remove_boxed(std::string_view boxed);
std::optional<std::string_view> remove_boxed_lm_eval(std::string_view boxed);

/// Between the first and the last dollar sign; all of it if there are not two.
/// Source: lm_eval/tasks/hendrycks_math/utils.py, process_results.
std::string_view between_dollars(std::string_view response);
/// The same unless something is boxed. Source: lm_eval/tasks/aime/utils.py, process_results.
std::string extract_lm_eval_aime(std::string_view response);
/// Source: lm_eval/tasks/minerva_math/utils.py, get_unnormalized_answer.
std::optional<std::string> extract_minerva(std::string_view response);
/// Every answer, normalised; may be empty. A question that asks for a list "separated by commas"
/// is not known here, so such a list stays one answer.
/// Source: DeepSeek-Math evaluation/data_processing/answer_extraction.py, extract_math_answer.
std::vector<std::string> extract_deepseek(std::string_view response);
/// An answer split at its \text{and}. Source: as above.
std::vector<std::string> split_at_and(std::string_view answer);
/// Normalised; may be empty. Source: Qwen2.5-Math evaluation/parser.py, extract_answer ("math").
std::string extract_qwen(std::string_view response);

/// An integer in its shortest writing: the last box that holds one, else the last in the text.
/// Thousands commas and \, are skipped, leading zeros dropped.
std::optional<std::string> extract_integer(std::string_view response);

/// The last of re.findall(r"-?\d*\.?\d+", text).
std::optional<std::string_view> last_number(std::string_view text);

}  // namespace moebius::scorers::math
