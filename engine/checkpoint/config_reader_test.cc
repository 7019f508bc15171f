// Each getter: what it takes, what it refuses and in which words.
#include "engine/checkpoint/config_reader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "tests/support/error_text.h"

namespace moebius::engine {
namespace {

using tests::error_text;

constexpr const char* kConfig = R"({
  "hidden_size": 7168, "layers": 61.0, "half": 0.5, "part": 1.5, "word": "abc", "none": null,
  "yes": true, "list": [1, 2.0, -3], "mixed": [1, "x"], "names": ["a", "b"],
  "huge": 9223372036854775808, "beyond": 100000000000000000000, "minus": -9223372036854775808,
  "rope": {"factor": 40, "deep": {"x": "y"}}, "wide": 1e300, "odd": 9007199254740994.0
})";

ConfigReader reader() {
  return {kConfig, "M/config.json"};
}

TEST(ConfigReader, Integers) {
  const ConfigReader json = reader();
  EXPECT_EQ(json.integer("hidden_size", 1, 7168), 7168);
  EXPECT_EQ(json.integer("layers", 61, 61), 61) << "a whole number written as 61.0";
  EXPECT_EQ(json.integer("minus", INT64_MIN, INT64_MAX), INT64_MIN);
  EXPECT_EQ(json.integer_or("none", 5, 0, 1), 5) << "null counts as missing";
  EXPECT_EQ(json.integer_or("absent", 5, 0, 1), 5);
  EXPECT_EQ(json.integer_or("hidden_size", 5, 0, 10000), 7168);
}

TEST(ConfigReader, IntegersOfAnotherKindAreRefused) {
  const std::string expected = ": expected an integer in 1..100, found ";
  const std::pair<const char*, const char*> cases[] = {
      {"hidden_size", "7168"},
      {"half", "0.5"},
      {"part", "1.5"},
      {"word", "\"abc\""},
      {"none", "nothing"},
      {"absent", "nothing"},
      {"yes", "true"},
      {"list", "an array of 3"},
      {"rope", "an object"},
      {"huge", "9223372036854775808"},
      {"minus", "-9223372036854775808"},
  };
  for (const auto& [field, found] : cases) {
    EXPECT_EQ(error_text([&, &field = field] { reader().integer(field, 1, 100); }),
              "M/config.json: \"" + std::string(field) + "\"" + expected + found);
  }
  for (const char* field : {"huge", "beyond", "wide", "odd"}) {
    EXPECT_NE(error_text([&] { reader().integer(field, INT64_MIN, INT64_MAX); }), "") << field;
  }
  EXPECT_NE(error_text([] { reader().integer_or("word", 1, 0, 9); }), "");
}

TEST(ConfigReader, Numbers) {
  const ConfigReader json = reader();
  EXPECT_EQ(json.number("half", 0.5, 0.5), 0.5);
  EXPECT_EQ(json.number("hidden_size", 0, 1e9), 7168);
  EXPECT_EQ(json.number_or("none", 2.5, 0, 1), 2.5);
  EXPECT_EQ(error_text([] { reader().number("half", 1, 2); }),
            "M/config.json: \"half\": expected a number in 1..2, found 0.5");
  EXPECT_EQ(error_text([] { reader().number("yes", 0, 2); }),
            "M/config.json: \"yes\": expected a number in 0..2, found true");
  EXPECT_NE(error_text([] { reader().number_or("word", 1, 0, 2); }), "");
  EXPECT_NE(error_text([] { reader().number("half", NAN, NAN); }), "");
}

TEST(ConfigReader, WordsAndSwitches) {
  const ConfigReader json = reader();
  EXPECT_EQ(json.text("word"), "abc");
  EXPECT_EQ(json.text_or("none", "x"), "x");
  EXPECT_EQ(json.text_or("word", "x"), "abc");
  EXPECT_TRUE(json.boolean_or("yes", false));
  EXPECT_TRUE(json.boolean_or("none", true));
  EXPECT_TRUE(json.has("word"));
  EXPECT_FALSE(json.has("none"));
  EXPECT_FALSE(json.has("absent"));
  EXPECT_EQ(error_text([] { reader().text("yes"); }),
            "M/config.json: \"yes\": expected a string, found true");
  EXPECT_EQ(error_text([] { reader().text("absent"); }),
            "M/config.json: \"absent\": expected a string, found nothing");
  EXPECT_EQ(error_text([] { reader().boolean_or("hidden_size", false); }),
            "M/config.json: \"hidden_size\": expected true or false, found 7168");
}

