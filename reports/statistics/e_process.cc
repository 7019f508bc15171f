// E-process against a margin.
#include "reports/statistics/e_process.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "reports/statistics/estimators.h"

namespace moebius::reports {

void Wealth::add(double difference) {
  const double payoff = difference - null_;
  // A quarter at zero before the first item: no bet on a variance that was never seen.
  const double seen = items_ + 1;
  const double centre = sum_ / seen;
  const double bet = centre / ((0.25 + squares_) / seen);
  const double most = 0.5 / (1 + std::fabs(null_));  // keeps at least half of the wealth
  above_ += std::log1p(std::clamp(bet, 0.0, most) * payoff);
  below_ += std::log1p(std::clamp(-bet, 0.0, most) * -payoff);
  items_ += 1;
  sum_ += payoff;
  const double next_centre = sum_ / (items_ + 1);
  squares_ += (payoff - centre) * (payoff - next_centre);
  most_above_ = std::max(most_above_, above_);
  most_below_ = std::max(most_below_, below_);
}

namespace {

/// The mean nearest to `inside` in the direction of `end` that is rejected, or `end`.
template <typename Rejected>
double rejected_from(double inside, double end, Rejected rejected) {
  double outside = end;
  if (!rejected(outside)) return outside;
  while (std::fabs(outside - inside) > 1e-4) {
    const double middle = (inside + outside) / 2;
    (rejected(middle) ? outside : inside) = middle;
  }
  return outside;
}

}  // namespace

Interval anytime_interval(std::span<const double> differences, double alpha) {
  constexpr double kEnd = 0.9999;
  const double threshold = -std::log(alpha);
  const auto wealth = [&](double null) {
    Wealth bets(null);
    for (const double difference : differences) bets.add(difference);
    return bets;
  };
  const double centre = std::clamp(mean(differences), -kEnd, kEnd);
  return {rejected_from(centre, -kEnd,
                        [&](double null) { return wealth(null).most_above() >= threshold; }),
          rejected_from(centre, kEnd,
                        [&](double null) { return wealth(null).most_below() >= threshold; })};
}

EProcess::EProcess(double margin, double alpha)
    : wealth_(-margin), log_threshold_(-std::log(alpha)) {
  if (!(margin > 0 && margin < 1)) throw std::invalid_argument("e-process: margin outside 0 .. 1");
  if (!(alpha > 0 && alpha < 1)) throw std::invalid_argument("e-process: alpha outside 0 .. 1");
}

void EProcess::add(double difference) {
  if (!(difference >= -1 && difference <= 1)) {
    throw std::invalid_argument("e-process: difference outside -1 .. 1");
  }
  wealth_.add(difference);
  ++items_;
  if (outcome_ != Outcome::kInconclusive) return;
  if (wealth_.above() >= log_threshold_) outcome_ = Outcome::kPass;
  if (wealth_.below() >= log_threshold_) outcome_ = Outcome::kRegression;
  if (outcome_ != Outcome::kInconclusive) decided_at_ = items_;
}

double EProcess::pass_p() const {
  return std::exp(-wealth_.most_above());
}

double EProcess::regression_p() const {
  return std::exp(-wealth_.most_below());
}

}  // namespace moebius::reports
