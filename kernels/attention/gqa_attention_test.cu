// Grouped-query device attention: close to the host's, and the same bits for a row whatever its
// batch, the way its prompt was cut, its pages and how the work was dealt out.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "kernels/attention/attention_cuda_case.h"
#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

CaseShape gqa(std::int64_t heads, std::int64_t kv_heads, std::int64_t dim) {
  return {heads, kv_heads, dim, dim, false, Dtype::kBF16};
}

std::vector<float> on_device(AttentionCase& c, const std::vector<Span>& spans) {
  const DeviceStream device;
  AttentionCase::Batch batch;
  c.fill_batch(spans, batch);
  return DeviceAttention(batch, device.stream()).run(kGqaAttention);
}

/// What an element may be off by. Weights are rounded to bf16 (2^-9 of each) and so is the result;
/// values lie in [-2, 2), so the first is at most 2^-8. A score's sum of `dim` products is exact to
/// dim 2^-22 of the sum of their sizes (below 4 dim) times the scale dim^-1/2, and twice that,
/// relatively, is a weight's error; exp2 adds 2^-22 of the exponent's size, at most 64.
double bound(double want, std::int64_t dim) {
  const double size = static_cast<double>(dim);
  const double score = size * std::ldexp(1, -22) * 4 * std::sqrt(size) + std::ldexp(1, -16);
  return std::ldexp(1, -8) + std::fabs(want) * std::ldexp(1, -9) + 2 * 2 * score;
}

/// Every element within its bound, and every row and head within 2^-7 of its length: the two
/// roundings to bf16 are independent and uniform, so they come to 2^-9 sqrt(2 / 3) of it.
void expect_close(const std::vector<float>& got, const std::vector<float>& want, std::int64_t dim) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t row = 0; row < got.size(); row += dim) {
    double off = 0, length = 0;
    for (std::size_t i = row; i < row + dim; ++i) {
      const double error = std::fabs(double{got[i]} - want[i]);
      ASSERT_LE(error, bound(want[i], dim)) << "row and head " << row / dim << " column " << i - row
                                            << " got " << got[i] << " want " << want[i];
      off += error * error;
      length += double{want[i]} * want[i];
    }
    ASSERT_LE(std::sqrt(off), std::ldexp(1, -7) * std::sqrt(length))
        << "row and head " << row / dim;
  }
}

void expect_host(AttentionCase& c, const std::vector<Span>& spans) {
  const CaseShape& shape = c.shape();
  SCOPED_TRACE(testing::Message() << "heads " << shape.heads << "/" << shape.kv_heads << " dim "
                                  << shape.qk_dim);
  const std::vector<float> got = on_device(c, spans);
  AttentionCase::Batch batch;
  c.fill_batch(spans, batch);
  for (float& q : batch.q) q = bf16_rounded(q);
  ThreadPool pool(0);
  batch.run(Stream::host(pool));
  expect_close(got, batch.out, shape.qk_dim);
}

void expect_host(const CaseShape& shape, const std::vector<std::int64_t>& lengths,
                 const std::vector<Span>& spans) {
  AttentionCase c(shape, lengths);
  expect_host(c, spans);
}

std::vector<CaseShape> shapes() {
  return {gqa(8, 1, 128), gqa(8, 2, 128), gqa(2, 2, 128), gqa(7, 1, 128), gqa(16, 1, 128),
          gqa(10, 2, 64), gqa(3, 3, 64),  gqa(24, 1, 64), gqa(4, 2, 64)};
}

TEST(GqaAttentionCuda, SmallBatch) {
  MOEBIUS_NEEDS_GPU();
  expect_host(gqa(8, 1, 128), {70, 9}, {{0, 60, 10}, {1, 8, 1}});
  expect_host(gqa(4, 2, 64), {600}, {{0, 596, 4}});
}

TEST(GqaAttentionCuda, OneTokenOfEachContext) {
  MOEBIUS_NEEDS_GPU();
  const std::vector<std::int64_t> lengths = {1, 63, 64, 65, 511, 512, 513, 2000};
  for (const CaseShape& shape : shapes()) {
    for (std::int64_t s = 0; s < std::ssize(lengths); ++s) {
      SCOPED_TRACE(lengths[s]);
      expect_host(shape, lengths, {{s, lengths[s] - 1, 1}});
    }
  }
}

TEST(GqaAttentionCuda, PrefillAndDecodeMixed) {
  MOEBIUS_NEEDS_GPU();
  for (const CaseShape& shape : shapes()) {
    expect_host(
        shape, {70, 1, 333, 65, 20, 1100, 2000},
        {{0, 0, 70}, {1, 0, 1}, {2, 332, 1}, {3, 63, 2}, {4, 3, 11}, {5, 0, 1100}, {6, 1990, 10}});
  }
}

