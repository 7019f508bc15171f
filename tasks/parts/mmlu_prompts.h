// What MMLU asks, word for word, by protocol.
#pragma once

#include "tasks/parts/mmlu_data.h"

namespace moebius::tasks {

/// hendrycks/test evaluate.py at 4450500, gen_prompt and format_example: "about  SUBJECT" with
/// two spaces, the examples, the question, "Answer:".
std::string mmlu_original_prompt(const std::string& subject, const MmluSubject& data,
                                 const MmluQuestion& question, int shots);

/// lm-evaluation-harness lm_eval/tasks/mmlu/default at 4e7e0d4: one space, question stripped.
std::string mmlu_harness_prompt(const std::string& subject, const MmluSubject& data,
                                const MmluQuestion& question, int shots);

/// lm-evaluation-harness lm_eval/tasks/mmlu/continuation at 4e7e0d4: the choices are not shown,
/// the texts of the answers are compared.
std::string mmlu_text_prompt(const std::string& subject, const MmluSubject& data,
                             const MmluQuestion& question, int shots);

/// simple-evals common.py at ee3b031, QUERY_TEMPLATE_MULTICHOICE: one user's turn.
std::string mmlu_simple_evals_prompt(const MmluQuestion& question);

}  // namespace moebius::tasks
