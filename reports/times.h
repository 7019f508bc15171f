// How fast a run went, from when its answers were stored.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "reports/question.h"

namespace moebius::reports {

/// Answers of a set over the time between its first and its last one, each attempt at the run
/// alone, so that the time between attempts does not count. None of less than a tenth of a second.
/// `attempts`: when they began (Reader::attempts).
std::optional<double> answers_per_second(const SetResults& results,
                                         const std::vector<std::int64_t>& attempts);

}  // namespace moebius::reports
