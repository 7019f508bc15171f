// Renderings of comparisons against committed files and schemas, hostile text and limits of size.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "reports/compare.h"
#include "reports/render/escape.h"
#include "reports/render/json_schema.h"
#include "reports/statistics/item_order.h"
#include "reports/store/made_up_store.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace moebius::reports {
namespace {

using cases::all_right;
using cases::first_wrong;
using nlohmann::json;

const std::string kHostileText =
    "]]> </system-out><script>x</script> \x1b[31m|`*_<img src=x onerror=y>&@all ```` \n\"q\" \xff "
    "\u202e\u200b <!-- -->";

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void expect_same_as(const std::string& name, const std::string& text) {
  const std::string path = std::string(GOLDEN_DIR) + "/" + name;
  if (std::getenv("MOEBIUS_WRITE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
  EXPECT_EQ(text, file_text(path)) << "MOEBIUS_WRITE_GOLDEN=1 comparison_render_test accepts it";
}

class ComparisonRender : public testing::Test {
 protected:
  /// A pass, a regression, an inconclusive set and a limit exceeded, with hostile answers.
  Comparison mixed(bool hostile = false) {
    const auto say = [hostile](Sample& sample) {
      sample.choices.clear();
      sample.text = hostile ? kHostileText : "The answer is A.\nBecause.";
      if (hostile) sample.item.item += kHostileText;
      if (hostile) sample.item.target = sample.item.prompt = kHostileText;
    };
    const auto cut_off = [say](Sample& sample) {
      say(sample);
      if (sample.item.position < 20) sample.finish = "length";
    };
    auto base = store_.add_run({{400, all_right, say, "arithmetic"},
                                {400, first_wrong(30), say, "logic"},
                                {40, all_right, say, "small"},
                                {400, all_right, say, "words"}});
    auto candidate = store_.add_run({{400, first_wrong(1), say, "arithmetic"},
                                     {400, first_wrong(90), say, "logic"},
                                     {40, first_wrong(1), say, "small"},
                                     {400, all_right, cut_off, "words"}});
    for (auto* run : {&base, &candidate}) {
      run->started = "2026-01-02T03:04:05Z";
      run->finished = "2026-01-02T04:04:05Z";
      if (hostile) run->model = kHostileText;
    }
    Comparison comparison =
        compare(store_, base, store_, candidate,
                {.margin = 0.02, .margins = {{"logic", 0.03}}, .limits = {.truncated = 0.02}});
    add_transcripts(store_, store_, 1, comparison);
    comparison.base.id = 1;
    comparison.candidate.id = 2;
    return comparison;
  }

  /// A candidate that was not asked its last 600 questions, as two of five looks had decided.
  Comparison stopped(const CompareOptions& options) {
    const auto say = [](Sample& sample) {
      sample.choices.clear();
      sample.text = "The answer is A.";
    };
    const auto base = store_.add_run({{1000, all_right, say, "logic"}});
    const auto candidate = store_.add_run({{1000, all_right, say, "logic"}}, "t", "incomplete");
    const std::vector<std::string> strata(1000);
    auto& rows = store_.stored.back().rows;
    std::vector<SampleRow> kept;
    for (const std::size_t place : stratified_order(strata, kDrawSeed)) {
      if (kept.size() < 400) kept.push_back(rows[place]);
    }
    rows = kept;
    Comparison comparison = compare(store_, base, store_, candidate, options);
    comparison.base.id = 1;
    comparison.candidate.id = 2;
    return comparison;
  }

  Comparison invalid() {
    const auto base = store_.add_run({{40, all_right}});
    const auto other = store_.add_run({{40, all_right, {}, "t", 1, 1, 30}}, "t", "incomplete");
    Comparison comparison = compare(store_, base, store_, other);
    comparison.base.id = 1;
    comparison.candidate.id = 2;
    comparison.base.state = comparison.candidate.state = "incomplete";
    return comparison;
  }

  cases::MadeUpStore store_;
};

TEST_F(ComparisonRender, Golden) {
  const Comparison comparison = mixed();
  EXPECT_EQ(comparison.verdict, Verdict::kRegression) << comparison.why;
  const RenderOptions few{.most_changes = 3};
  expect_same_as("comparison.txt", render_text(comparison, few));
  expect_same_as("comparison.md", render_markdown(comparison, few));
  expect_same_as("comparison.xml", render_junit(comparison, few));
}

TEST_F(ComparisonRender, AnEarlyStopIsSaid) {
  const Comparison comparison = stopped({.margin = 0.02, .looks = equal_looks(5)});
  EXPECT_EQ(comparison.verdict, Verdict::kPass) << comparison.why;
  expect_same_as("early.txt", render_text(comparison));
  expect_same_as("early.md", render_markdown(comparison));
  const std::string line = "stopped early: decided at look 2 of 5; 400 of 1000 questions asked";
  for (const std::string& text :
       {render_text(comparison), render_markdown(comparison), render_junit(comparison)}) {
    EXPECT_NE(text.find(line), std::string::npos) << text;
  }
  const json value = json::parse(render_json(comparison));
  EXPECT_EQ(cases::JsonSchema(json::parse(file_text(SCHEMA_FILE))).check(value), "");
  EXPECT_EQ(value["early_stop"],
            (json{{"look", 2}, {"looks", 5}, {"asked", 400}, {"planned", 1000}}));
  EXPECT_EQ(value["sets"][0]["base_questions"], 1000);
  EXPECT_TRUE(json::parse(render_json(mixed()))["early_stop"].is_null());
  const Comparison anytime = stopped({.margin = 0.02, .anytime = true});
  EXPECT_NE(render_text(anytime).find("not asked to the end: 400 of 1000 questions asked"),
            std::string::npos);
}

TEST_F(ComparisonRender, JsonConformsToItsSchema) {
  const cases::JsonSchema schema(json::parse(file_text(SCHEMA_FILE)));
  Comparison banded = mixed();
  add_band(mixed(), banded);
  for (const Comparison& comparison : {mixed(), mixed(true), banded, invalid()}) {
    const json value = json::parse(render_json(comparison));
    EXPECT_EQ(schema.check(value), "");
  }
  json bad = json::parse(render_json(mixed()));
  bad["sets"][0]["statistics"].erase("interval");
  EXPECT_NE(schema.check(bad), "");
  bad = json::parse(render_json(mixed()));
  bad["verdict"] = "fine";
  EXPECT_EQ(schema.check(bad), "$.verdict: enum");
  bad = json::parse(render_json(mixed()));
  bad["sets"][1]["changes"][0]["colour"] = 1;
  EXPECT_EQ(schema.check(bad), "$.sets[1].changes[0].colour: not in the schema");
}

TEST_F(ComparisonRender, JsonSaysTheSameAsTheComparison) {
  const Comparison comparison = mixed();
  const json value = json::parse(render_json(comparison));
  EXPECT_EQ(value["verdict"], "regression");
  EXPECT_EQ(value["sets"][0]["verdict"], "pass");
  EXPECT_EQ(value["sets"][1]["verdict"], "regression");
  EXPECT_EQ(value["sets"][2]["verdict"], "inconclusive");
  EXPECT_EQ(value["sets"][3]["limits_exceeded"].size(), 1U);
  EXPECT_EQ(value["sets"][1]["statistics"]["difference"].get<double>(),
            comparison.sets[1].difference);
  EXPECT_EQ(value["sets"][1]["changes"].size(), 60U);
  EXPECT_TRUE(value["sets"][1]["changes"][0].contains("base_answers"));
  EXPECT_FALSE(value["sets"][1]["changes"][1].contains("base_answers"));
}

/// What xmllint says; skipped where it is not installed.
class JunitTest : public ComparisonRender {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kLint)) GTEST_SKIP() << "no " << kLint;
  }
  tests::ProcessResult lint(const std::string& xml) const {
    return tests::run_process(
        {kLint, "--noout", "--nonet", "--schema", JUNIT_SCHEMA, directory_.write("x.xml", xml)});
  }
  static constexpr const char* kLint = "/usr/bin/xmllint";
  tests::TempDir directory_;
};

