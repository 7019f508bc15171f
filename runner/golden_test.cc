// Golden files: both layouts are read, and nothing hostile gets through.
#include "runner/golden.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "runner/input.h"

namespace moebius::runner {
namespace {

using nlohmann::json;

json a_case() {
  return json::parse(R"({"input_ids": [1, 2], "logits_last": [0.5, 1, -2],
    "top5_ids": [[2, 1], [0, 1]], "top5_logprobs": [[-0.1, -2], [-0.2, -0.3]],
    "next_token_logprobs": [-0.25], "hidden_l2": [[1, 2], [3, 4]],
    "routed_experts": {"1": [[3, 1], [0, 2]]}, "greedy_16": [2, 2]})");
}

json a_prompt() {
  return json::parse(R"({"benchmark": "math", "prompt": "text", "input_ids": [1, 2],
    "last_logits": [0.5, 1, -2], "argmax_per_position": [2, 0],
    "hidden_norms": {"order": "x", "values": [[1, 2], [3, 4], [5, 6]]},
    "experts": [[[3, 1], [0, 2]]], "expert_weights": [], "greedy_ids": [2]})");
}

Golden parse(const json& item, const char* list) {
  return parse_golden(json{{list, {item}}}.dump(), "g.json");
}

TEST(Golden, Cases) {
  const Golden golden = parse(a_case(), "cases");
  ASSERT_EQ(golden.cases.size(), 1U);
  const GoldenCase& first = golden.cases[0];
  EXPECT_EQ(first.ids, (std::vector<std::int32_t>{1, 2}));
  EXPECT_EQ(first.next_logprobs, std::vector<double>{-0.25});
  EXPECT_EQ(first.top_ids[1], (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(first.top_logprobs[1][1], -0.3);
  EXPECT_EQ(first.hidden_positions, (std::vector<std::int64_t>{0, 1}));
  EXPECT_FALSE(first.final_norm_apart);
  ASSERT_EQ(first.routing.size(), 1U);
  EXPECT_EQ(first.routing[0].layer, 1);
  EXPECT_FALSE(first.routing[0].among_mixtures);
  EXPECT_EQ(first.routing[0].experts[0], (std::vector<std::int32_t>{1, 3}));  // ascending
  EXPECT_EQ(first.greedy.size(), 2U);
}

TEST(Golden, Prompts) {
  const Golden golden = parse(a_prompt(), "prompts");
  ASSERT_EQ(golden.cases.size(), 1U);
  const GoldenCase& first = golden.cases[0];
  EXPECT_EQ(first.text, "text");
  EXPECT_EQ(first.top_ids[0], std::vector<std::int32_t>{2});
  EXPECT_TRUE(first.top_logprobs.empty());
  EXPECT_TRUE(first.final_norm_apart);
  EXPECT_EQ(first.hidden_l2.size(), 3U);
  EXPECT_TRUE(first.routing[0].among_mixtures);
  EXPECT_EQ(first.routing[0].experts[0], (std::vector<std::int32_t>{1, 3}));
}

/// Takes away each field in turn, and puts each kind of wrong value in its place.
void expect_every_field_checked(const json& item, const char* list,
                                const std::vector<std::string>& optional) {
  for (const auto& [name, value] : item.items()) {
    if (std::find(optional.begin(), optional.end(), name) != optional.end()) continue;
    json missing = item;
    missing.erase(name);
    EXPECT_THROW(parse(missing, list), InputError) << "without " << name;
    for (const json& wrong : {json(7), json("x"), json(true), json(nullptr), json({{"a", 1}}),
                              json::array({"x"}), json::array({json::array({json::array()})})}) {
      if (wrong.is_string() && value.is_string()) continue;
      json changed = item;
      changed[name] = wrong;
      EXPECT_THROW(parse(changed, list), InputError) << name << " = " << wrong;
    }
  }
}

TEST(Golden, EveryFieldIsChecked) {
  expect_every_field_checked(a_case(), "cases", {"greedy_16"});
  expect_every_field_checked(a_prompt(), "prompts", {"expert_weights"});
}

TEST(Golden, LengthsMustAgree) {
  const auto change = [](const char* pointer, const json& value) {
    json item = a_case();
    item[json::json_pointer(pointer)] = value;
    return item;
  };
  EXPECT_THROW(parse(change("/input_ids", json::array()), "cases"), InputError);
  EXPECT_THROW(parse(change("/input_ids", {1, 2, 3}), "cases"), InputError);
  EXPECT_THROW(parse(change("/next_token_logprobs", {-1, -1}), "cases"), InputError);
  EXPECT_THROW(parse(change("/top5_logprobs/0", json::array({-1})), "cases"), InputError);
  EXPECT_THROW(parse(change("/top5_ids/0", json::array()), "cases"), InputError);
  EXPECT_THROW(parse(change("/hidden_l2/1", {1, 2, 3}), "cases"), InputError);
  EXPECT_THROW(parse(change("/routed_experts/1", json::array()), "cases"), InputError);
  EXPECT_THROW(parse(change("/routed_experts/x", json::array()), "cases"), InputError);
  EXPECT_THROW(parse(change("/greedy_16", json::array({-1})), "cases"), InputError);
}

TEST(Golden, EmptyOrStrangeFiles) {
  for (const char* bad : {"", "[]", "{}", "{\"cases\": []}", "{\"cases\": {}}", "{\"cases\": [1]}",
                          "{\"cases\": [], \"prompts\": []}", "{\"cases\": [], \"source\": 1}"}) {
    EXPECT_THROW(parse_golden(bad, "g.json"), InputError) << bad;
  }
}

/// Every prefix of a file, and every byte of it changed, is either read or refused in one line.
TEST(Golden, DamagedBytesNeverEscape) {
  const std::string whole = json{{"cases", {a_case()}}}.dump();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x5A);
    for (const std::string& text : {whole.substr(0, i), changed}) {
      try {
        parse_golden(text, "g.json");
      } catch (const InputError& error) {
        EXPECT_EQ(std::string(error.what()).rfind("g.json", 0), 0U) << error.what();
      }
    }
  }
}

TEST(Golden, RecordedFilesAreRead) {
  const char* shared = std::getenv("MOEBIUS_SHARED");
  if (shared == nullptr || *shared == '\0') GTEST_SKIP() << "MOEBIUS_SHARED is not set";
  const std::filesystem::path root(shared);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root / "goldens")) {
    if (!entry.is_directory()) continue;
    EXPECT_EQ(read_golden(entry.path() / "golden.json").cases.size(), 5U) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 10);
  EXPECT_EQ(read_golden(root / "tiny_model/golden.json").cases.size(), 12U);
}

}  // namespace
}  // namespace moebius::runner
