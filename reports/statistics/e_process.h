// E-process: evidence against a margin that may be looked at after every item, however often.
#pragma once

#include <cstdint>
#include <span>

#include "reports/statistics/interval.h"
#include "reports/statistics/sequential.h"

namespace moebius::reports {

/// The wealth of bets that the mean of differences in -1 .. 1 is above `null`, in (-1, 1), and of
/// bets that it is below. Source: as EProcess.
class Wealth {
 public:
  explicit Wealth(double null) : null_(null) {}
  void add(double difference);

  // logs of the wealth, which begins at 0, and of its greatest value until now
  double above() const { return above_; }
  double below() const { return below_; }
  double most_above() const { return most_above_; }
  double most_below() const { return most_below_; }

 private:
  double null_;
  double items_ = 0;
  double sum_ = 0;      // of difference - null
  double squares_ = 0;  // of its distances from the running mean
  double above_ = 0;
  double below_ = 0;
  double most_above_ = 0;
  double most_below_ = 0;
};

/// The means that the bets of all of `differences` do not reject, each side at `alpha`: holds at
/// every length of the list at once. Around their mean, by bisection to 1e-4.
Interval anytime_interval(std::span<const double> differences, double alpha);

/// Bets on each difference in turn that the mean is on one side of -margin, and the same for the
/// other side. Wealth that starts at 1 cannot be expected to grow while its side is wrong, so it
/// ever reaches 1 / alpha with a chance of at most alpha (Ville's inequality), whatever the number
/// of looks. Needs more items than planned looks do. The differences must come in an order that
/// was fixed beforehand.
/// Source: Waudby-Smith and Ramdas 2024 (JRSS B 86:1-27), section 4: bets of mean over variance of
/// the items before, at most half of what could be lost.
class EProcess {
 public:
  /// margin in (0, 1), alpha in (0, 1); else std::invalid_argument.
  EProcess(double margin, double alpha);

  /// candidate - base of the next item, in -1 .. 1, else std::invalid_argument. Nothing changes
  /// after the outcome is decided but the counts.
  void add(double difference);

  Outcome outcome() const { return outcome_; }
  std::int64_t items() const { return items_; }            // added
  std::int64_t decided_at() const { return decided_at_; }  // 0: not yet
  /// 1 over the greatest wealth so far, at most 1: p-values valid at any time, for "no worse than
  /// the margin" and for "worse".
  double pass_p() const;
  double regression_p() const;

 private:
  Wealth wealth_;
  double log_threshold_;
  std::int64_t items_ = 0;
  std::int64_t decided_at_ = 0;
  Outcome outcome_ = Outcome::kInconclusive;
};

}  // namespace moebius::reports
