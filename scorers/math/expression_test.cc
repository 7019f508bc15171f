// Parsing, evaluation and equality of expressions.
#include <gtest/gtest.h>

#include "scorers/math/effort.h"
#include "scorers/math/expression_node.h"
#include "scorers/math/numeric.h"

namespace moebius::scorers::math {
namespace {

Expr text_of(std::string_view s) {
  return parse(s, Dialect::kSympyText);
}
Expr implicit_of(std::string_view s) {
  return parse(s, Dialect::kSympyTextImplicit);
}
Expr sympy_of(std::string_view s) {
  return parse(s, Dialect::kSympyLatex);
}
Expr latex_of(std::string_view s) {
  return parse(s, Dialect::kLatex);
}

TEST(Evaluation, IsSympys) {
  const struct {
    const char* a;
    const char* b;
  } same[] = {
      {"2*(x+1)", "2*x+2"},
      {"x*x**2", "x**3"},
      {"sqrt(8)", "2*sqrt(2)"},
      {"2/sqrt(3)", "2*sqrt(3)/3"},
      {"sqrt(2)*sqrt(3)", "sqrt(6)"},
      {"(2*x)**2", "4*x**2"},
      {"I*I", "-1"},
      {"sqrt(-4)", "2*I"},
      {"x+y-x", "y"},
      {"5!", "120"},
      {"0*x", "0"},
      {"x/x", "1"},
      {"log(E)", "1"},
      {"E**log(x)", "x"},
      {"abs(-3)", "3"},
      {"8**(2/3)", "4"},
      {"oo+1", "oo"},
      {"1e3", "1000."},
  };
  for (const auto& [a, b] : same) {
    EXPECT_TRUE(same_form(text_of(a), text_of(b))) << a << " " << to_string(text_of(a));
  }
  EXPECT_FALSE(same_form(text_of("(x+1)**2"), text_of("x**2+2*x+1")));
  EXPECT_FALSE(same_form(text_of("0.5"), text_of("1/2")));
}

TEST(SameValue, DecidesIdentities) {
  EXPECT_TRUE(same_value(text_of("(x+1)**2"), text_of("x**2+2*x+1")));
  EXPECT_TRUE(same_value(text_of("(x**2-1)/(x-1)"), text_of("x+1")));
  EXPECT_TRUE(same_value(text_of("sin(x)**2+cos(x)**2"), text_of("1")));
  EXPECT_TRUE(same_value(text_of("0.5"), text_of("1/2")));
  EXPECT_TRUE(same_value(text_of("sqrt(3+2*sqrt(2))"), text_of("1+sqrt(2)")));
  EXPECT_FALSE(same_value(text_of("1/0"), text_of("2/0")));
  EXPECT_FALSE(same_value(text_of("sqrt(x**2)"), text_of("x")));
  EXPECT_FALSE(same_value(text_of("log(x*y)"), text_of("log(x)+log(y)")));
  EXPECT_TRUE(same_over(text_of("sqrt(x**2)"), text_of("abs(x)"), Domain::kReal));
}

TEST(SameValue, TellsSmallDifferencesFromZero) {
  // 1e-40 apart: beyond doubles and beyond 30 digits.
  EXPECT_FALSE(same_value(text_of("sqrt(2)"), text_of("sqrt(2+1/10**40)")));
  EXPECT_FALSE(same_value(text_of("exp(pi*sqrt(163))"), text_of("262537412640768744")));
  EXPECT_FALSE(same_value(text_of("3**2025"), text_of("3**2025+1")));
  EXPECT_TRUE(same_value(text_of("2**1000000007*2"), text_of("2**1000000008")));
  EXPECT_FALSE(same_value(text_of("2**1000000000"), text_of("2**1000000000+1")));
}

/// sin(x) + sin(2x) + ..., and the same as -sin(-x) - sin(-2x) - ...: numbers have to decide.
std::string sines(int terms, const char* sign) {
  std::string sum = "0";
  for (int i = 1; i <= terms; ++i) {
    sum += std::string(*sign == '-' ? "-" : "+") + "sin(" + sign + std::to_string(i) + "*x)";
  }
  return sum;
}

TEST(SameValue, GivesUpWhenItsEffortIsSpent) {
  {
    const Effort effort;
    EXPECT_TRUE(same_value(text_of(sines(10, "")), text_of(sines(10, "-"))));
    EXPECT_TRUE(Effort::spend(0));
  }
  const Effort effort;
  EXPECT_FALSE(same_value(text_of(sines(300, "")), text_of(sines(300, "-"))));
  EXPECT_FALSE(Effort::spend(0)) << "600 sines in 100 digits at 3 points should be too many";
  const Effort inner;  // the outer one goes on counting
  EXPECT_FALSE(Effort::spend(0));
}

TEST(Evaluate, RoundsLongIntegersToItsPrecision) {
  Real100 power = 1;
  mpz_class whole = 1;
  for (int i = 0; i < 3000; ++i) {
    power *= 7;
    whole *= 7;
  }
  for (const int sign : {1, -1}) {
    const auto got = evaluate<Real100>(exact(mpq_class(sign * whole)), Point{});
    ASSERT_TRUE(got);
    // 3000 products, each rounded once.
    EXPECT_LT(abs(got->re / (sign * power) - 1), 3000 * std::numeric_limits<Real100>::epsilon());
  }
}

TEST(Number, NeedsNoSymbols) {
  EXPECT_NEAR(number(text_of("2*pi"))->real(), 6.283185307179586, 1e-15);
  EXPECT_NEAR(number(text_of("sqrt(-3)"))->imag(), 1.7320508075688772, 1e-15);
  EXPECT_FALSE(number(text_of("x")));
  EXPECT_FALSE(number(text_of("1/0")));
}

TEST(SympyText, AcceptsAndRefusesAsPython) {
  for (const char* good : {"1,2", "[1,2]", "x!", "0x1f", "1_000", "2**3", "x_1", "1<2", "1.2[3]"}) {
    EXPECT_TRUE(text_of(good)) << good;
  }
  for (const char* bad : {"2x", "x=3", "sin x", "1<x<3", "x^2", "007", "2(3)", "", "$5", "(3,4]"}) {
    EXPECT_FALSE(text_of(bad)) << bad;
  }
  EXPECT_TRUE(same_form(implicit_of("2x y"), text_of("2*x*y")));
  EXPECT_TRUE(same_form(implicit_of("xyz3"), text_of("x*y*z*3")));
  EXPECT_TRUE(same_form(implicit_of("sin**2 x"), text_of("sin(x)**2")));
  EXPECT_TRUE(same_form(implicit_of("x(3)"), text_of("3*x")));
  EXPECT_TRUE(same_form(implicit_of("theta y"), text_of("theta*y")));
}

TEST(SympyLatex, StopsWhereAntlrStops) {
  const struct {
    const char* latex;
    const char* read;
  } cases[] = {
      {"1,2", "1"},
      {"x+(1,2)", "x"},
      {"x^-1", "x"},
      {"2[0,1)", "2"},
      {"x | y", "x"},
      {"1 2", "12"},
      {"1,234", "1234"},
      {"x^2 3", "x**23"},
      {"3 x 4", "12"},
      {"2^3!", "40320"},
      {"x\\in[1,2]", "x*Symbol"},
      {"\\log_23", "log(3)/log(2)"},
      {"\\frac1{72}", "1/72"},
      {"5\\,000", "5000"},
      {"\\sin^{-1}x", "asin(x)"},
  };
  for (const auto& [latex, read] : cases) {
    if (std::string_view(read) == "x*Symbol") {
      EXPECT_TRUE(same_form(sympy_of(latex), mul({symbol("x"), symbol("in")})));
      continue;
    }
    EXPECT_TRUE(same_form(sympy_of(latex), text_of(read)))
        << latex << " " << to_string(sympy_of(latex));
  }
  for (const char* bad :
       {"(1,2)", "\\sqrt3", "5.", ".5", "10\\%", "\\$5", "x=", "a<b<c", "01", ""}) {
    EXPECT_FALSE(sympy_of(bad)) << bad;
  }
  EXPECT_EQ(sympy_of("\\pi")->kind, Kind::kSymbol);
}

TEST(Latex, ReadsWhatPeopleWrite) {
  EXPECT_TRUE(same_form(latex_of("3\\frac12"), latex_of("7/2")));
  EXPECT_TRUE(same_form(latex_of("1{,}000"), latex_of("1000")));
  EXPECT_TRUE(same_form(latex_of("0.1\\overline{6}"), latex_of("\\dfrac16")));
  EXPECT_TRUE(same_form(latex_of("2\u03c0"), latex_of("2\\pi")));
  EXPECT_EQ(latex_of("[0,1)")->kind, Kind::kInterval);
  EXPECT_EQ(latex_of("\\{1,2\\}")->kind, Kind::kSet);
  EXPECT_EQ(latex_of("\\begin{pmatrix}1\\\\2\\end{pmatrix}")->rows, 2U);
  EXPECT_EQ(latex_of("1, 2 \\text{ and } 3")->args.size(), 3U);
}

TEST(SympyLatex, DoesNotStepBackOutOfEveryLevel) {
  // A call that is not closed is read again as a product, at each level: 2^60 ways.
  std::string unclosed;
  for (int i = 0; i < 60; ++i) unclosed += "f(";
  EXPECT_FALSE(sympy_of(unclosed + "x"));
  std::string deep = "x";
  for (int i = 0; i < 60; ++i) deep = "f(" + deep + ")";
  EXPECT_FALSE(sympy_of(deep)) << "nested too deeply: refused at once";
  EXPECT_TRUE(sympy_of("f(f(f(f(f(f(x))))))"));
  std::string terms = "x";
  for (int i = 0; i < 500; ++i) terms += "+2y\\sin{x}";
  EXPECT_TRUE(sympy_of(terms)) << "long, but without a step back";
}

TEST(Parsers, AreBounded) {
  std::string deep(5000, '(');
  const std::string powers = "2**2**2**2**2**2**2";
  for (const Dialect d : {Dialect::kLatex, Dialect::kSympyLatex, Dialect::kSympyText,
                          Dialect::kSympyTextImplicit, Dialect::kLatex2Sympy}) {
    EXPECT_FALSE(parse(deep, d));
    EXPECT_FALSE(parse(std::string(100000, '1'), d));
    same_value(parse(powers, d), parse("1", d));
    std::string calls;
    for (int i = 0; i < 60; ++i) calls += "f(";
    parse(calls, d);
    parse("10^{10^{10}}!", d);
    parse("1e999999999", d);
  }
}

}  // namespace
}  // namespace moebius::scorers::math
