// The mean over questions, its error and its interval.
#include "reports/mean_interval.h"

#include "reports/statistics/estimators.h"
#include "reports/statistics/intervals.h"

namespace moebius::reports {
namespace {

std::string too_few_clusters(std::size_t clusters) {
  if (clusters >= kMinClusters) return "";
  return "; " + std::to_string(clusters) + " clusters, " + std::to_string(kMinClusters) +
         " needed to cluster";
}

}  // namespace

MeanInterval mean_interval(const QuestionValues& values) {
  const std::size_t n = values.values.size();
  MeanInterval found;
  if (n == 0) return found;
  const double centre = mean(values.values);
  found.value = centre;
  const std::size_t clusters = count_clusters(values.clusters);
  const bool clustered = clusters > 1 && clusters < n;  // neither all alone nor all together
  const auto error = clustered ? clustered_error(values.values, values.clusters) : std::nullopt;
  found.error = error ? error : standard_error(values.values);
  const std::string note = clustered && !error ? too_few_clusters(clusters) : "";
  const bool unanimous = centre <= 0 || centre >= 1;  // the spread is zero, the doubt is not
  if (unanimous || (values.single && !error)) {
    found.interval = wilson(centre, static_cast<double>(n));
    found.method = "wilson" + note;
  } else if (found.error) {
    const auto degrees = static_cast<double>((error ? clusters : n) - 1);
    found.interval = student_t(centre, *found.error, degrees);
    found.method = error ? "clustered t" : "t" + note;
  }
  return found;
}

}  // namespace moebius::reports
