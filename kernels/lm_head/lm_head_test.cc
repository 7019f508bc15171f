// The LM head against its definition, element by element: logits from gemm_reference, then
// serial sums in the canonical order, a full sort for the best.
#include "kernels/lm_head/lm_head.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "kernels/lm_head/top_list.h"
#include "kernels/simd/convert.h"
#include "kernels/simd/math.h"
#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

/// A launch with its inputs and outputs.
struct Case {
  std::vector<float> x, wide;
  std::vector<std::uint16_t> narrow;
  std::vector<float> logsumexp, target_logits, top_logits, logits;
  std::vector<std::int32_t> target_begin{0}, targets, top_ids;
  std::vector<std::byte> workspace;
  LmHeadArgs args;

  Case(std::int64_t rows, std::int64_t vocab, std::int64_t dim, std::int64_t top_k,
       Dtype dtype = Dtype::kF32, bool with_logits = false)
      : x(random_floats(rows * dim, 1, -2, 2)), wide(random_floats(vocab * dim, 2)) {
    for (const float w : wide) narrow.push_back(f32_to_bf16(w));
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t i = 0; i < r % 4; ++i) {
        targets.push_back(static_cast<std::int32_t>((r * 7919 + i * 1023) % vocab));
      }
      target_begin.push_back(static_cast<std::int32_t>(targets.size()));
    }
    logsumexp.assign(rows, kInf);
    target_logits.assign(targets.size(), kInf);
    top_logits.assign(rows * top_k, kInf);
    top_ids.assign(rows * top_k, -1);
    if (with_logits) logits.assign(rows * vocab, kInf);
    args = {.x = x.data(),
            .rows = rows,
            .w = {.data = dtype == Dtype::kF32 ? static_cast<void*>(wide.data()) : narrow.data(),
                  .dtype = dtype,
                  .rows = vocab,
                  .cols = dim},
            .logsumexp = logsumexp.data(),
            .target_begin = target_begin.data(),
            .targets = targets.data(),
            .target_logits = target_logits.data(),
            .top_k = top_k,
            .top_ids = top_ids.data(),
            .top_logits = top_logits.data(),
            .logits = with_logits ? logits.data() : nullptr};
  }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  void run(const Stream& stream) {
    workspace.assign(lm_head_workspace_bytes(args, stream), std::byte{0xFF});
    args.workspace = workspace.data();
    lm_head(args, stream);
  }

  std::vector<float> reference_logits(std::int64_t row) const {
    std::vector<float> y(args.w.rows);
    gemm_reference({.x = args.x + row * args.w.cols,
                    .ldx = args.w.cols,
                    .w = args.w,
                    .y = y.data(),
                    .ldy = args.w.rows,
                    .rows = 1,
                    .precision = args.precision});
    return y;
  }
};

struct Sum {
  float m, s;
};

Sum reference_tile(std::span<const float> logits) {
  const float m = *std::max_element(logits.begin(), logits.end());
  float chains[16] = {};
  for (std::size_t i = 0; i < logits.size(); ++i) chains[i % 16] += exp_scalar(logits[i] - m);
  for (int half = 8; half > 0; half /= 2) {
    for (int c = 0; c < half; ++c) chains[c] += chains[c + half];
  }
  return {m, chains[0]};
}

float reference_logsumexp(std::span<const float> logits) {
  const std::size_t tile = kVocabTile;
  Sum a = reference_tile(logits.first(std::min(tile, logits.size())));
  for (std::size_t i = tile; i < logits.size(); i += tile) {
    const Sum b = reference_tile(logits.subspan(i, std::min(tile, logits.size() - i)));
    const float m = std::max(a.m, b.m);
    a = {m, std::fma(b.s, exp_scalar(b.m - m), a.s * exp_scalar(a.m - m))};
  }
  return a.m + log_scalar(a.s);
}

/// What the contract says of one row.
struct Row {
  std::int64_t index = 0;
  std::vector<float> logits;
  float logsumexp = 0;
  std::vector<std::int32_t> ids;  // best first
};

/// Each exponential is off by 2 ulp at most and a chain of n sums by n / 2; the result is
/// rounded twice more.
void expect_close_to_double(const Row& row) {
  double sum = 0;
  const float most = row.logits[row.ids[0]];
  for (const float x : row.logits) sum += std::exp(static_cast<double>(x) - most);
  const double chain = static_cast<double>(row.logits.size()) / 16 + 130;
  const double bound = 0x1p-23 * (chain + std::fabs(most) + std::log(sum));
  ASSERT_LE(bound, 0.01) << "a bound that excuses anything";
  ASSERT_LE(std::fabs(row.logsumexp - (most + std::log(sum))), bound);
}

