// The bf16 path on tensor cores: against float64 with a derived bound, and bit for bit whatever the
// tile, the other rows and their order.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "kernels/device/test_support.h"
#include "kernels/gemm/gemm_paths.h"
#include "kernels/gemm/gemm_tile.h"

namespace moebius::kernels {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// A product's inputs; what lies between the rows is NaN, so that reading it shows.
struct Problem {
  std::int64_t rows = 0, n = 0, k = 0;
  bool pairs = false, bias = false;
  Dtype out = Dtype::kBF16;
  std::int64_t heads = 1;
  std::vector<std::int32_t> offsets;  // grouped, if not empty
  std::int64_t full_groups = 0;       // at the end of those, as long as the last
  std::uint32_t seed = 1;

  std::int64_t groups() const { return offsets.empty() ? 0 : std::ssize(offsets) - 1; }
  std::int64_t matrices() const { return offsets.empty() ? heads : groups(); }
  std::int64_t outputs() const { return pairs ? n / 2 : n; }
  // Heads lie apart from each other in x, w and y.
  std::int64_t x_head() const { return k + 8; }
  std::int64_t w_head() const { return n + 8; }
  std::int64_t y_head() const { return outputs() + 8; }
  std::int64_t ldx() const { return heads * x_head() + 8; }
  std::int64_t ldw() const { return k + 16; }
  std::int64_t ldy() const { return heads * y_head() + 16; }
  std::int64_t w_step() const { return groups() ? n : w_head(); }
  std::int64_t w_first() const { return groups() ? 0 : 8; }
};

float rounded(float v) {
  return bf16_to_f32(f32_to_bf16(v));
}

struct Data {
  std::vector<float> x, w, bias;  // x, w already of bf16's values

  explicit Data(const Problem& p) {
    std::mt19937 rng(p.seed);
    std::normal_distribution<float> normal;
    x.assign(static_cast<std::size_t>(p.rows * p.ldx()), kNan);
    for (std::int64_t r = 0; r < p.rows; ++r) {
      for (std::int64_t h = 0; h < p.heads; ++h) {
        for (std::int64_t i = 0; i < p.k; ++i) {
          x[r * p.ldx() + h * p.x_head() + i] = rounded(normal(rng));
        }
      }
    }
    w.assign(static_cast<std::size_t>((p.w_first() + p.matrices() * p.w_step()) * p.ldw()), kNan);
    const float scale = 2.0f / std::sqrt(static_cast<float>(p.k));
    for (std::int64_t m = 0; m < p.matrices(); ++m) {
      for (std::int64_t r = 0; r < p.n; ++r) {
        for (std::int64_t i = 0; i < p.k; ++i) {
          w[(p.w_first() + m * p.w_step() + r) * p.ldw() + i] = rounded(normal(rng) * scale);
        }
      }
    }
    bias.resize(static_cast<std::size_t>(p.n));
    for (auto& b : bias) b = normal(rng);
  }
};

/// Device copies of one problem, and its runs.
class Product {
 public:
  Product(const Problem& p, const Data& data, const Stream& stream)
      : p_(p),
        stream_(stream),
        x_(upload_bf16(data.x, stream)),
        w_(upload_bf16(data.w, stream)),
        bias_(upload(data.bias, stream)),
        offsets_(upload(p.offsets, stream)) {}

  GemmCudaArgs args(void* y) const {
    const auto w_rows = static_cast<std::int64_t>(w_.size()) / p_.ldw();
    return {.x = {x_.data(), Dtype::kBF16, p_.ldx(), nullptr, 0},
            .w = {w_.data(), Dtype::kBF16, w_rows, p_.k, p_.ldw(), nullptr},
            .bias = p_.bias ? bias_.data() : nullptr,
            .y = {y, p_.out, p_.ldy(), nullptr, 0},
            .rows = p_.rows,
            .n = p_.n,
            .pairs = p_.pairs,
            .heads = p_.heads,
            .x_head = p_.x_head(),
            .w_first = p_.w_first(),
            .w_head = p_.w_head(),
            .y_head = p_.y_head(),
            .groups = p_.groups(),
            .offsets = offsets_.data(),
            .full_groups = p_.full_groups,
            .full_rows = p_.full_groups ? p_.rows - p_.offsets.end()[-2] : 0};
  }

