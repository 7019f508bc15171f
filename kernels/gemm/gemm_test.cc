// Products against the scalar definition: equal bits on every path, for every
// dtype, over batch sizes, orders, threads and awkward shapes.
#include "kernels/gemm/gemm.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "hwy/targets.h"
#include "kernels/gemm/gemm_core.h"
#include "kernels/gemm/gemm_widen.h"

namespace moebius::kernels {
namespace {

struct Weight {
  std::vector<std::byte> bytes;
  std::vector<float> scale;
  std::vector<std::uint16_t> group_scale;
  Matrix matrix;
};

/// How weights are stored; group 0: without group scales.
struct Format {
  Dtype dtype = Dtype::kF32;
  std::int64_t group = 0;
};

std::uint16_t to_f16(float x) {  // coarse, for test data: normal numbers only
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  const int exponent = static_cast<int>((bits >> 23) & 255) - 112;
  if (exponent <= 0) return static_cast<std::uint16_t>(bits % 1024);  // a subnormal
  return static_cast<std::uint16_t>((bits >> 16 & 0x8000) | exponent << 10 | (bits >> 13 & 1023));
}

/// Random codes in every bit, those behind a row's end too; scales of either sign.
Weight make_grouped(const Format& format, std::int64_t rows, std::int64_t cols,
                    std::mt19937& random) {
  Weight w;
  w.matrix = {.dtype = format.dtype, .rows = rows, .cols = cols, .group = format.group};
  w.bytes.resize(w.matrix.bytes());
  for (std::byte& byte : w.bytes) {
    unsigned bits = random() & 255;
    if (format.dtype == Dtype::kF8E4M3 && (bits & 127) == 127) --bits;
    byte = static_cast<std::byte>(bits);
  }
  w.group_scale.resize(rows * ((cols + format.group - 1) / format.group));
  std::normal_distribution<float> normal;
  for (std::uint16_t& scale : w.group_scale) {
    scale = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(normal(random)) >> 16);
  }
  w.matrix.data = w.bytes.data();
  w.matrix.group_scale = w.group_scale.data();
  return w;
}

Weight make_weight(const Format& format, std::int64_t rows, std::int64_t cols,
                   std::mt19937& random) {
  if (format.group > 0) return make_grouped(format, rows, cols, random);
  const Dtype dtype = format.dtype;
  Weight w;
  const std::size_t size = dtype_bytes(dtype);
  w.bytes.resize(rows * cols * size);
  std::normal_distribution<float> normal;
  for (std::int64_t i = 0; i < rows * cols; ++i) {
    const float value = normal(random);
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const auto half = static_cast<std::uint16_t>(dtype == Dtype::kF16 ? to_f16(value) : bits >> 16);
    const auto byte = static_cast<std::uint8_t>(random() % 127 | (random() & 128));
    const void* from = dtype == Dtype::kF32      ? static_cast<const void*>(&value)
                       : dtype == Dtype::kF8E4M3 ? static_cast<const void*>(&byte)
                                                 : &half;
    std::memcpy(w.bytes.data() + i * size, from, size);
  }
  if (dtype == Dtype::kF8E4M3) {
    w.scale.resize((rows + 127) / 128 * ((cols + 127) / 128));
    for (float& s : w.scale) s = 0.01F * (1 + std::abs(normal(random)));
  }
  w.matrix = {w.bytes.data(), dtype, rows, cols, w.scale.empty() ? nullptr : w.scale.data()};
  return w;
}

std::vector<float> make_x(std::int64_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> x(count);
  for (float& value : x) value = normal(random) * std::exp2(static_cast<float>(random() % 12));
  return x;
}

void expect_bits(const std::vector<float>& got, const std::vector<float>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_FALSE(std::isnan(want[i])) << i;
    ASSERT_EQ(std::bit_cast<std::uint32_t>(got[i]), std::bit_cast<std::uint32_t>(want[i]))
        << "at " << i << ": got " << got[i] << ", want " << want[i];
  }
}

std::vector<std::string> paths() {
  std::vector<std::string> names{"simd"};
  if (amx_gemm_path()) names.push_back("amx");
  return names;
}

struct Shape {
  std::int64_t rows, n, k;
};

class GemmTest : public testing::TestWithParam<Format> {
 protected:
  ~GemmTest() override {
    set_gemm_path("auto");
    hwy::SetSupportedTargetsForTest(0);
  }
};

