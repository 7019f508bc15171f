// Grouped-query device attention over an fp8 cache: the bits of the bf16 kernel over the values
// that the cache gives back, which gqa_attention_test.cu holds against the host within a bound.
#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <stdexcept>
#include <vector>

#include "kernels/attention/fp8_case.h"
#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

CaseShape gqa(std::int64_t heads, std::int64_t kv_heads, std::int64_t dim) {
  return {heads, kv_heads, dim, dim, false, Dtype::kBF16};
}

std::vector<CaseShape> shapes() {
  return {gqa(8, 1, 128), gqa(8, 2, 128), gqa(2, 2, 128), gqa(7, 1, 128),
          gqa(10, 2, 64), gqa(3, 3, 64),  gqa(24, 1, 64)};
}

std::vector<float> expect_bf16_bits(const CaseShape& shape,
                                    const std::vector<std::int64_t>& lengths,
                                    const std::vector<Span>& spans) {
  SCOPED_TRACE(testing::Message() << "heads " << shape.heads << "/" << shape.kv_heads << " dim "
                                  << shape.qk_dim);
  AttentionCase c(shape, lengths);
  spread_magnitudes(c);
  return Fp8Attention(c, kGqaAttention, shape.qk_dim, 0).run(spans);
}

TEST(GqaFp8, OneTokenOfEachContext) {
  MOEBIUS_NEEDS_GPU();
  const std::vector<std::int64_t> lengths = {1, 63, 64, 65, 511, 512, 513, 1100, 2000};
  for (const CaseShape& shape : shapes()) {
    for (std::int64_t s = 0; s < std::ssize(lengths); ++s) {
      SCOPED_TRACE(lengths[s]);
      expect_bf16_bits(shape, lengths, {{s, lengths[s] - 1, 1}});
    }
  }
}

TEST(GqaFp8, PrefillAndDecodeMixed) {
  MOEBIUS_NEEDS_GPU();
  for (const CaseShape& shape : shapes()) {
    expect_bf16_bits(
        shape, {70, 1, 333, 65, 20, 1100, 2000},
        {{0, 0, 70}, {1, 0, 1}, {2, 332, 1}, {3, 63, 2}, {4, 3, 11}, {5, 0, 1100}, {6, 1990, 10}});
  }
}

TEST(GqaFp8, EmptyLaunchesAndEmptySequences) {
  MOEBIUS_NEEDS_GPU();
  expect_bf16_bits(gqa(8, 2, 128), {30, 30}, {{0, 0, 0}, {1, 5, 0}});
  expect_bf16_bits(gqa(8, 2, 128), {30, 30}, {{0, 9, 0}, {1, 4, 3}, {0, 2, 0}});
}

TEST(GqaFp8, CompanyPagesAndCutsDoNotMatter) {
  MOEBIUS_NEEDS_GPU();
  for (const CaseShape& shape : {gqa(8, 1, 128), gqa(16, 4, 128), gqa(14, 2, 64)}) {
    std::vector<std::int64_t> lengths;
    for (std::int64_t s = 0; s < 40; ++s) lengths.push_back(s == 0 ? 2300 : 1030 + 31 * s);
    AttentionCase c(shape, lengths);
    spread_magnitudes(c);
    for (std::int64_t s = 1; s < 40; ++s) {
      if (s % 4 > 0) c.share_pages(0, s, s % 4 == 1 ? 8 : s % 4 == 2 ? 18 : lengths[s] / 64);
    }
    Fp8Attention attention(c, kGqaAttention, shape.qk_dim, 0);
    std::vector<Span> spans;
    for (std::int64_t s = 0; s < 40; ++s) spans.push_back({s, lengths[s] - 1 - s % 3, 1 + s % 3});
    spans.push_back({3, 0, 200});
    const std::vector<float> together = attention.run(spans);
    const float* got = together.data();
    for (const Span& span : spans) {
      const std::vector<float> alone = attention.run_fp8({span});
      ASSERT_TRUE(same_bits(std::span(got, alone.size()), alone)) << "sequence " << span.sequence;
      got += alone.size();
    }
  }
}

/// Long enough that the planner cuts items between blocks, and more pages than a walk sees ahead.
TEST(GqaFp8, LongContexts) {
  MOEBIUS_NEEDS_GPU();
  expect_bf16_bits(gqa(8, 1, 128), {9000}, {{0, 8999, 1}});
  expect_bf16_bits(gqa(8, 2, 64), {9000, 5000}, {{0, 8990, 3}, {1, 4999, 1}});
}

TEST(GqaFp8, OtherShapesAndCachesAreRefused) {
  MOEBIUS_NEEDS_GPU();
  AttentionShape shape{.heads = 8,
                       .kv_heads = 2,
                       .qk_dim = 128,
                       .v_dim = 128,
                       .v_offset = 256,
                       .scale = 1,
                       .kv_dtype = Dtype::kF8E4M3};
  EXPECT_TRUE(attention_serves(shape));
  shape.qk_dim = shape.v_dim = 96;
  EXPECT_FALSE(attention_serves(shape));
  shape.qk_dim = shape.v_dim = 128, shape.v_offset = 192;
  EXPECT_FALSE(attention_serves(shape));

  const DeviceStream device;
  AttentionCase c(gqa(8, 2, 128), {100});
  AttentionCase::Batch batch;
  c.fill_batch({{0, 99, 1}}, batch);
  const DeviceBuffer<std::byte> memory(1 << 20);
  const DeviceAttention attention(batch, device.stream(), memory.data());
  AttentionCudaArgs args = attention.args(memory.data(), memory.data());
  args.shape.kv_dtype = Dtype::kF8E4M3;
  EXPECT_THROW(kGqaAttention.launch(args, device.stream()), std::invalid_argument);  // kv bf16
  args.kv.dtype = Dtype::kF8E4M3;
  EXPECT_THROW(kGqaAttention.launch(args, device.stream()), std::invalid_argument);  // no block
  args.kv.block = 128, args.kv.plain = 64;
  EXPECT_THROW(kGqaAttention.launch(args, device.stream()), std::invalid_argument);
}

}  // namespace
}  // namespace moebius::kernels
