// Quantised checkpoints on the GPU: the bits of the bf16 values that they stand for, and the
// values that the CPU computes. Needs a GPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/local/quantized_models.h"
#include "kernels/device/test_support.h"
#include "tests/support/close.h"
#include "tests/support/random.h"
#include "tests/support/temp_dir.h"

namespace moebius::engine {
namespace {

LocalOptions on(Device device, Arithmetic arithmetic) {
  LocalOptions options;
  options.device = device;
  options.arithmetic = arithmetic;
  return options;
}

std::vector<std::int32_t> random_ids(std::size_t count) {
  tests::Random random(count);
  std::vector<std::int32_t> ids(count);
  for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random.integer(3, 1500));
  return ids;
}

std::vector<std::uint32_t> bits_of(const Trace& trace) {
  std::vector<std::uint32_t> bits;
  for (const std::vector<float>& row : trace.logits) {
    for (const float logit : row) bits.push_back(std::bit_cast<std::uint32_t>(logit));
  }
  return bits;
}

float most_of(const std::vector<float>& row) {
  const auto [low, high] = std::minmax_element(row.begin(), row.end());
  return std::max(std::fabs(*low), std::fabs(*high));
}

class QuantizedForward : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { MOEBIUS_NEEDS_GPU(); }
  tests::TempDir dir_;
};

// What lies on the device is what the CPU multiplies with, exactly.
TEST_P(QuantizedForward, HasTheBitsOfItsValues) {
  quantize_embedded(GetParam(), dir_.file("few"));
  write_widened(dir_.file("few"), dir_.file("wide"));
  for (const Arithmetic arithmetic : {Arithmetic::kF32, Arithmetic::kBF16}) {
    const auto few = load(dir_.file("few"), on(Device::kCuda, arithmetic));
    const auto wide = load(dir_.file("wide"), on(Device::kCuda, arithmetic));
    const auto base = load("embedded", on(Device::kCuda, arithmetic));
    for (const std::size_t length : {1U, 64U, 300U}) {
      const std::vector<std::int32_t> ids = random_ids(length);
      const Trace got = few->trace(ids);
      EXPECT_EQ(bits_of(got), bits_of(wide->trace(ids))) << length;
      EXPECT_NE(bits_of(got), bits_of(base->trace(ids))) << length;
    }
    EXPECT_NE(few->fingerprint(), base->fingerprint());
  }
}

// The bound is that of DeviceForward.TracesAsTheCpuDoes: the same sums over other weights.
TEST_P(QuantizedForward, TracesAsTheCpuDoes) {
  quantize_embedded(GetParam(), dir_.file("few"));
  const auto cpu = load(dir_.file("few"), on(Device::kCpu, Arithmetic::kF32));
  const auto gpu = load(dir_.file("few"), on(Device::kCuda, Arithmetic::kF32));
  for (const std::size_t length : {1U, 65U, 300U}) {
    const std::vector<std::int32_t> ids = random_ids(length);
    const Trace want = cpu->trace(ids);
    const Trace got = gpu->trace(ids);
    EXPECT_EQ(got.experts, want.experts) << length;
    ASSERT_EQ(got.logits.size(), want.logits.size());
    for (std::size_t r = 0; r < want.logits.size(); ++r) {
      EXPECT_TRUE(
          tests::close(got.logits[r], want.logits[r], {.abs = 1.3e-3F * most_of(want.logits[r])}))
          << "row " << r << " of " << length;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, QuantizedForward,
                         testing::Values("int4:group=32", "int8:group=128", "int8:channel",
                                         "fp8:channel"));

class BlockForward : public testing::Test {
 protected:
  void SetUp() override { MOEBIUS_NEEDS_GPU(); }
};

/// Root of the mean square of what `got` is off by, over that of `want`; NaN stays NaN.
double relative_rms(const Trace& got, const Trace& want) {
  double off = 0, all = 0;
  for (std::size_t r = 0; r < want.logits.size(); ++r) {
    for (std::size_t i = 0; i < want.logits[r].size(); ++i) {
      const double value = want.logits[r][i];
      off += (got.logits[r].at(i) - value) * (got.logits[r].at(i) - value);
      all += value * value;
    }
  }
  return std::sqrt(off / all);
}

// Blocks keep their fp8 on the device; under f32 nothing but the order of sums differs.
TEST_F(BlockForward, TracesAsTheCpuDoes) {
  const tests::TempDir dir;
  quantize_embedded("fp8", dir.file("fp8"));
  const std::vector<std::int32_t> ids = random_ids(65);
  const Trace want = load(dir.file("fp8"), on(Device::kCpu, Arithmetic::kF32))->trace(ids);
  const Trace got = load(dir.file("fp8"), on(Device::kCuda, Arithmetic::kF32))->trace(ids);
  EXPECT_EQ(got.experts, want.experts);
  ASSERT_EQ(got.logits.size(), want.logits.size());
  for (std::size_t r = 0; r < want.logits.size(); ++r) {
    EXPECT_TRUE(
        tests::close(got.logits[r], want.logits[r], {.abs = 1.3e-3F * most_of(want.logits[r])}))
        << "row " << r;
  }
}

// Under bf16 rows become fp8 too: e4m3 has 3 bits behind the point, each of about 60 roundings is
// off by 2^-4 of a value at most, with random signs sqrt(60) * 2^-4 / sqrt(3) = 28 % in the mean
// square. Single logits may be off by more, the more so where a row takes another expert.
TEST_F(BlockForward, InFp8StaysNearTheCpu) {
  const tests::TempDir dir;
  quantize_embedded("fp8", dir.file("fp8"));
  const std::vector<std::int32_t> ids = random_ids(65);
  const Trace want = load(dir.file("fp8"), on(Device::kCpu, Arithmetic::kF32))->trace(ids);
  const Trace got = load(dir.file("fp8"), on(Device::kCuda, Arithmetic::kBF16))->trace(ids);
  ASSERT_EQ(got.logits.size(), want.logits.size());
  const double off = relative_rms(got, want);
  EXPECT_GT(off, 0);  // rounded, and so not the same
  EXPECT_LE(off, 0.28);
}

}  // namespace
}  // namespace moebius::engine
