// RMSNorm against a serial reading of its contract, bit for bit.
#include "kernels/rms_norm/rms_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

void reference(const RmsNormArgs& a) {
  for (std::int64_t r = 0; r < a.rows; ++r) {
    std::vector<float> v(a.x + r * a.ldx, a.x + r * a.ldx + a.dim);
    for (std::int64_t i = 0; a.residual && i < a.dim; ++i) {
      v[i] = a.residual[r * a.dim + i] += v[i];
    }
    float c[16] = {};
    for (std::int64_t i = 0; i < a.dim; ++i) c[i % 16] = std::fma(v[i], v[i], c[i % 16]);
    const float evens = ((c[0] + c[8]) + (c[4] + c[12])) + ((c[2] + c[10]) + (c[6] + c[14]));
    const float odds = ((c[1] + c[9]) + (c[5] + c[13])) + ((c[3] + c[11]) + (c[7] + c[15]));
    const float mean = (evens + odds) / static_cast<float>(a.dim);
    const float factor = 1.0F / std::sqrt(mean + a.eps);
    for (std::int64_t i = 0; i < a.dim; ++i) a.y[r * a.ldy + i] = a.weight[i] * (v[i] * factor);
  }
}

struct Case {
  std::int64_t rows, dim, pad;
  bool residual, in_place;
};

struct Buffers {
  std::vector<float> x, residual, weight, y;

  explicit Buffers(const Case& c)
      : x(random_floats(c.rows * (c.dim + c.pad), 1, -3, 3)),
        residual(random_floats(c.residual ? c.rows * c.dim : 0, 2, -3, 3)),
        weight(random_floats(c.dim, 3)),
        y(c.in_place ? 0 : c.rows * (c.dim + 2 * c.pad), -7.0F) {}

  RmsNormArgs args(const Case& c) {
    return {.x = x.data(),
            .ldx = c.dim + c.pad,
            .residual = c.residual ? residual.data() : nullptr,
            .weight = weight.data(),
            .y = c.in_place ? x.data() : y.data(),
            .ldy = c.dim + (c.in_place ? 1 : 2) * c.pad,
            .rows = c.rows,
            .dim = c.dim,
            .eps = 1e-6F};
  }
};

TEST(RmsNorm, CanonicalBitsOnEveryTargetAndThreadCount) {
  for (const std::int64_t dim : {1, 2, 15, 16, 17, 31, 33, 64, 100, 128, 2048, 7168}) {
    for (const Case& c : {Case{0, dim, 0, false, false}, Case{1, dim, 0, false, false},
                          Case{5, dim, 3, true, false}, Case{37, dim, 1, true, true},
                          Case{16, dim, 0, false, true}}) {
      SCOPED_TRACE(testing::Message() << c.rows << " x " << c.dim << (c.residual ? " +" : ""));
      Buffers want(c);
      in_kernel_mode([&] { reference(want.args(c)); });
      on_each_host([&](const Stream& stream) {
        Buffers got(c);
        rms_norm(got.args(c), stream);
        EXPECT_TRUE(same_bits(got.y, want.y));  // what lies between the rows included
        EXPECT_TRUE(same_bits(got.x, want.x));
        EXPECT_TRUE(same_bits(got.residual, want.residual));
      });
    }
  }
}

TEST(RmsNorm, CloseToDouble) {
  const Case c{3, 1000, 0, false, false};
  Buffers b(c);
  ThreadPool pool(1);
  rms_norm(b.args(c), Stream::host(pool));
  for (std::int64_t r = 0; r < c.rows; ++r) {
    double sum = 0;
    for (std::int64_t i = 0; i < c.dim; ++i) sum += std::pow(double{b.x[r * c.dim + i]}, 2);
    const double factor = 1 / std::sqrt(sum / static_cast<double>(c.dim) + 1e-6);
    for (std::int64_t i = 0; i < c.dim; ++i) {
      const double want = b.weight[i] * (b.x[r * c.dim + i] * factor);
      // The sum of 63 squares a chain and the tree, all positive: well below 1e-6.
      EXPECT_NEAR(b.y[r * c.dim + i], want, 2e-6 * std::fabs(want) + 1e-30);
    }
  }
}

TEST(RmsNorm, LogsItsBytes) {
  const Case c{4, 32, 0, true, false};
  Buffers b(c);
  const Launch got = only_launch([&](const Stream& stream) { rms_norm(b.args(c), stream); });
  EXPECT_EQ(got.kernel, "rms_norm");
  EXPECT_EQ(got.bytes, 4 * (4 * 4 * 32 + 32));
  EXPECT_EQ(got.flops, 5 * 4 * 32);
}

TEST(RmsNorm, RefusesBrokenLimits) {
  const Case c{2, 8, 0, false, false};
  Buffers b(c);
  ThreadPool pool(1);
  const auto refused = [&](auto change) {
    RmsNormArgs args = b.args(c);
    change(args);
    EXPECT_THROW(rms_norm(args, Stream::host(pool)), std::invalid_argument);
  };
  refused([](RmsNormArgs& a) { a.rows = -1; });
  refused([](RmsNormArgs& a) { a.dim = 0; });
  refused([](RmsNormArgs& a) { a.ldx = 7; });
  refused([](RmsNormArgs& a) { a.ldy = 7; });
  refused([](RmsNormArgs& a) { a.eps = -1; });
  refused([](RmsNormArgs& a) { a.eps = std::nanf(""); });
  refused([](RmsNormArgs& a) { a.x = nullptr; });
  refused([](RmsNormArgs& a) { a.weight = nullptr; });
  refused([](RmsNormArgs& a) { a.y = nullptr; });
}

}  // namespace
}  // namespace moebius::kernels