TEST_F(JunitTest, ConformsToItsSchema) {
  for (const Comparison& comparison : {mixed(), mixed(true), invalid(), Comparison{}}) {
    const tests::ProcessResult result = lint(render_junit(comparison, {.name = "gate <&>"}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
  std::string bad = render_junit(mixed());
  bad.replace(bad.find("<failure"), 8, "<misstep");
  EXPECT_NE(lint(bad).exit_code, 0);
}

TEST_F(ComparisonRender, JunitCountsWhatItHolds) {
  const std::string xml = render_junit(mixed());
  const auto count = [&](const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = xml.find(part); at != std::string::npos; at = xml.find(part, at + 1)) {
      ++found;
    }
    return found;
  };
  EXPECT_EQ(count("<testcase "), 4U);
  EXPECT_EQ(count("<failure "), 2U);
  EXPECT_EQ(count("<skipped "), 1U);
  EXPECT_NE(xml.find("tests=\"4\" failures=\"2\" errors=\"0\" skipped=\"1\""), std::string::npos);
  EXPECT_NE(render_junit(invalid()).find("10 of 40 samples missing"), std::string::npos);
}

TEST_F(ComparisonRender, MarkdownStaysUnderItsLimit) {
  const Comparison comparison = mixed(true);
  for (const std::size_t most : {4096UL, 10'000UL, kCommentBytes}) {
    const std::string text =
        render_markdown(comparison, {.most_changes = 100'000, .most_bytes = most});
    EXPECT_LE(text.size(), most);
    EXPECT_EQ(valid_utf8(text), text);
    EXPECT_NE(text.find("REGRESSION in 2 of 4 sets"), std::string::npos);
  }
  // Thousands of sets: the gravest are those that stay.
  Comparison many = mixed();
  const SetComparison pass = many.sets[0];
  many.sets.insert(many.sets.begin(), 8'000, pass);
  const std::string text = render_markdown(many);
  EXPECT_LE(text.size(), kSummaryBytes);
  EXPECT_NE(text.find("| logic:original | regression |"), std::string::npos);
  EXPECT_NE(text.find(" more sets"), std::string::npos);
}

TEST_F(ComparisonRender, NothingHostileIsInterpreted) {
  const Comparison comparison = mixed(true);
  const std::string markdown = render_markdown(comparison);
  // Outside code blocks no tag but our own, no mention, no second marker.
  std::istringstream lines(markdown);
  std::string line;
  std::string fence;
  bool first = true;
  while (std::getline(lines, line)) {
    const std::size_t ticks = std::min(line.find_first_not_of('`'), line.size());
    if (fence.empty() && ticks >= 3) {
      fence = line.substr(0, ticks);
    } else if (!fence.empty() && line == fence) {
      fence.clear();
    } else if (fence.empty() && !first) {
      EXPECT_EQ(line.find("<script"), std::string::npos) << line;
      EXPECT_EQ(line.find("<img"), std::string::npos) << line;
      EXPECT_EQ(line.find("<!--"), std::string::npos) << line;
      EXPECT_EQ(line.find(" @all"), std::string::npos) << line;
    }
    first = false;
  }
  EXPECT_EQ(fence, "");
  for (const std::string& text : {markdown, render_text(comparison)}) {
    EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
    }));
    EXPECT_EQ(valid_utf8(text), text);
    EXPECT_EQ(text.find("\u202e"), std::string::npos);
  }
}

TEST_F(ComparisonRender, InvalidSaysWhy) {
  for (const std::string& text : {render_text(invalid()), render_markdown(invalid())}) {
    EXPECT_NE(text.find("INVALID: candidate: t/original: 10 of 40 samples missing"),
              std::string::npos)
        << text;
  }
}

TEST_F(ComparisonRender, SameComparisonSameBytes) {
  EXPECT_EQ(render_json(mixed()), render_json(mixed()));
  EXPECT_EQ(render_markdown(mixed()), render_markdown(mixed()));
}

TEST(EscapeXml, Cases) {
  EXPECT_EQ(escape_xml("a<b>&\"'\n\t"), "a&#60;b&#62;&#38;&#34;&#39;&#10;&#9;");
  EXPECT_EQ(escape_xml("\x01\x1b\xff\uffff日"), "\ufffd\ufffd\ufffd\ufffd日");
  EXPECT_EQ(escape_block("a\\b\n\tc\x1b\u202e"), "a\\b\n\tc\\x1b\\u{202e}");
}

}  // namespace
}  // namespace moebius::reports
