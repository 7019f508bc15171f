// The comparison passes for what the engine computes, and every criterion can fail.
#include "runner/verify_golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "runner/input.h"
#include "tests/support/fake_engine.h"

namespace moebius::runner {
namespace {

using tests::FakeEngine;

double logprob(const std::vector<float>& row, std::int32_t id) {
  double sum = 0;
  for (const float x : row) sum += std::exp(static_cast<double>(x));
  return row[static_cast<std::size_t>(id)] - std::log(sum);
}

/// Ids by falling logit.
std::vector<std::int32_t> ranked(const std::vector<float>& row) {
  std::vector<std::int32_t> order(row.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return row[static_cast<std::size_t>(a)] > row[static_cast<std::size_t>(b)];
  });
  return order;
}

/// What a reference would record if it computed as the fake does.
GoldenCase golden_of(FakeEngine& engine, std::int32_t first = 4) {
  GoldenCase golden;
  golden.name = "test";
  golden.ids = {first, 7, 1, 30, 2};
  const engine::Trace trace = engine.trace(golden.ids);
  golden.logits_last.assign(trace.logits.back().begin(), trace.logits.back().end());
  for (std::size_t i = 0; i < golden.ids.size(); ++i) {
    const auto order = ranked(trace.logits[i]);
    golden.top_ids.push_back({order.begin(), order.begin() + 5});
    golden.top_logprobs.emplace_back();
    for (const std::int32_t id : golden.top_ids[i]) {
      golden.top_logprobs[i].push_back(logprob(trace.logits[i], id));
    }
    if (i + 1 < golden.ids.size()) {
      golden.next_logprobs.push_back(logprob(trace.logits[i], golden.ids[i + 1]));
    }
  }
  golden.hidden_positions = {0, 4};
  for (const auto& row : trace.hidden_l2) golden.hidden_l2.push_back({row[0], row[4]});
  golden.routing.push_back({.layer = 1, .experts = trace.experts[1]});
  golden.routing.push_back({.layer = 2, .experts = trace.experts[2]});
  std::vector<std::int32_t> ids = golden.ids;
  for (int n = 0; n < 4; ++n) {
    ids.push_back(ranked(FakeEngine::logits(ids)).front());
    golden.greedy.push_back(ids.back());
  }
  return golden;
}

class VerifyGolden : public testing::Test {
 protected:
  std::vector<std::string> failures() {
    return violations(compare_case(golden_, engine_), GoldenLimits());
  }
  void expect_failure(const std::string& begin) {
    const auto lines = failures();
    ASSERT_EQ(lines.size(), 1U) << begin;
    EXPECT_EQ(lines[0].rfind(begin, 0), 0U) << lines[0];
  }