TEST_P(GemmTest, EqualsTheScalarDefinition) {
  std::mt19937 random(7);
  ThreadPool pool(2);
  const Stream stream = Stream::host(pool);
  for (const Shape& s :
       {Shape{1, 1, 1}, Shape{1, 33, 31}, Shape{3, 16, 32}, Shape{5, 48, 33}, Shape{6, 31, 200},
        Shape{16, 32, 64}, Shape{17, 65, 130}, Shape{40, 20, 577}, Shape{130, 34, 1100}}) {
    const Weight w = make_weight(GetParam(), s.n, s.k, random);
    const std::vector<float> x = make_x(s.rows * s.k, random);
    const std::vector<float> bias = make_x(s.n, random);
    for (Precision precision : {Precision::kF32, Precision::kBF16}) {
      std::vector<float> want(s.rows * s.n);
      GemmArgs args{.x = x.data(),
                    .ldx = s.k,
                    .w = w.matrix,
                    .bias = bias.data(),
                    .y = want.data(),
                    .ldy = s.n,
                    .rows = s.rows,
                    .precision = precision};
      gemm_reference(args);
      for (const std::string& path : paths()) {
        SCOPED_TRACE(path + " " + std::to_string(s.rows) + "x" + std::to_string(s.n) + "x" +
                     std::to_string(s.k));
        set_gemm_path(path.c_str());
        for (const auto target : hwy::SupportedAndGeneratedTargets()) {
          hwy::SetSupportedTargetsForTest(target);
          std::vector<float> got(s.rows * s.n, NAN);
          args.y = got.data();
          gemm(args, stream);
          expect_bits(got, want);
        }
      }
    }
  }
}

TEST_P(GemmTest, CloseToDouble) {
  // Each of the three pieces' sums is rounded like a float32 sum of K terms; the bound is that
  // of a chain of K roundings over sum |x w| (Higham 2002, (3.5)), far from reached.
  std::mt19937 random(11);
  ThreadPool pool(1);
  const Stream stream = Stream::host(pool);
  const Shape s{4, 37, 500};
  const Weight w = make_weight(GetParam(), s.n, s.k, random);
  const std::vector<float> x = make_x(s.rows * s.k, random);
  std::vector<float> y(s.rows * s.n);
  gemm({.x = x.data(), .ldx = s.k, .w = w.matrix, .y = y.data(), .ldy = s.n, .rows = s.rows},
       stream);
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t n = 0; n < s.n; ++n) {
      double sum = 0;
      double magnitude = 0;
      for (std::int64_t k = 0; k < s.k; ++k) {
        double value = widen_weight(w.matrix, n, k);
        if (w.matrix.scale) value *= w.matrix.scale[n / 128 * 4 + k / 128];
        sum += value * x[r * s.k + k];
        magnitude += std::abs(value * x[r * s.k + k]);
      }
      ASSERT_LE(std::abs(y[r * s.n + n] - sum), 40 * 0x1p-24 * magnitude) << r << "," << n;
    }
  }
}

TEST_P(GemmTest, RowsDoNotDependOnOtherRowsOrThreads) {
  std::mt19937 random(3);
  const std::int64_t n = 70;
  const std::int64_t k = 333;
  const Weight w = make_weight(GetParam(), n, k, random);
  const std::vector<float> x = make_x(64 * k, random);
  for (const std::string& path : paths()) {
    set_gemm_path(path.c_str());
    std::vector<float> alone(64 * n);
    ThreadPool one(1);
    for (std::int64_t r = 0; r < 64; ++r) {
      gemm({.x = x.data() + r * k,
            .ldx = k,
            .w = w.matrix,
            .y = alone.data() + r * n,
            .ldy = n,
            .rows = 1},
           Stream::host(one));
    }
    for (int threads : {1, 2, 3}) {
      ThreadPool pool(threads);
      for (std::int64_t rows : {2, 7, 16, 64}) {
        std::vector<float> batch(rows * n);
        gemm({.x = x.data(), .ldx = k, .w = w.matrix, .y = batch.data(), .ldy = n, .rows = rows},
             Stream::host(pool));
        expect_bits(batch, {alone.begin(), alone.begin() + rows * n});
      }
    }
  }
}

TEST_P(GemmTest, HeadsAndGroupsEqualDenseProducts) {
  std::mt19937 random(5);
  ThreadPool pool(2);
  const Stream stream = Stream::host(pool);
  const std::int64_t heads = 3, n = 40, k = 48, rows = 9;
  const Weight w = make_weight(GetParam(), heads * n, k, random);
  const std::vector<float> x = make_x(rows * heads * k, random);
  std::vector<float> got(rows * heads * n);
  head_gemm({.x = x.data(),
             .ldx = heads * k,
             .x_head = k,
             .w = w.matrix,
             .n = n,
             .w_head = n,
             .heads = heads,
             .y = got.data(),
             .ldy = heads * n,
             .y_head = n,
             .rows = rows},
            stream);
  std::vector<float> want(rows * heads * n);
  std::vector<float> all(rows * heads * n);
  for (std::int64_t h = 0; h < heads; ++h) {
    gemm_reference({.x = x.data() + h * k,
                    .ldx = heads * k,
                    .w = w.matrix,
                    .y = all.data(),
                    .ldy = heads * n,
                    .rows = rows});
    for (std::int64_t r = 0; r < rows; ++r) {
      std::copy_n(&all[r * heads * n + h * n], n, &want[r * heads * n + h * n]);
    }
  }
  expect_bits(got, want);
}

