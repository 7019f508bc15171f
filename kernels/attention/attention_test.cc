// Attention on the host: bit for bit the serial definition, whatever the batch, the
// threads, the SIMD target and the way the prompt was cut; and close to double.
#include "kernels/attention/attention.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <span>
#include <stdexcept>
#include <vector>

#include "kernels/attention/attention_case.h"
#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

constexpr Dtype kDtypes[] = {Dtype::kF32, Dtype::kBF16};

CaseShape mla(std::int64_t heads, std::int64_t qk_dim, std::int64_t v_dim) {
  return {.heads = heads, .kv_heads = 1, .qk_dim = qk_dim, .v_dim = v_dim, .shared_entry = true};
}
CaseShape gqa(std::int64_t heads, std::int64_t kv_heads, std::int64_t qk_dim, std::int64_t v_dim) {
  return {.heads = heads, .kv_heads = kv_heads, .qk_dim = qk_dim, .v_dim = v_dim};
}

std::vector<float> reference(AttentionCase& c, const std::vector<Span>& spans) {
  AttentionCase::Batch batch;
  c.fill_batch(spans, batch);
  attention_reference(batch.args);
  return batch.out;
}

std::vector<float> fast(AttentionCase& c, const std::vector<Span>& spans, int threads) {
  ThreadPool pool(threads);
  AttentionCase::Batch batch;
  c.fill_batch(spans, batch);
  batch.run(Stream::host(pool));
  return batch.out;
}

void expect_reference_bits(CaseShape shape, const std::vector<std::int64_t>& lengths,
                           const std::vector<Span>& spans) {
  for (const Dtype dtype : kDtypes) {
    shape.dtype = dtype;
    AttentionCase c(shape, lengths);
    const std::vector<float> want = reference(c, spans);
    on_each_target([&] {
      for (const int threads : {1, 2, 3}) {
        EXPECT_TRUE(same_bits(fast(c, spans, threads), want))
            << "heads " << shape.heads << "/" << shape.kv_heads << " dims " << shape.qk_dim << "/"
            << shape.v_dim << " " << dtype_name(dtype) << " threads " << threads;
      }
    });
  }
}

TEST(Attention, PrefillAndDecodeMixedEqualTheDefinition) {
  const std::vector<std::int64_t> lengths = {70, 1, 333, 65, 20};
  const std::vector<Span> spans = {{0, 0, 70}, {1, 0, 1}, {2, 332, 1}, {3, 63, 2}, {4, 3, 11}};
  expect_reference_bits(mla(1, 24, 16), lengths, spans);
  expect_reference_bits(mla(16, 40, 24), lengths, spans);
  expect_reference_bits(mla(5, 72, 48), lengths, spans);
  expect_reference_bits(gqa(1, 1, 40, 24), lengths, spans);
  expect_reference_bits(gqa(3, 3, 16, 32), lengths, spans);
  expect_reference_bits(gqa(4, 2, 64, 64), lengths, spans);
  expect_reference_bits(gqa(6, 2, 33, 7), lengths, spans);
  expect_reference_bits(gqa(16, 2, 32, 48), lengths, spans);
  expect_reference_bits(gqa(7, 1, 128, 128), lengths, spans);
}

TEST(Attention, DeepSeekShapeEqualsTheDefinition) {
  expect_reference_bits(mla(16, 576, 512), {40, 130}, {{0, 0, 40}, {1, 129, 1}});
}

TEST(Attention, PositionsAcrossChunksEqualTheDefinition) {
  const std::vector<std::int64_t> lengths = {515, 1030, 1026, 513, 512};
  const std::vector<Span> spans = {
      {0, 509, 6}, {1, 1020, 10}, {2, 1025, 1}, {3, 512, 1}, {4, 511, 1}};
  expect_reference_bits(mla(4, 24, 16), lengths, spans);
  expect_reference_bits(mla(16, 40, 24), lengths, spans);
  expect_reference_bits(gqa(2, 2, 16, 16), lengths, spans);
  expect_reference_bits(gqa(8, 1, 16, 16), lengths, spans);
  expect_reference_bits(gqa(4, 2, 10, 6), lengths, spans);
}

TEST(Attention, OneLongDecodeEqualsTheDefinition) {
  // Past 8 chunks per thread, so that cutting by chunk takes several waves.
  for (const CaseShape& shape : {mla(1, 16, 16), gqa(2, 2, 8, 16), mla(9, 12, 4)}) {
    expect_reference_bits(shape, {13000}, {{0, 12998, 2}});
  }
}