TEST(GqaAttentionCuda, EmptyLaunchesAndEmptySequences) {
  MOEBIUS_NEEDS_GPU();
  expect_host(gqa(8, 2, 128), {30, 30}, {{0, 0, 0}, {1, 5, 0}});
  expect_host(gqa(8, 2, 128), {30, 30}, {{0, 9, 0}, {1, 4, 3}, {0, 2, 0}});
}

TEST(GqaAttentionCuda, ManyLongSequences) {
  MOEBIUS_NEEDS_GPU();
  std::vector<std::int64_t> lengths;
  std::vector<Span> spans;
  for (std::int64_t s = 0; s < 37; ++s) {
    lengths.push_back(40 + 83 * s);
    spans.push_back({s, lengths[s] - 1 - s % 3, 1 + s % 3});
  }
  expect_host(gqa(8, 4, 128), lengths, spans);
  expect_host(gqa(12, 4, 64), lengths, spans);
}

TEST(GqaAttentionCuda, SplittingAPromptKeepsItsBits) {
  MOEBIUS_NEEDS_GPU();
  for (const CaseShape& shape : {gqa(8, 1, 128), gqa(6, 2, 64), gqa(2, 2, 128)}) {
    constexpr std::int64_t kLength = 1300;
    AttentionCase c(shape, {kLength});
    const std::vector<float> whole = on_device(c, {{0, 0, kLength}});
    const std::size_t row = shape.heads * shape.v_dim;
    for (const std::int64_t step : {1, 7, 64, 512}) {
      // Steps of 1 and 7 only around the edges of chunks and at the end.
      for (std::int64_t p = 0; p < kLength; p += step) {
        const bool edge = p % 512 < 10 || p % 512 > 500 || p + 10 > kLength;
        if (step < 64 && !edge) continue;
        const std::int64_t tokens = std::min(step, kLength - p);
        const std::vector<float> part = on_device(c, {{0, p, tokens}});
        ASSERT_TRUE(same_bits(part, std::span(whole).subspan(p * row, tokens * row)))
            << "step " << step << " position " << p << " dim " << shape.qk_dim;
      }
    }
  }
}

TEST(GqaAttentionCuda, CompanyDoesNotMatter) {
  MOEBIUS_NEEDS_GPU();
  for (const CaseShape& shape : {gqa(8, 1, 128), gqa(16, 4, 128), gqa(14, 2, 64)}) {
    std::vector<std::int64_t> lengths(64);
    for (std::int64_t s = 0; s < 64; ++s) lengths[s] = 700 + 41 * s;
    AttentionCase c(shape, lengths);
    const std::size_t row = shape.heads * shape.v_dim;
    std::map<std::int64_t, std::vector<float>> alone;
    for (const std::int64_t s : {0, 1, 2, 5, 40, 63})
      alone[s] = on_device(c, {{s, lengths[s] - 1, 1}});
    for (const std::int64_t count : {3, 8, 64}) {
      std::vector<Span> spans;
      for (std::int64_t s = 64 - count; s < 64; ++s) spans.push_back({s, lengths[s] - 1, 1});
      std::swap(spans[0], spans.back());
      if (count == 8) spans.push_back({0, 0, 300});
      const std::vector<float> got = on_device(c, spans);
      for (std::size_t i = 0; i < spans.size(); ++i) {
        const auto found = alone.find(spans[i].sequence);
        if (found == alone.end() || spans[i].tokens > 1) continue;
        EXPECT_TRUE(same_bits(std::span(got).subspan(i * row, row), found->second))
            << "batch " << count << " sequence " << spans[i].sequence;
      }
    }
    c.permute_pages();
    EXPECT_TRUE(same_bits(on_device(c, {{5, lengths[5] - 1, 1}}), alone[5]));
  }
}

TEST(GqaAttentionCuda, CompanyThatSharesPagesDoesNotMatter) {
  MOEBIUS_NEEDS_GPU();
  for (const CaseShape& shape : {gqa(8, 1, 128), gqa(16, 4, 128), gqa(14, 2, 64)}) {
    std::vector<std::int64_t> lengths;
    for (std::int64_t s = 0; s < 40; ++s) lengths.push_back(s == 0 ? 2300 : 1030 + 31 * s);
    AttentionCase c(shape, lengths);
    for (std::int64_t s = 1; s < 40; ++s) {  // one, two and a bit, or three chunks
      if (s % 4 > 0) c.share_pages(0, s, s % 4 == 1 ? 8 : s % 4 == 2 ? 18 : lengths[s] / 64);
    }
    std::vector<Span> spans;
    for (std::int64_t s = 0; s < 40; ++s) spans.push_back({s, lengths[s] - 1 - s % 3, 1 + s % 3});
    std::rotate(spans.begin(), spans.begin() + 7, spans.end());
    spans.push_back({3, 0, 200});
    const std::vector<float> together = on_device(c, spans);
    const float* got = together.data();
    for (const Span& span : spans) {
      const std::vector<float> alone = on_device(c, {span});
      ASSERT_TRUE(same_bits(std::span(got, alone.size()), alone)) << "sequence " << span.sequence;
      got += alone.size();
    }
    expect_host(c, spans);
  }
}

