// The router against literal readings of DeepSeek's Gate and of the softmax top-k
// routers, and the corners of the contract: ties, groups, bias, NaN.
#include "kernels/router/router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "kernels/simd/math.h"
#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Routed {
  std::vector<std::int32_t> ids;
  std::vector<float> weights;
};

/// The first k indices in descending order of x; ties in index order, NaN as -inf.
std::vector<std::int32_t> topk(const std::vector<float>& x, std::int64_t k) {
  std::vector<std::int32_t> order(x.size());
  std::iota(order.begin(), order.end(), 0);
  const auto key = [&](std::int32_t i) { return std::isnan(x[i]) ? -kInf : x[i]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t i, std::int32_t j) { return key(i) > key(j); });
  order.resize(k);
  return order;
}

/// DeepSeek-V3 inference/model.py, Gate.forward, line by line for one row.
Routed gate(const RouterArgs& a, const float* logits) {
  std::vector<float> scores(logits, logits + a.experts);
  if (a.score == RouterScore::kSoftmax) {
    float max = -kInf, sum = 0;
    for (const float x : scores) max = x > max ? x : max;
    for (float& x : scores) x = exp_scalar(x - max);
    for (const float x : scores) sum += x;
    for (float& x : scores) x /= sum;
  } else {
    for (float& x : scores) x = sigmoid_scalar(x);
  }
  const std::vector<float> original_scores = scores;
  if (a.bias) {
    for (std::int64_t e = 0; e < a.experts; ++e) scores[e] += a.bias[e];
  }
  if (a.groups > 1) {
    const std::int64_t size = a.experts / a.groups;
    std::vector<float> group_scores(a.groups);
    for (std::int64_t g = 0; g < a.groups; ++g) {
      const std::vector<float> group(scores.begin() + g * size, scores.begin() + (g + 1) * size);
      const auto value = [](float x) { return std::isnan(x) ? -kInf : x; };
      const auto order = topk(group, std::min<std::int64_t>(2, size));
      group_scores[g] = value(group[order[0]]);
      if (a.group_score == GroupScore::kTop2Sum) group_scores[g] += value(group[order[1]]);
    }
    std::vector<bool> mask(a.groups, true);
    for (const std::int32_t g : topk(group_scores, a.top_groups)) mask[g] = false;
    for (std::int64_t e = 0; e < a.experts; ++e) {
      if (mask[e / size]) scores[e] = -kInf;
    }
  }
  Routed out{topk(scores, a.top_k), {}};
  std::sort(out.ids.begin(), out.ids.end());  // the slot order
  float sum = 0;
  for (const std::int32_t id : out.ids) out.weights.push_back(original_scores[id]);
  for (const float w : out.weights) sum += w;
  for (float& w : out.weights) {
    if (a.normalize) w /= sum + 1e-20F;
    w *= a.scale;
  }
  return out;
}

Routed run(RouterArgs args, const std::vector<float>& logits, const Stream& stream) {
  args.rows = static_cast<std::int64_t>(logits.size()) / args.experts;
  Routed out{std::vector<std::int32_t>(args.rows * args.top_k, -7),
             std::vector<float>(args.rows * args.top_k, -7.0F)};
  args.logits = logits.data();
  args.expert_ids = out.ids.data();
  args.expert_weights = out.weights.data();
  router(args, stream);
  return out;
}

Routed run(const RouterArgs& args, const std::vector<float>& logits) {
  ThreadPool pool(1);
  return run(args, logits, Stream::host(pool));
}

void expect_gate(const RouterArgs& args, const std::vector<float>& logits) {
  Routed want;
  in_kernel_mode([&] {
    for (std::size_t first = 0; first < logits.size(); first += args.experts) {
      const Routed row = gate(args, logits.data() + first);
      want.ids.insert(want.ids.end(), row.ids.begin(), row.ids.end());
      want.weights.insert(want.weights.end(), row.weights.begin(), row.weights.end());
    }
  });
  on_each_host([&](const Stream& stream) {
    const Routed got = run(args, logits, stream);
    EXPECT_EQ(got.ids, want.ids);
    EXPECT_TRUE(same_bits(got.weights, want.weights));
  });
}

