// Float32 products on the device against the chain they are defined as, bit by bit.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/gemm/gemm_paths.h"
#include "kernels/gemm/gemm_problem.h"

namespace moebius::kernels {
namespace {

float chain(const GemmProblem& p, std::int64_t row, std::int64_t head, std::int64_t out) {
  const std::int64_t line = p.w_row(row, head, out);
  float sum = 0;
  for (std::int64_t k = 0; k < p.spec.k; ++k) {
    const float w = p.w.scale.empty() ? p.w_at(line, k) : p.w_at(line, k) * p.w_scale(line, k);
    sum = std::fmaf(p.x_at(row, head, k), w, sum);
  }
  return p.spec.bias ? sum + p.bias[out] : sum;
}

float rounded(Dtype dtype, float value) {
  return dtype == Dtype::kF32 ? value : bf16_to_f32(f32_to_bf16(value));
}

std::string name_of(const GemmSpec& s) {
  return std::string(dtype_name(s.w)) + " to " + dtype_name(s.y) + " " + std::to_string(s.rows) +
         "x" + std::to_string(s.n) + "x" + std::to_string(s.k) + " heads " +
         std::to_string(s.heads) + " groups " + std::to_string(s.group_rows.size());
}

// Rows of the product that the slow host reference looks at: all of a few, the edges of many.
bool looked_at(std::int64_t i, std::int64_t count) {
  return count <= 40 || i < 3 || i + 3 >= count || i % 37 == 0;
}

void expect_chain(const GemmSpec& spec, const Stream& stream) {
  SCOPED_TRACE(name_of(spec));
  GemmProblem p(spec, stream);
  gemm_f32(p.args(), stream);
  device_wait(stream);
  const std::vector<float> got = p.result();
  for (std::int64_t row = 0; row < spec.rows; ++row) {
    for (std::int64_t c = 0; c < p.columns(); ++c) {
      if (!looked_at(row, spec.rows) || !looked_at(c, p.columns())) continue;
      const std::int64_t head = c / spec.n;
      const float want = rounded(spec.y, chain(p, row, head, c % spec.n));
      const float have = got[row * p.columns() + c];
      ASSERT_EQ(std::bit_cast<std::uint32_t>(have), std::bit_cast<std::uint32_t>(want))
          << "row " << row << " column " << c << ": got " << have << ", want " << want;
    }
  }
}

constexpr Dtype kWeights[] = {Dtype::kF32, Dtype::kBF16, Dtype::kF8E4M3};

TEST(GemmF32Test, EqualsTheChain) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream stream;
  for (const Dtype w : kWeights) {
    for (const Dtype y : {Dtype::kF32, Dtype::kBF16}) {
      for (const std::int64_t rows : {1, 3, 17, 65, 300}) {
        expect_chain({.w = w, .y = y, .rows = rows, .n = 8, .k = 1}, stream.stream());
        expect_chain({.w = w, .y = y, .rows = rows, .n = 33, .k = 257, .bias = true},
                     stream.stream());
      }
      expect_chain({.w = w, .y = y, .rows = 700, .n = 3300, .k = 130}, stream.stream());
    }
  }
}

TEST(GemmF32Test, EqualsTheChainPerHead) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream stream;
  for (const Dtype w : kWeights) {
    for (const std::int64_t k : {12, 37, 128}) {
      if (w == Dtype::kF8E4M3 && k != 128) continue;  // scales of w are of its own columns
      for (const std::int64_t rows : {2, 50, 200})
        expect_chain({.w = w, .rows = rows, .n = 40, .k = k, .heads = 5}, stream.stream());
    }
  }
}

TEST(GemmF32Test, EqualsTheChainInGroups) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream stream;
  const std::vector<std::vector<std::int32_t>> cuts = {
      {0, 0, 5}, {1, 0, 0, 2, 129, 64, 0, 7}, {300, 0, 1, 400}};
  for (const Dtype w : kWeights) {
    for (const auto& cut : cuts) {
      std::int64_t rows = 0;
      for (const std::int32_t r : cut) rows += r;
      expect_chain({.w = w, .rows = rows, .n = 72, .k = 200, .group_rows = cut}, stream.stream());
    }
    std::vector<std::int32_t> many(200);
    for (std::size_t g = 0; g < many.size(); ++g) many[g] = g % 7 == 0 ? 3 : 0;
    expect_chain({.w = w, .rows = 87, .n = 24, .k = 64, .group_rows = many}, stream.stream());
  }
}

// exp to 2 ulp, an addition, a division and a product: less than 8 halves of an ulp; then y.
TEST(GemmF32Test, PairsAreSiluTimesUp) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  for (const Dtype w : kWeights) {
    for (const Dtype y : {Dtype::kF32, Dtype::kBF16}) {
      for (const std::vector<std::int32_t>& cut :
           {std::vector<std::int32_t>{}, std::vector<std::int32_t>{9, 0, 31, 80}}) {
        const GemmSpec spec{
            .w = w, .y = y, .rows = 120, .n = 336, .k = 65, .pairs = true, .group_rows = cut};
        SCOPED_TRACE(name_of(spec));
        GemmProblem p(spec, stream);
        gemm_f32(p.args(), stream);
        const std::vector<float> got = p.result();
        for (std::int64_t row = 0; row < spec.rows; ++row) {
          for (std::int64_t c = 0; c < p.columns(); ++c) {
            const std::int64_t gate_row = c / 8 * 16 + c % 8;
            const double gate = chain(p, row, 0, gate_row), up = chain(p, row, 0, gate_row + 8);
            const double want = gate / (1 + std::exp(-gate)) * up;
            const double bound =
                std::abs(want) * (8 * 0x1p-24 + (y == Dtype::kBF16 ? 0x1p-8 : 0)) + 0x1p-120;
            const double have = got[row * p.columns() + c];
            ASSERT_TRUE(std::abs(have - want) <= bound)
                << "row " << row << " column " << c << ": got " << have << ", want " << want;
          }
        }
      }
    }
  }
}

// The same random rows in batches of other sizes, hence other tiles.
TEST(GemmF32Test, BitsOfARowDoNotDependOnTheBatch) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  for (const Dtype w : kWeights) {
    GemmProblem p({.w = w, .rows = 1000, .n = 2048, .k = 300}, stream);
    gemm_f32(p.args(), stream);
    const std::vector<float> all = p.result();
    for (const std::int64_t rows : {1, 3, 8, 64, 256}) {
      p.poison();
      GemmCudaArgs args = p.args();
      args.rows = rows;
      gemm_f32(args, stream);
      const std::vector<float> some = p.result();
      for (std::int64_t i = 0; i < rows * p.columns(); ++i) {
        ASSERT_EQ(std::bit_cast<std::uint32_t>(some[i]), std::bit_cast<std::uint32_t>(all[i]))
            << dtype_name(w) << " " << rows << " rows, element " << i;
      }
    }
  }
}

TEST(GemmF32Test, RefusesWhatItCannotDo) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  GemmProblem p({.rows = 3, .n = 24, .k = 16}, stream);
  GemmCudaArgs args = p.args();
  args.pairs = true;  // 24 is no whole number of packs
  EXPECT_THROW(gemm_f32(args, stream), std::invalid_argument);
  args = p.args();
  args.w.dtype = Dtype::kF8E4M3;  // without scales
  EXPECT_THROW(gemm_f32(args, stream), std::invalid_argument);
}

}  // namespace
}  // namespace moebius::kernels