/// A captured launch that runs again after its plan, pages and queries were replaced.
TEST(GqaAttentionCuda, GraphsReplayWithNewPlans) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream device;
  const Stream stream = device.stream();
  AttentionCase c(gqa(16, 2, 128), {1, 700, 2600, 40});
  AttentionCase::Batch batches[2];
  c.fill_batch({{0, 0, 1}, {3, 39, 1}}, batches[0]);
  c.fill_batch({{1, 699, 1}, {2, 2599, 1}}, batches[1]);
  DeviceAttention small(batches[0], stream), large(batches[1], stream);
  const std::vector<float> wants[] = {small.run(kGqaAttention), large.run(kGqaAttention)};

  const AttentionShape shape = device_shape(batches[0].args);
  const AttentionLimits limits{2, 2, 2600};
  const auto workspace = poisoned<std::byte>(kGqaAttention.workspace_bytes(shape, limits), stream);
  const DeviceBuffer<std::byte> plan(kGqaAttention.plan_bytes(shape, limits));
  const DeviceAttention target(batches[0], stream);
  const AttentionCudaArgs args = target.args(plan.data(), workspace.data());
  const auto handle = static_cast<cudaStream_t>(stream.handle());
  cudaGraph_t graph;
  cudaGraphExec_t replay;
  check_device(cudaStreamBeginCapture(handle, cudaStreamCaptureModeThreadLocal), "capturing");
  kGqaAttention.launch(args, stream);
  check_device(cudaStreamEndCapture(handle, &graph), "capturing");
  check_device(cudaGraphInstantiate(&replay, graph, 0), "instantiating");

  const auto run = [&](AttentionCase::Batch& batch, const AttentionCudaArgs& from) {
    std::vector<std::byte> bytes(plan.size());
    bytes.resize(kGqaAttention.plan(shape, batch.args.batch, bytes.data(), bytes.size()));
    device_copy(plan.data(), bytes.data(), bytes.size(), stream);
    device_copy(args.q.data, from.q.data, 2 * args.q.ld * sizeof(std::uint16_t), stream);
    device_copy(const_cast<std::int32_t*>(args.batch.ragged.pages), from.batch.ragged.pages,
                batch.pages.size() * sizeof(std::int32_t), stream);
    check_device(cudaGraphLaunch(replay, handle), "replaying");
    return target.result();
  };
  for (const int turn : {1, 0, 1}) {
    const DeviceAttention& from = turn == 0 ? small : large;
    EXPECT_TRUE(same_bits(run(batches[turn], from.args(nullptr, nullptr)), wants[turn])) << turn;
  }
  check_device(cudaGraphExecDestroy(replay), "destroying");
  check_device(cudaGraphDestroy(graph), "destroying");
}

void expect_refused(void (*spoil)(AttentionCudaArgs&)) {
  const DeviceStream device;
  AttentionCase c(gqa(4, 2, 64), {100});
  AttentionCase::Batch batch;
  c.fill_batch({{0, 90, 10}}, batch);
  const DeviceAttention attention(batch, device.stream());
  const DeviceBuffer<std::byte> plan(4096);
  AttentionCudaArgs args = attention.args(plan.data(), plan.data());
  spoil(args);
  EXPECT_THROW(kGqaAttention.launch(args, device.stream()), std::invalid_argument);
}

TEST(GqaAttentionCuda, BrokenLimitsAreRefused) {
  MOEBIUS_NEEDS_GPU();
  using Args = AttentionCudaArgs;
  expect_refused([](Args& a) { a.q.data = nullptr; });
  expect_refused([](Args& a) { a.out.data = nullptr; });
  expect_refused([](Args& a) { a.plan = nullptr; });
  expect_refused([](Args& a) { a.workspace = nullptr; });
  expect_refused([](Args& a) { a.kv.data = nullptr; });
  expect_refused([](Args& a) { a.batch.ragged.pages = nullptr; });
  expect_refused([](Args& a) { a.q.dtype = Dtype::kF32; });
  expect_refused([](Args& a) { a.shape.heads = 5; });
  expect_refused([](Args& a) { a.shape.qk_dim = 80; });
  expect_refused([](Args& a) { a.shape.v_dim = 128; });
  expect_refused([](Args& a) { a.shape.k_offset = 192; });
  expect_refused([](Args& a) { a.shape.v_offset = 8; });
  expect_refused([](Args& a) { a.shape.scale = 0; });
  expect_refused([](Args& a) { a.q.ld = 252; });
}

}  // namespace
}  // namespace moebius::kernels
