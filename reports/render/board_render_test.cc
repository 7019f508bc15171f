// Leaderboards and gates of several baselines against committed files, schemas and hostile text.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "reports/gate.h"
#include "reports/leaderboard.h"
#include "reports/render/escape.h"
#include "reports/render/json_schema.h"
#include "reports/store/made_up_store.h"

namespace moebius::reports {
namespace {

using cases::first_wrong;
using nlohmann::json;

const std::string kHostileName =
    "=1+1 \x1b[31m|`*_<img src=x onerror=y>&@all\n\"quoted\",\\ \xff \u202e rtl \u200b";

std::string board_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void expect_board_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(GOLDEN_DIR) + "/" + name;
  if (std::getenv("MOEBIUS_WRITE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
  EXPECT_EQ(text, board_file(path)) << "MOEBIUS_WRITE_GOLDEN=1 board_render_test accepts it";
}

class BoardRender : public testing::Test {
 protected:
  void add(const std::string& model, const std::string& day, const std::vector<cases::MadeUp>& made,
           std::optional<RemoteUse> remote = {}) {
    auto run = store_.add_run(made);
    run.model = model;
    run.started = "2026-01-" + day + "T03:04:05Z";
    run.remote = std::move(remote);
    sources_.push_back({&store_, run, model == "small" ? "b.sqlite" : "a.sqlite"});
  }

  /// Three runs that share a board, one that does not, one that is not whole; dates and subjects.
  Leaderboard board() {
    const auto dated = [](Sample& s) {
      s.item.tags =
          s.item.position % 2 == 0 ? R"({"date":"2024-04-01"})" : R"({"date":"2024-06-01"})";
      s.item.stratum = "stratum " + std::to_string(s.item.position % 4);
      s.output_tokens = 20 + static_cast<std::int32_t>(s.item.position % 5);
    };
    const auto weak = [](int i, int) { return i % 8 == 3 ? 0.0 : 1.0; };
    const RemoteUse priced{.dialect = "openai",
                           .endpoint = "https://host/v1",
                           .model = "large",
                           .models = {{"large-2", 800}},
                           .answers = 800,
                           .attempts = 801,
                           .price_in = 1,
                           .price_out = 4,
                           .cost = 1.25,
                           .currency = "USD"};
    add("small", "02", {{.items = 400, .value = first_wrong(90), .change = dated}});
    add("small", "09", {{.items = 400, .value = first_wrong(40), .change = dated}});
    add("large", "03",
        {{.items = 400, .value = weak, .change = dated},
         {.items = 400, .value = first_wrong(4), .change = dated, .task = "u"}},
        priced);
    add(kHostileName, "04", {{.items = 300, .value = first_wrong(10)}});
    add("cut", "05", {{.items = 400, .value = first_wrong(10), .written = 100}});
    Leaderboard made = make_leaderboard(sources_);
    for (BoardRun& run : made.runs) ++run.summary.run.id;  // stores count from 1
    return made;
  }

  cases::MadeUpStore store_;
  std::vector<BoardSource> sources_;
};

TEST_F(BoardRender, Golden) {
  const Leaderboard made = board();
  expect_board_golden("board.txt", render_text(made));
  expect_board_golden("board.md", render_markdown(made));
  expect_board_golden("board.csv", render_csv(made));
  expect_board_golden("history.txt", render_history_text(made));
  expect_board_golden("history.md", render_history_markdown(made));
  expect_board_golden("lm_eval.md", render_lm_eval(made));
}

TEST_F(BoardRender, JsonConformsToTheReportsSchema) {
  const cases::JsonSchema schema(json::parse(board_file(SCHEMA_DIR "/report.schema.json")));
  json report = json::parse(render_json(board()));
  EXPECT_EQ(schema.check(report), "");
  const json& entries = report["leaderboard"]["boards"][0]["entries"];
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(entries[0]["rank"]["best"], 1);
  EXPECT_TRUE(entries[3]["rank"].is_null());
  EXPECT_EQ(entries[0]["subjects"].size(), 4U);
  report["leaderboard"]["boards"][0]["entries"][0].erase("rank");
  EXPECT_EQ(schema.check(report), "$.leaderboard.boards[0].entries[0]: no rank");
}

TEST_F(BoardRender, TextIsHarmless) {
  const Leaderboard made = board();
  for (const std::string& text : {render_text(made), render_markdown(made), render_lm_eval(made),
                                  render_history_text(made), render_history_markdown(made)}) {
    EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f;
    }));
    EXPECT_EQ(valid_utf8(text), text);
    EXPECT_EQ(text.find("\u202e"), std::string::npos);
  }
  EXPECT_EQ(render_markdown(made).find("<img"), std::string::npos);
}

