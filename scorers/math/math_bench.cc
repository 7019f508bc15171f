// How many pairs of answers a second the core and the moebius grader judge.
#include <benchmark/benchmark.h>

#include "scorers/math/expression.h"
#include "scorers/math/moebius_grader.h"

namespace moebius::scorers::math {
namespace {

void grade(benchmark::State& state, const char* gold, const char* pred) {
  for (auto _ : state) benchmark::DoNotOptimize(moebius_equal(gold, pred).equal);
  state.SetItemsProcessed(state.iterations());
}

void same(benchmark::State& state, const char* a, const char* b) {
  const Expr x = parse(a, Dialect::kSympyText);
  const Expr y = parse(b, Dialect::kSympyText);
  for (auto _ : state) benchmark::DoNotOptimize(same_value(x, y));
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(grade, integers_differ, "42", "43");
BENCHMARK_CAPTURE(grade, fraction_and_decimal, "\\frac{3}{8}", "0.375");
BENCHMARK_CAPTURE(grade, boxed, "\\frac{3}{8}", "Thus the result is $\\boxed{\\tfrac38}$.");
BENCHMARK_CAPTURE(grade, intervals, "(-\\infty,2)\\cup[3,5)", "(-\\infty, 2) \\cup [3, 5)");
BENCHMARK_CAPTURE(same, polynomials, "(x+1)**5", "x**5+5*x**4+10*x**3+10*x**2+5*x+1");
BENCHMARK_CAPTURE(same, nested_roots, "sqrt(3+2*sqrt(2))", "1+sqrt(2)");
BENCHMARK_CAPTURE(same, trigonometry, "sin(x)**2+cos(x)**2", "1");
BENCHMARK_CAPTURE(same, trigonometry_differs, "sin(x)**2-cos(x)**2", "1");

}  // namespace
}  // namespace moebius::scorers::math

BENCHMARK_MAIN();
