// Group-sequential boundaries by numerical integration.
#include "reports/statistics/sequential.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>

#include "reports/statistics/distributions.h"

namespace moebius::reports {
namespace {

constexpr double kFarthest = 8;  // deviations; beyond lies less than 1e-15

void require_looks(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(std::string("looks: ") + what);
}

void require_shares(std::span<const double> shares) {
  require_looks(shares.size() <= 20, "more than 20");
  require_looks(!shares.empty() && std::fabs(shares.back() - 1) < 1e-12, "the last share is not 1");
  double before = 0;
  for (const double share : shares) {
    require_looks(share - before >= 0.01 - 1e-12, "shares less than 0.01 apart");
    before = share;
  }
}

double normal_density(double x) {
  return std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
}

/// The density of the running sum S = z sqrt(share), on a grid, where no boundary was reached yet.
/// Simpson's weights are part of the values.
struct Running {
  std::vector<double> points;
  std::vector<double> masses;

  /// The chance that the next increment, of mean `shift` and this deviation, ends above `bound`.
  double above(double bound, double shift, double deviation) const {
    double sum = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
      sum += masses[i] * normal_cdf((points[i] + shift - bound) / deviation);
    }
    return sum;
  }
};

/// A Simpson grid over low .. high with steps of at most `step`.
Running grid(double low, double high, double step) {
  const auto pairs = static_cast<std::size_t>(std::ceil((high - low) / (2 * step)));
  const std::size_t intervals = 2 * std::max<std::size_t>(pairs, 1);
  const double width = (high - low) / static_cast<double>(intervals);
  Running running;
  for (std::size_t i = 0; i <= intervals; ++i) {
    const double weight = i == 0 || i == intervals ? 1 : i % 2 == 1 ? 4 : 2;
    running.points.push_back(low + width * static_cast<double>(i));
    running.masses.push_back(weight * width / 3);
  }
  return running;
}

/// One look further: those of `before` that stay below `bound`. No density outside the grid's
/// farthest deviations.
Running advance(const Running& before, Running after, double shift, double deviation) {
  for (std::size_t i = 0; i < after.points.size(); ++i) {
    double density = 0;
    for (std::size_t j = 0; j < before.points.size(); ++j) {
      const double x = (after.points[i] - before.points[j] - shift) / deviation;
      if (std::fabs(x) < kFarthest) density += before.masses[j] * normal_density(x);
    }
    after.masses[i] *= density / deviation;
  }
  return after;
}

/// The smallest increment's deviation, which the grid must resolve on either side of a look.
double smallest_deviation(std::span<const double> shares) {
  double least = 1;
  double before = 0;
  for (const double share : shares) {
    least = std::min(least, share - before);
    before = share;
  }
  return std::sqrt(least);
}

std::vector<double> boundaries_at(LookShape shape, std::span<const double> shares, double c) {
  std::vector<double> boundaries;
  for (const double share : shares) {
    boundaries.push_back(shape == LookShape::kPocock ? c : c / std::sqrt(share));
  }
  return boundaries;
}

}  // namespace

std::vector<double> equal_looks(int looks) {
  require_looks(looks >= 1 && looks <= 20, "not 1 .. 20 looks");
  std::vector<double> shares;
  for (int look = 1; look <= looks; ++look) shares.push_back(static_cast<double>(look) / looks);
  return shares;
}

std::vector<double> look_chances(std::span<const double> shares, std::span<const double> boundaries,
                                 double drift) {
  require_shares(shares);
  require_looks(boundaries.size() == shares.size(), "not one boundary per look");
  const double step = smallest_deviation(shares) / 8;
  Running running{.points = {0}, .masses = {1}};  // before the first item
  std::vector<double> chances;
  double before = 0;
  for (std::size_t look = 0; look < shares.size(); ++look) {
    const double share = shares[look];
    const double shift = drift * (share - before);
    const double deviation = std::sqrt(share - before);
    const double bound = boundaries[look] * std::sqrt(share);
    chances.push_back(running.above(bound, shift, deviation));
    if (look + 1 == shares.size()) break;
    const double reach = kFarthest * std::sqrt(share);
    const double low = std::min(drift * share - reach, bound - step);
    const double high = std::min(bound, drift * share + reach);
    running = advance(running, grid(low, std::max(high, low + step), step), shift, deviation);
    before = share;
  }
  return chances;
}

std::vector<double> look_boundaries(LookShape shape, std::span<const double> shares, double alpha) {
  require_shares(shares);
  require_looks(alpha > 0 && alpha < 0.5, "alpha outside 0 .. 0.5");
  // One look alone would do with the lower end; Bonferroni's correction suffices at the upper one.
  double low = normal_point(1 - alpha) - 1e-9;
  double high = normal_point(1 - alpha / static_cast<double>(shares.size())) + 1e-9;
  while (high - low > 1e-8) {
    const double c = (low + high) / 2;
    const auto chances = look_chances(shares, boundaries_at(shape, shares, c), 0);
    (std::accumulate(chances.begin(), chances.end(), 0.0) > alpha ? low : high) = c;
  }
  return boundaries_at(shape, shares, high);
}

std::string outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPass:
      return "pass";
    case Outcome::kRegression:
      return "regression";
    case Outcome::kInconclusive:
      break;
  }
  return "inconclusive";
}

Outcome judge(double z, double boundary) {
  if (z >= boundary) return Outcome::kPass;
  return z <= -boundary ? Outcome::kRegression : Outcome::kInconclusive;
}

}  // namespace moebius::reports
