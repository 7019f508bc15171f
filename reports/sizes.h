// How large a comparison must be: questions and repeats for a margin, from how scores spread.
#pragma once

#include <cstdint>
#include <optional>

namespace moebius::reports {

/// Variances of one question's score difference between two models, 0 .. 1.
struct Spread {
  double between = 0;  // of what the models truly differ by, over the questions
  double within = 0;   // of one answer to the same question, of either model

  double of_question(std::int64_t repeats) const;  // between + 2 within / repeats
};

/// When a share `flips` of the questions changes sides between two answers of the two models, of
/// which `within` says how much is chance.
Spread spread_of_flips(double flips, double within);
/// From the error of the mean difference that was seen over `questions`, asked `repeats` times.
Spread spread_of_error(double error, std::int64_t questions, std::int64_t repeats, double within);
/// The variance of one answer, from the error of a mean over repeats (Row::stderr_rerun).
double within_of_rerun(double rerun, std::int64_t questions, std::int64_t repeats);

struct SizeRequest {
  double margin = 0.01;        // in (0, 1)
  double alpha = 0.05;         // one-sided, in (0, 0.5)
  double power = 0.8;          // in (0, 1)
  std::int64_t questions = 0;  // that there are, > 0
  std::int64_t repeats = 1;    // planned, > 0
};

struct SizePlan {
  std::int64_t questions = 0;           // needed with the repeats planned
  std::optional<std::int64_t> repeats;  // needed with the questions there are; none: no number does
  double detectable = 0;                // the smallest margin that what is planned can prove
  double power = 0;                     // chance that what is planned passes at the margin
};

/// For a gate that passes when the models do not differ. Throws std::invalid_argument for values
/// outside their ranges.
SizePlan plan_size(const Spread& spread, const SizeRequest& request);

/// More repeats than this are not proposed.
inline constexpr std::int64_t kMostRepeats = 1024;

}  // namespace moebius::reports
