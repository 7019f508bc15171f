// MLA attention on tensor cores: close to float64 within a derived bound, and the same bits for a
// row whatever the batch, the cut of the prompt and who shares its prefix.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "kernels/attention/attention_cuda_case.h"
#include "kernels/attention/mla_plan.h"
#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

CaseShape mla(std::int64_t heads) {
  return {heads, 1, kMlaQkDim, kMlaVDim, true, Dtype::kBF16};
}

/// A case and its cache on the device; launches of any spans.
class MlaRuns {
 public:
  MlaRuns(std::int64_t heads, std::vector<std::int64_t> lengths)
      : case_(mla(heads), std::move(lengths)) {
    AttentionCase::Batch batch;
    case_.fill_batch({{0, 0, 1}}, batch);
    holder_ = std::make_unique<DeviceAttention>(batch, device_.stream());
    cache_ = holder_->args(nullptr, nullptr).kv.data;
  }
  const AttentionCase& its() const { return case_; }
  std::int64_t row_values() const { return case_.shape().heads * kMlaVDim; }

  /// [rows, heads, 512]
  std::vector<float> run(const std::vector<Span>& spans) {
    AttentionCase::Batch batch;
    case_.fill_batch(spans, batch);
    return DeviceAttention(batch, device_.stream(), cache_).run(kMlaAttention);
  }

 private:
  DeviceStream device_;
  AttentionCase case_;
  std::unique_ptr<DeviceAttention> holder_;
  const void* cache_ = nullptr;
};

/// One head of one row in float64, from the rounded inputs, and what a result may be off by.
struct Exact {
  std::vector<double> out, bound;
};

Exact exact_head(const AttentionCase& c, std::int64_t s, std::int64_t position, std::int64_t head) {
  const float* q = c.query(s, position) + head * kMlaQkDim;
  const double scale = 1.0F / std::sqrt(static_cast<float>(kMlaQkDim));
  std::vector<double> scores;
  double slack = 0;  // of a score: 36 steps of 16 products, truncated to float32
  for (std::int64_t key = 0; key <= position; ++key) {
    double score = 0, absolute = 0;
    for (std::int64_t d = 0; d < kMlaQkDim; ++d) {
      const double product = static_cast<double>(bf16_rounded(q[d])) * c.cached(s, key, d);
      score += product;
      absolute += std::abs(product);
    }
    scores.push_back(score * scale);
    slack = std::max(slack, 40 * 0x1p-23 * absolute * scale);
  }
  const double m = *std::ranges::max_element(scores);
  Exact e{std::vector<double>(kMlaVDim), std::vector<double>(kMlaVDim)};
  double sum = 0;
  for (std::int64_t key = 0; key <= position; ++key) {
    const double p = std::exp(scores[key] - m);
    sum += p;
    for (std::int64_t d = 0; d < kMlaVDim; ++d) {
      const double v = c.cached(s, key, d);
      e.out[d] += p * v;
      e.bound[d] += p * std::abs(v);
    }
  }
  // Weights rounded to bf16 (2^-8), scores off in nominator and sum, products summed by fours of
  // 16 keys in float32; at last the result rounded to bf16.
  const double relative = 0x1p-8 + 2 * slack + (static_cast<double>(position) / 16 + 16) * 0x1p-23;
  for (std::int64_t d = 0; d < kMlaVDim; ++d) {
    e.out[d] /= sum;
    e.bound[d] = e.bound[d] / sum * relative + std::abs(e.out[d]) * 0x1p-8;
  }
  return e;
}

/// Greatest error over bound; NaN counts as infinite.
double worst_ratio(const AttentionCase& c, std::int64_t s, std::int64_t position, std::int64_t head,
                   const float* got) {
  const Exact e = exact_head(c, s, position, head);
  double worst = 0;
  std::int64_t at = -1;
  for (std::int64_t d = 0; d < kMlaVDim; ++d) {
    const double error = std::abs(got[d] - e.out[d]);
    if (!(error <= e.bound[d] * worst)) {
      worst = error / e.bound[d];
      at = d;
      if (std::isnan(worst)) worst = HUGE_VAL;
    }
  }
  if (!(worst <= 1)) {
    std::printf("  s %ld position %ld head %ld dim %ld: %g, exact %g, bound %g\n",
                static_cast<long>(s), static_cast<long>(position), static_cast<long>(head),
                static_cast<long>(at), got[at], e.out[at], e.bound[at]);
  }
  return worst;
}

