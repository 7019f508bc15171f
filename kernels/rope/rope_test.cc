// Rotary embedding: the table against double, the rotation against a serial reading of
// its contract, bit for bit.
#include "kernels/rope/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

double ulp_of(double x) {
  int exponent = 0;
  std::frexp(x, &exponent);
  return std::ldexp(1.0, std::max(exponent, -125) - 24);
}

std::vector<float> frequencies(std::int64_t half) {
  std::vector<float> f(half);
  for (std::int64_t i = 0; i < half; ++i) {
    f[i] = static_cast<float>(std::pow(10000.0, -static_cast<double>(i) / double(half)));
  }
  return f;
}

TEST(RopeTable, WithinOneUlpOfDoubleAtEveryRow) {
  const std::int64_t half = 32;
  const std::vector<float> inv_freq = frequencies(half);
  // An empty sequence, one that goes on late, and one of many rows.
  const std::vector<std::int32_t> row_begin = {0, 3, 3, 4, 104};
  const std::vector<std::int32_t> position_begin = {0, 5, 163839, 4090};
  std::vector<float> cos(104 * half), sin(104 * half);
  on_each_host([&](const Stream& stream) {
    rope_table({.inv_freq = inv_freq.data(),
                .half = half,
                .batch = {.sequences = 4,
                          .rows = 104,
                          .row_begin = row_begin.data(),
                          .position_begin = position_begin.data()},
                .cos = cos.data(),
                .sin = sin.data()},
               stream);
    for (std::int64_t r = 0; r < 104; ++r) {
      const int position = r < 3 ? int(r) : r < 4 ? 163839 : int(4090 + r - 4);
      for (std::int64_t i = 0; i < half; ++i) {
        const float angle = static_cast<float>(position) * inv_freq[i];
        const double want_cos = std::cos(double{angle}), want_sin = std::sin(double{angle});
        ASSERT_LE(std::fabs(cos[r * half + i] - want_cos), ulp_of(want_cos)) << r << " " << i;
        ASSERT_LE(std::fabs(sin[r * half + i] - want_sin), ulp_of(want_sin)) << r << " " << i;
      }
    }
  });
}

TEST(RopeTable, ScalesAfterRounding) {
  const std::int64_t half = 64, rows = 10;
  const std::vector<float> inv_freq = frequencies(half);
  const std::int32_t row_begin[] = {0, rows}, position_begin[] = {3};
  std::vector<float> plain(2 * rows * half), scaled(2 * rows * half);
  ThreadPool pool(1);
  RopeTableArgs args{.inv_freq = inv_freq.data(),
                     .half = half,
                     .batch = {.sequences = 1,
                               .rows = rows,
                               .row_begin = row_begin,
                               .position_begin = position_begin},
                     .cos = plain.data(),
                     .sin = plain.data() + rows * half};
  rope_table(args, Stream::host(pool));
  args.scale = 1.3F, args.cos = scaled.data(), args.sin = scaled.data() + rows * half;
  rope_table(args, Stream::host(pool));
  for (float& value : plain) value *= 1.3F;
  EXPECT_TRUE(same_bits(scaled, plain));
}

TEST(RopeTable, RefusesMalformedBatches) {
  const float inv_freq[] = {1.0F};
  float out[8];
  ThreadPool pool(1);
  const auto refused = [&](std::vector<std::int32_t> row_begin,
                           std::vector<std::int32_t> position_begin, std::int64_t rows) {
    const RopeTableArgs args{.inv_freq = inv_freq,
                             .half = 1,
                             .batch = {.sequences = std::int64_t(position_begin.size()),
                                       .rows = rows,
                                       .row_begin = row_begin.data(),
                                       .position_begin = position_begin.data()},
                             .cos = out,
                             .sin = out};
    EXPECT_THROW(rope_table(args, Stream::host(pool)), std::invalid_argument);
  };
  refused({0, 2}, {0}, 3);
  refused({1, 2}, {0}, 2);
  refused({0, 3, 2}, {0, 0}, 2);
  refused({0, 2}, {-1}, 2);
  refused({0}, {}, 2);
  EXPECT_THROW(rope_table({.inv_freq = inv_freq, .half = 0}, Stream::host(pool)),
               std::invalid_argument);
  EXPECT_NO_THROW(rope_table({.inv_freq = inv_freq, .half = 1}, Stream::host(pool)));
}

