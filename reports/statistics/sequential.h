// Group-sequential tests: looking at the results several planned times without erring more often.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace moebius::reports {

/// How the boundary for z falls over the looks.
enum class LookShape {
  kPocock,         // the same at every look: stops early
  kOBrienFleming,  // c / sqrt(share of items): hardly ever early, costs almost no power
};

/// Shares of the planned items at each look, ascending, the last one 1; `looks` in 1 .. 20.
std::vector<double> equal_looks(int looks);

/// One-sided boundaries: under no drift the chance that z reaches one of them is `alpha`, in
/// (0, 0.5). Computed, by the recursion of Armitage, McPherson and Rowe 1969 (Jennison and
/// Turnbull 2000, chapter 19), error below 1e-6. Shares at least 0.01 apart, the first at least
/// 0.01, else std::invalid_argument.
std::vector<double> look_boundaries(LookShape shape, std::span<const double> shares, double alpha);

/// The chance to reach the boundary first at each look, if z at the last one has mean `drift` and
/// variance 1. The sum is the power of the plan.
std::vector<double> look_chances(std::span<const double> shares, std::span<const double> boundaries,
                                 double drift);

/// What evidence against a margin comes to.
enum class Outcome { kPass, kRegression, kInconclusive };
std::string outcome_name(Outcome outcome);  // "pass", "regression", "inconclusive"

/// Non-inferiority: z measures the difference less the margin (PairedTest::z(-margin)). A pass if
/// it reaches `boundary` > 0, a proven regression at -boundary, not decided between. With one look
/// the boundary of a one-sided 5 % is 1.645; at a look of several, that of the look. z is normal to
/// half a point of the 5 % where some ten questions have changed sides by the first look.
Outcome judge(double z, double boundary);

}  // namespace moebius::reports