  /// Bytes of y, everything outside the results still poison; `tile` null for the chosen one.
  std::vector<std::uint8_t> operator()(const GemmTile* tile) const {
    auto y = poisoned<std::uint8_t>(
        static_cast<std::size_t>(p_.rows * p_.ldy()) * dtype_bytes(p_.out), stream_);
    if (tile) {
      gemm_bf16_tiled(args(y.data()), *tile, stream_);
    } else {
      gemm_bf16(args(y.data()), stream_);
    }
    return download(y, stream_);
  }

 private:
  const Problem& p_;
  const Stream& stream_;
  DeviceBuffer<std::uint16_t> x_, w_;
  DeviceBuffer<float> bias_;
  DeviceBuffer<std::int32_t> offsets_;
};

float value_at(const std::vector<std::uint8_t>& y, std::int64_t i, Dtype dtype) {
  if (dtype == Dtype::kF32) {
    float v;
    std::memcpy(&v, &y[static_cast<std::size_t>(i) * 4], 4);
    return v;
  }
  std::uint16_t v;
  std::memcpy(&v, &y[static_cast<std::size_t>(i) * 2], 2);
  return bf16_to_f32(v);
}

struct Expected {
  double value = 0, error = 0;  // exact, and how far float32 may be
};

// Products of bf16 are exact in float32. A step of 16 aligns its products and the accumulator to
// the largest of them, cuts 25 bits below it (tensor_core_test.cu, PrecisionInsideAStep) and cuts
// the sum to float32: at most 17 * 2^-25 + 2^-23 < 11 * 2^-24 of the sum of magnitudes a step.
Expected dot(const float* x, const float* w, std::int64_t k) {
  double sum = 0, magnitude = 0;
  for (std::int64_t i = 0; i < k; ++i) {
    const double product = static_cast<double>(x[i]) * static_cast<double>(w[i]);
    sum += product;
    magnitude += std::fabs(product);
  }
  return {sum, 11 * std::ceil(static_cast<double>(k) / 16) * 0x1p-24 * magnitude};
}

// silu's slope is below 1.1; its own arithmetic is good to 2^-20 (kernels/device/math.cuh).
Expected gate_up(const Expected& g, const Expected& u) {
  const double silu = g.value / (1 + std::exp(-g.value));
  const double silu_error = 1.1 * g.error + 0x1p-20 * std::fabs(silu);
  return {silu * u.value, std::fabs(u.value) * silu_error + std::fabs(silu) * u.error +
                              silu_error * u.error + 0x1p-24 * std::fabs(silu * u.value)};
}

Expected expected(const Problem& p, const Data& d, std::int64_t row, std::int64_t m,
                  std::int64_t column) {
  const std::int64_t head = p.groups() ? 0 : m;
  const float* x = &d.x[row * p.ldx() + head * p.x_head()];
  const auto weight = [&](std::int64_t r) {
    return &d.w[(p.w_first() + m * p.w_step() + r) * p.ldw()];
  };
  if (p.pairs) {
    const std::int64_t gate = column / 8 * 16 + column % 8;
    return gate_up(dot(x, weight(gate), p.k), dot(x, weight(gate + 8), p.k));
  }
  Expected e = dot(x, weight(column), p.k);
  if (p.bias) {
    e.value += static_cast<double>(d.bias[column]);
    e.error += 0x1p-24 * (std::fabs(e.value) + e.error);
  }
  return e;
}

void expect_close(const Problem& p, const Data& d, const std::vector<std::uint8_t>& y,
                  const std::string& name) {
  int wrong = 0;
  const double rounding = p.out == Dtype::kBF16 ? 0x1p-8 : 0;  // half an ulp, relative
  for (std::int64_t row = 0; row < p.rows; ++row) {
    for (std::int64_t m = 0; m < p.matrices(); ++m) {
      if (p.groups() && (row < p.offsets[m] || row >= p.offsets[m + 1])) continue;
      for (std::int64_t c = 0; c < p.outputs(); ++c) {
        const std::int64_t head = p.groups() ? 0 : m;
        const double got =
            static_cast<double>(value_at(y, row * p.ldy() + head * p.y_head() + c, p.out));
        const Expected e = expected(p, d, row, m, c);
        const double bound = e.error + rounding * (std::fabs(e.value) + e.error);
        if (std::fabs(got - e.value) <= bound) continue;
        if (++wrong <= 3) {
          ADD_FAILURE() << name << " row " << row << " matrix " << m << " output " << c << ": got "
                        << got << ", want " << e.value << " within " << bound;
        }
      }
    }
  }
  EXPECT_EQ(wrong, 0) << name;
}

void expect_untouched(const Problem& p, const std::vector<std::uint8_t>& y,
                      const std::string& name) {
  const auto bytes = static_cast<std::int64_t>(dtype_bytes(p.out));
  for (std::int64_t row = 0; row < p.rows; ++row) {
    for (std::int64_t c = 0; c < p.ldy(); ++c) {
      const std::int64_t in_head = c % p.y_head();
      if (c < p.heads * p.y_head() && in_head < p.outputs()) continue;
      for (std::int64_t b = 0; b < bytes; ++b) {
        ASSERT_EQ(y[(row * p.ldy() + c) * bytes + b], 0xff)
            << name << ": wrote beyond the outputs of row " << row << ", column " << c;
      }
    }
  }
}

std::string name_of(const Problem& p) {
  return std::to_string(p.rows) + " x " + std::to_string(p.n) + " x " + std::to_string(p.k) +
         (p.pairs ? " pairs" : "") + (p.bias ? " bias" : "") +
         (p.heads > 1 ? " heads " + std::to_string(p.heads) : "") +
         (p.groups() ? " groups " + std::to_string(p.groups()) : "") +
         (p.out == Dtype::kF32 ? " f32" : " bf16");
}

// Correct by the chosen tile, and every other tile gives its bits.
void expect_right(const Problem& p) {
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const Data data(p);
  const Product product(p, data, stream);
  const auto want = product(nullptr);
  expect_close(p, data, want, name_of(p));
  expect_untouched(p, want, name_of(p));
  int shown = 0;
  for (const GemmTile& tile : gemm_tiles()) {
    const auto got = product(&tile);
    if (got == want) continue;
    const auto at = std::mismatch(want.begin(), want.end(), got.begin()).first - want.begin();
    const auto element = at / static_cast<std::int64_t>(dtype_bytes(p.out));
    if (++shown > 4) continue;
    ADD_FAILURE() << name_of(p) << ", tile " << tile.weights << " x " << tile.tokens << " cluster "
                  << tile.cluster << ": row " << element / p.ldy() << " column "
                  << element % p.ldy() << ": " << value_at(got, element, p.out) << " against "
                  << value_at(want, element, p.out);
  }
  EXPECT_EQ(shown, 0) << name_of(p);
}

TEST(GemmBf16, SmallDense) {
  MOEBIUS_NEEDS_GPU();
  for (const Dtype out : {Dtype::kF32, Dtype::kBF16}) {
    expect_right({.rows = 1, .n = 8, .k = 16, .out = out});
    expect_right({.rows = 3, .n = 24, .k = 8, .out = out});
    expect_right({.rows = 9, .n = 64, .k = 64, .out = out});
    expect_right({.rows = 17, .n = 136, .k = 72, .bias = true, .out = out});
  }
}

TEST(GemmBf16, Dense) {
  MOEBIUS_NEEDS_GPU();
  expect_right({.rows = 64, .n = 128, .k = 1024});
  expect_right({.rows = 130, .n = 264, .k = 328, .out = Dtype::kF32});
  expect_right({.rows = 300, .n = 520, .k = 1096, .bias = true});
  expect_right({.rows = 1000, .n = 776, .k = 200});
  expect_right({.rows = 5, .n = 10008, .k = 136});
}

TEST(GemmBf16, Pairs) {
  MOEBIUS_NEEDS_GPU();
  for (const Dtype out : {Dtype::kF32, Dtype::kBF16}) {
    expect_right({.rows = 1, .n = 16, .k = 24, .pairs = true, .out = out});
    expect_right({.rows = 33, .n = 208, .k = 136, .pairs = true, .out = out});
    expect_right({.rows = 270, .n = 1072, .k = 264, .pairs = true, .out = out});
  }
}

TEST(GemmBf16, Heads) {
  MOEBIUS_NEEDS_GPU();
  expect_right({.rows = 7, .n = 136, .k = 72, .heads = 5});
  expect_right({.rows = 70, .n = 512, .k = 128, .heads = 16});
  expect_right({.rows = 150, .n = 128, .k = 512, .out = Dtype::kF32, .heads = 3});
}

TEST(GemmBf16, Groups) {
  MOEBIUS_NEEDS_GPU();
  const std::vector<std::int32_t> ragged = {0, 0, 1, 9, 9, 9, 26, 59, 124, 253, 253, 520, 521, 521};
  for (const bool pairs : {false, true}) {
    expect_right({.rows = 521, .n = 208, .k = 136, .pairs = pairs, .offsets = ragged});
    expect_right(
        {.rows = 521, .n = 64, .k = 72, .pairs = pairs, .out = Dtype::kF32, .offsets = ragged});
  }
  std::vector<std::int32_t> many(301, 0);  // all in a few of 300
  for (int g = 0; g < 300; ++g) many[g + 1] = many[g] + (g % 71 == 5 ? g : 0);
  expect_right({.rows = many.back(), .n = 80, .k = 104, .offsets = many});
  expect_right({.rows = 1, .n = 80, .k = 104, .offsets = {0, 0, 0, 1, 1}});
}

TEST(GemmBf16, FullGroupsFirst) {
  MOEBIUS_NEEDS_GPU();
  const std::vector<std::int32_t> one = {0, 0, 1, 1, 2, 3}, forty = {0, 3, 3, 130, 170, 210};
  for (const bool pairs : {false, true}) {
    expect_right(
        {.rows = 3, .n = 4112, .k = 2048, .pairs = pairs, .offsets = one, .full_groups = 2});
    expect_right({.rows = 3, .n = 48, .k = 264, .pairs = pairs, .offsets = one, .full_groups = 1});
    expect_right(
        {.rows = 210, .n = 272, .k = 520, .pairs = pairs, .offsets = forty, .full_groups = 2});
  }
  expect_right({.rows = 80, .n = 64, .k = 72, .offsets = {0, 40, 80}, .full_groups = 2});
}

TEST(GemmBf16, OneRowForEveryGroup) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  for (const bool pairs : {false, true}) {
    const Problem p{.rows = 8,
                    .n = 1408,
                    .k = 2048,
                    .pairs = pairs,
                    .offsets = {0, 0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8},
                    .full_groups = 2};
    Data data(p);  // every row the first
    for (std::int64_t r = 1; r < p.rows; ++r) {
      std::copy_n(data.x.begin(), p.ldx(), data.x.begin() + r * p.ldx());
    }
    const auto want = Product(p, data, stream)(nullptr);
    std::fill(data.x.begin() + p.ldx(), data.x.end(), kNan);  // reading another row shows
    const Product product(p, data, stream);
    auto y = poisoned<std::uint8_t>(want.size(), stream);
    GemmCudaArgs args = product.args(y.data());
    args.one_row = true;
    gemm_cuda(args, stream);
    EXPECT_EQ(download(y, stream), want) << name_of(p);
  }
}

