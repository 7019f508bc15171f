// Extractors: tables of small responses, then any bytes at any length.
#include "scorers/math/extract.h"

#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "scorers/scorer.h"
#include "scorers/text/unicode.h"
#include "tests/support/sanitized.h"

namespace moebius::scorers {
namespace {

constexpr char kNone[] = "(none)";

std::string answer(const char* extractor, std::string_view response) {
  auto [text, found] = extract(extractor, response);
  return found ? text : kNone;
}

struct Case {
  const char* extractor;
  const char* response;
  const char* answer;
};

TEST(Extract, Table) {
  const Case cases[] = {
      {"boxed", "\\boxed{1} then \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"},
      {"boxed", "\\boxed{1} then \\boxed{2", kNone},
      {"boxed", "\\fbox{1}", kNone},
      {"boxed", "\\boxed 5", kNone},
      {"boxed", "none", kNone},
      {"lm-eval-boxed", "\\boxed 5$ and \\boxed{6}", "5"},
      {"lm-eval-boxed", "\\boxed{6}", "6"},
      {"lm-eval-hendrycks", "so $a$ or $b$.", "a$ or $b"},
      {"lm-eval-hendrycks", "one $ only", "one $ only"},
      {"lm-eval-aime", "$12$ \\boxed{25}", "25"},
      {"lm-eval-aime", "$12$ \\fbox{25}", "12"},
      {"minerva", "Final Answer: The final answer is $3$. I hope it is correct.", "$3$"},
      {"minerva", "Final Answer: The final answer is $3$.", kNone},
      {"minerva", "Final Answer: The final answer is 7. ", "7"},
      {"deepseek-math", "\\boxed{1} and \\boxed{2}", "1, 2"},
      {"deepseek-math", "\\boxed{1\\text{ and }2}", "1, 2"},
      {"deepseek-math", "\\boxed{5}%", "5}"},
      {"deepseek-math", "The answer is: 1/2.", "\\frac{1}{2}"},
      {"deepseek-math", "```output\n42\n```\n7", "42"},
      {"deepseek-math", "we get 1,234.5 apples", "1234.5"},
      {"deepseek-math", "nothing", kNone},
      {"qwen2.5-math", "\\boxed{12 \\text{ cm}}", "12"},
      {"qwen2.5-math", "boxed 3$ left", "3"},
      {"qwen2.5-math", "答案是 8\n\n因为", "8"},
      {"qwen2.5-math", "nothing", kNone},
      {"simple-evals-math", "Answer: 3\n", "3"},
      {"simple-evals-mmlu", "Answer: C", "C"},
      {"simple-evals-multichoice", "Answer: $C$", "C"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(answer(c.extractor, c.response), c.answer) << c.extractor << ": " << c.response;
  }
}

TEST(Extract, IntegersOfAime) {
  const std::pair<const char*, const char*> cases[] = {
      {"\\boxed{025}", "25"},
      {"\\boxed{1\\,024} or 7", "1024"},
      {"\\boxed{1{,}024}", "1024"},
      {"\\boxed{m+n = 113}", "113"},
      {"\\boxed{\\textbf{(033)}}", "33"},
      {"\\boxed{\\boxed{9}}", "9"},
      {"\\boxed{12} \\boxed{x}", "12"},
      {"\\boxed{\\frac{3}{4}}, so 3+4=7.", "7"},
      {"about 3.14, that is 204 of 1,000", "1000"},
      {"it is 204, 3.5", "204"},
      {"000", "0"},
      {"$-5$", "-5"},
      {"10-5", "5"},
      {"\\boxed{5", "5"},
      {"none", kNone},
  };
  for (const auto& [response, integer] : cases)
    EXPECT_EQ(answer("aime", response), integer) << response;
}

TEST(Extract, NumbersAsPythonsRegexFindsThem) {
  const std::pair<const char*, const char*> cases[] = {
      {"1-2", "-2"}, {"12.5.7", ".7"}, {"5.", "5"}, {"-.5", "-.5"}, {"--3", "-3"}, {"1.2-", "1.2"}};
  for (const auto& [s, number] : cases) EXPECT_EQ(math::last_number(s).value_or(""), number) << s;
  EXPECT_FALSE(math::last_number("-."));
}

TEST(Extract, UnknownNamesListTheKnown) {
  try {
    extract("nobody", "1");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("lm-eval-aime"), std::string::npos);
  }
  EXPECT_THROW(extractor_version("nobody"), Error);
  for (const char* name : extractor_names()) EXPECT_GE(extractor_version(name), 1);
}

std::string random_response(std::mt19937& random) {
  static constexpr const char* kPieces[] = {"\\boxed",     "{",         "}",
                                            "$",           "Answer:",   "The final answer is ",
                                            ". I hope it", "\\fbox{",   "boxed{",
                                            "\n",          " ",         "12",
                                            "-3.5",        "```output", "\\text{ and }",
                                            "\xFF",        "\xE2\x82",  "é",
                                            ",",           "%",         "<think>",
                                            "\\frac",      "\\sqrt"};
  std::string s;
  for (auto n = random() % 30; n > 0; --n) s += kPieces[random() % std::size(kPieces)];
  return s;
}

TEST(ExtractProperty, AnyBytesGiveValidTextNoLongerThanTwiceTheRepairedResponse) {
  std::mt19937 random(11);
  for (int round = 0; round < 1500; ++round) {
    const std::string response = random_response(random);
    for (const char* name : extractor_names()) {
      const auto [text, found] = extract(name, response);
      EXPECT_TRUE(text::is_valid(text)) << name;
      EXPECT_LE(text.size(), 2 * text::valid(response).size() + 64) << name;
    }
  }
}

/// Processor seconds, so that a busy machine does not fail the test.
double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

TEST(ExtractProperty, TenMegabytesTakeSeconds) {
  constexpr std::size_t kLong = tests::kSanitized ? 1U << 20 : 10U << 20;
  for (const char* piece : {"\\boxed{", "\\boxed{1}", "\xFF"}) {
    std::string response;
    while (response.size() < kLong) response += piece;
    for (const char* name : extractor_names()) {
      const double start = cpu_seconds();
      extract(name, response);
      EXPECT_LT(cpu_seconds() - start, 30) << name << " on " << piece;
    }
  }
}

}  // namespace
}  // namespace moebius::scorers