void expect_close(MlaRuns& runs, const std::vector<Span>& spans) {
  const std::vector<float> got = runs.run(spans);
  const std::int64_t heads = runs.its().shape().heads;
  double worst = 0;
  std::int64_t row = 0;
  for (const Span& span : spans) {
    for (std::int64_t j = 0; j < span.tokens; ++j, ++row) {
      // All heads of few rows would take minutes; each row has some, other ones in turn.
      for (std::int64_t h = row % 5; h < heads; h += heads < 32 ? 5 : 13) {
        worst = std::max(worst, worst_ratio(runs.its(), span.sequence, span.position + j, h,
                                            &got[(row * heads + h) * kMlaVDim]));
      }
    }
  }
  std::printf("  heads %ld: error / bound %.3f over %ld rows\n", static_cast<long>(heads), worst,
              static_cast<long>(row));
  EXPECT_LE(worst, 1);
}

std::vector<Span> last_tokens(const std::vector<std::int64_t>& lengths) {
  std::vector<Span> spans;
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    spans.push_back({static_cast<std::int64_t>(s), lengths[s] - 1, 1});
  }
  return spans;
}

TEST(MlaAttention, OneKey) {
  MOEBIUS_NEEDS_GPU();
  for (const std::int64_t heads : {16, 128}) {
    MlaRuns runs(heads, {1});
    expect_close(runs, {{0, 0, 1}});
  }
}

TEST(MlaAttention, SmallPrefill) {
  MOEBIUS_NEEDS_GPU();
  for (const std::int64_t heads : {16, 64}) {
    MlaRuns runs(heads, {70});
    expect_close(runs, {{0, 0, 70}});
  }
}

TEST(MlaAttention, DecodeAtEveryEdge) {
  MOEBIUS_NEEDS_GPU();
  const std::vector<std::int64_t> lengths = {1, 63, 64, 65, 511, 512, 513, 2000, 5000};
  MlaRuns runs(16, lengths);
  expect_close(runs, last_tokens(lengths));
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    expect_close(runs, {{static_cast<std::int64_t>(s), lengths[s] - 1, 1}});
  }
}

TEST(MlaAttention, OtherHeadCounts) {
  MOEBIUS_NEEDS_GPU();
  const std::vector<std::int64_t> lengths = {130, 600};
  for (const std::int64_t heads : {32, 48, 80, 128}) {
    MlaRuns runs(heads, lengths);
    expect_close(runs, {{0, 127, 3}, {1, 599, 1}, {1, 509, 5}});
  }
  MlaRuns runs(64, {2600});
  expect_close(runs, {{0, 2599, 1}, {0, 2047, 3}});
}

TEST(MlaAttention, PrefillAndDecodeMixed) {
  MOEBIUS_NEEDS_GPU();
  MlaRuns runs(16, {70, 1, 333, 65, 20, 1100, 700});
  expect_close(runs, {{0, 0, 70},
                      {1, 0, 1},
                      {2, 332, 1},
                      {3, 63, 2},
                      {4, 3, 11},
                      {5, 1021, 9},
                      {6, 699, 1},
                      {5, 1099, 1}});
}

/// Which rows of a launch are another launch's, by sequence and position.
void expect_same_rows(const MlaRuns& runs, const std::vector<Span>& spans,
                      const std::vector<float>& got, std::int64_t s, std::int64_t first_position,
                      const std::vector<float>& want, const char* what) {
  const std::int64_t width = runs.row_values();
  std::int64_t row = 0, compared = 0, differ = 0;
  for (const Span& span : spans) {
    for (std::int64_t j = 0; j < span.tokens; ++j, ++row) {
      const std::int64_t from = (span.position + j - first_position) * width;
      if (span.sequence != s || from < 0 || from >= std::ssize(want)) continue;
      ++compared;
      if (same_bits(std::span(got).subspan(row * width, width),
                    std::span(want).subspan(from, width))) {
        continue;
      }
      if (differ++ == 0) {
        std::int64_t i = 0;
        while (got[row * width + i] == want[from + i]) ++i;
        std::printf("  %s: position %ld head %ld dim %ld: %g, want %g\n", what,
                    static_cast<long>(span.position + j), static_cast<long>(i / kMlaVDim),
                    static_cast<long>(i % kMlaVDim), got[row * width + i], want[from + i]);
      }
    }
  }
  EXPECT_GT(compared, 0) << what;
  EXPECT_EQ(differ, 0) << what << ", of " << compared;
}