TEST_P(GemmTest, GroupedGateUp) {
  std::mt19937 random(6);
  ThreadPool pool(2);
  const Stream stream = Stream::host(pool);
  const std::int64_t n = 50, k = 70, tokens = 6;
  std::vector<Weight> gate, up;
  std::vector<Matrix> gates, ups;
  for (int e = 0; e < 3; ++e) {
    gate.push_back(make_weight(GetParam(), n, k, random));
    up.push_back(make_weight(GetParam(), n, k, random));
  }
  for (int e = 0; e < 3; ++e) {
    gates.push_back(gate[e].matrix);
    ups.push_back(up[e].matrix);
  }
  const std::vector<float> x = make_x(tokens * k, random);
  const std::vector<std::int32_t> offsets{0, 4, 4, 10};
  const std::vector<std::int32_t> source{0, 2, 3, 5, 0, 1, 2, 3, 4, 5};
  std::vector<float> got(10 * n), want(10 * n), g(n), u(n);
  grouped_gemm({.x = x.data(),
                .ldx = k,
                .x_rows = source.data(),
                .w = gates,
                .up = ups,
                .offsets = offsets.data(),
                .y = got.data(),
                .ldy = n,
                .rows = 10},
               stream);
  for (int row = 0; row < 10; ++row) {
    const int e = row < 4 ? 0 : 2;
    const float* at = x.data() + source[row] * k;
    gemm_reference({.x = at, .ldx = k, .w = gates[e], .y = g.data(), .ldy = n, .rows = 1});
    gemm_reference({.x = at, .ldx = k, .w = ups[e], .y = u.data(), .ldy = n, .rows = 1});
    silu_mul_row(g.data(), u.data(), &want[row * n], n);
  }
  expect_bits(got, want);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, GemmTest,
                         testing::Values(Format{Dtype::kF32}, Format{Dtype::kF16},
                                         Format{Dtype::kBF16}, Format{Dtype::kF8E4M3},
                                         Format{Dtype::kF8E4M3, 2048}, Format{Dtype::kI8, 128},
                                         Format{Dtype::kI4, 32}, Format{Dtype::kI4, 96}),
                         [](const auto& format) {
                           const std::string name = dtype_name(format.param.dtype);
                           const std::int64_t group = format.param.group;
                           return group > 0 ? name + "_group" + std::to_string(group) : name;
                         });

// What group scales mean: the product is that of the bf16 matrix bf16(value * scale).
TEST(Gemm, GroupScalesAreAppliedInBf16) {
  std::mt19937 random(21);
  ThreadPool pool(2);
  const Stream stream = Stream::host(pool);
  const std::int64_t rows = 18, n = 41, k = 203;
  const std::vector<float> x = make_x(rows * k, random);
  for (const Format& format : {Format{Dtype::kI4, 32}, Format{Dtype::kI4, 64},
                               Format{Dtype::kI8, 128}, Format{Dtype::kF8E4M3, 224}}) {
    const Weight w = make_weight(format, n, k, random);
    std::vector<std::uint16_t> plain(n * k);
    for (std::int64_t i = 0; i < n * k; ++i) {
      const float value = weight_value(w.matrix, i / k, i % k);
      plain[i] = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
      ASSERT_EQ(round_to_bf16(value), value);
    }
    std::vector<float> got(rows * n, NAN), want(rows * n, NAN);
    GemmArgs args{.x = x.data(), .ldx = k, .w = w.matrix, .y = got.data(), .ldy = n, .rows = rows};
    gemm(args, stream);
    args.w = {plain.data(), Dtype::kBF16, n, k};
    args.y = want.data();
    gemm(args, stream);
    expect_bits(got, want);
  }
}

