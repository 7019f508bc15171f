// Time as the remote client sees it, so that tests can make it pass.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace moebius::engine::remote {

using Micros = std::int64_t;  // since some start, or a duration
inline constexpr Micros kSecond = 1'000'000;
inline constexpr Micros kNever = std::numeric_limits<Micros>::max();

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Micros now() const = 0;  // never goes back
};

class SteadyClock final : public Clock {
 public:
  Micros now() const override {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
  }
};

}  // namespace moebius::engine::remote
