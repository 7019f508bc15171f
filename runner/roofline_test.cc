// Rates and bounds of kernels whose figures are easy to reckon.
#include "runner/roofline.h"

#include <gtest/gtest.h>

namespace moebius::runner {
namespace {

reports::MachineLimits gpu() {
  reports::MachineLimits limits;
  limits.read_gb_s = 4000;
  limits.copy_gb_s = 3900;
  limits.matrix_tflops = 800;
  limits.fp8_tflops = 1600;
  limits.f32_tflops = 50;
  return limits;
}

TEST(Roofline, MemoryBound) {
  // 400 MB in 200 us: 2 TB/s of 4.
  const Roof roof = roof_of("rms_norm", 200e3, 400e6, 1e6, gpu());
  EXPECT_DOUBLE_EQ(roof.gb_s, 2000);
  EXPECT_DOUBLE_EQ(roof.tflops, 1e6 / 200e3 * 1e-3);
  EXPECT_DOUBLE_EQ(roof.percent.value(), 50);
  EXPECT_EQ(roof.bound, Bound::kMemory);
}

TEST(Roofline, ComputeBoundByTheUnitThatTheNameSays) {
  const double flops = 800e9;  // 1 ms of bf16
  EXPECT_DOUBLE_EQ(roof_of("gemm_bf16", 2e6, 1e6, flops, gpu()).percent.value(), 50);
  EXPECT_DOUBLE_EQ(roof_of("gemm_fp8", 2e6, 1e6, flops, gpu()).percent.value(), 25);
  EXPECT_DOUBLE_EQ(roof_of("gemm_f32", 32e6, 1e6, flops, gpu()).percent.value(), 50);
  EXPECT_EQ(roof_of("gemm_bf16", 2e6, 1e6, flops, gpu()).bound, Bound::kCompute);
  reports::MachineLimits cpu;
  cpu.read_gb_s = 10;
  cpu.matrix_tflops = 1;
  EXPECT_DOUBLE_EQ(roof_of("gemm_fp8", 2e9, 1e6, 1e12, cpu).percent.value(), 50)
      << "no fp8 limit there: the matrix limit";
}

TEST(Roofline, LatencyIsLittleWorkFarFromItsLimit) {
  // 4 MB are 1 us at best.
  EXPECT_EQ(roof_of("rope", 3000, 4e6, 0, gpu()).bound, Bound::kLatency);
  EXPECT_EQ(roof_of("rope", 1500, 4e6, 0, gpu()).bound, Bound::kMemory) << "67 % of its limit";
  EXPECT_EQ(roof_of("rope", 300e3, 400e6, 0, gpu()).bound, Bound::kMemory) << "slow, but not small";
}

TEST(Roofline, NothingIsSaidWithoutFiguresOrLimits) {
  for (const Roof& roof : {roof_of("copy", 1e3, 0, 0, gpu()),
                           roof_of("gemm", 1e3, 1e3, 1e3, reports::MachineLimits())}) {
    EXPECT_FALSE(roof.percent.has_value());
    EXPECT_EQ(roof.bound, Bound::kNone);
    EXPECT_STREQ(bound_name(roof.bound), "-");
  }
}

}  // namespace
}  // namespace moebius::runner
