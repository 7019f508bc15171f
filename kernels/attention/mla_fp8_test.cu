// MLA device attention over an fp8 cache: the bits of the bf16 kernel over the values that the
// cache gives back, which mla_attention_test.cu holds against float64 within a bound.
#include <gtest/gtest.h>

#include <span>
#include <stdexcept>
#include <vector>

#include "kernels/attention/fp8_case.h"
#include "kernels/attention/mla_plan.h"
#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

constexpr std::int64_t kBlock = 128, kPlain = kMlaQkDim - kMlaVDim;

CaseShape mla(std::int64_t heads) {
  return {heads, 1, kMlaQkDim, kMlaVDim, true, Dtype::kBF16};
}

void expect_bf16_bits(std::int64_t heads, const std::vector<std::int64_t>& lengths,
                      const std::vector<Span>& spans) {
  SCOPED_TRACE(testing::Message() << heads << " heads");
  AttentionCase c(mla(heads), lengths);
  spread_magnitudes(c);
  Fp8Attention(c, kMlaAttention, kBlock, kPlain).run(spans);
}

TEST(MlaFp8, OneTokenOfEachContext) {
  MOEBIUS_NEEDS_GPU();
  const std::vector<std::int64_t> lengths = {1, 63, 64, 65, 129, 511, 512, 513, 1100, 2000};
  for (const std::int64_t heads : {16, 128}) {
    for (std::int64_t s = 0; s < std::ssize(lengths); ++s) {
      SCOPED_TRACE(lengths[s]);
      expect_bf16_bits(heads, lengths, {{s, lengths[s] - 1, 1}});
    }
  }
}

TEST(MlaFp8, PrefillAndDecodeMixed) {
  MOEBIUS_NEEDS_GPU();
  for (const std::int64_t heads : {16, 32, 64}) {
    expect_bf16_bits(
        heads, {70, 1, 333, 65, 20, 300, 2000},
        {{0, 0, 70}, {1, 0, 1}, {2, 332, 1}, {3, 63, 2}, {4, 3, 11}, {5, 0, 300}, {6, 1990, 10}});
  }
}

TEST(MlaFp8, EmptySequences) {
  MOEBIUS_NEEDS_GPU();
  expect_bf16_bits(16, {30, 30}, {{0, 9, 0}, {1, 4, 3}, {0, 2, 0}});
}

TEST(MlaFp8, CompanyPagesAndCutsDoNotMatter) {
  MOEBIUS_NEEDS_GPU();
  std::vector<std::int64_t> lengths;
  for (std::int64_t s = 0; s < 24; ++s) lengths.push_back(s == 0 ? 2300 : 1030 + 31 * s);
  AttentionCase c(mla(16), lengths);
  spread_magnitudes(c);
  for (std::int64_t s = 1; s < 24; ++s) {
    if (s % 4 > 0) c.share_pages(0, s, s % 4 == 1 ? 8 : s % 4 == 2 ? 16 : lengths[s] / 64);
  }
  Fp8Attention attention(c, kMlaAttention, kBlock, kPlain);
  std::vector<Span> spans;
  for (std::int64_t s = 0; s < 24; ++s) spans.push_back({s, lengths[s] - 1 - s % 3, 1 + s % 3});
  spans.push_back({3, 0, 200});
  const std::vector<float> together = attention.run(spans);
  const float* got = together.data();
  for (const Span& span : spans) {
    const std::vector<float> alone = attention.run_fp8({span});
    ASSERT_TRUE(same_bits(std::span(got, alone.size()), alone)) << "sequence " << span.sequence;
    got += alone.size();
  }
}

TEST(MlaFp8, LongContexts) {
  MOEBIUS_NEEDS_GPU();
  expect_bf16_bits(16, {9000, 3000}, {{0, 8999, 1}, {1, 2990, 4}});
}

TEST(MlaFp8, OtherShapesAndCachesAreRefused) {
  MOEBIUS_NEEDS_GPU();
  AttentionShape shape{.heads = 16,
                       .kv_heads = 1,
                       .qk_dim = kMlaQkDim,
                       .v_dim = kMlaVDim,
                       .scale = 1,
                       .kv_dtype = Dtype::kF8E4M3};
  EXPECT_TRUE(attention_serves(shape));
  shape.heads = 8;
  EXPECT_FALSE(attention_serves(shape));

  const DeviceStream device;
  AttentionCase c(mla(16), {100});
  AttentionCase::Batch batch;
  c.fill_batch({{0, 99, 1}}, batch);
  const DeviceBuffer<std::byte> memory(1 << 20);
  const DeviceAttention attention(batch, device.stream(), memory.data());
  AttentionCudaArgs args = attention.args(memory.data(), memory.data());
  args.shape.kv_dtype = Dtype::kF8E4M3;
  EXPECT_THROW(kMlaAttention.launch(args, device.stream()), std::invalid_argument);  // kv bf16
  args.kv.dtype = Dtype::kF8E4M3;
  EXPECT_THROW(kMlaAttention.launch(args, device.stream()), std::invalid_argument);  // no block
  args.kv.block = 512, args.kv.plain = kPlain;
  EXPECT_THROW(kMlaAttention.launch(args, device.stream()), std::invalid_argument);
}

}  // namespace
}  // namespace moebius::kernels
