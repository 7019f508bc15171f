// General device attention: float32 results are the host's bit for bit, bf16 results those
// rounded, for every shape, whatever the batch and the way the prompt was cut.
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "kernels/attention/attention_cuda_case.h"
#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

CaseShape mla(std::int64_t heads, std::int64_t qk_dim, std::int64_t v_dim, Dtype dtype) {
  return {heads, 1, qk_dim, v_dim, true, dtype};
}
CaseShape gqa(std::int64_t heads, std::int64_t kv_heads, std::int64_t qk_dim, std::int64_t v_dim,
              Dtype dtype) {
  return {heads, kv_heads, qk_dim, v_dim, false, dtype};
}

/// The host's order is this kernel's: one chain of fused multiply-adds per sum, the same exp.
void expect_host_bits(const CaseShape& shape, const std::vector<std::int64_t>& lengths,
                      const std::vector<Span>& spans) {
  const DeviceStream device;
  AttentionCase c(shape, lengths);
  AttentionCase::Batch batch;
  c.fill_batch(spans, batch);
  DeviceAttention on_device(batch, device.stream());
  const std::vector<float> got = on_device.run(kGeneralAttention);
  ThreadPool pool(2);
  batch.run(Stream::host(pool));
  if (shape.dtype == Dtype::kBF16) {
    for (float& x : batch.out) x = bf16_rounded(x);
  }
  EXPECT_TRUE(same_bits(got, batch.out))
      << "heads " << shape.heads << "/" << shape.kv_heads << " dims " << shape.qk_dim << "/"
      << shape.v_dim << " " << dtype_name(shape.dtype);
}

void expect_host_bits_of_all_shapes(const std::vector<std::int64_t>& lengths,
                                    const std::vector<Span>& spans) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBF16}) {
    expect_host_bits(mla(1, 24, 16, dtype), lengths, spans);
    expect_host_bits(mla(16, 40, 24, dtype), lengths, spans);
    expect_host_bits(mla(5, 72, 48, dtype), lengths, spans);
    expect_host_bits(gqa(1, 1, 40, 24, dtype), lengths, spans);
    expect_host_bits(gqa(3, 3, 16, 32, dtype), lengths, spans);
    expect_host_bits(gqa(4, 2, 64, 64, dtype), lengths, spans);
    expect_host_bits(gqa(6, 2, 33, 7, dtype), lengths, spans);
    expect_host_bits(gqa(7, 1, 128, 128, dtype), lengths, spans);
    expect_host_bits(gqa(2, 1, 1, 1, dtype), lengths, spans);
    expect_host_bits(gqa(48, 2, 17, 65, dtype), lengths, spans);
    expect_host_bits(gqa(2, 2, 80, 129, dtype), lengths, spans);
  }
}

TEST(GeneralAttentionCuda, SmallBatch) {
  MOEBIUS_NEEDS_GPU();
  expect_host_bits(gqa(4, 2, 24, 40, Dtype::kF32), {70, 9}, {{0, 60, 10}, {1, 8, 1}});
}

TEST(GeneralAttentionCuda, PrefillAndDecodeMixed) {
  MOEBIUS_NEEDS_GPU();
  expect_host_bits_of_all_shapes({70, 1, 333, 65, 20},
                                 {{0, 0, 70}, {1, 0, 1}, {2, 332, 1}, {3, 63, 2}, {4, 3, 11}});
}

TEST(GeneralAttentionCuda, PositionsAcrossChunks) {
  MOEBIUS_NEEDS_GPU();
  expect_host_bits_of_all_shapes(
      {515, 1030, 1026, 513, 512, 2000},
      {{0, 509, 6}, {1, 1020, 10}, {2, 1025, 1}, {3, 512, 1}, {4, 511, 1}, {5, 1999, 1}});
}

TEST(GeneralAttentionCuda, LargestShapes) {
  MOEBIUS_NEEDS_GPU();
  expect_host_bits(mla(16, 576, 512, Dtype::kBF16), {40, 530}, {{0, 0, 40}, {1, 525, 5}});
  expect_host_bits(mla(128, 576, 512, Dtype::kF32), {530}, {{0, 529, 1}});
  expect_host_bits(gqa(2, 1, 1024, 1024, Dtype::kF32), {600}, {{0, 560, 40}});
}

