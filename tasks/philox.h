// Random numbers that are the same on every platform: Philox4x32-10, a counter hashed by a key.
#pragma once

#include <array>
#include <cstdint>

namespace moebius::tasks {

/// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11,
/// section 4.3; the constants are those of their library Random123.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

/// A stream of draws: the key is the seed, the counter counts.
class Philox {
 public:
  explicit Philox(std::uint64_t seed)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)} {}

  std::uint64_t next();
  /// Uniform in [0, bound) without bias; bound > 0.
  std::uint64_t below(std::uint64_t bound);

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint64_t drawn_ = 0;
};

}  // namespace moebius::tasks
