// Questions and repeats for a margin.
#include "reports/sizes.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "reports/statistics/distributions.h"
#include "reports/statistics/power.h"

namespace moebius::reports {
namespace {

/// Even models that never differ must be asked so many questions: Tango's bound without a flip.
std::int64_t least_questions(const SizeRequest& request) {
  const double z = normal_point(1 - request.alpha);
  return static_cast<std::int64_t>(std::ceil(z * z * (1 - request.margin) / request.margin));
}

std::int64_t questions_for(const Spread& spread, std::int64_t repeats, const SizeRequest& request) {
  const DifferenceVariance variance{.between = spread.of_question(repeats)};
  const Assurance assurance{.alpha = request.alpha, .power = request.power};
  return std::max(items_needed(variance, request.margin, assurance), least_questions(request));
}

void require_size(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

}  // namespace

double Spread::of_question(std::int64_t repeats) const {
  return between + 2 * within / static_cast<double>(repeats);
}

Spread spread_of_flips(double flips, double within) {
  return {.between = std::max(0.0, flips - 2 * within), .within = within};
}

Spread spread_of_error(double error, std::int64_t questions, std::int64_t repeats, double within) {
  const double total = error * error * static_cast<double>(questions);
  const double chance = 2 * within / static_cast<double>(repeats);
  return {.between = std::max(0.0, total - chance), .within = within};
}

double within_of_rerun(double rerun, std::int64_t questions, std::int64_t repeats) {
  return rerun * rerun * static_cast<double>(questions) * static_cast<double>(repeats);
}

SizePlan plan_size(const Spread& spread, const SizeRequest& request) {
  require_size(request.margin > 0 && request.margin < 1, "plan: margin outside 0 .. 1");
  require_size(request.alpha > 0 && request.alpha < 0.5, "plan: alpha outside 0 .. 0.5");
  require_size(request.power > 0 && request.power < 1, "plan: power outside 0 .. 1");
  require_size(request.questions > 0 && request.repeats > 0, "plan: no question or no repeat");
  const DifferenceVariance variance{.between = spread.of_question(request.repeats)};
  const Assurance assurance{.alpha = request.alpha, .power = request.power};
  SizePlan plan{.questions = questions_for(spread, request.repeats, request)};
  // The bound without a flip, solved for the margin: z^2 / (n + z^2).
  const double z = normal_point(1 - request.alpha);
  const double floor = z * z / (static_cast<double>(request.questions) + z * z);
  plan.detectable = std::max(detectable_difference(variance, request.questions, assurance), floor);
  const bool enough = request.questions >= least_questions(request);
  plan.power = !enough ? 0
               : variance.of_item() > 0
                   ? power_of(variance, request.margin, request.questions, assurance)
                   : 1;
  for (std::int64_t repeats = 1; repeats <= kMostRepeats && !plan.repeats; ++repeats) {
    if (questions_for(spread, repeats, request) <= request.questions) plan.repeats = repeats;
  }
  return plan;
}

}  // namespace moebius::reports
