// Random expressions keep their value when they are written otherwise, and lose it when changed.
#include <gtest/gtest.h>

#include <string>

#include "scorers/math/expression_node.h"
#include "scorers/math/moebius_grader.h"
#include "tests/support/random.h"

namespace moebius::scorers::math {
namespace {

using tests::Random;

/// A random expression in LaTeX over x and y.
std::string expression(Random& random, int depth) {
  if (depth == 0) {
    const std::int64_t kind = random.integer(0, 3);
    if (kind == 0) return "x";
    if (kind == 1) return "y";
    return std::to_string(random.integer(2, 99));
  }
  const std::string a = expression(random, depth - 1);
  const std::string b = expression(random, depth - 1);
  switch (random.integer(0, 4)) {
    case 0:
      return "\\left(" + a + "+" + b + "\\right)";
    case 1:
      return "\\left(" + a + "-" + b + "-\\frac{1}{7}\\right)";
    case 2:
      return "(" + a + ")(" + b + ")";
    case 3:
      return "\\sqrt{3+(" + a + ")^2}";
    default:
      return "\\frac{" + a + "}{5+(" + b + ")^2}";
  }
}

TEST(MoebiusProperty, OtherWaysToWriteIt) {
  Random random(tests::seed_or(20));
  for (int i = 0; i < 150; ++i) {
    const std::string a = expression(random, 2);
    const std::string b = expression(random, 1);
    const std::string c = expression(random, 1);
    const std::string factored = "(" + a + ")((" + b + ")+(" + c + "))";
    const std::string expanded = "(" + c + ")(" + a + ")+(" + a + ")(" + b + ")";
    EXPECT_TRUE(moebius_equal(factored, expanded).equal) << factored << " | " << expanded;
    const std::string off = expanded + "+\\frac{x}{1000000}";
    EXPECT_FALSE(moebius_equal(factored, off).equal) << factored << " | " << off;
  }
}

/// A number with one digit changed, or its sign.
std::string changed(Random& random, const std::string& answer) {
  std::string out = answer;
  for (int tries = 0; tries < 100; ++tries) {
    const auto at =
        static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(out.size()) - 1));
    if (out[at] >= '1' && out[at] <= '9') {
      out[at] = out[at] == '9' ? '1' : static_cast<char>(out[at] + 1);
      return out;
    }
    const std::string marks = "()[]";
    const std::size_t mark = marks.find(out[at]);
    if (mark != std::string::npos) {
      out[at] = marks[(mark + 2) % 4];
      return out;
    }
  }
  return "-(" + answer + ")";
}

TEST(MoebiusProperty, AChangedAnswerIsWrong) {
  Random random(tests::seed_or(21));
  for (int i = 0; i < 400; ++i) {
    const std::string p = std::to_string(random.integer(2, 999));
    const std::string q = std::to_string(random.integer(1000, 9999));
    const std::string answers[] = {
        p,
        "\\frac{" + p + "}{" + q + "}",
        p + "\\sqrt{" + q + "}",
        "(" + p + "," + q + "]",
        "[" + p + "," + q + ")",
        "(" + p + ", -" + q + ", 5)",
        p + "." + q,
        p + "x^2 + " + q + "y",
        "\\{" + p + ", " + q + "\\}",
        "x \\ge " + p,
        p + "^{" + p + "}",
        "\\begin{pmatrix} " + p + " & 1 \\\\ " + q + " & 2 \\end{pmatrix}",
    };
    for (const std::string& answer : answers) {
      EXPECT_TRUE(moebius_equal(answer, " " + answer + ".").equal) << answer;
      const std::string wrong = changed(random, answer);
      const Equality got = moebius_equal(answer, wrong);
      EXPECT_FALSE(got.equal) << answer << " | " << wrong << " | " << got.reason;
      EXPECT_FALSE(moebius_equal(answer, "It is \\boxed{" + wrong + "}").equal) << wrong;
    }
  }
}

}  // namespace
}  // namespace moebius::scorers::math