// ---- a row's bits whatever company it has

struct Company {
  std::vector<std::int64_t> rows;  // which of the whole set, in order
};

std::vector<std::uint8_t> row_bytes(const std::vector<std::uint8_t>& y, std::int64_t row,
                                    std::int64_t ldy, std::int64_t outputs, Dtype out) {
  const auto b = static_cast<std::int64_t>(dtype_bytes(out));
  return {y.begin() + row * ldy * b, y.begin() + (row * ldy + outputs) * b};
}

Data take_rows(const Problem& p, const Data& all, const Company& company) {
  Data part = all;
  part.x.clear();
  for (const std::int64_t r : company.rows) {
    part.x.insert(part.x.end(), all.x.begin() + r * p.ldx(), all.x.begin() + (r + 1) * p.ldx());
  }
  return part;
}

std::vector<Company> companies(std::int64_t rows) {
  std::mt19937 rng(7);
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  std::vector<Company> all;
  for (const std::int64_t size : {1, 1, 2, 3, 8, 9, 17, 64, 65, 129, 256, 1000, 4096}) {
    std::shuffle(order.begin(), order.end(), rng);
    all.push_back({{order.begin(), order.begin() + std::min(size, rows)}});
  }
  return all;
}

void expect_alone_as_together(Problem p) {
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const Data all(p);
  const auto want = Product(p, all, stream)(nullptr);
  for (const Company& company : companies(p.rows)) {
    Problem part = p;
    part.rows = std::ssize(company.rows);
    const Data data = take_rows(p, all, company);
    const auto got = Product(part, data, stream)(nullptr);
    for (std::int64_t i = 0; i < part.rows; ++i) {
      ASSERT_EQ(row_bytes(got, i, p.ldy(), p.outputs(), p.out),
                row_bytes(want, company.rows[i], p.ldy(), p.outputs(), p.out))
          << name_of(p) << ": row " << company.rows[i] << " among " << part.rows;
    }
  }
}