TEST_F(BoardRender, EveryLineOfTheCsvHasItsFields) {
  std::istringstream lines(render_csv(board()));
  std::string line;
  std::getline(lines, line);
  const auto commas = std::count(line.begin(), line.end(), ',');
  EXPECT_EQ(commas, 39);
  std::size_t headlines = 0;
  while (std::getline(lines, line)) {
    if (line.find("img src") != std::string::npos) continue;  // quoted commas and line breaks
    if (line.find("rtl") != std::string::npos) continue;
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), commas) << line;
    headlines += line.find(".sqlite,") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(headlines, 5U);
}

/// A candidate that lost 20 of 400 against one baseline, and nothing against the other.
class SeveralBaselines : public testing::Test {
 protected:
  GateResult gate(const CompareOptions& options = {.margin = 0.02}) {
    const auto candidate = store_.add_run({{400, first_wrong(40)}});
    std::vector<Baseline> baselines;
    for (const int lost : {40, 10}) {
      const auto base = store_.add_run({{400, first_wrong(lost)}});
      const std::string name = lost == 40 ? "main" : "release|`x`\n";
      baselines.push_back({name, compare(store_, base, store_, candidate, options)});
    }
    return decide_together(std::move(baselines));
  }

  cases::MadeUpStore store_;
};

TEST_F(SeveralBaselines, PassesOnlyIfAllPass) {
  const GateResult got = gate();
  EXPECT_EQ(got.baselines[0].comparison.verdict, Verdict::kPass);
  EXPECT_EQ(got.baselines[1].comparison.verdict, Verdict::kRegression);
  EXPECT_EQ(got.verdict, Verdict::kRegression);
  EXPECT_EQ(gate({.margin = 0.2}).verdict, Verdict::kPass);
  EXPECT_EQ(decide_together({}).verdict, Verdict::kInvalid);
}

TEST_F(SeveralBaselines, RegressionsAreCorrectedOverAll) {
  const GateResult got = gate();
  const SetComparison& set = got.baselines[1].comparison.sets.at(0);
  EXPECT_DOUBLE_EQ(set.regression_p, 2 * set.own_regression_p);  // of two sets
  // Where one alone would be a regression at 5 %, two are not.
  Comparison close = got.baselines[1].comparison;
  close.sets[0].own_regression_p = 0.03;
  Comparison other = got.baselines[0].comparison;
  const GateResult two = decide_together({{"a", close}, {"b", other}});
  EXPECT_EQ(two.baselines[0].comparison.verdict, Verdict::kInconclusive);
}

TEST_F(SeveralBaselines, RendersAll) {
  const GateResult got = gate();
  const std::string text = render_text(got);
  EXPECT_EQ(text.rfind("REGRESSION against 1 of 2 baselines\n", 0), 0U) << text;
  EXPECT_NE(text.find("==== baseline release|`x`\\n ===="), std::string::npos) << text;
  const std::string markdown = render_markdown(got, {.name = "gate"});
  EXPECT_EQ(markdown.rfind("<!-- moebius:gate -->\n## REGRESSION", 0), 0U) << markdown;
  EXPECT_EQ(markdown.find("<!--", 1), std::string::npos);  // one comment is one
  EXPECT_LE(render_markdown(got, {.most_changes = 400, .most_bytes = 10'000}).size(), 10'000U);
  const json report = json::parse(render_json(got));
  const cases::JsonSchema schema(json::parse(board_file(SCHEMA_DIR "/gate.schema.json")));
  EXPECT_EQ(schema.check(report), "");
  EXPECT_EQ(report["baselines"][1]["name"], "release|`x`\n");
  const std::string junit = render_junit(got, {.name = "gate"});
  EXPECT_NE(junit.find("<testsuites name=\"moebius gate\" tests=\"2\" failures=\"1\""),
            std::string::npos)
      << junit;
  // One alone is as it always was.
  const GateResult one = decide_together({got.baselines[0]});
  EXPECT_EQ(render_text(one), render_text(got.baselines[0].comparison));
  EXPECT_EQ(render_json(one), render_json(got.baselines[0].comparison));
  EXPECT_EQ(render_markdown(one), render_markdown(got.baselines[0].comparison));
}

}  // namespace
}  // namespace moebius::reports