TEST(GeneralAttentionCuda, EmptyLaunchesAndEmptySequences) {
  MOEBIUS_NEEDS_GPU();
  const CaseShape shape = gqa(4, 2, 16, 32, Dtype::kF32);
  expect_host_bits(shape, {30, 30}, {{0, 0, 0}, {1, 5, 0}});
  expect_host_bits(shape, {30, 30}, {{0, 9, 0}, {1, 4, 3}, {0, 2, 0}});
}

TEST(GeneralAttentionCuda, LaterTokensLeaveNoTrace) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream device;
  const CaseShape shape = gqa(2, 1, 33, 20, Dtype::kF32);
  AttentionCase c(shape, {80}), poisoned_case(shape, {80});
  const auto run = [&](AttentionCase& from) {
    AttentionCase::Batch batch;
    from.fill_batch({{0, 0, 80}}, batch);
    return DeviceAttention(batch, device.stream()).run(kGeneralAttention);
  };
  const std::vector<float> whole = run(c);
  poisoned_case.poison(0, 41);
  const std::vector<float> cut = run(poisoned_case);
  const std::size_t before = 41 * shape.heads * shape.v_dim;
  EXPECT_TRUE(same_bits(std::span(cut).first(before), std::span(whole).first(before)));
  for (std::size_t i = before; i < cut.size(); ++i) ASSERT_TRUE(std::isnan(cut[i]));
}

void expect_refused(void (*spoil)(AttentionCudaArgs&)) {
  const DeviceStream device;
  AttentionCase c(gqa(4, 2, 16, 32, Dtype::kF32), {100});
  AttentionCase::Batch batch;
  c.fill_batch({{0, 90, 10}}, batch);
  const DeviceAttention on_device(batch, device.stream());
  const DeviceBuffer<std::byte> plan(1024);
  AttentionCudaArgs args = on_device.args(plan.data(), nullptr);
  spoil(args);
  EXPECT_THROW(kGeneralAttention.launch(args, device.stream()), std::invalid_argument);
}

TEST(GeneralAttentionCuda, BrokenLimitsAreRefused) {
  MOEBIUS_NEEDS_GPU();
  using Args = AttentionCudaArgs;
  expect_refused([](Args& a) { a.q.data = nullptr; });
  expect_refused([](Args& a) { a.out.data = nullptr; });
  expect_refused([](Args& a) { a.plan = nullptr; });
  expect_refused([](Args& a) { a.kv.data = nullptr; });
  expect_refused([](Args& a) { a.batch.ragged.pages = nullptr; });
  expect_refused([](Args& a) { a.q.dtype = Dtype::kBF16; });
  expect_refused([](Args& a) { a.shape.heads = 5; });
  expect_refused([](Args& a) { a.shape.kv_heads = 0; });
  expect_refused([](Args& a) { a.shape.qk_dim = 1025; });
  expect_refused([](Args& a) { a.shape.v_dim = 0; });
  expect_refused([](Args& a) { a.shape.k_offset = 70; });
  expect_refused([](Args& a) { a.shape.v_offset = -1; });
  expect_refused([](Args& a) { a.shape.scale = 0; });
  expect_refused([](Args& a) { a.q.ld = 63; });
}

TEST(GeneralAttentionCuda, PlanRefusesTooLittleRoom) {
  AttentionCase c(gqa(4, 2, 16, 32, Dtype::kF32), {100});
  AttentionCase::Batch batch;
  c.fill_batch({{0, 0, 100}}, batch);
  const AttentionShape shape = device_shape(batch.args);
  std::vector<std::byte> plan(kGeneralAttention.plan_bytes(shape, {100, 1, 100}));
  const std::size_t used =
      kGeneralAttention.plan(shape, batch.args.batch, plan.data(), plan.size());
  EXPECT_LE(used, plan.size());
  EXPECT_THROW(kGeneralAttention.plan(shape, batch.args.batch, plan.data(), used - 1),
               std::invalid_argument);
}

}  // namespace
}  // namespace moebius::kernels
