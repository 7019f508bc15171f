// moebius eval --shard and runs merge, end to end on the embedded model.
#include <gtest/gtest.h>

#include "tests/e2e/eval.h"

namespace moebius::tests {
namespace {

using nlohmann::json;

class ShardCli : public EvalTest {
 protected:
  ShardCli() : EvalTest({"--threads", "2"}) {}

  /// 25 samples, most of them drawn, of answers that are cut short.
  static std::vector<std::string> small(const std::vector<std::string>& more = {}) {
    std::vector<std::string> command = {"--tasks",
                                        "mini-mmlu,mini-math,mini-aime",
                                        "--limit",
                                        "5",
                                        "--repeats",
                                        "2",
                                        "--temperature",
                                        "0.7",
                                        "--max-new-tokens",
                                        "40",
                                        "--json"};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  ProcessResult shard(int index, int count, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command = small(more);
    command.insert(command.end(), {"--shard", std::to_string(index) + "/" + std::to_string(count)});
    return moebius(eval(command, name(index)));
  }

  static std::string name(int index) { return "shard" + std::to_string(index) + ".sqlite"; }

  ProcessResult merge(int first, int last) const {
    std::vector<std::string> command = {"runs", "merge", "--json", directory_.file("all.sqlite")};
    for (int i = first; i <= last; ++i) command.push_back(directory_.file(name(i)));
    return moebius(command);
  }
};

TEST_F(ShardCli, SixteenShardsMergedEqualTheSingleRun) {
  constexpr int kShards = 16;
  ASSERT_EQ(moebius(eval(small(), "whole.sqlite")).exit_code, 0);
  for (int i = 1; i <= kShards; ++i) {
    const ProcessResult result = shard(i, kShards);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const json report = json::parse(result.out);
    EXPECT_EQ(report["runs"][0]["run"]["shard"]["index"], i);
    for (const json& row : report["runs"][0]["rows"]) {
      EXPECT_EQ(row["part"].get<std::string>().rfind("shard " + std::to_string(i) + "/16", 0), 0U);
    }
  }
  const ProcessResult part = merge(2, kShards);
  EXPECT_EQ(part.exit_code, 4) << part.err;
  EXPECT_NE(part.err.find("shards missing: 1/16\n"), std::string::npos) << part.err;
  const std::string all = directory_.file("all.sqlite");
  const json listed = json_lines(moebius({"runs", "list", "--json", "--store", all}))[0]["shards"];
  EXPECT_EQ(listed["merged"], "15 of 16");
  EXPECT_EQ(listed["missing"], json({"1/16"}));
  EXPECT_NE(moebius({"runs", "list", "--store", all}).out.find("15 of 16"), std::string::npos);
  EXPECT_NE(moebius({"runs", "show", "last", "--store", all}).out.find("shards missing: 1/16\n"),
            std::string::npos);

  const ProcessResult whole = merge(1, kShards);
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_EQ(samples("all.sqlite"), samples("whole.sqlite"));
  const ProcessResult again = merge(1, kShards);
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(json::parse(again.out)["added"], 0);

  // What the ordinary command would ask is there, and its report is the same.
  const ProcessResult rest = moebius(eval(small(), "all.sqlite"));
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_NE(rest.err.find("25 samples are there already"), std::string::npos) << rest.err;
  const ProcessResult single = moebius(eval(small(), "whole.sqlite"));
  const auto scores = [](const ProcessResult& result) {
    json rows = json::parse(result.out)["runs"][0]["rows"];
    for (json& row : rows) row.erase("mean_latency_ms");
    return rows;
  };
  EXPECT_EQ(scores(rest), scores(single));
}

TEST_F(ShardCli, TheOrdinaryCommandAsksWhatIsMissing) {
  ASSERT_EQ(moebius(eval(small(), "whole.sqlite")).exit_code, 0);
  ASSERT_EQ(shard(2, 3).exit_code, 0);
  EXPECT_EQ(merge(2, 2).exit_code, 4);
  ASSERT_EQ(moebius(eval(small(), "all.sqlite")).exit_code, 0);
  EXPECT_EQ(samples("all.sqlite"), samples("whole.sqlite"));
}

TEST_F(ShardCli, ListsSayThatARunIsAShard) {
  ASSERT_EQ(shard(1, 3).exit_code, 0);
  const std::string store = directory_.file(name(1));
  EXPECT_NE(moebius({"runs", "list", "--store", store}).out.find("1/3"), std::string::npos);
  EXPECT_EQ(json_lines(moebius({"runs", "list", "--json", "--store", store}))[0]["shard"]["count"],
            3);
  EXPECT_NE(moebius({"runs", "show", "last", "--store", store}).out.find("shard 1/3"),
            std::string::npos);
  EXPECT_NE(moebius({"report", "--store", store}).out.find("SHARD 1 of 3"), std::string::npos);
}

TEST_F(ShardCli, BadInput) {
  for (const char* bad : {"0/3", "4/3", "x", "1/", "1/0"}) {
    expect_refused(moebius(eval(small({"--shard", bad}), "a.sqlite")), "--shard");
  }
  ASSERT_EQ(shard(1, 2).exit_code, 0);
  ASSERT_EQ(shard(2, 2, {"--seed", "7"}).exit_code, 0);
  expect_refused(merge(1, 2), "seed '7'");
  expect_refused(merge(3, 3), name(3) + ": no such store");
  directory_.write(name(4), "this is no database, but it is longer than nothing");
  expect_refused(merge(4, 4), name(4) + ": file is not a database");
  directory_.write(name(5), "");
  expect_refused(merge(5, 5), name(5) + ": empty");
  ASSERT_EQ(moebius(eval(small(), name(6))).exit_code, 0);
  expect_refused(merge(6, 6), "is not a shard");
}

}  // namespace
}  // namespace moebius::tests
