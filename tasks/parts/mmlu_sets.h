// MMLU's items as sample sets, by log-probability or in writing.
#pragma once

#include <functional>

#include "tasks/parts/mmlu_data.h"
#include "tasks/suite.h"

namespace moebius::tasks {

/// One sample for each question, subjects by name; `fill` adds what is asked and who judges.
using MmluFill = std::function<void(const std::string& subject, const MmluSubject& data,
                                    const MmluQuestion& question, Sample& sample)>;
SampleSet mmlu_set(const Variant& variant, const MmluData& data, const MmluFill& fill);

/// The simple-evals prompt and its letter scorer.
MmluFill mmlu_written(std::int32_t max_new_tokens, Think think);

}  // namespace moebius::tasks