TEST(GemmBf16, RowsAloneAsTogether) {
  MOEBIUS_NEEDS_GPU();
  expect_alone_as_together({.rows = 4096, .n = 2048, .k = 2048});
  expect_alone_as_together({.rows = 4096, .n = 1024, .k = 1536, .out = Dtype::kF32});
  expect_alone_as_together({.rows = 1000, .n = 2816, .k = 2048, .pairs = true});
}

TEST(GemmBf16, RowsInOtherGroupsCompany) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  constexpr std::int64_t kGroups = 16;
  Problem p{.rows = 2000, .n = 768, .k = 1024, .pairs = true};
  std::mt19937 rng(11);
  p.offsets.assign(kGroups + 1, 0);
  for (int g = 1; g < kGroups; ++g) p.offsets[g] = static_cast<std::int32_t>(rng() % 2001);
  p.offsets[kGroups] = 2000;
  std::sort(p.offsets.begin(), p.offsets.end());
  const Data all(p);
  const auto want = Product(p, all, stream)(nullptr);
  for (const int keep : {1, 2, 7, 50, 300}) {  // a row in `keep` stays
    Company company;
    Problem part = p;
    for (std::int64_t g = 0; g < kGroups; ++g) {
      for (std::int64_t r = p.offsets[g]; r < p.offsets[g + 1]; ++r) {
        if (rng() % keep == 0) company.rows.push_back(r);
      }
      part.offsets[g + 1] = static_cast<std::int32_t>(company.rows.size());
    }
    part.rows = std::ssize(company.rows);
    if (part.rows == 0) continue;
    const Data data = take_rows(p, all, company);
    const auto got = Product(part, data, stream)(nullptr);
    for (std::int64_t i = 0; i < part.rows; ++i) {
      ASSERT_EQ(row_bytes(got, i, p.ldy(), p.outputs(), p.out),
                row_bytes(want, company.rows[i], p.ldy(), p.outputs(), p.out))
          << "row " << company.rows[i] << " with one in " << keep;
    }
  }
}

}  // namespace
}  // namespace moebius::kernels