TEST(Gemm, WidensEveryCode) {
  std::vector<std::uint8_t> eight(256), four(128);
  for (int i = 0; i < 256; ++i) eight[i] = static_cast<std::uint8_t>(i);
  for (int i = 0; i < 128; ++i) four[i] = static_cast<std::uint8_t>(i % 8 * 0x22 + 0x10);
  const std::vector<std::uint16_t> scales(8, 0x3e80);  // 0.25
  const Matrix i8{.data = eight.data(),
                  .dtype = Dtype::kI8,
                  .rows = 1,
                  .cols = 256,
                  .group_scale = scales.data(),
                  .group = 128};
  const Matrix i4{.data = four.data(),
                  .dtype = Dtype::kI4,
                  .rows = 1,
                  .cols = 256,
                  .group_scale = scales.data(),
                  .group = 32};
  for (int i = 0; i < 256; ++i) {
    EXPECT_EQ(weight_value(i8, 0, i), 0.25F * static_cast<float>(i - 128)) << i;
    EXPECT_EQ(weight_value(i4, 0, i), 0.25F * static_cast<float>(i % 16 - 8)) << i;
  }
  EXPECT_EQ(i4.row_bytes(), 128U);
  EXPECT_EQ((Matrix{.dtype = Dtype::kI4, .rows = 3, .cols = 9}.bytes()), 3 * 8U);
  EXPECT_EQ((Matrix{.dtype = Dtype::kI8, .rows = 3, .cols = 9}.bytes()), 3 * 12U);
}

TEST(Gemm, WidensEveryFp8Value) {
  std::vector<std::uint8_t> bytes(256);
  for (int i = 0; i < 256; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  const float scale[2] = {1, 1};
  const float one = 1;
  ThreadPool pool(1);
  for (const std::string& path : paths()) {
    set_gemm_path(path.c_str());
    for (int i = 0; i < 256; ++i) {
      float y = -1;
      gemm({.x = &one,
            .ldx = 1,
            .w = {&bytes[i], Dtype::kF8E4M3, 1, 1, scale},
            .y = &y,
            .ldy = 1,
            .rows = 1},
           Stream::host(pool));
      if ((i & 127) == 127) {
        EXPECT_TRUE(std::isnan(y)) << i;
      } else {
        EXPECT_EQ(y, e4m3_table()[i]) << path << " " << i;
      }
    }
  }
  EXPECT_EQ(e4m3_table()[0x7e], 448.0F);
  EXPECT_EQ(e4m3_table()[0x01], 0x1p-9F);
  set_gemm_path("auto");
}

TEST(Gemm, SplitsAddUp) {
  std::mt19937 random(1);
  for (int i = 0; i < 200000; ++i) {
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (!std::isfinite(x) || std::abs(x) < 0x1p-100F) continue;
    const Pieces p = cut_bf16(x);
    ASSERT_EQ((p.value[0] + p.value[1]) + p.value[2], x);
    for (float piece : p.value) ASSERT_EQ(std::bit_cast<std::uint32_t>(piece) & 0xffffU, 0U);
  }
}

TEST(Gemm, RefusesBrokenArguments) {
  ThreadPool pool(1);
  const Stream stream = Stream::host(pool);
  float x[4] = {};
  float y[4] = {};
  const Matrix w{x, Dtype::kF32, 2, 2};
  EXPECT_THROW(gemm({.x = x, .ldx = 1, .w = w, .y = y, .ldy = 2, .rows = 1}, stream),
               std::invalid_argument);
  EXPECT_THROW(gemm({.x = x, .ldx = 2, .w = w, .y = y, .ldy = 1, .rows = 1}, stream),
               std::invalid_argument);
  EXPECT_THROW(gemm({.x = nullptr, .ldx = 2, .w = w, .y = y, .ldy = 2, .rows = 1}, stream),
               std::invalid_argument);
  EXPECT_THROW(
      gemm({.x = x, .ldx = 2, .w = {x, Dtype::kF8E4M3, 2, 2}, .y = y, .ldy = 2, .rows = 1}, stream),
      std::invalid_argument);
  const std::uint16_t scale[2] = {};
  for (const Matrix& broken : {Matrix{.data = x, .dtype = Dtype::kI4, .rows = 2, .cols = 2},
                               Matrix{.data = x,
                               .dtype = Dtype::kI8,
                               .rows = 2,
                               .cols = 2,
                               .group_scale = scale,
                               .group = 16},
                               Matrix{.data = x,
                               .dtype = Dtype::kBF16,
                               .rows = 2,
                               .cols = 2,
                               .group_scale = scale,
                               .group = 32}}) {
    EXPECT_THROW(gemm({.x = x, .ldx = 2, .w = broken, .y = y, .ldy = 2, .rows = 1}, stream),
                 std::invalid_argument);
  }
  EXPECT_NO_THROW(gemm({.x = x, .ldx = 2, .w = w, .y = y, .ldy = 2, .rows = 0}, stream));
}

}  // namespace
}  // namespace moebius::kernels
