// The mean over questions with the error and the interval that reports give it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/statistics/interval.h"

namespace moebius::reports {

/// A number per question.
struct QuestionValues {
  std::vector<double> values;
  std::vector<std::uint32_t> clusters;
  bool single = true;  // one 0/1 answer per question
};

struct MeanInterval {
  std::optional<double> value;
  std::optional<double> error;
  std::optional<Interval> interval;  // 95 %
  std::string method;                // "wilson", "clustered t", "t", with a note after "; "
};

/// Nothing of no questions. Wilson for single answers and where all agree, clustered t from
/// kMinClusters clusters on, unless every question is alone or all are together; t otherwise.
MeanInterval mean_interval(const QuestionValues& values);

}  // namespace moebius::reports
