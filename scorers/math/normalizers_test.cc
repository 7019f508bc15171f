// Normalisers: what only odd answers show, number and unit words, LaTeX as text.
#include "scorers/math/normalizers.h"

#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "scorers/math/latex_text.h"
#include "scorers/math/unit_words.h"
#include "scorers/math/word_number.h"
#include "scorers/scorer.h"
#include "scorers/text/unicode.h"
#include "tests/support/sanitized.h"

namespace moebius::scorers::math {
namespace {

constexpr char kRaised[] = "(raised)";

struct Case {
  const char* normalizer;
  const char* answer;
  const char* normal;
};

// Expected values: what the reference functions return, run on these texts.
TEST(Normalizers, Table) {
  const Case cases[] = {
      {"hendrycks_strip_string", "\\tfrac12 + .5", "\\frac{1}{2}+0.5"},
      {"hendrycks_strip_string", "x/2", "x/2"},
      {"hendrycks_strip_string", "01/2", "01/2"},
      {"hendrycks_strip_string", "\\frac", kRaised},
      {"hendrycks_strip_string", "\\sqrt", kRaised},
      {"hendrycks_strip_string", "1\\text{ a}\\text{ b}", kRaised},
      {"hendrycks_strip_string", "\\sqrté", "\\sqrt{é}"},
      {"lmeval_hendrycks_strip_string", "x/2", kRaised},
      {"lmeval_hendrycks_strip_string", "01/2", "01/2"},
      {"prm800k_mathd_normalize", " \\text{ (A) } ", "(A)"},
      {"prm800k_mathd_normalize", "\\sqrt", "\\sqrt"},
      {"prm800k_normalize", "7\\frac34", "7+3/4"},
      {"prm800k_normalize", "1,234 meters^2", "1234"},
      {"prm800k_normalize", "2.0", "2"},
      {"prm800k_normalize", "\\frac{\\sqrt{3}}{\\pi}", "sqrt(3)/pi"},
      {"deepseek_strip_string", "\\text{(C)}", "(C)"},
      {"deepseek_strip_string", "3.000 \\text{ cm}", "3"},
      {"deepseek_strip_string", "\\sqrt3/2", "\\frac{\\sqrt{3}}{2}"},
      {"deepseek_strip_string", "2+3j", "2+3i"},
      {"qwen_strip_string", "x = 5 meters", "5"},
      {"qwen_strip_string", "twenty-five", "25"},
      {"qwen_strip_string", "\\begin{array}{cc}1&2\\end{array}",
       "\\begin{pmatrix}1&2\\end{pmatrix}"},
      {"qwen_strip_string", "007", "7"},
      {"minerva_normalize_final_answer", "so $x = \\frac12$ holds", "\\frac{1}{2}holds"},
      {"minerva_normalize_final_answer", "a $5$ dollars", "5"},
      {"minerva_normalize_final_answer", "1,000", "1000"},
      {"minerva_normalize_final_answer", "sqrt2", "sqrt{2}"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(normalize(c.normalizer, c.answer).value_or(kRaised), c.normal)
        << c.normalizer << ": " << c.answer;
  }
  EXPECT_THROW(normalize("nobody", ""), Error);
}

TEST(WordNumber, Table) {
  const std::pair<const char*, const char*> cases[] = {
      {"two hundred five", "205"},
      {"one million two thousand", "1002000"},
      {"Two Point Five", "2.5"},
      {"two point zero", "2.0"},
      {"point five", "0.5"},
      {"one apple", "1"},
      {"two hundred", "200"},
      {"thousand million", kRaised},
      {"thousand five", kRaised},
      {"two point ten", "2"},
      {"point point", kRaised},
      {"point", "0"},
      {"apples", kRaised},
      {"-5", kRaised},
      {"", kRaised},
  };
  for (const auto& [words, number] : cases) {
    EXPECT_EQ(word_to_number(words).value_or(kRaised), number) << words;
  }
}

TEST(UnitWords, GoWhereNoWordTouchesThem) {
  const std::pair<const char*, const char*> cases[] = {
      {"5 cm", "5 "}, {"cm", "cm"}, {"a b", " b"}, {"(5 m)", "(5 )"}, {"mx", "mx"}, {"5m", "5m"}};
  for (const auto& [s, rest] : cases) {
    std::string t = s;
    drop_unit_words(t);
    EXPECT_EQ(t, rest) << s;
  }
}

TEST(LatexText, Table) {
  const std::pair<const char*, const char*> cases[] = {
      {"\\frac{1}{2}", "1/2"},
      {"\\frac\\pi2", "π/2"},
      {"\\frac12", "1/2"},
      {"\\frac1", "%s/%s1"},
      {"\\sqrt[3]{x+1}", "√(x+1)"},
      {"\\frac\\sqrt2", kRaised},
      {"\\unknown{x}", "x"},
      {"a\\, b\\quad c", "a  b  c"},
      {"\\mathbb{R}^2", "ℝ^2"},
      {"\\mathbf{v}", "𝐯"},
      {"\\vec{v}", "v\xE2\x83\x97"},
      {"\\begin{pmatrix} 1 & 22 \\\\ 3 & 4 \\end{pmatrix}", "[  1 22;  3  4 ]"},
      {"\\begin{pmatrix}\\end{pmatrix}", kRaised},
      {"a } b", "a  b"},
      {"{a", "a"},
      {"\\left( x \\right)", "( x )"},
      {"\\(a \\cdot b\\)", "a · b"},
      {"\\[a\\]", "\n    a\n"},
      {"5\\%", "5%"},
  };
  for (const auto& [latex, plain] : cases) {
    EXPECT_EQ(latex_text(latex).value_or(kRaised), plain) << latex;
  }
  EXPECT_FALSE(latex_text(std::string(1000, '{')));
}

std::string random_answer(std::mt19937& random) {
  static constexpr const char* kPieces[] = {"\\frac",
                                            "\\sqrt",
                                            "{",
                                            "}",
                                            "1",
                                            "/",
                                            "2.50",
                                            " ",
                                            ".",
                                            "\\text{",
                                            "$",
                                            "=",
                                            "x",
                                            "\\cup",
                                            "\\left",
                                            "(",
                                            ")",
                                            ",",
                                            "cm",
                                            "j",
                                            "infinity",
                                            "\n",
                                            "\\\\",
                                            "&",
                                            "%",
                                            "\xC3",
                                            "\xF0",
                                            "²",
                                            "１",
                                            "two",
                                            "\\begin{pmatrix}"};
  std::string s;
  for (auto n = random() % 12; n > 0; --n) s += kPieces[random() % std::size(kPieces)];
  return s;
}

TEST(NormalizersProperty, AnyBytesGiveValidText) {
  std::mt19937 random(5);
  for (int round = 0; round < 5000; ++round) {
    const std::string answer = random_answer(random);
    for (const char* name : normalizer_names()) {
      const auto normal = normalize(name, answer);
      EXPECT_TRUE(text::is_valid(normal.value_or(""))) << name;
    }
  }
}

TEST(NormalizersProperty, PlainFractionsAndIntegersAreAlreadyNormal) {
  for (int a = -20; a <= 20; ++a) {
    const std::string number = std::to_string(a);
    for (const char* name : normalizer_names()) EXPECT_EQ(normalize(name, number), number) << name;
    const std::string fraction = "\\frac{" + number + "}{7}";
    for (const char* name :
         {"hendrycks_strip_string", "prm800k_mathd_normalize", "deepseek_strip_string",
          "qwen_strip_string", "minerva_normalize_final_answer"}) {
      EXPECT_EQ(normalize(name, fraction), fraction) << name;
    }
  }
}

/// Processor seconds, so that a busy machine does not fail the test.
double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

TEST(NormalizersProperty, FourMegabytesTakeSeconds) {
  constexpr std::size_t kLong = tests::kSanitized ? 1U << 19 : 4U << 20;
  for (const char* piece : {"a ", "\\frac", "\\text{", " o m s .", "0.000"}) {
    std::string answer;
    while (answer.size() < kLong) answer += piece;
    for (const char* name : normalizer_names()) {
      const double start = cpu_seconds();
      normalize(name, answer);
      EXPECT_LT(cpu_seconds() - start, 30) << name << " on " << piece;
    }
  }
}

}  // namespace
}  // namespace moebius::scorers::math