std::vector<RouterArgs> families(const std::vector<float>& bias) {
  const RouterArgs v3{.bias = bias.data(),
                      .experts = 256,
                      .top_k = 8,
                      .score = RouterScore::kSigmoid,
                      .groups = 8,
                      .top_groups = 4,
                      .group_score = GroupScore::kTop2Sum,
                      .normalize = true,
                      .scale = 2.5F};
  const RouterArgs v2{.experts = 160, .top_k = 6, .groups = 8, .top_groups = 3, .scale = 16};
  const RouterArgs v2_lite{.experts = 64, .top_k = 6};
  const RouterArgs qwen3{.experts = 128, .top_k = 8, .normalize = true};
  const RouterArgs mixtral{.experts = 8, .top_k = 2, .normalize = true};
  const RouterArgs all{.experts = 17, .top_k = 17};
  const RouterArgs one{.experts = 1, .top_k = 1, .score = RouterScore::kSigmoid};
  const RouterArgs wide{.experts = 4096, .top_k = 40, .groups = 64, .top_groups = 5};
  const RouterArgs narrow{.bias = bias.data(),
                          .experts = 12,
                          .top_k = 3,
                          .score = RouterScore::kSigmoid,
                          .groups = 6,
                          .top_groups = 2,
                          .group_score = GroupScore::kTop2Sum};
  return {v3, v2, v2_lite, qwen3, mixtral, all, one, wide, narrow};
}

TEST(Router, EveryFamilyAsTheGateReadsOnEveryTargetAndThreadCount) {
  const std::vector<float> bias = random_floats(256, 9, -0.3F, 0.3F);
  for (const RouterArgs& args : families(bias)) {
    SCOPED_TRACE(args.experts);
    for (const std::int64_t rows : {0, 1, 50}) {
      expect_gate(args, random_floats(rows * args.experts, 5, -4, 4));
    }
  }
}

TEST(Router, TiesGoToTheLowerGroupAndId) {
  std::vector<float> bias(256);
  for (std::size_t e = 0; e < bias.size(); ++e) bias[e] = e % 3 == 0 ? 0.0F : -0.0F;
  for (const RouterArgs& args : families(bias)) {
    std::vector<float> logits = random_floats(30 * args.experts, 6, -2, 2);
    for (float& x : logits) x = std::round(x);  // five values: ties everywhere
    expect_gate(args, logits);
    const Routed flat = run(args, std::vector<float>(args.experts, 1.0F));
    for (std::int64_t k = 0; k < args.top_k; ++k) EXPECT_EQ(flat.ids[k], k);
  }
}

TEST(Router, BiasSteersTheChoiceOnly) {
  std::vector<float> bias(4);
  bias[2] = 10;
  const RouterArgs args{
      .bias = bias.data(), .experts = 4, .top_k = 1, .score = RouterScore::kSigmoid};
  const Routed got = run(args, {3, 2, -1, 0});
  EXPECT_EQ(got.ids, std::vector<std::int32_t>{2});
  EXPECT_EQ(got.weights[0], sigmoid_scalar(-1));
}

TEST(Router, AMaskedGroupLosesToNegativeScores) {
  // With the masked scores at 0 instead of -inf, expert 0 would beat expert 3.
  const std::vector<float> bias = {-5, -5, 0, -2};
  const RouterArgs args{.bias = bias.data(),
                        .experts = 4,
                        .top_k = 2,
                        .score = RouterScore::kSigmoid,
                        .groups = 2,
                        .top_groups = 1,
                        .group_score = GroupScore::kTop2Sum};
  EXPECT_EQ(run(args, {0, 0, 0, 0}).ids, (std::vector<std::int32_t>{2, 3}));
}

TEST(Router, MaxAndTopTwoRankGroupsDifferently) {
  const std::vector<float> logits = {3, -3, 2, 2};
  RouterArgs args{.experts = 4,
                  .top_k = 1,
                  .score = RouterScore::kSigmoid,
                  .groups = 2,
                  .group_score = GroupScore::kMax};
  EXPECT_EQ(run(args, logits).ids[0], 0);
  args.group_score = GroupScore::kTop2Sum;
  EXPECT_EQ(run(args, logits).ids[0], 2);
}

TEST(Router, NanIsChosenLast) {
  const float nan = std::nanf("");
  const RouterArgs args{.experts = 4, .top_k = 2, .score = RouterScore::kSigmoid};
  EXPECT_EQ(run(args, {nan, -9, nan, -8}).ids, (std::vector<std::int32_t>{1, 3}));
  // Fewer comparable than wanted: the lowest ids fill up.
  EXPECT_EQ(run(args, {nan, nan, nan, -8}).ids, (std::vector<std::int32_t>{0, 3}));
  EXPECT_EQ(run(args, {nan, nan, nan, nan}).ids, (std::vector<std::int32_t>{0, 1}));
  const Routed got = run(args, {nan, nan, nan, -8});
  EXPECT_TRUE(std::isnan(got.weights[0])) << "a NaN must be seen, not hidden";
  EXPECT_EQ(got.weights[1], sigmoid_scalar(-8));
  const RouterArgs grouped{.experts = 8,
                           .top_k = 3,
                           .score = RouterScore::kSigmoid,
                           .groups = 4,
                           .top_groups = 2,
                           .group_score = GroupScore::kTop2Sum};
  // Groups 1 and 2 have no pair to compare; groups 0 and 3 do.
  EXPECT_EQ(run(grouped, {-9, -10, nan, 9, 9, nan, -9, -8}).ids,
            (std::vector<std::int32_t>{0, 6, 7}));
  // One NaN makes a softmax NaN throughout.
  const RouterArgs softmax{.experts = 4, .top_k = 2};
  EXPECT_EQ(run(softmax, {1, 2, nan, 3}).ids, (std::vector<std::int32_t>{0, 1}));
}