void reference(const RopeArgs& a) {
  for (std::int64_t r = 0; r < a.rows; ++r) {
    for (std::int64_t h = 0; h < a.heads; ++h) {
      float* x = a.x + r * a.ldx + h * a.head_stride;
      for (std::int64_t i = 0; i < a.half; ++i) {
        const bool halves = a.pairs == RopePairs::kHalves;
        float& first = halves ? x[i] : x[2 * i];
        float& second = halves ? x[i + a.half] : x[2 * i + 1];
        const float cos = a.cos[r * a.half + i], sin = a.sin[r * a.half + i];
        const float turned = std::fma(first, cos, -(second * sin));
        second = std::fma(second, cos, first * sin);
        first = turned;
      }
    }
  }
}

TEST(Rope, CanonicalBitsOnEveryTargetAndThreadCount) {
  for (const RopePairs pairs : {RopePairs::kHalves, RopePairs::kInterleaved}) {
    for (const std::int64_t half : {1, 3, 8, 15, 16, 17, 32, 64}) {
      for (const std::int64_t rows : {0, 1, 2, 33}) {
        const std::int64_t heads = 9, head_stride = 2 * half + 5;
        const std::int64_t ldx = heads * head_stride + 3;
        const std::vector<float> x = random_floats(rows * ldx, 1, -4, 4);
        const std::vector<float> angles = random_floats(2 * rows * half, 2);
        RopeArgs args{.ldx = ldx,
                      .heads = heads,
                      .head_stride = head_stride,
                      .cos = angles.data(),
                      .sin = angles.data() + rows * half,
                      .half = half,
                      .rows = rows,
                      .pairs = pairs};
        std::vector<float> want = x;
        args.x = want.data();
        in_kernel_mode([&] { reference(args); });
        on_each_host([&](const Stream& stream) {
          std::vector<float> got = x;
          args.x = got.data();
          rope(args, stream);
          EXPECT_TRUE(same_bits(got, want)) << half << " x " << rows;
        });
      }
    }
  }
}

TEST(Rope, LogsItsBytes) {
  std::vector<float> x(3 * 16), angles(3 * 4);
  const Launch got = only_launch([&](const Stream& stream) {
    rope({.x = x.data(),
          .ldx = 16,
          .heads = 2,
          .head_stride = 8,
          .cos = angles.data(),
          .sin = angles.data(),
          .half = 4,
          .rows = 3},
         stream);
  });
  EXPECT_EQ(got.kernel, "rope");
  EXPECT_EQ(got.bytes, 4 * (2 * 3 * 16 + 2 * 3 * 4));  // x both ways, cos and sin
  EXPECT_EQ(got.flops, 6 * 3 * 2 * 4);
}

TEST(Rope, RefusesBrokenLimits) {
  std::vector<float> x(64), angles(16);
  ThreadPool pool(1);
  const RopeArgs good{.x = x.data(),
                      .ldx = 16,
                      .heads = 2,
                      .head_stride = 8,
                      .cos = angles.data(),
                      .sin = angles.data(),
                      .half = 4,
                      .rows = 3};
  const auto refused = [&](auto change) {
    RopeArgs args = good;
    change(args);
    EXPECT_THROW(rope(args, Stream::host(pool)), std::invalid_argument);
  };
  EXPECT_NO_THROW(rope(good, Stream::host(pool)));
  refused([](RopeArgs& a) { a.rows = -1; });
  refused([](RopeArgs& a) { a.heads = -1; });
  refused([](RopeArgs& a) { a.half = 0; });
  refused([](RopeArgs& a) { a.ldx = 7; });
  refused([](RopeArgs& a) { a.head_stride = 7; });
  refused([](RopeArgs& a) { a.x = nullptr; });
  refused([](RopeArgs& a) { a.cos = nullptr; });
  refused([](RopeArgs& a) { a.sin = nullptr; });
}

}  // namespace
}  // namespace moebius::kernels
