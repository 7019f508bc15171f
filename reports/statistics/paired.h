// Two models on the same questions: the difference of their scores, its error and its interval.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reports/statistics/interval.h"
#include "reports/statistics/tango.h"

namespace moebius::reports {

/// Two scores that differ by less are the same: means of the same samples in another order are.
inline constexpr double kSameScore = 1e-9;
/// Differences of partial scores get Student's t if at least so many questions differ.
inline constexpr std::int64_t kMinChanged = 10;
/// Of more changed questions signs are not flipped: their sum is normal.
inline constexpr std::int64_t kMostFlipped = 10'000;

/// Scores in 0 .. 1, the same question at the same place: one sample's, or the mean of several.
struct PairedScores {
  std::vector<double> base;
  std::vector<double> candidate;
  std::vector<std::string> clusters;  // of each question, empty: alone; or no list at all

  std::vector<double> differences() const;  // candidate - base
  bool binary() const;                      // every score is 0 or 1
  Flips flips() const;  // one gained where the candidate is better, one lost where it is worse
  PairedScores prefix(std::size_t items) const;  // the first `items` questions
};

/// How the difference of two models is judged.
///
/// "tango"         0/1 scores: Tango's score statistic z.
/// "t"             other scores: Student's t with n - 1 degrees.
/// "tango bounds"  other scores of which fewer than kMinChanged differ, or which (or whose
///                 clusters) all differ by the same: t would take the small spread for certainty.
///                 Every loss is counted as a whole one for the lower bound and every gain for the
///                 upper one, which errs towards "not known".
///
/// Where the questions form kMinClusters or more clusters, fewer than questions, "clustered "
/// stands before it: t then has the clustered error (Miller 2024, arXiv 2411.00640), z is divided
/// by clustered over independent error where that is above 1 (the design effect of Rao and Scott
/// 1992), and both have C - 1 degrees.
class PairedTest {
 public:
  /// At least one question, else std::invalid_argument; so for lists of different lengths and for
  /// scores outside 0 .. 1.
  explicit PairedTest(PairedScores scores);
  /// The same with the clusters as numbers, one of each question, used during the call; none for
  /// no clusters. no_difference() then knows no clusters.
  PairedTest(PairedScores scores, std::span<const std::uint32_t> clusters);

  double difference() const { return difference_; }  // mean of candidate - base
  std::size_t items() const { return scores_.base.size(); }
  Flips flips() const { return flips_; }
  const std::string& method() const { return method_; }
  /// Of the mean difference, clustered if the method is. None for one question.
  std::optional<double> error() const { return error_; }
  /// Pearson's, of the two models' scores; none if one of them is constant.
  std::optional<double> correlation() const;
  /// As if the models had been asked different questions: what pairing saves.
  std::optional<double> unpaired_error() const;

  /// Standard normal if the true difference is `difference`, in -1 .. 1; large if it is more. What
  /// is compared with a boundary; Student's t is carried over to the normal point of the same tail.
  double z(double difference) const;
  /// The differences that z does not reject at 1 - level, two-sided, within -1 .. 1.
  Interval interval(double level) const;

  /// Two-sided, that the models do not differ: "mcnemar mid-p" for 0/1 scores without clusters,
  /// "sign-flip" otherwise, of whole clusters where the method is clustered; "normal", by z(0), of
  /// more than kMostFlipped changed questions.
  struct NoDifference {
    double p = 1;
    std::string method;
  };
  NoDifference no_difference() const;
  /// The same at once: McNemar's mid-p where that is what no_difference() is, else by z(0).
  double quick_no_difference() const;

 private:
  void prepare(std::span<const std::uint32_t> clusters, std::size_t count);
  enum class Method { kTango, kBounds, kStudent };
  double count_z(double difference) const;

  PairedScores scores_;
  Flips flips_;
  double difference_ = 0;
  std::optional<double> error_;
  double design_ = 1;   // clustered over independent error
  double degrees_ = 0;  // of Student's t; 0: normal
  Method kind_ = Method::kTango;
  bool clustered_ = false;
  std::string method_;
};

}  // namespace moebius::reports