TEST(ConfigReader, Lists) {
  const ConfigReader json = reader();
  EXPECT_EQ(json.integers_or("list", {}), (std::vector<std::int64_t>{1, 2, -3}));
  EXPECT_EQ(json.integers_or("hidden_size", {}), (std::vector<std::int64_t>{7168}));
  EXPECT_EQ(json.integers_or("none", {4}), (std::vector<std::int64_t>{4}));
  EXPECT_EQ(json.numbers_or("list", {}), (std::vector<double>{1, 2, -3}));
  EXPECT_EQ(json.numbers_or("absent", {0.5}), (std::vector<double>{0.5}));
  EXPECT_EQ(json.texts_or("names", {}), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(json.texts_or("none", {"z"}), (std::vector<std::string>{"z"}));
  EXPECT_NE(error_text([] { reader().integers_or("mixed", {}); }), "");
  EXPECT_NE(error_text([] { reader().integers_or("word", {}); }), "");
  EXPECT_NE(error_text([] { reader().numbers_or("mixed", {}); }), "");
  EXPECT_NE(error_text([] { reader().numbers_or("half", {}); }), "");
  EXPECT_NE(error_text([] { reader().texts_or("mixed", {}); }), "");
  EXPECT_EQ(error_text([] { reader().texts_or("word", {}); }),
            "M/config.json: \"word\": expected an array of strings, found \"abc\"");
}

TEST(ConfigReader, ObjectsOutliveTheirParent) {
  std::optional<ConfigReader> deep;
  {
    const ConfigReader json = reader();
    EXPECT_FALSE(json.object("none"));
    EXPECT_FALSE(json.object("absent"));
    const auto rope = json.object("rope");
    ASSERT_TRUE(rope);
    EXPECT_EQ(rope->where(), "M/config.json: rope");
    EXPECT_EQ(rope->integer("factor", 0, 100), 40);
    deep = rope->object("deep");
  }
  ASSERT_TRUE(deep);
  EXPECT_EQ(deep->text("x"), "y");
  EXPECT_EQ(error_text([&] { deep->integer("x", 0, 1); }),
            "M/config.json: rope.deep: \"x\": expected an integer in 0..1, found \"y\"");
  EXPECT_EQ(error_text([] { reader().object("list"); }),
            "M/config.json: \"list\": expected an object, found an array of 3");
}

std::string nested(int depth) {  // objects, the outermost included
  std::string text;
  for (int i = 1; i < depth; ++i) text += R"({"a":)";
  text += "{}";
  return text + std::string(depth - 1, '}');
}

TEST(ConfigReader, RefusesTextThatIsNoConfig) {
  const std::string surrogate = R"({"a": "\ud800"})";
  const std::pair<std::string, std::string> cases[] = {
      {"", "line 1, column 1: not JSON: "},
      {"[1]", "expected a JSON object, found an array of 1"},
      {"3", "expected a JSON object, found 3"},
      {"{\n  \"a\": 1,\n}", "line 3, column 1: not JSON: "},
      {"{\"a\": nul}", "line 1, column 10: not JSON: "},
      {"{\n \"a\": NaN}", "line 2, column 7: expected a finite number, found NaN"},
      {"{\"a\": Infinity}", "line 1, column 7: expected a finite number, found Infinity"},
      {"{\"a\": -Infinity}", "line 1, column 8: expected a finite number, found Infinity"},
      {"{\"a\": 1e999}", "line 1, column 11: not JSON: number overflow parsing '1e999'"},
      {"{\"a\": 1, \"a\": 2}", "key \"a\" appears twice in one object"},
      {"{\"b\": {\"a\": 1, \"a\": 2}}", "key \"a\" appears twice in one object"},
      {"{} {}", "line 1, column 4: not JSON: "},
      {std::string("{}\0{", 4), "line 1, column 3: expected JSON, found a NUL byte"},
      {"{\"a\": \"\xff\"}", "not JSON: "},
      {"{\"a\": \"\n\"}", "not JSON: "},
      {surrogate, "not JSON: "},
      {"{\"a\": 01}", "not JSON: "},
      {"{\"a\": +1}", "not JSON: "},
      {"{'a': 1}", "not JSON: "},
      {"{\"a\": 1 // x\n}", "not JSON: "},
      {nested(65), "expected JSON nested at most 64 deep, found more"},
      {std::string(1 << 20, '['), "expected JSON nested at most 64 deep, found more"},
  };
  for (const auto& [text, message] : cases) {
    const std::string got = error_text([&, &text = text] { ConfigReader(text, "M/config.json"); });
    EXPECT_TRUE(got.starts_with("M/config.json: ")) << got;
    EXPECT_NE(got.find(message), std::string::npos) << got << "\nwanted: " << message;
    EXPECT_LT(got.size(), 400U) << "messages stay short";
  }
  EXPECT_TRUE(ConfigReader(nested(64), "x").has("a"));
  EXPECT_EQ(
      ConfigReader("{\"a\": {\"k\": 1}, \"b\": {\"k\": 2}}", "x").object("b")->integer("k", 0, 9),
      2)
      << "a key may come again in another object";
}

TEST(ConfigReader, MessagesArePrintableAndShort) {
  const std::string evil = "{\"a\": \"x\\n\\u0007\xc3\xa9" + std::string(5000, 'y') + "\"}";
  const std::string got =
      error_text([&] { ConfigReader(evil, "M/config.json").integer("a", 0, 1); });
  EXPECT_TRUE(
      got.starts_with("M/config.json: \"a\": expected an integer in 0..1, found "
                      "\"x\\x0a\\x07\\xc3\\xa9yyy"))
      << got;
  EXPECT_LT(got.size(), 200U);
}

}  // namespace
}  // namespace moebius::engine
