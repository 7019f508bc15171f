// An interval of numbers.
#pragma once

namespace moebius::reports {

struct Interval {
  double low = 0;
  double high = 0;
};

}  // namespace moebius::reports
