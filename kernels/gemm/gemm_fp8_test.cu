// Fp8 products on the device against float64, within what the tensor cores' accumulator
// loses; and equal bits from every tile and every batch.
//
// The bound. An instruction multiplies 32 pairs exactly, aligns the products and the accumulator
// to the greatest of them and cuts what lies more than 13 bits below its leading one: each of 33
// terms loses less than 2^-13 of the greatest. Four instructions make a block of 128 k; the chain
// of fmaf over blocks and the scales' product add 2^-23 of the sum of magnitudes for each block.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/gemm/gemm_fp8_tile.h"
#include "kernels/gemm/gemm_paths.h"
#include "kernels/gemm/gemm_problem.h"

namespace moebius::kernels {
namespace {

struct Wanted {
  double value = 0;
  double bound = 0;
  double magnitude = 0;  // sum of |x w|
};

Wanted wanted(const GemmProblem& p, std::int64_t row, std::int64_t head, std::int64_t out) {
  const std::int64_t line = p.w_row(row, head, out);
  Wanted all;
  for (std::int64_t k0 = 0; k0 < p.spec.k; k0 += 128) {
    double sum = 0, magnitude = 0, lost = 0;
    for (std::int64_t k1 = k0; k1 < std::min(k0 + 128, p.spec.k); k1 += 32) {
      double greatest = std::abs(sum);
      for (std::int64_t k = k1; k < std::min(k1 + 32, p.spec.k); ++k) {
        const double product = double{p.x_at(row, head, k)} * double{p.w_at(line, k)};
        greatest = std::max(greatest, std::abs(product));
        magnitude += std::abs(product);
        sum += product;
      }
      lost += 33 * 0x1p-13 * std::max(greatest, std::abs(sum));
    }
    const double scale = double{p.x_scale(row, head * p.spec.k + k0)} * double{p.w_scale(line, k0)};
    all.value += sum * scale;
    all.magnitude += magnitude * scale;
    all.bound += lost * scale;
  }
  if (p.spec.bias) all.value += double{p.bias[out]};
  all.bound +=
      static_cast<double>(p.k_blocks + 1) * 0x1p-23 * (all.magnitude + std::abs(all.value));
  return all;
}

Wanted wanted_pair(const GemmProblem& p, std::int64_t row, std::int64_t out) {
  const std::int64_t gate_row = out / 8 * 16 + out % 8;
  const Wanted gate = wanted(p, row, 0, gate_row), up = wanted(p, row, 0, gate_row + 8);
  const double silu = gate.value / (1 + std::exp(-gate.value));
  Wanted all{.value = silu * up.value};
  // The slope of silu is below 1.1; its own error below 2^-19 of it, or nothing where it is tiny.
  const double of_silu = 1.1 * gate.bound + std::abs(silu) * 0x1p-19 + 0x1p-100;
  all.bound = of_silu * (std::abs(up.value) + up.bound) + std::abs(silu) * up.bound;
  return all;
}

std::string name_of(const GemmSpec& s, const Fp8Tile& t) {
  return std::string(dtype_name(s.y)) + " " + std::to_string(s.rows) + "x" + std::to_string(s.n) +
         "x" + std::to_string(s.k) + " heads " + std::to_string(s.heads) + " groups " +
         std::to_string(s.group_rows.size()) + (s.pairs ? " pairs" : "") + " tile " +
         std::to_string(t.rows) + "x" + std::to_string(t.outs) + " of " + std::to_string(t.cluster);
}

// Outputs that the slow host reference looks at: all of a few, the edges and some of many.
bool looked_at(std::int64_t i, std::int64_t count) {
  return count <= 20 || i < 2 || i + 2 >= count || i % 61 == 0;
}

struct Worst {
  double of_bound = 0, of_magnitude = 0;
};

void expect_near(GemmProblem& p, const Fp8Tile& tile, const Stream& stream, Worst& worst) {
  SCOPED_TRACE(name_of(p.spec, tile));
  p.poison();
  gemm_fp8_tiled(p.args(), tile, stream);
  device_wait(stream);
  const std::vector<float> got = p.result();
  ASSERT_FALSE(testing::Test::HasFailure());
  const std::int64_t columns = p.columns(), each = columns / p.spec.heads;
  for (std::int64_t row = 0; row < p.spec.rows; ++row) {
    for (std::int64_t c = 0; c < columns; ++c) {
      const double have = got[row * columns + c];
      ASSERT_FALSE(std::isnan(have)) << "row " << row << " column " << c;
      if (!looked_at(row, p.spec.rows) || !looked_at(c, columns)) continue;
      const Wanted want =
          p.spec.pairs ? wanted_pair(p, row, c) : wanted(p, row, c / each, c % each);
      const double rounding = p.spec.y == Dtype::kBF16 ? 0x1p-8 * std::abs(want.value) : 0;
      const double error = std::abs(have - want.value);
      ASSERT_TRUE(error <= want.bound + rounding)
          << "row " << row << " column " << c << ": got " << have << ", want " << want.value
          << " within " << want.bound + rounding;
      if (p.spec.y != Dtype::kF32 || p.spec.pairs) continue;
      worst.of_bound = std::max(worst.of_bound, error / want.bound);
      worst.of_magnitude = std::max(worst.of_magnitude, error / want.magnitude);
    }
  }
}

void expect_all_tiles_near(GemmSpec spec, const Stream& stream, Worst& worst) {
  spec.x = spec.w = Dtype::kF8E4M3;
  GemmProblem p(spec, stream);
  for (const Fp8Tile& tile : fp8_tiles(p.args())) {
    expect_near(p, tile, stream, worst);
    if (testing::Test::HasFatalFailure()) return;
  }
}

void report(const Worst& worst) {
  std::printf("largest error: %.3g of the bound, %.3g of the sum of magnitudes\n", worst.of_bound,
              worst.of_magnitude);
}

TEST(GemmFp8Test, IsNearFloat64Dense) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream stream;
  Worst worst;
  for (const Dtype y : {Dtype::kF32, Dtype::kBF16}) {
    expect_all_tiles_near({.y = y, .rows = 1, .n = 8, .k = 16}, stream.stream(), worst);
    expect_all_tiles_near({.y = y, .rows = 3, .n = 24, .k = 144, .bias = true}, stream.stream(),
                          worst);
    expect_all_tiles_near({.y = y, .rows = 65, .n = 200, .k = 272}, stream.stream(), worst);
    expect_all_tiles_near({.y = y, .rows = 130, .n = 336, .k = 4352, .bias = true}, stream.stream(),
                          worst);
    expect_all_tiles_near({.y = y, .rows = 600, .n = 3304, .k = 128}, stream.stream(), worst);
    expect_all_tiles_near({.y = y, .rows = 70, .n = 328, .k = 4368}, stream.stream(), worst);
  }
  report(worst);
}

TEST(GemmFp8Test, IsNearFloat64PerHead) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream stream;
  Worst worst;
  for (const std::int64_t rows : {2, 90}) {
    expect_all_tiles_near({.rows = rows, .n = 128, .k = 128, .heads = 5}, stream.stream(), worst);
    expect_all_tiles_near({.rows = rows, .n = 256, .k = 384, .heads = 3}, stream.stream(), worst);
  }
  report(worst);
}

