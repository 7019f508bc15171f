// What the tests of host kernels share: every SIMD target, several thread counts,
// the processor mode that kernels run in, and comparing bits.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "kernels/simd/targets.h"  // before Highway

#include "hwy/targets.h"
#include "kernels/stream.h"

namespace moebius::kernels {

/// Calls body() on every Highway target that this build has and this processor supports.
template <class Body>
void on_each_target(const Body& body) {
  for (const auto target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
}

/// Calls body(stream) on every target and with 1, 2 and 3 threads.
template <class Body>
void on_each_host(const Body& body) {
  on_each_target([&] {
    for (const int threads : {1, 2, 3}) {
      SCOPED_TRACE(threads);
      ThreadPool pool(threads);
      body(Stream::host(pool));
    }
  });
}

/// Runs a serial reference as kernels run: with subnormals flushed.
template <class Body>
void in_kernel_mode(const Body& body) {
  ThreadPool pool(1);
  pool.run(1, [&](std::int64_t, int) { body(); });
}

/// The one launch that body(stream) logs; an empty one if there is not exactly one.
template <class Body>
Launch only_launch(const Body& body) {
  ThreadPool pool(1);
  LaunchLog log;
  Stream stream = Stream::host(pool);
  stream.set_log(&log);
  body(stream);
  const std::vector<Launch> launches = log.take();
  EXPECT_EQ(launches.size(), 1U);
  return launches.size() == 1 ? launches[0] : Launch{};
}

/// Uniform in [low, high); the same on every platform.
inline std::vector<float> random_floats(std::size_t count, std::uint32_t seed, float low = -1,
                                        float high = 1) {
  std::mt19937 generator(seed);
  std::vector<float> xs(count);
  for (float& x : xs) {
    x = low + (high - low) * static_cast<float>(generator() >> 8) * 0x1p-24F;
  }
  return xs;
}

/// Equal bits, and no NaN on either side.
inline testing::AssertionResult same_bits(std::span<const float> got, std::span<const float> want) {
  if (got.size() != want.size()) {
    return testing::AssertionFailure() << got.size() << " values, want " << want.size();
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) || std::isnan(want[i]) ||
        std::bit_cast<std::uint32_t>(got[i]) != std::bit_cast<std::uint32_t>(want[i])) {
      return testing::AssertionFailure()
             << "[" << i << "] of " << got.size() << ": got " << got[i] << ", want " << want[i];
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace moebius::kernels
