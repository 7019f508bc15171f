// LiveCodeBench's code generation problems: rows, releases, windows and known errata.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "scorers/scorer.h"
#include "tasks/dataset.h"
#include "tasks/task.h"

namespace moebius::tasks {

/// A row without its tests; those are unpacked only for problems that are asked.
struct LcbProblem {
  std::string id;  // question_id
  std::string title;
  std::string content;
  std::string platform;
  std::string contest;     // contest_id; the day of the contest where the row has none
  std::string date;        // "2024-08-24T18:30:00"
  std::string starter;     // empty: standard input and output
  std::string difficulty;  // "easy", "medium", "hard"
  std::string fn_name;     // empty: standard input and output
  std::string public_tests;
  std::string private_tests;  // empty if the data has none
  std::string where;
};

/// Reads one row strictly. Throws Error.
LcbProblem lcb_problem(const Row& row);

/// The tests asked for: public ones, then private ones if `all`. Throws Error.
std::vector<scorers::ProgramTest> lcb_tests(const LcbProblem& problem, bool all);

/// "2024-08-01" or "2024-08-24T18:30:00" as a full time; a day is its first second, as in the
/// official code. Throws Error that begins with `where`.
std::string lcb_time(const std::string& where, const std::string& text);

/// Whether a problem belongs to release 1 .. 6. Exact for 1, 5 and 6; 2, 3 and 4 are cut by date
/// and hold 512, 601 and 714 problems where the official ones hold 511, 612 and 713.
bool lcb_in_release(const LcbProblem& problem, int release);

/// "multiple" (several outputs are right), "interactive", "bad" (wrong tests), or empty.
/// Source: LiveCodeBench ERRATA.md at 28fef95.
std::string lcb_erratum(const LcbProblem& problem);

}  // namespace moebius::tasks
