// Renderers against committed files, the schema, and hostile text.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "reports/render/escape.h"
#include "reports/render/json_schema.h"
#include "reports/store.h"
#include "reports/store/sample_cases.h"

namespace moebius::reports {
namespace {

using nlohmann::json;

// Everything a terminal, Markdown, HTML, CSV and JSON could stumble over, and invalid UTF-8.
const std::string kHostile =
    "=1+1 \x1b[31m|`*_<img src=x onerror=y>&@all\n\"quoted\",\\ \xff \u202e rtl \u200b";

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Row plain_row() {
  return {.task = "mmlu",
          .variant = "original",
          .metric = "accuracy",
          .scorer = "choice",
          .scorer_version = 1,
          .items = 14042,
          .samples = 14042,
          .planned = 14042,
          .value = 0.71234,
          .stderr_total = 0.0038,
          .interval = Interval{0.70812, 0.71651},
          .interval_method = "clustered t",
          .truncated = 0.0,
          .no_answer = 0.00042,
          .verdicts = {{"pass", 10003}, {"wrong_answer", 4039}},
          .prompt_tokens = 10123456,
          .output_tokens = 0,
          .mean_latency_ms = 12.345};
}

SetLoad routed(const std::string& task, const std::string& variant) {
  return {task,
          variant,
          {{.layer = 1, .tokens = {30, 10, 20, 20}, .routed = 80, .imbalance = 1.5, .gini = 0.1875},
           {.layer = 2,
            .tokens = {0, 0, 0, 80},
            .routed = 80,
            .imbalance = 4,
            .gini = 0.75,
            .busiest = 3,
            .idle = 3}}};
}

std::vector<Summary> two_summaries() {
  Run first = cases::run();
  first.id = 1;
  first.started = "2026-01-02T03:04:05Z";
  first.finished = "2026-01-02T04:04:05Z";
  first.state = "complete";
  Row aime{.task = "aime24",
           .variant = "r1",
           .metric = "avg@16",
           .scorer = "integer",
           .scorer_version = 2,
           .items = 30,
           .samples = 480,
           .planned = 480,
           .value = 0.5,
           .stderr_total = 0.07,
           .stderr_rerun = 0.0187,
           .interval = Interval{0.357, 0.643},
           .interval_method = "t; 2 clusters, 10 needed to cluster",
           .truncated = 0.125,
           .verdicts = {{"pass", 240}, {"wrong_answer", 240}},
           .prompt_tokens = 48000,
           .output_tokens = 5000000,
           .mean_latency_ms = 98765.4};
  Row part = plain_row();
  part.part = "humanities";
  Run second = first;
  second.id = 2;
  second.model = kHostile;
  second.environment = "no JSON";
  second.sandbox = "UNSANDBOXED";
  second.state = "incomplete";
  Row none = plain_row();
  none.task = none.part = kHostile;
  none.value = std::nullopt;
  none.interval = std::nullopt;
  none.stderr_total = std::nullopt;
  none.interval_method.clear();
  none.samples = 14000;
  none.failed = 0.031;
  return {{.run = first,
           .rows = {plain_row(), part, aime},
           .notes = {"mmlu/original: two questions left out", kHostile},
           .expert_loads = {routed("mmlu", "original"), {"aime24", kHostile, {{.layer = 2}}}}},
          {.run = second,
           .valid = false,
           .why_invalid = "infrastructure failures 3.1 % of samples, budget 1 %",
           .rows = {none}}};
}

/// Against reports/render/golden; with MOEBIUS_WRITE_GOLDEN set, writes it.
void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(GOLDEN_DIR) + "/" + name;
  if (std::getenv("MOEBIUS_WRITE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
  EXPECT_EQ(text, read_file(path)) << "MOEBIUS_WRITE_GOLDEN=1 render_test accepts it";
}

TEST(Render, Golden) {
  expect_golden("report.txt", render_text(two_summaries()));
  expect_golden("report.md", render_markdown(two_summaries()));
  expect_golden("report.csv", render_csv(two_summaries()));
  expect_golden("report.json", render_json(two_summaries()));
}

TEST(Render, JsonConformsToItsSchema) {
  const cases::JsonSchema schema(json::parse(read_file(SCHEMA_FILE)));
  const json report = json::parse(render_json(two_summaries()));
  EXPECT_EQ(schema.check(report), "");
  EXPECT_EQ(schema.check(json::parse(render_json({}))), "");
  // The check notices: something missing, something more, something of another kind.
  json bad = report;
  bad["runs"][0]["rows"][0].erase("value");
  EXPECT_EQ(schema.check(bad), "$.runs[0].rows[0]: no value");
  bad = report;
  bad["runs"][1]["run"]["colour"] = "red";
  EXPECT_EQ(schema.check(bad), "$.runs[1].run.colour: not in the schema");
  bad = report;
  bad["runs"][0]["rows"][0]["value"] = 71.2;
  EXPECT_NE(schema.check(bad), "");
  bad = report;
  bad["runs"][0]["run"]["state"] = "fine";
  EXPECT_EQ(schema.check(bad), "$.runs[0].run.state: enum");
}

TEST(Render, JsonKeepsEveryBit) {
  auto summaries = two_summaries();
  summaries[0].rows[0].value = 0.1 + 0.2;
  summaries[0].rows[0].mean_latency_ms = std::numeric_limits<double>::infinity();
  const json report = json::parse(render_json(summaries));
  EXPECT_EQ(report["runs"][0]["rows"][0]["value"].get<double>(), 0.1 + 0.2);
  EXPECT_TRUE(report["runs"][0]["rows"][0]["mean_latency_ms"].is_null());
}

TEST(Render, TextHasNoControlCharacters) {
  for (const std::string& text : {render_text(two_summaries()), render_markdown(two_summaries())}) {
    EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f;
    }));
    EXPECT_EQ(valid_utf8(text), text);
    EXPECT_EQ(text.find("\u202e"), std::string::npos);
  }
}

