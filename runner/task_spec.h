// What --tasks and --set say: which benchmarks, in which variants, with which options.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tasks/task.h"

namespace moebius::runner {

/// "mmlu", "mmlu:lm-eval", "mmlu:original+cot", "humaneval:all".
struct TaskSpec {
  const tasks::Task* task = nullptr;
  std::vector<std::string> variants;          // empty: the default one
  std::map<std::string, std::string> values;  // from --set task.name=value
};

/// `list`: specs separated by commas; `mini` stands for all mini suites. Throws InputError on
/// unknown tasks, variants and options, and on a task or variant named twice.
std::vector<TaskSpec> parse_tasks(const std::string& list, const std::vector<std::string>& sets);

/// "a,b" as its parts, none of them empty. Throws InputError naming `flag`.
std::vector<std::string> split_list(const std::string& list, char separator,
                                    const std::string& flag);

}  // namespace moebius::runner
