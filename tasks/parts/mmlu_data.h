// MMLU's questions as published: 57 subjects, test and worked examples, in two forms of CSV.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tasks/source_files.h"
#include "tasks/task.h"

namespace moebius::tasks {

struct MmluQuestion {
  std::string question;
  std::array<std::string, 4> choices;
  int gold = 0;  // 0 .. 3
};

struct MmluSubject {
  std::vector<MmluQuestion> test;
  std::vector<MmluQuestion> dev;  // 5 worked examples
};

struct MmluData {
  std::map<std::string, MmluSubject> subjects;  // "abstract_algebra", ...
  std::string sha256;
};

/// Subjects and their group, "STEM", "humanities", "social sciences" or "other".
/// Source: hendrycks/test categories.py at 4450500; lm-evaluation-harness differs in `anatomy`.
const std::map<std::string, std::string>& mmlu_groups();

/// "high school physics": as it stands in prompts.
std::string mmlu_subject_name(const std::string& subject);

std::vector<Source> mmlu_sources();

/// One file: headerless with letters (Berkeley), or with the header
/// question,choice0,choice1,choice2,choice3,answer and digits. Throws Error.
std::vector<MmluQuestion> parse_mmlu_csv(const std::string& name, const std::string& text);

/// From an archive with .../test/SUBJECT_test.csv and .../dev/SUBJECT_dev.csv. Throws Error if a
/// subject is missing, unknown or without five examples. One file.
MmluData load_mmlu(const std::vector<DataFile>& files);

}  // namespace moebius::tasks