const std::vector<std::vector<std::int32_t>> kCuts = {
    {0, 0, 5}, {1, 0, 0, 2, 129, 64, 0, 7}, {300, 0, 1, 400}, {0, 65, 0, 0}};

std::int64_t sum_of(const std::vector<std::int32_t>& cut) {
  return std::accumulate(cut.begin(), cut.end(), std::int64_t{0});
}

TEST(GemmFp8Test, IsNearFloat64InGroups) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream stream;
  Worst worst;
  for (const auto& cut : kCuts) {
    expect_all_tiles_near({.rows = sum_of(cut), .n = 200, .k = 272, .group_rows = cut},
                          stream.stream(), worst);
  }
  std::vector<std::int32_t> many(200);
  for (std::size_t g = 0; g < many.size(); ++g) many[g] = g % 7 == 0 ? 3 : 0;
  expect_all_tiles_near({.rows = sum_of(many), .n = 72, .k = 128, .group_rows = many},
                        stream.stream(), worst);
  report(worst);
}

TEST(GemmFp8Test, PairsAreNearSiluTimesUp) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream stream;
  Worst worst;
  for (const Dtype y : {Dtype::kF32, Dtype::kBF16}) {
    expect_all_tiles_near({.y = y, .rows = 3, .n = 16, .k = 16, .pairs = true}, stream.stream(),
                          worst);
    expect_all_tiles_near({.y = y, .rows = 70, .n = 528, .k = 400, .pairs = true}, stream.stream(),
                          worst);
    for (const auto& cut : kCuts) {
      expect_all_tiles_near(
          {.y = y, .rows = sum_of(cut), .n = 688, .k = 272, .pairs = true, .group_rows = cut},
          stream.stream(), worst);
    }
  }
}