void expect_cuts_change_nothing(MlaRuns& runs, std::int64_t tokens,
                                const std::vector<std::int64_t>& cuts) {
  const std::vector<float> whole = runs.run({{0, 0, tokens}});
  for (const std::int64_t cut : cuts) {
    // One launch per piece; of very short ones only some.
    for (std::int64_t at = 0; at < tokens; at += cut * (cut == 1 ? 23 : cut == 7 ? 5 : 1)) {
      const std::vector<Span> span = {{0, at, std::min(cut, tokens - at)}};
      expect_same_rows(runs, span, runs.run(span), 0, 0, whole,
                       ("cut " + std::to_string(cut)).c_str());
    }
  }
  const std::vector<Span> edges = {{0, 511, 1}, {0, 512, 1}, {0, 513, 1}};
  for (const Span& edge : edges) {
    expect_same_rows(runs, {edge}, runs.run({edge}), 0, 0, whole, "edge");
  }
}

TEST(MlaAttention, CutsOfAPromptChangeNothing) {
  MOEBIUS_NEEDS_GPU();
  MlaRuns sixteen(16, {1300});
  expect_cuts_change_nothing(sixteen, 1300, {1, 7, 64, 512});
  MlaRuns more(64, {2200});
  expect_cuts_change_nothing(more, 2200, {1, 64, 512});
}

TEST(MlaAttention, BatchChangesNothing) {
  MOEBIUS_NEEDS_GPU();
  std::vector<std::int64_t> lengths(64);
  for (std::size_t s = 0; s < lengths.size(); ++s) lengths[s] = 1 + s * 397 % 1399;
  lengths[0] = 2777;
  std::vector<std::int64_t> short_ones(64, 90);
  short_ones[0] = 2100;
  for (const std::int64_t heads : {16, 64}) {
    MlaRuns runs(heads, heads == 16 ? lengths : short_ones);
    const std::int64_t position = runs.its().length(0) - 1;
    const std::vector<float> alone = runs.run({{0, position, 1}});
    for (const std::int64_t batch : {3, 8, 64}) {
      std::vector<Span> spans;
      for (std::int64_t s = batch - 1; s >= 0; --s) {
        spans.push_back({s, runs.its().length(s) - 1, 1});
      }
      expect_same_rows(runs, spans, runs.run(spans), 0, position, alone,
                       ("batch " + std::to_string(batch)).c_str());
    }
  }
}

TEST(MlaAttention, CompanyWithTheSamePrefixChangesNothing) {
  MOEBIUS_NEEDS_GPU();
  MlaRuns runs(16, {2200, 2100});
  const std::vector<float> alone = runs.run({{0, 2100, 1}});
  for (const std::int64_t company : {1, 2, 3, 4, 30}) {
    // The same pages: other positions of the same sequence.
    std::vector<Span> spans = {{1, 2000, 1}, {0, 2100, 1}};
    for (std::int64_t i = 0; i < company; ++i) spans.push_back({0, 2199 - 67 * i, 1});
    expect_same_rows(runs, spans, runs.run(spans), 0, 2100, alone,
                     ("company " + std::to_string(company)).c_str());
  }
  expect_close(runs, {{0, 2100, 1}, {0, 2000, 1}, {0, 1100, 1}, {1, 2099, 1}, {0, 513, 1}});
}

TEST(MlaAttention, MovedPagesChangeNothing) {
  MOEBIUS_NEEDS_GPU();
  MlaRuns runs(16, {700, 90});
  const std::vector<float> before = runs.run({{0, 640, 60}});
  AttentionCase moved(mla(16), {700, 90});
  moved.permute_pages();
  AttentionCase::Batch batch;
  moved.fill_batch({{0, 640, 60}}, batch);
  const DeviceStream device;
  EXPECT_TRUE(same_bits(DeviceAttention(batch, device.stream()).run(kMlaAttention), before));
}

TEST(MlaAttention, BrokenLimitsAreRefused) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream device;
  AttentionCase c(mla(16), {100});
  AttentionCase::Batch batch;
  c.fill_batch({{0, 90, 10}}, batch);
  const DeviceAttention on_device(batch, device.stream());
  const DeviceBuffer<std::byte> plan(1024);
  const auto refused = [&](void (*spoil)(AttentionCudaArgs&)) {
    AttentionCudaArgs args = on_device.args(plan.data(), plan.data());
    spoil(args);
    EXPECT_THROW(kMlaAttention.launch(args, device.stream()), std::invalid_argument);
  };
  refused([](AttentionCudaArgs& a) { a.shape.heads = 24; });
  refused([](AttentionCudaArgs& a) { a.shape.scale = 0; });
  refused([](AttentionCudaArgs& a) { a.q.ld = 575; });
  refused([](AttentionCudaArgs& a) { a.out.dtype = Dtype::kF32; });
  refused([](AttentionCudaArgs& a) { a.kv.width = 512; });
  refused([](AttentionCudaArgs& a) { a.plan = nullptr; });
  refused([](AttentionCudaArgs& a) { a.workspace = nullptr; });
}

}  // namespace
}  // namespace moebius::kernels