  FakeEngine engine_;
  GoldenCase golden_ = golden_of(engine_);
};

TEST_F(VerifyGolden, EqualPasses) {
  const GoldenReport report = compare_case(golden_, engine_);
  EXPECT_EQ(violations(report, GoldenLimits()), std::vector<std::string>());
  EXPECT_EQ(report.next_logprob.values, 4);
  EXPECT_EQ(report.top_logprob.values, 25);
  EXPECT_EQ(report.logits_last.values, FakeEngine::kVocab);
  EXPECT_EQ(report.hidden_l2.values, 8);
  EXPECT_EQ(report.score_path.values, 5);
  EXPECT_EQ(report.top1.total, 5);
  EXPECT_EQ(report.routing.total, 10);
  EXPECT_EQ(report.greedy.total, 1);
}

TEST_F(VerifyGolden, ToleranceIsALimit) {
  golden_.next_logprobs[2] += 1.9e-4;
  EXPECT_TRUE(failures().empty());
  golden_.next_logprobs[2] += 0.2e-4;
  expect_failure("next-token log-probability: ");
}

TEST_F(VerifyGolden, EveryCriterionCanFail) {
  const GoldenCase good = golden_;
  golden_.top_logprobs[3][4] -= 1e-3;
  expect_failure("top-5 log-probability: ");
  golden_ = good;
  golden_.logits_last[7] += 0.01;
  expect_failure("last logits, scaled: ");
  golden_ = good;
  golden_.hidden_l2[2][1] *= 1.001;
  expect_failure("hidden norm, relative: ");
  golden_ = good;
  golden_.routing[1].experts[2] = {0, 1};
  expect_failure("routed experts: 1 of 10 differ");
  golden_ = good;
  golden_.greedy[3] ^= 1;
  expect_failure("greedy continuation: 1 of 1 differ");
  golden_ = good;
  golden_.greedy.push_back(0);
  golden_.greedy.push_back(0);
  expect_failure("greedy continuation: 1 of 1 differ");
}

TEST_F(VerifyGolden, Top1MayTieWithinTheGoldensDecimals) {
  std::swap(golden_.top_ids[1][0], golden_.top_ids[1][1]);
  std::swap(golden_.top_logprobs[1][0], golden_.top_logprobs[1][1]);
  expect_failure("top-1 token: 1 of 5 differ");
  golden_.top_logprobs[1][0] = golden_.top_logprobs[1][1] + 1e-7;
  const GoldenReport report = compare_case(golden_, engine_);
  EXPECT_TRUE(report.top1.full());
  EXPECT_EQ(report.top1.ties, 1);
}

TEST_F(VerifyGolden, RequestsMustTellWhatTheTraceTells) {
  engine_.noise = [](std::size_t) { return 1e-3F; };
  expect_failure("requests against trace: ");
}

TEST_F(VerifyGolden, NotANumberFails) {
  golden_.next_logprobs[0] = std::numeric_limits<double>::quiet_NaN();
  golden_.next_logprobs[1] += 0;
  expect_failure("next-token log-probability: 1 of 4 values not finite");
  engine_.noise = [](std::size_t) { return std::numeric_limits<float>::quiet_NaN(); };
  EXPECT_EQ(failures().size(), 3U);  // requests and the greedy text as well
}

TEST_F(VerifyGolden, FinalNormApart) {
  golden_.final_norm_apart = true;
  golden_.hidden_l2.insert(golden_.hidden_l2.end() - 1, {1e9, 1e9});  // before the final norm
  EXPECT_TRUE(failures().empty());
  golden_.hidden_l2.back()[0] *= 1.01;
  expect_failure("hidden norm, relative: ");
}

TEST_F(VerifyGolden, RoutingAmongMixtures) {
  for (GoldenRouting& routing : golden_.routing) {
    routing.among_mixtures = true;
    --routing.layer;
  }
  EXPECT_TRUE(failures().empty());
  golden_.routing[1].layer = 2;
  EXPECT_THROW(compare_case(golden_, engine_), InputError);
}

TEST_F(VerifyGolden, GoldenOfAnotherModelIsRefused) {
  const GoldenCase good = golden_;
  golden_.ids[0] = FakeEngine::kVocab;
  EXPECT_THROW(compare_case(golden_, engine_), InputError);
  golden_ = good;
  golden_.top_ids[0][4] = 2147483647;
  EXPECT_THROW(compare_case(golden_, engine_), InputError);
  golden_ = good;
  golden_.greedy[0] = FakeEngine::kVocab;
  EXPECT_THROW(compare_case(golden_, engine_), InputError);
  golden_ = good;
  golden_.logits_last.pop_back();
  EXPECT_THROW(compare_case(golden_, engine_), InputError);
  golden_ = good;
  golden_.hidden_l2.pop_back();
  EXPECT_THROW(compare_case(golden_, engine_), InputError);
  golden_ = good;
  golden_.routing[0].layer = 0;  // has no experts
  EXPECT_THROW(compare_case(golden_, engine_), InputError);
  golden_ = good;
  golden_.ids.assign(FakeEngine::kContext + 1, 1);
  EXPECT_THROW(compare_case(golden_, engine_), InputError);
}

/// A reference made with a minimum length took the second best where the best was the end.
TEST_F(VerifyGolden, GreedyWithEndHeldBack) {
  std::size_t end = golden_.greedy.size();
  for (std::int32_t first = 0; end == golden_.greedy.size(); ++first) {
    ASSERT_LT(first, FakeEngine::kVocab) << "no continuation has the end in it";
    golden_ = golden_of(engine_, first);
    end = std::find(golden_.greedy.begin(), golden_.greedy.end(), FakeEngine::kEos) -
          golden_.greedy.begin();
  }
  EXPECT_EQ(compare_case(golden_, engine_).greedy_without_eos, 0);
  std::vector<std::int32_t> ids = golden_.ids;
  for (std::int32_t& next : golden_.greedy) {
    const auto order = ranked(FakeEngine::logits(ids));
    next = order[0] == FakeEngine::kEos ? order[1] : order[0];
    ids.push_back(next);
  }
  const GoldenReport report = compare_case(golden_, engine_);
  EXPECT_EQ(violations(report, GoldenLimits()), std::vector<std::string>());
  EXPECT_EQ(report.greedy_without_eos, 1);
}

TEST_F(VerifyGolden, FullContextLeavesNoRoomToGenerate) {
  golden_.ids.resize(FakeEngine::kContext, 1);
  golden_.top_ids.clear();
  golden_.top_logprobs.clear();
  golden_.next_logprobs.clear();
  golden_.routing.clear();
  golden_.greedy.clear();
  const GoldenReport report = compare_case(golden_, engine_);
  EXPECT_EQ(report.score_path.values, FakeEngine::kContext - 1);
  EXPECT_TRUE(report.score_path.within(1e-5));
}

TEST_F(VerifyGolden, RefusalIsAnError) {
  engine_.refuse = golden_.ids.size();
  EXPECT_THROW(compare_case(golden_, engine_), engine::Error);
}

TEST(Deviation, NotANumberIsNeverForgotten) {
  Deviation deviation;
  deviation.add(std::numeric_limits<double>::quiet_NaN());
  deviation.add(0);
  EXPECT_FALSE(deviation.within(1e300));
  Deviation all;
  all.merge(deviation);
  EXPECT_FALSE(all.within(1e300));
}

}  // namespace
}  // namespace moebius::runner