Row reference_row(const Case& c, std::int64_t r) {
  Row row{r, c.reference_logits(r), 0, std::vector<std::int32_t>(c.args.w.rows)};
  in_kernel_mode([&] { row.logsumexp = reference_logsumexp(row.logits); });
  std::iota(row.ids.begin(), row.ids.end(), 0);
  std::stable_sort(row.ids.begin(), row.ids.end(),
                   [&](int a, int b) { return row.logits[a] > row.logits[b]; });
  expect_close_to_double(row);
  return row;
}

std::vector<Row> reference_rows(const Case& c) {
  std::vector<Row> rows;
  for (std::int64_t r = 0; r < c.args.rows; ++r) rows.push_back(reference_row(c, r));
  return rows;
}

void expect_row(const Case& c, const Row& row) {
  const std::int64_t r = row.index, vocab = c.args.w.rows;
  SCOPED_TRACE(testing::Message() << "row " << r << " of vocabulary " << vocab);
  EXPECT_TRUE(same_bits(std::span(&c.logsumexp[r], 1), std::span(&row.logsumexp, 1)));
  if (c.args.logits) {
    EXPECT_TRUE(same_bits(std::span(c.logits).subspan(r * vocab, vocab), row.logits));
  }
  for (std::int32_t t = c.target_begin[r]; t < c.target_begin[r + 1]; ++t) {
    EXPECT_EQ(c.target_logits[t], row.logits[c.targets[t]]);
  }
  for (std::int64_t k = 0; k < c.args.top_k; ++k) {
    ASSERT_EQ(c.top_ids[r * c.args.top_k + k], row.ids[k]) << "rank " << k;
    ASSERT_EQ(c.top_logits[r * c.args.top_k + k], row.logits[row.ids[k]]) << "rank " << k;
  }
}

void expect_definition_on_each_host(Case& c) {
  const std::vector<Row> rows = reference_rows(c);
  on_each_host([&](const Stream& stream) {
    c.run(stream);
    for (const Row& row : rows) expect_row(c, row);
  });
}

TEST(LmHead, EqualsTheDefinition) {
  for (const std::int64_t vocab : {1, 15, 16, 1023, 1024, 1025, 5000}) {
    for (const Dtype dtype : {Dtype::kF32, Dtype::kBF16}) {
      Case c(5, vocab, 40, std::min<std::int64_t>(vocab, 7), dtype, vocab % 2 == 1);
      expect_definition_on_each_host(c);
    }
  }
}

TEST(LmHead, RoundedActivationsEqualTheDefinition) {
  Case c(3, 2100, 64, 3, Dtype::kBF16);
  c.args.precision = Precision::kBF16;
  expect_definition_on_each_host(c);
}

TEST(LmHead, BlocksOfEightBitWeightsKeepTheirScales) {
  // 1500 rows make blocks of 2 tiles, so later blocks start inside the scales.
  const std::int64_t rows = 1500, vocab = 2500, dim = 130;
  Case c(rows, vocab, dim, 2);
  std::vector<std::uint8_t> w(vocab * dim);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<std::uint8_t>(i * 37 % 0x70);
  const std::vector<float> scale = random_floats((vocab + 127) / 128 * 2, 3, 0.001F, 0.01F);
  c.args.w = {
      .data = w.data(), .dtype = Dtype::kF8E4M3, .rows = vocab, .cols = dim, .scale = scale.data()};
  ThreadPool pool(2);
  c.run(Stream::host(pool));
  for (const std::int64_t r : {0, 1, 1499}) expect_row(c, reference_row(c, r));
}

TEST(LmHead, LongTopListsAreExact) {
  for (const std::int64_t top_k : {1, 50, 1024}) {
    Case c(3, 20000, 8, top_k);
    expect_definition_on_each_host(c);
  }
}

TEST(LmHead, TiesGoToTheLowerId) {
  Case c(2, 3000, 4, 100);
  for (std::size_t i = 0; i < c.wide.size(); ++i) c.wide[i] = static_cast<float>(i / 4 % 7);
  std::fill(c.x.begin(), c.x.begin() + 4, 1.0F);
  std::fill(c.x.begin() + 4, c.x.end(), 0.0F);  // all logits of the second row are 0
  ThreadPool pool(2);
  c.run(Stream::host(pool));
  for (std::int32_t k = 0; k < 100; ++k) {
    EXPECT_EQ(c.top_ids[k], 6 + 7 * k);
    EXPECT_EQ(c.top_ids[100 + k], k);
  }
}

TEST(LmHead, RowsDependOnNothingElse) {
  Case many(70, 3000, 33, 5, Dtype::kBF16);
  ThreadPool pool(2);
  many.run(Stream::host(pool));
  for (const std::int64_t r : {0, 1, 37, 69}) {
    Case one(1, 3000, 33, 5, Dtype::kBF16);
    std::copy_n(many.x.begin() + r * 33, 33, one.x.begin());
    one.run(Stream::host(pool));
    EXPECT_TRUE(same_bits(one.logsumexp, std::span(many.logsumexp).subspan(r, 1)));
    EXPECT_TRUE(same_bits(one.top_logits, std::span(many.top_logits).subspan(r * 5, 5)));
  }
}