TEST(Attention, SplittingAPromptKeepsItsBits) {
  for (const Dtype dtype : kDtypes) {
    for (CaseShape shape : {mla(16, 40, 32), gqa(4, 4, 32, 32), gqa(8, 2, 40, 24)}) {
      shape.dtype = dtype;
      AttentionCase c(shape, {600});
      const std::vector<float> whole = fast(c, {{0, 0, 600}}, 2);
      for (const std::int64_t step : {1, 7, 64}) {
        std::vector<float> parts;
        for (std::int64_t p = 0; p < 600; p += step) {
          const std::vector<float> part = fast(c, {{0, p, std::min(step, 600 - p)}}, 1);
          parts.insert(parts.end(), part.begin(), part.end());
        }
        EXPECT_TRUE(same_bits(parts, whole)) << "step " << step;
      }
    }
  }
}

TEST(Attention, MatesAndPagesDoNotMatter) {
  for (CaseShape shape : {mla(16, 40, 32), gqa(8, 1, 32, 32), gqa(3, 3, 32, 32)}) {
    shape.dtype = Dtype::kBF16;
    AttentionCase c(shape, {530, 90, 700});
    const std::vector<float> alone = fast(c, {{0, 520, 10}}, 1);
    const std::vector<float> mixed = fast(c, {{2, 0, 40}, {0, 520, 10}, {1, 89, 1}}, 2);
    const std::size_t row = shape.heads * shape.v_dim;
    EXPECT_TRUE(same_bits(std::span(mixed).subspan(40 * row, 10 * row), alone));
    c.permute_pages();
    EXPECT_TRUE(same_bits(fast(c, {{0, 520, 10}}, 3), alone));
  }
}

TEST(Attention, LaterTokensLeaveNoTrace) {
  for (const CaseShape& shape : {mla(2, 40, 32), gqa(1, 1, 32, 32), gqa(2, 1, 33, 20)}) {
    AttentionCase c(shape, {80});
    const std::vector<float> whole = fast(c, {{0, 0, 80}}, 1);
    for (const std::int64_t cut : {1, 5, 63, 64, 79}) {
      AttentionCase poisoned(shape, {80});
      poisoned.poison(0, cut);
      const std::vector<float> got = fast(poisoned, {{0, 0, 80}}, 1);
      const std::size_t before = cut * shape.heads * shape.v_dim;
      EXPECT_TRUE(same_bits(std::span(got).first(before), std::span(whole).first(before))) << cut;
      for (std::size_t i = before; i < got.size(); ++i) ASSERT_TRUE(std::isnan(got[i]));
    }
  }
}

/// Row `position` of head h in double, with a bound on a float32 evaluation's error.
///
/// A score is off by at most qk_dim eps sum|q k| scale, so a weight by twice the worst of
/// those, relatively, and by an ulp or two of exp; chains over n keys add n eps each.
void expect_close_row(const AttentionCase& c, std::int64_t position, std::int64_t h,
                      const float* got) {
  const CaseShape& shape = c.shape();
  const std::int64_t kv_head = h / (shape.heads / shape.kv_heads);
  const std::int64_t values = shape.shared_entry ? 0 : shape.kv_heads * shape.qk_dim;
  const double eps = std::ldexp(1.0, -24);
  std::vector<double> scores;
  double worst = 0;
  for (std::int64_t key = 0; key <= position; ++key) {
    double sum = 0, size = 0;
    for (std::int64_t d = 0; d < shape.qk_dim; ++d) {
      const double product = static_cast<double>(c.query(0, position)[h * shape.qk_dim + d]) *
                             c.cached(0, key, kv_head * shape.qk_dim + d);
      sum += product;
      size += std::fabs(product);
    }
    const double scale = 1.0F / std::sqrt(static_cast<float>(shape.qk_dim));
    scores.push_back(sum * scale);
    worst = std::max(worst, static_cast<double>(shape.qk_dim + 1) * eps * size * scale);
  }
  const double most = *std::max_element(scores.begin(), scores.end());
  double l = 0;
  for (double& s : scores) l += s = std::exp(s - most);
  for (std::int64_t d = 0; d < shape.v_dim; ++d) {
    double want = 0, size = 0;
    for (std::int64_t key = 0; key <= position; ++key) {
      const double v = c.cached(0, key, values + kv_head * shape.v_dim + d);
      want += scores[key] / l * v;
      size += scores[key] / l * std::fabs(v);
    }
    const double bound = size * (2 * worst + (2 * static_cast<double>(position) + 20) * eps);
    ASSERT_LE(bound, 0.1) << "a bound that excuses anything";
    ASSERT_LE(std::fabs(got[d] - want), bound) << "position " << position << " head " << h;
  }
}

