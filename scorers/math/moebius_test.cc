// The moebius grader on answers of its own, right ones and wrong ones.
#include <gtest/gtest.h>

#include "scorers/math/moebius_grader.h"

namespace moebius::scorers::math {
namespace {

struct Case {
  const char* gold;
  const char* pred;
};

TEST(Moebius, AcceptsTheSameAnswer) {
  const Case cases[] = {
      {"\\frac{3}{8}", "0.375"},
      {"2\\frac{1}{4}", "2.25"},
      {"1,500", "1500"},
      {"12\\%", "0.12"},
      {"45^\\circ", "45"},
      {"7\\text{ cm}", "7 centimeters"},
      {"\\$3.20", "3.20"},
      {"3.1\\times10^{4}", "31000"},
      {"\\{4, 7\\}", "7, 4"},
      {"(4,7)", "\\left(4, 7\\right)"},
      {"[2,\\infty)", "x \\ge 2"},
      {"(2,5)", "2 < x < 5"},
      {"(-\\infty,1)\\cup(1,\\infty)", "x \\ne 1"},
      {"y = 2x + 3", "4x - 2y + 6 = 0"},
      {"x=5", "5"},
      {"6", "n = 6"},
      {"2 \\pm \\sqrt{3}", "2-\\sqrt{3}, 2+\\sqrt{3}"},
      {"\\begin{pmatrix}1\\\\-2\\end{pmatrix}", "(1,-2)"},
      {"1101_2", "1101_{2}"},
      {"\\text{(B)}", "B"},
      {"3:5", "6:10"},
      {"\\text{no solution}", "No solution"},
      {"\\frac{\\sqrt{2}}{2}", "\\frac{1}{\\sqrt{2}}"},
      {"(x+2)(x-3)", "x^2 - x - 6"},
      {"\\cos 60^\\circ", "1/2"},
      {"3.14", "\\pi"},
      {"17", "Adding up, the total is \\boxed{17}."},
      {"17", "So the answer is $17$."},
      {"x = 1 \\text{ or } x = 2", "\\boxed{1} and \\boxed{2}"},
  };
  for (const auto& [gold, pred] : cases) {
    const Equality got = moebius_equal(gold, pred);
    EXPECT_TRUE(got.equal) << gold << " | " << pred << " | " << got.reason;
  }
}

TEST(Moebius, RefusesAnother) {
  const Case cases[] = {
      {"\\frac{3}{8}", "0.374"},
      {"3.14", "\\frac{22}{7} + 1"},
      {"(4,7)", "(7,4)"},
      {"[2,\\infty)", "x > 2"},
      {"[0,1)", "[0,1]"},
      {"(2,5)", "2 \\le x < 5"},
      {"y = 2x + 3", "4x - 2y + 5 = 0"},
      {"x > 2", "x < 2"},
      {"x = 5", "y = 5"},
      {"\\{4, 7\\}", "4"},
      {"4", "4, 7"},
      {"7\\text{ cm}", "7\\text{ m}"},
      {"2 + \\sqrt{3}", "2 - \\sqrt{3}"},
      {"2 \\pm \\sqrt{3}", "2 + \\sqrt{3}"},
      {"\\text{even}", "odd"},
      {"odd $n$", "even $n$"},
      {"12:00", "11:00"},
      {"x + 1", "\\frac{1}{x}"},
      {"1", "a + 3z = 1"},
      {"3^{2025}", "2^{2025}"},
      {"1.5 \\times 10^{-9}", "1.7 \\times 10^{-9}"},
      {"\\sqrt{5}", "2.236"},
      {"17", "The answer is 18, not 17x."},
      {"5", ""},
      {"\\text{abcd}", "dcba"},
      {"(1,2,3]", "(0,2]"},  // a tuple and an interval: neither has parts
  };
  for (const auto& [gold, pred] : cases) {
    const Equality got = moebius_equal(gold, pred);
    EXPECT_FALSE(got.equal) << gold << " | " << pred << " | " << got.reason;
  }
}

TEST(Moebius, ComparesNoPartsWhereThereAreNone) {
  const Case cases[] = {{"(1,2,3]", "(0,2]"}, {"(0,2]", "(1,2,3]"}};
  for (const auto& [gold, pred] : cases) {
    // Found going round in circles until the comparisons ran out.
    EXPECT_TRUE(moebius_equal(gold, pred).reason.starts_with("an interval and something else"))
        << gold << " | " << pred << " | " << moebius_equal(gold, pred).reason;
  }
}

TEST(MoebiusExtract, FindsTheFinalAnswer) {
  EXPECT_EQ(moebius_extract("first \\boxed{1}, then at last \\boxed{\\frac{1}{2}}."),
            "\\frac{1}{2}");
  EXPECT_EQ(moebius_extract("\\boxed{1} and \\boxed{2}"), "1, 2");
  EXPECT_EQ(moebius_extract("The answer is $x^2$. Thanks"), "x^2");
  EXPECT_EQ(moebius_extract("It costs $5 and then 7 dollars"), "7");
  EXPECT_EQ(moebius_extract("nothing here"), std::nullopt);
  EXPECT_EQ(moebius_extract("\\boxed{never closed"), "never closed");
  EXPECT_EQ(moebius_extract("<think>\\boxed{1}</think> so \\boxed{2}"), "2");
}

TEST(Moebius, IsBoundedOnHostileTexts) {
  std::string boxes;
  for (int i = 0; i < 20000; ++i) boxes += "\\boxed{";
  std::string dollars(200000, '$');
  std::string lists = "1";
  for (int i = 2; i < 2000; ++i) lists += ", " + std::to_string(i) + "x";
  for (const std::string& text : {boxes, dollars, lists, std::string(1 << 20, '{'),
                                  std::string(1 << 20, '\\'), std::string("\xff\xfe\x00 5", 5)}) {
    moebius_equal(text, text + " ");
    EXPECT_FALSE(moebius_equal("424242", text).equal);
  }
}

}  // namespace
}  // namespace moebius::scorers::math
