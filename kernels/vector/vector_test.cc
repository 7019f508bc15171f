// Elementwise passes against loops, bit for bit.
#include "kernels/vector/vector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

const std::vector<std::int64_t> kCounts = {0, 1, 15, 16, 17, 1000, 20'000, 20'001, 100'003};

TEST(Vector, Add) {
  for (const std::int64_t count : kCounts) {
    const std::vector<float> x = random_floats(count + 1, 1), y = random_floats(count + 1, 2);
    std::vector<float> want = x;
    for (std::int64_t i = 0; i < count; ++i) want[i] += y[i];
    on_each_host([&](const Stream& stream) {
      std::vector<float> got = x;
      add(got.data(), y.data(), count, stream);
      EXPECT_TRUE(same_bits(got, want)) << count;
    });
  }
}

TEST(Vector, Clip) {
  for (const std::int64_t count : kCounts) {
    for (const float limit : {0.0F, 0.5F, 2.0F}) {
      const std::vector<float> x = random_floats(count + 1, 1);
      std::vector<float> want = x;
      for (std::int64_t i = 0; i < count; ++i) want[i] = std::min(std::max(x[i], -limit), limit);
      on_each_host([&](const Stream& stream) {
        std::vector<float> got = x;
        clip(got.data(), count, limit, stream);
        EXPECT_TRUE(same_bits(got, want)) << count;
      });
    }
  }
}

TEST(Vector, ClipKeepsNanAndCutsInfinity) {
  const float inf = std::numeric_limits<float>::infinity();
  on_each_host([&](const Stream& stream) {
    std::vector<float> x(35, std::nanf(""));
    for (std::size_t i = 1; i < x.size(); i += 2) x[i] = i % 4 == 1 ? inf : -inf;
    clip(x.data(), 35, 8, stream);
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (i % 2 == 0) {
        EXPECT_TRUE(std::isnan(x[i])) << i;
      } else {
        EXPECT_EQ(x[i], i % 4 == 1 ? 8.0F : -8.0F) << i;
      }
    }
  });
}

TEST(Vector, CopyRows) {
  for (const std::int64_t width : {0, 1, 15, 16, 17, 700}) {
    for (const std::int64_t rows : {0, 1, 3, 64}) {
      const std::int64_t ldx = width + 3, ldy = width + 5;
      const std::vector<float> x = random_floats((rows + 1) * ldx, 1);
      std::vector<std::int32_t> x_rows(rows);
      for (std::int64_t r = 0; r < rows; ++r) x_rows[r] = std::int32_t(r * 5 % (rows + 1));
      for (const bool gather : {false, true}) {
        std::vector<float> want(rows * ldy + 1, -7.0F);
        for (std::int64_t r = 0; r < rows; ++r) {
          for (std::int64_t i = 0; i < width; ++i) {
            want[r * ldy + i] = x[(gather ? x_rows[r] : r) * ldx + i];
          }
        }
        on_each_host([&](const Stream& stream) {
          std::vector<float> got(rows * ldy + 1, -7.0F);
          copy_rows({.x = x.data(),
                     .ldx = ldx,
                     .y = got.data(),
                     .ldy = ldy,
                     .rows = rows,
                     .width = width,
                     .x_rows = gather ? x_rows.data() : nullptr},
                    stream);
          EXPECT_TRUE(same_bits(got, want)) << rows << " x " << width;
        });
      }
    }
  }
}

TEST(Vector, LogsItsBytes) {
  std::vector<float> x(64), y(64);
  const auto expect = [](const Launch& got, std::string_view kernel, int bytes, int flops) {
    EXPECT_EQ(got.kernel, kernel);
    EXPECT_EQ(got.bytes, bytes);
    EXPECT_EQ(got.flops, flops);
  };
  expect(only_launch([&](const Stream& s) { add(x.data(), y.data(), 64, s); }), "add", 768, 64);
  expect(only_launch([&](const Stream& s) { clip(x.data(), 64, 1, s); }), "clip", 512, 0);
  const CopyRowsArgs rows{.x = x.data(), .ldx = 8, .y = y.data(), .ldy = 9, .rows = 5, .width = 7};
  expect(only_launch([&](const Stream& s) { copy_rows(rows, s); }), "copy_rows", 2 * 35 * 4, 0);
}

TEST(Vector, RefusesBrokenLimits) {
  std::vector<float> x(64), y(64);
  ThreadPool pool(1);
  const Stream stream = Stream::host(pool);
  EXPECT_THROW(add(x.data(), y.data(), -1, stream), std::invalid_argument);
  EXPECT_THROW(add(nullptr, y.data(), 1, stream), std::invalid_argument);
  EXPECT_THROW(add(x.data(), nullptr, 1, stream), std::invalid_argument);
  EXPECT_THROW(clip(x.data(), -1, 1, stream), std::invalid_argument);
  EXPECT_THROW(clip(x.data(), 1, -1, stream), std::invalid_argument);
  EXPECT_THROW(clip(x.data(), 1, std::nanf(""), stream), std::invalid_argument);
  EXPECT_THROW(clip(nullptr, 1, 1, stream), std::invalid_argument);
  const std::int32_t x_rows[] = {0, -1};
  const CopyRowsArgs good{.x = x.data(), .ldx = 8, .y = y.data(), .ldy = 8, .rows = 2, .width = 8};
  const auto refused = [&](auto change) {
    CopyRowsArgs args = good;
    change(args);
    EXPECT_THROW(copy_rows(args, stream), std::invalid_argument);
  };
  EXPECT_NO_THROW(copy_rows(good, stream));
  refused([](CopyRowsArgs& a) { a.rows = -1; });
  refused([](CopyRowsArgs& a) { a.width = -1; });
  refused([](CopyRowsArgs& a) { a.ldx = 7; });
  refused([](CopyRowsArgs& a) { a.ldy = 7; });
  refused([](CopyRowsArgs& a) { a.x = nullptr; });
  refused([](CopyRowsArgs& a) { a.y = nullptr; });
  refused([&](CopyRowsArgs& a) { a.x_rows = x_rows; });
}

}  // namespace
}  // namespace moebius::kernels
