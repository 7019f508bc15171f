// A comparison as JUnit XML, the dialect that Jenkins, GitLab and GitHub's actions read.
#include <fmt/format.h>

#include "reports/render/comparison.h"
#include "reports/render/escape.h"

namespace moebius::reports {
namespace {

std::string attribute(const char* name, const std::string& value) {
  return fmt::format(" {}=\"{}\"", name, escape_xml(value));
}

std::string property(const char* name, const std::string& value) {
  return "    <property" + attribute("name", name) + attribute("value", value) + "/>\n";
}

std::string properties(const Comparison& comparison) {
  const CompareOptions& options = comparison.options;
  const std::string early = early_line(comparison);
  return "    <properties>\n" + property("verdict", verdict_name(comparison.verdict)) +
         property("base", comparison.base.model) + property("base_run", comparison.base.key) +
         property("candidate", comparison.candidate.model) +
         property("candidate_run", comparison.candidate.key) +
         property("margin", fmt::format("{:g}", options.margin)) +
         property("alpha", fmt::format("{:g}", options.alpha)) +
         property("looks", std::to_string(std::max<std::size_t>(1, options.looks.size()))) +
         (early.empty() ? "" : property("early_stop", early)) + "    </properties>\n";
}

std::string numbers(const SetComparison& set) {
  if (!set.interval) return set.why;
  return fmt::format(
      "{} questions: base {:.4f}, candidate {:.4f}, difference {:+.4f} [{:+.4f}, {:+.4f}], margin "
      "{:g}, gained {}, lost {}, method {}",
      set.items, set.base_mean, set.candidate_mean, set.difference, set.interval->low,
      set.interval->high, set.margin, set.gained, set.lost, set.method);
}

std::string message(const SetComparison& set) {
  std::string text;
  for (const std::string& line : set.exceeded) text += line + "; ";
  return text + numbers(set);
}

std::string outcome_element(const SetComparison& set) {
  const std::string what = attribute("message", message(set));
  switch (set.verdict) {
    case Verdict::kPass:
      return "";
    case Verdict::kRegression:
      return "      <failure" + attribute("type", "regression") + what + "/>\n";
    case Verdict::kInconclusive:
      return "      <skipped" + what + "/>\n";
    case Verdict::kInvalid:
      break;
  }
  return "      <error" + attribute("type", "invalid") + what + "/>\n";
}

std::string details(const SetComparison& set, std::size_t most) {
  std::string text = numbers(set) + "\n";
  std::size_t count = 0;
  for (const Changed* changed : worst_first(set)) {
    if (count++ == most) break;
    text += escape_terminal(change_line(*changed)) + "\n";
  }
  return "      <system-out>" + escape_xml(text) + "</system-out>\n";
}

std::string test_case(const SetComparison& set, const RenderOptions& options) {
  return "    <testcase" + attribute("classname", "moebius." + options.name + "." + set.task) +
         attribute("name", set.variant) + attribute("time", "0") + ">\n" + outcome_element(set) +
         details(set, options.most_changes) + "    </testcase>\n";
}

/// What is wrong with the runs as a whole, which no set says.
std::string whole_case(const Comparison& comparison, const RenderOptions& options) {
  return "    <testcase" + attribute("classname", "moebius." + options.name) +
         attribute("name", "runs") + attribute("time", "0") + ">\n      <error" +
         attribute("type", "invalid") + attribute("message", comparison.why) +
         "/>\n    </testcase>\n";
}

std::string junit_counts(const JunitSuite& suite) {
  return fmt::format(" tests=\"{}\" failures=\"{}\" errors=\"{}\"", suite.tests, suite.failures,
                     suite.errors);
}

}  // namespace

JunitSuite junit_suite(const Comparison& comparison, const RenderOptions& options) {
  JunitSuite suite{.tests = comparison.sets.size()};
  std::size_t skipped = 0;
  std::string cases;
  for (const SetComparison& set : comparison.sets) {
    suite.failures += set.verdict == Verdict::kRegression ? 1 : 0;
    skipped += set.verdict == Verdict::kInconclusive ? 1 : 0;
    suite.errors += set.verdict == Verdict::kInvalid ? 1 : 0;
    cases += test_case(set, options);
  }
  if (comparison.verdict == Verdict::kInvalid) {
    cases = whole_case(comparison, options) + cases;
    ++suite.errors, ++suite.tests;
  }
  suite.text = "  <testsuite" + attribute("name", "moebius " + options.name) + junit_counts(suite) +
               fmt::format(" skipped=\"{}\"", skipped) + attribute("time", "0") + ">\n" +
               properties(comparison) + cases + "  </testsuite>\n";
  return suite;
}

std::string junit_document(const std::vector<JunitSuite>& suites, const std::string& name) {
  JunitSuite all;
  for (const JunitSuite& suite : suites) {
    all.text += suite.text;
    all.tests += suite.tests;
    all.failures += suite.failures;
    all.errors += suite.errors;
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" +
         attribute("name", "moebius " + name) + junit_counts(all) + ">\n" + all.text +
         "</testsuites>\n";
}

std::string render_junit(const Comparison& comparison, const RenderOptions& options) {
  return junit_document({junit_suite(comparison, options)}, options.name);
}

}  // namespace moebius::reports
