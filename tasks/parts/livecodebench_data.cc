// Reads LiveCodeBench rows; knows which release, window and erratum they belong to.
#include "tasks/parts/livecodebench_data.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tasks/private_tests.h"

namespace moebius::tasks {
namespace {

/// "####-##-##T##:##:##" with # for a digit.
bool has_form(const std::string& text, std::string_view form) {
  if (text.size() != form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (form[i] == '#' ? !digit : text[i] != form[i]) return false;
  }
  return true;
}

std::string function_name(const Row& row) {
  const std::string where = row.where() + ": field \"metadata\"";
  const Row metadata(where, parse_json(where, row.text_or("metadata", "{}")));
  return metadata.has("func_name") ? metadata.filled("func_name") : "";
}

}  // namespace

std::string lcb_time(const std::string& where, const std::string& text) {
  if (has_form(text, "####-##-##")) return text + "T00:00:00";
  if (has_form(text, "####-##-##T##:##:##")) return text;
  throw Error(where +
              ": expected a date like 2024-08-01 or a time like 2024-08-24T18:30:00, found \"" +
              text + "\"");
}

LcbProblem lcb_problem(const Row& row) {
  LcbProblem problem{.id = row.filled("question_id"),
                     .title = row.text("question_title"),
                     .content = row.filled("question_content"),
                     .platform = row.filled("platform"),
                     .starter = row.text("starter_code"),
                     .difficulty = row.filled("difficulty"),
                     .fn_name = function_name(row),
                     .public_tests = row.text("public_test_cases"),
                     .private_tests = row.text_or("private_test_cases", ""),
                     .where = row.where()};
  problem.date = lcb_time(row.where() + ": field \"contest_date\"", row.text("contest_date"));
  problem.contest = row.text_or("contest_id", problem.date);
  const std::array<const char*, 3> kDifficulties = {"easy", "medium", "hard"};
  if (std::find(kDifficulties.begin(), kDifficulties.end(), problem.difficulty) ==
      kDifficulties.end()) {
    row.fail("difficulty", "easy, medium or hard", "\"" + problem.difficulty + "\"");
  }
  if (problem.starter.empty() != problem.fn_name.empty()) {
    row.fail("metadata",
             problem.starter.empty() ? "no func_name without starter code"
                                     : "a func_name beside starter code",
             "the opposite");
  }
  return problem;
}

std::vector<scorers::ProgramTest> lcb_tests(const LcbProblem& problem, bool all) {
  const bool functional = !problem.fn_name.empty();
  auto tests = parse_tests(problem.where + ": field \"public_test_cases\"", problem.public_tests,
                           functional);
  if (!all || problem.private_tests.empty()) return tests;
  auto hidden = parse_tests(problem.where + ": field \"private_test_cases\"", problem.private_tests,
                            functional);
  std::move(hidden.begin(), hidden.end(), std::back_inserter(tests));
  return tests;
}

bool lcb_in_release(const LcbProblem& problem, int release) {
  // The last contest of each release. Problems that are early enough and yet not in it, by the
  // project's own result files: for v1 of April 2024, for v5 of January 2025.
  static const std::array<const char*, 5> kLast = {"2024-03-02T00:00:00", "2024-05-31T23:59:59",
                                                   "2024-07-31T23:59:59", "2024-09-30T23:59:59",
                                                   "2025-01-04T18:30:00"};
  static const std::map<int, std::set<std::string>> kLater = {
      {1, {"3026"}}, {5, {"abc387_a", "abc387_b", "abc387_c", "abc387_f"}}};
  if (release == 6) return true;
  const auto later = kLater.find(release);
  return problem.date <= kLast[static_cast<std::size_t>(release - 1)] &&
         (later == kLater.end() || later->second.count(problem.id) == 0);
}

std::string lcb_erratum(const LcbProblem& problem) {
  static const std::map<std::string, std::string> kErrata = {
      {"abc311_c", "multiple"},
      {"abc326_d", "multiple"},
      {"abc327_b", "multiple"},
      {"abc333_e", "multiple"},
      {"abc343_e", "multiple"},
      {"abc362_c", "multiple"},
      {"3194", "multiple"},  // find-words-containing-character
      {"3221", "multiple"},  // find-the-peaks
      {"3453", "multiple"},  // generate-binary-strings-without-adjacent-zeros
      {"arc185_c", "multiple"},
      {"abc343_a", "multiple"},
      {"abc337_e", "interactive"},
      {"abc355_e", "interactive"},
      {"abc350_c", "bad"},
      {"3308", "bad"},  // apply-operations-to-make-string-empty
      {"3363", "bad"},  // most-frequent-ids
      {"arc189_a", "bad"},
  };
  const auto found = kErrata.find(problem.id);
  return found == kErrata.end() ? "" : found->second;
}

}  // namespace moebius::tasks