void expect_bits(const std::vector<float>& got, const float* want, const std::string& what) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(got[i]), std::bit_cast<std::uint32_t>(want[i]))
        << what << ", element " << i << ": " << got[i] << " and " << want[i];
  }
}

void expect_same_from_all_tiles(const GemmSpec& spec, const Stream& stream) {
  GemmProblem p(spec, stream);
  std::vector<float> first;
  ASSERT_GT(fp8_tiles(p.args()).size(), 1U);
  for (const Fp8Tile& tile : fp8_tiles(p.args())) {
    p.poison();
    gemm_fp8_tiled(p.args(), tile, stream);
    const std::vector<float> got = p.result();
    if (first.empty()) first = got;
    expect_bits(got, first.data(), name_of(spec, tile));
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(GemmFp8Test, BitsDoNotDependOnTheTile) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream stream;
  GemmSpec spec{.x = Dtype::kF8E4M3, .w = Dtype::kF8E4M3, .n = 1040, .k = 1552};
  for (const bool pairs : {false, true}) {
    spec.pairs = pairs;
    for (const auto& cut : {std::vector<std::int32_t>{}, kCuts[1], kCuts[2]}) {
      spec.group_rows = cut;
      spec.rows = cut.empty() ? 300 : sum_of(cut);
      expect_same_from_all_tiles(spec, stream.stream());
    }
  }
  expect_same_from_all_tiles(
      {.x = Dtype::kF8E4M3, .w = Dtype::kF8E4M3, .rows = 200, .n = 2112, .k = 4240},
      stream.stream());
}

// The first rows of 4096 alone; then other rows beside them, then the same rows elsewhere.
TEST(GemmFp8Test, BitsOfARowDoNotDependOnTheBatch) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const std::int64_t shapes[][2] = {{2112, 768}, {512, 768}, {264, 4224}};  // the last in segments
  for (const auto& [n, k] : shapes) {
    GemmProblem p({.x = Dtype::kF8E4M3, .w = Dtype::kF8E4M3, .rows = 4096, .n = n, .k = k}, stream);
    gemm_fp8(p.args(), stream);
    const std::vector<float> all = p.result();
    for (const std::int64_t rows : {1, 3, 8, 64, 256, 1000}) {
      for (const std::int64_t from : {0, 40, 2048}) {
        p.poison();
        GemmCudaArgs args = p.args();
        args.x.data = static_cast<std::byte*>(args.x.data) + from * args.x.ld;
        args.x.scale += from;  // multiples of 4, so that it stays aligned
        args.rows = rows;
        gemm_fp8(args, stream);
        std::vector<float> some = p.result();
        some.resize(rows * p.columns());
        expect_bits(some, all.data() + from * p.columns(),
                    std::to_string(rows) + " rows from " + std::to_string(from));
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

TEST(GemmFp8Test, RefusesWhatItCannotDo) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  GemmProblem p({.x = Dtype::kF8E4M3, .w = Dtype::kF8E4M3, .rows = 3, .n = 24, .k = 16}, stream);
  GemmCudaArgs args = p.args();
  args.pairs = true;  // 24 is no whole number of packs
  EXPECT_THROW(gemm_fp8(args, stream), std::invalid_argument);
  args = p.args();
  args.x.scale_ld = 2;  // less than the rows
  EXPECT_THROW(gemm_fp8(args, stream), std::invalid_argument);
  args = p.args();
  args.w.cols = 8;
  EXPECT_THROW(gemm_fp8(args, stream), std::invalid_argument);
  EXPECT_THROW(gemm_fp8_tiled(p.args(), {.rows = 65, .outs = 128}, stream), std::invalid_argument);
}

}  // namespace
}  // namespace moebius::kernels
