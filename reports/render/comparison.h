// What the renderings of a comparison for people have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reports/compare.h"
#include "reports/render/table.h"

namespace moebius::reports {

/// "PASS: no set is worse by its margin", and why not otherwise; one line, not escaped.
std::string headline(const Comparison& comparison);

/// The first line of Markdown, by which a comment is found again.
std::string comment_marker(const std::string& name);

nlohmann::ordered_json comparison_json(const Comparison& comparison);

/// A comparison's test suite, and what it counts.
struct JunitSuite {
  std::string text;
  std::size_t tests = 0;
  std::size_t failures = 0;
  std::size_t errors = 0;
};
JunitSuite junit_suite(const Comparison& comparison, const RenderOptions& options);
/// The document around suites.
std::string junit_document(const std::vector<JunitSuite>& suites, const std::string& name);

/// "stopped early: decided at look 2 of 5; 400 of 1000 questions asked"; empty if it was not.
std::string early_line(const Comparison& comparison);

/// Which runs, how they were judged, notes; one fact each, not escaped.
std::vector<std::string> comparison_facts(const Comparison& comparison);

/// One row for each of the first `most` sets: scores, difference with its interval, flips, rates,
/// verdict.
Table comparison_table(const Comparison& comparison, std::size_t most = SIZE_MAX);

/// The subjects of a set that stand out most, at most `most`.
Table subject_table(const SetComparison& set, std::size_t most);

/// "lost question/3: 1 -> 0"
std::string change_line(const Changed& changed);

/// What a reader should know of a set that is not a pass; not escaped.
std::vector<std::string> set_notes(const SetComparison& set, const CompareOptions& options);

}  // namespace moebius::reports