TEST(Render, TextColumnsLineUp) {
  std::istringstream lines(render_text({two_summaries()[0]}));
  std::string line;
  std::set<std::size_t> places;
  while (std::getline(lines, line)) {
    const std::size_t place = line.find("clustered t");
    if (place != std::string::npos) places.insert(place);
    if (line.find("interval by") != std::string::npos) places.insert(line.find("interval by"));
  }
  EXPECT_EQ(places.size(), 1U);
}

/// RFC 4180, read back.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, std::vector<std::string>(1));
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      rows.back().back() += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      rows.back().emplace_back();
    } else if (!quoted && text.compare(i, 2, "\r\n") == 0) {
      ++i;
      rows.emplace_back(1);
    } else {
      rows.back().back() += c;
    }
  }
  rows.pop_back();
  return rows;
}

TEST(Render, CsvReadsBack) {
  const auto rows = parse_csv(render_csv(two_summaries()));
  ASSERT_EQ(rows.size(), 5U);
  for (const auto& row : rows) EXPECT_EQ(row.size(), rows[0].size());
  EXPECT_EQ(rows[0][6], "task");
  EXPECT_EQ(rows[1][6], "mmlu");
  EXPECT_EQ(rows[4][6], "'" + valid_utf8(kHostile));  // not a formula
  EXPECT_EQ(rows[0][15], "value");
  EXPECT_EQ(std::stod(rows[1][15]), 0.71234);
  EXPECT_EQ(rows[4][15], "");
}

TEST(Render, LongCellsAreCut) {
  auto summaries = two_summaries();
  for (const int count : {60, 61, 5000}) {
    std::string name;
    for (int i = 0; i < count; ++i) name += "日";
    summaries[0].rows[0].task = name;
    const std::string text = render_text(summaries);
    EXPECT_EQ(text.find(name) != std::string::npos, count == 60) << count;
    EXPECT_EQ(text.find(name.substr(0, 57 * 3) + "...") != std::string::npos, count > 60) << count;
    EXPECT_EQ(valid_utf8(text), text);
  }
}

TEST(Render, NothingToRender) {
  EXPECT_EQ(render_text({}), "");
  EXPECT_EQ(render_markdown({}), "");
  EXPECT_EQ(parse_csv(render_csv({})).size(), 1U);
}

TEST(Render, ExportedSamplesAreOneLineEach) {
  SampleRow row{.id = 7, .task = "t", .variant = "v", .sample = cases::sample(1, 3)};
  row.sample.text = kHostile;
  row.sample.choices.push_back({-std::numeric_limits<double>::infinity(), 1, 1});
  row.sample.scores[0].score.tests = {{scorers::Verdict::kTimeLimit, 2, "slow"}};
  const std::string text = sample_json(row);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const json line = json::parse(text);
  EXPECT_EQ(line["item"], "question/3");
  EXPECT_EQ(line["tags"]["split"], "test");
  EXPECT_EQ(line["text"], valid_utf8(kHostile));
  EXPECT_EQ(line["choices"].size(), 5U);
  EXPECT_TRUE(line["choices"][4]["logprob"].is_null());
  EXPECT_EQ(line["scores"][0]["tests"][0]["verdict"], "time_limit");
  EXPECT_FALSE(line.contains("failure"));
  row.sample = cases::failed(1, 3);
  const json failure = json::parse(sample_json(row));
  EXPECT_EQ(failure["failure"]["kind"], "engine");
  EXPECT_FALSE(failure.contains("text"));
}

TEST(Render, DeepJsonInATextColumnStaysText) {
  SampleRow row{.sample = cases::sample(1, 3)};
  row.sample.item.tags = std::string(1'000'000, '[');
  EXPECT_TRUE(json::parse(sample_json(row))["tags"].is_string());
}

TEST(Escape, Cases) {
  EXPECT_EQ(escape_terminal("a\tb\nc\x1b\\d\x7f"), "a\\tb\\nc\\x1b\\\\d\\x7f");
  EXPECT_EQ(escape_terminal("\u2028\u00e9\u0085日"), "\\u{2028}\u00e9\\x85日");
  EXPECT_EQ(escape_terminal("\xc0\xaf\xed\xa0\x80\xf5"), "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd");
  EXPECT_EQ(escape_markdown("a|b"), "a\\|b");
  EXPECT_EQ(escape_markdown("<b>@x&"), "&#60;b&#62;&#64;x&#38;");
  EXPECT_EQ(escape_markdown("avg@16"), "avg@16");
  EXPECT_EQ(escape_csv("a,b"), "\"a,b\"");
  EXPECT_EQ(escape_csv("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(escape_csv("-x"), "'-x");
  EXPECT_EQ(escape_csv(""), "");
  EXPECT_EQ(width("日本é"), 3U);
}

}  // namespace
}  // namespace moebius::reports