TEST(Router, ScoresThatAllVanishGiveZeroWeights) {
  const RouterArgs args{
      .experts = 4, .top_k = 2, .score = RouterScore::kSigmoid, .normalize = true};
  EXPECT_EQ(run(args, {-200, -300, -200, -200}).weights, (std::vector<float>{0, 0}));
}

TEST(Router, AGroupWithoutAScoreRanksLast) {
  const std::vector<float> bias = {kInf, -kInf, -9, -9};
  const RouterArgs args{.bias = bias.data(),
                        .experts = 4,
                        .top_k = 1,
                        .score = RouterScore::kSigmoid,
                        .groups = 2,
                        .group_score = GroupScore::kTop2Sum};
  EXPECT_EQ(run(args, {0, 0, 0, 0}).ids[0], 2);
}

TEST(Router, RowsDoNotMeet) {
  const std::vector<float> bias = random_floats(256, 9, -0.3F, 0.3F);
  const RouterArgs args = families(bias)[0];
  const std::vector<float> logits = random_floats(9 * args.experts, 8, -4, 4);
  const Routed together = run(args, logits);
  for (std::int64_t r = 0; r < 9; ++r) {
    const Routed alone = run(args, {logits.begin() + r * 256, logits.begin() + (r + 1) * 256});
    for (std::int64_t k = 0; k < 8; ++k) {
      EXPECT_EQ(alone.ids[k], together.ids[r * 8 + k]);
      EXPECT_EQ(alone.weights[k], together.weights[r * 8 + k]);
    }
  }
}

TEST(Router, LogsItsBytes) {
  const std::vector<float> bias(8);
  const RouterArgs args{.bias = bias.data(), .experts = 8, .top_k = 2};
  const Launch got =
      only_launch([&](const Stream& stream) { run(args, std::vector<float>(24), stream); });
  EXPECT_EQ(got.kernel, "router");
  EXPECT_EQ(got.bytes, 4 * (3 * 8 + 8 + 2 * 3 * 2));
  EXPECT_EQ(got.flops, 3 * 8);
}

TEST(Router, RefusesBrokenLimits) {
  std::vector<float> logits(8192), weights(8192);
  std::vector<std::int32_t> ids(8192);
  ThreadPool pool(1);
  const RouterArgs good{.logits = logits.data(),
                        .expert_ids = ids.data(),
                        .expert_weights = weights.data(),
                        .rows = 1,
                        .experts = 8,
                        .top_k = 4,
                        .groups = 4,
                        .top_groups = 2};
  const auto refused = [&](auto change) {
    RouterArgs args = good;
    change(args);
    EXPECT_THROW(router(args, Stream::host(pool)), std::invalid_argument);
  };
  EXPECT_NO_THROW(router(good, Stream::host(pool)));
  refused([](RouterArgs& a) { a.rows = -1; });
  refused([](RouterArgs& a) { a.experts = 0; });
  refused([](RouterArgs& a) { a.experts = 4100; });
  refused([](RouterArgs& a) { a.top_k = 0; });
  refused([](RouterArgs& a) { a.top_k = 9; });
  refused([](RouterArgs& a) { a.groups = 3; });
  refused([](RouterArgs& a) { a.groups = 0; });
  refused([](RouterArgs& a) { a.top_groups = 0; });
  refused([](RouterArgs& a) { a.top_groups = 5; });
  refused([](RouterArgs& a) { a.top_groups = 1; });  // two experts for top 4
  refused([](RouterArgs& a) {
    a.groups = a.top_groups = 8;
    a.group_score = GroupScore::kTop2Sum;
  });
  refused([](RouterArgs& a) { a.logits = nullptr; });
  refused([](RouterArgs& a) { a.expert_ids = nullptr; });
  refused([](RouterArgs& a) { a.expert_weights = nullptr; });
}

}  // namespace
}  // namespace moebius::kernels