TEST(LmHead, ManyRowsTakeSeveralPasses) {
  // 1024 candidates a row leave room for 4033 rows in a pass.
  const std::int64_t rows = 5000, vocab = 1200;
  Case c(rows, vocab, 2, 1024);
  ThreadPool pool(2);
  c.run(Stream::host(pool));
  for (const std::int64_t r : {0, 4032, 4033, 4999}) expect_row(c, reference_row(c, r));
}

TEST(LmHead, NanPoisonsTheSumAndLosesToNumbers) {
  Case c(1, 1100, 1, 1024);
  c.x[0] = 1;
  std::fill(c.wide.begin(), c.wide.end(), -kInf);
  for (std::int32_t i = 0; i < 1100; i += 2) c.wide[i] = std::nanf("");
  c.wide[1099] = -3;
  ThreadPool pool(1);
  c.run(Stream::host(pool));
  EXPECT_TRUE(std::isnan(c.logsumexp[0]));
  EXPECT_EQ(c.top_ids[0], 1099);
  EXPECT_EQ(c.top_logits[0], -3);
  EXPECT_EQ(c.top_ids[1], 1);
  EXPECT_EQ(c.top_logits[549], -kInf);
  EXPECT_EQ(c.top_ids[550], 0);
  EXPECT_TRUE(std::isnan(c.top_logits[550]));
}

TEST(LmHead, KeysOrderLogits) {
  const float ascending[] = {std::nanf(""), -kInf, -2.0F, -1e-40F, 0.0F, 1e-40F, 2.0F, kInf};
  for (std::size_t i = 0; i + 1 < std::size(ascending); ++i) {
    EXPECT_LT(top_key(ascending[i], 0), top_key(ascending[i + 1], 5));
    EXPECT_EQ(top_logit(top_key(ascending[i + 1], 9)), ascending[i + 1]);
  }
  EXPECT_GT(top_key(1, 4), top_key(1, 5));
  EXPECT_GT(top_key(-0.0F, 4), top_key(0.0F, 5));
  EXPECT_EQ(top_id(top_key(1, 129279)), 129279);
  EXPECT_TRUE(std::isnan(top_logit(top_key(-std::nanf(""), 1))));
}

TEST(LmHead, CountsWhatItDoes) {
  Case c(3, 2000, 16, 4, Dtype::kBF16);
  ThreadPool pool(1);
  LaunchLog log;
  Stream stream = Stream::host(pool);
  stream.set_log(&log);
  c.run(stream);
  const std::vector<Launch> launches = log.take();
  ASSERT_EQ(launches.size(), 1U);
  EXPECT_EQ(launches[0].kernel, "lm_head");
  EXPECT_EQ(launches[0].flops, 2 * 3 * 2000 * 16);
  EXPECT_EQ(launches[0].bytes, 2 * 2000 * 16 + 4 * 3 * (16 + 1 + 8) + 8 * 3);
}

TEST(LmHead, NoRowsDoNothing) {
  Case c(0, 100, 8, 3);
  ThreadPool pool(1);
  c.args.x = nullptr;
  EXPECT_NO_THROW(lm_head(c.args, Stream::host(pool)));
}

void expect_refused(void (*spoil)(Case&)) {
  Case c(4, 100, 8, 3);
  ThreadPool pool(1);
  c.run(Stream::host(pool));
  spoil(c);
  EXPECT_THROW(lm_head(c.args, Stream::host(pool)), std::invalid_argument);
}

TEST(LmHead, BrokenLimitsAreRefused) {
  expect_refused([](Case& c) { c.args.rows = -1; });
  expect_refused([](Case& c) { c.args.x = nullptr; });
  expect_refused([](Case& c) { c.args.w.data = nullptr; });
  expect_refused([](Case& c) { c.args.w.rows = 0; });
  expect_refused([](Case& c) { c.args.w.cols = 0; });
  expect_refused([](Case& c) { c.args.w.dtype = Dtype::kF8E4M3; });
  expect_refused([](Case& c) { c.args.logsumexp = nullptr; });
  expect_refused([](Case& c) { c.args.workspace = nullptr; });
  expect_refused([](Case& c) { c.args.top_k = -1; });
  expect_refused([](Case& c) { c.args.top_k = 101; });
  expect_refused([](Case& c) { c.args.top_k = 1025; });
  expect_refused([](Case& c) { c.args.top_ids = nullptr; });
  expect_refused([](Case& c) { c.args.top_logits = nullptr; });
  expect_refused([](Case& c) { c.args.targets = nullptr; });
  expect_refused([](Case& c) { c.args.target_logits = nullptr; });
  expect_refused([](Case& c) { c.targets[0] = 100; });
  expect_refused([](Case& c) { c.targets[1] = -1; });
  expect_refused([](Case& c) { c.target_begin[0] = 1; });
  expect_refused([](Case& c) { c.target_begin[2] = 5; });
}

}  // namespace
}  // namespace moebius::kernels