TEST(Attention, CloseToDouble) {
  for (CaseShape shape : {mla(4, 72, 64), gqa(6, 2, 40, 24), gqa(2, 2, 64, 64)}) {
    for (const Dtype dtype : kDtypes) {
      shape.dtype = dtype;
      AttentionCase c(shape, {700});
      const std::vector<float> got = fast(c, {{0, 0, 700}}, 2);
      for (std::int64_t position = 0; position < 700; position += 23) {
        for (std::int64_t h = 0; h < shape.heads; ++h) {
          expect_close_row(c, position, h, &got[(position * shape.heads + h) * shape.v_dim]);
        }
      }
    }
  }
}

TEST(Attention, EmptyLaunchesAndEmptySequencesDoNothing) {
  AttentionCase c(mla(2, 16, 16), {30, 30});
  EXPECT_TRUE(fast(c, {}, 2).empty());
  EXPECT_TRUE(fast(c, {{0, 0, 0}, {1, 5, 0}}, 2).empty());
  const std::vector<float> alone = fast(c, {{1, 4, 3}}, 2);
  EXPECT_TRUE(same_bits(fast(c, {{0, 9, 0}, {1, 4, 3}, {0, 2, 0}}, 2), alone));
}

TEST(Attention, CountsWhatItDoes) {
  AttentionCase c(gqa(4, 2, 16, 32), {100});
  ThreadPool pool(2);
  LaunchLog log;
  Stream stream = Stream::host(pool);
  stream.set_log(&log);
  AttentionCase::Batch batch;
  c.fill_batch({{0, 90, 10}}, batch);
  batch.run(stream);
  const std::vector<Launch> launches = log.take();
  ASSERT_EQ(launches.size(), 1U);
  EXPECT_EQ(launches[0].kernel, "attention");
  const std::int64_t pairs = 10 * 90 + 55;
  EXPECT_EQ(launches[0].flops, 2 * pairs * 4 * (16 + 32));
  EXPECT_EQ(launches[0].bytes, 4 * (10 * 4 * (16 + 32) + 100 * 2 * (16 + 32)));
}

void expect_refused(void (*spoil)(AttentionCase::Batch&)) {
  AttentionCase c(gqa(4, 2, 16, 32), {100});
  ThreadPool pool(1);
  AttentionCase::Batch batch;
  c.fill_batch({{0, 90, 10}}, batch);
  batch.run(Stream::host(pool));
  spoil(batch);
  EXPECT_THROW(attention(batch.args, Stream::host(pool)), std::invalid_argument);
}

TEST(Attention, BrokenLimitsAreRefused) {
  using Batch = AttentionCase::Batch;
  expect_refused([](Batch& b) { b.args.q = nullptr; });
  expect_refused([](Batch& b) { b.args.out = nullptr; });
  expect_refused([](Batch& b) { b.args.workspace = nullptr; });
  expect_refused([](Batch& b) { b.args.kv.data = nullptr; });
  expect_refused([](Batch& b) { b.args.batch.pages = nullptr; });
  expect_refused([](Batch& b) { b.args.heads = 0; });
  expect_refused([](Batch& b) { b.args.heads = 5; });
  expect_refused([](Batch& b) { b.args.kv_heads = 0; });
  expect_refused([](Batch& b) { b.args.qk_dim = 0; });
  expect_refused([](Batch& b) { b.args.v_dim = -1; });
  expect_refused([](Batch& b) { b.args.k_offset = -1; });
  expect_refused([](Batch& b) { b.args.k_offset = 70; });
  expect_refused([](Batch& b) { b.args.v_offset = 33; });
  expect_refused([](Batch& b) { b.args.scale = 0; });
  expect_refused([](Batch& b) { b.args.scale = std::nanf(""); });
  expect_refused([](Batch& b) { b.args.kv.dtype = Dtype::kF16; });
  expect_refused([](Batch& b) { b.args.batch.rows = 11; });
  expect_refused([](Batch& b) { b.args.batch.sequences = -1; });
  expect_refused([](Batch& b) { b.row_begin[0] = 1; });
  expect_refused([](Batch& b) { b.position_begin[0] = -1; });
  expect_refused([](Batch& b) { b.position_begin[0] = 200; });
  expect_refused([](Batch& b) { b.pages[0] = -1; });
  expect_refused([](Batch& b) { b.pages[1] = static_cast<std::int32_t>(b.args.kv.pages); });
}

}  // namespace
}  // namespace moebius::kernels
