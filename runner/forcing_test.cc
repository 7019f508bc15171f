// Teacher forcing of two engines whose logits are known: every position once, whatever the chunks.
#include "runner/forcing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "runner/diff.h"
#include "runner/input.h"
#include "runner/kept_answers.h"
#include "tests/support/fake_engine.h"

namespace moebius::runner {
namespace {

using tests::FakeEngine;

/// A fake engine that can differ from another one.
class Leaning : public FakeEngine {
 public:
  Leaning() : own_(FakeEngine::info()) { own_.tokenizer_hash = "0123456789abcdef"; }

  engine::ModelInfo& described() { return own_; }
  const engine::ModelInfo& info() const override { return own_; }

  float lean = 0;          // added to the logit of token 3
  std::int32_t shift = 0;  // of the second expert of each position, in the last layer
  std::int64_t rows = 0;   // handed out

  engine::Trace follow(std::span<const std::int32_t> ids, std::int32_t first) override {
    engine::Trace trace = FakeEngine::follow(ids, first);
    for (auto& row : trace.logits) row[3] += lean;
    for (auto& experts : trace.experts.back()) experts[1] += shift;
    rows += std::ssize(trace.logits);
    return trace;
  }

 private:
  engine::ModelInfo own_;
};

std::vector<std::int32_t> ids_from(std::int32_t first, std::size_t count) {
  std::vector<std::int32_t> ids(count);
  for (std::int32_t& id : ids) id = first++ % FakeEngine::kVocab;
  return ids;
}

TEST(Forcing, AnEngineAgainstItself) {
  Leaning base;
  Leaning candidate;
  const Forced forced =
      Forcing(base, candidate, {}).follow({"q", ids_from(1, 5), {ids_from(20, 30)}});
  EXPECT_FALSE(forced.cut);
  ASSERT_EQ(forced.answer.positions.size(), 30U);
  for (const reports::ForcedPosition& position : forced.answer.positions) {
    EXPECT_EQ(position.kl, 0);
    EXPECT_TRUE(position.same_top);
    EXPECT_EQ(position.delta, 0);
  }
  EXPECT_EQ(forced.answer.chosen_experts, (std::vector<std::int64_t>{0, 60, 60}));
  EXPECT_EQ(forced.answer.shared_experts, forced.answer.chosen_experts);
  EXPECT_FALSE(reports::first_divergence(forced.answer));
}

TEST(Forcing, ComparesWhatComesAfterEachPrefix) {
  Leaning base;
  Leaning candidate;
  candidate.lean = 4;
  candidate.shift = 1;
  const std::vector<std::int32_t> prompt = ids_from(1, 5);
  const std::vector<std::int32_t> answer = ids_from(20, 40);
  const Forced forced = Forcing(base, candidate, {}).follow({"q", prompt, {answer}});
  ASSERT_EQ(forced.answer.positions.size(), answer.size());
  std::vector<std::int32_t> prefix = prompt;
  std::optional<std::int64_t> first;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const std::vector<float> own = FakeEngine::logits(prefix);
    std::vector<float> other = own;
    other[3] += 4;
    const reports::RowDivergence want = reports::compare_logits(own, other);
    const reports::ForcedPosition& got = forced.answer.positions[i];
    EXPECT_EQ(got.kl, want.kl) << i;
    EXPECT_EQ(got.same_top, want.base_top == want.candidate_top) << i;
    // Token 3 alone has moved: the others lose what the sum gains.
    const double moved = answer[i] == 3 ? 4 : 0;
    EXPECT_NEAR(*got.delta, moved - (want.candidate_log_sum - want.base_log_sum), 1e-6) << i;
    if (!first && !got.same_top) first = static_cast<std::int64_t>(i);
    prefix.push_back(answer[i]);
  }
  ASSERT_TRUE(first) << "a case without a divergence shows nothing";
  EXPECT_EQ(reports::first_divergence(forced.answer), first);
  EXPECT_EQ(forced.answer.chosen_experts, (std::vector<std::int64_t>{0, 80, 80}));
  EXPECT_EQ(forced.answer.shared_experts, (std::vector<std::int64_t>{0, 80, 40}));
}

TEST(Forcing, ChunksChangeNothing) {
  Leaning base;
  Leaning candidate;
  candidate.lean = 1;
  const ForcedQuestion question{"q", ids_from(1, 9), {ids_from(11, 50)}};
  const Forced whole = Forcing(base, candidate, {}).follow(question);
  for (const std::int64_t rows : {0, 1, 7, 49, 50}) {
    Forcing forcing(base, candidate, {.chunk_bytes = rows * 4 * FakeEngine::kVocab, .threads = 3});
    const Forced parts = forcing.follow(question);
    ASSERT_EQ(parts.answer.positions.size(), whole.answer.positions.size()) << rows;
    for (std::size_t i = 0; i < whole.answer.positions.size(); ++i) {
      EXPECT_EQ(parts.answer.positions[i].kl, whole.answer.positions[i].kl) << rows << " " << i;
    }
    EXPECT_EQ(parts.answer.shared_experts, whole.answer.shared_experts) << rows;
  }
}

TEST(Forcing, ChoicesShareTheirBeginnings) {
  Leaning base;
  Leaning candidate;
  const auto positions = [&](const std::vector<std::vector<std::int32_t>>& choices) {
    base.rows = 0;
    const Forced forced =
        Forcing(base, candidate, {}).follow({"q", ids_from(1, 5), choices, false});
    EXPECT_EQ(base.rows, std::ssize(forced.answer.positions)) << "no row is computed for nothing";
    for (std::size_t i = 0; i < forced.answer.positions.size(); ++i) {
      EXPECT_EQ(forced.answer.positions[i].delta.has_value(), i < choices[0].size()) << i;
    }
    EXPECT_FALSE(reports::first_divergence(forced.answer));
    return forced.answer.positions.size();
  };
  EXPECT_EQ(positions({{7}, {8}, {9}, {10}}), 1U) << "one row says it all";
  // After the prompt, 7; 7 8; then of the second 7 9; of the third nothing; of the last 6.
  EXPECT_EQ(positions({{7, 8, 1}, {7, 9, 2}, {7}, {6, 8}}), 5U);
  EXPECT_EQ(positions({{7}, {7, 8}}), 2U);
}

TEST(Forcing, StopsAtItsLimits) {
  Leaning base;
  Leaning candidate;
  Forcing ten(base, candidate, {.max_positions = 10});
  EXPECT_TRUE(ten.follow({"q", ids_from(1, 5), {ids_from(9, 11)}}).cut);
  EXPECT_EQ(ten.follow({"q", ids_from(1, 5), {ids_from(9, 11)}}).answer.positions.size(), 10U);
  EXPECT_FALSE(ten.follow({"q", ids_from(1, 5), {ids_from(9, 10)}}).cut);
  EXPECT_TRUE(ten.follow({"q", ids_from(1, 5), {{}}}).answer.positions.empty());
  candidate.described().context = 100;  // a prompt of 95: rows 94 .. 99
  const Forced full =
      Forcing(base, candidate, {}).follow({"q", ids_from(1, 95), {ids_from(9, 50)}});
  EXPECT_TRUE(full.cut);
  EXPECT_EQ(full.answer.positions.size(), 6U);
}

TEST(Forcing, RefusesWhatIsNotFinite) {
  Leaning base;
  Leaning candidate;
  candidate.lean = std::numeric_limits<float>::infinity();
  try {
    Forcing(base, candidate, {}).follow({"q/1", ids_from(1, 5), {ids_from(9, 4)}});
    ADD_FAILURE() << "an infinity was compared";
  } catch (const engine::Error& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("q/1, position "), std::string::npos) << what;
    EXPECT_NE(what.find("the candidate's logit of token 3"), std::string::npos) << what;
  }
}

TEST(Forcing, RoutersOfOtherModelsAreNotCompared) {
  Leaning base;
  Leaning candidate;
  candidate.described().family = "another";
  Forcing forcing(base, candidate, {});
  EXPECT_FALSE(forcing.same_layers());
  EXPECT_TRUE(forcing.follow({"q", {1}, {{2}}}).answer.chosen_experts.empty());
}

TEST(Diff, RefusesOtherTokens) {
  Leaning base;
  Leaning candidate;
  EXPECT_NO_THROW(require_same_tokens("a", base, "b", candidate));
  const auto refusal = [&] {
    try {
      require_same_tokens("a", base, "b", candidate);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  candidate.described().vocab = 64;
  EXPECT_EQ(refusal(), "diff: expected one vocabulary, found 40 tokens in a and 64 in b");
  candidate.described().tokenizer_hash = "";
  EXPECT_EQ(refusal(), "diff: expected one tokenizer, found 0123456789ab in a and none in b");
  base.described().tokenizer_hash = "";
  EXPECT_NE(refusal(), "") << "no tokenizer is not the same one";
}

TEST(KeptAnswers, KeepWhatIsCompared) {
  KeptAnswers kept(nullptr);
  const reports::Begun begun =
      kept.begin_run({.key = "k"}, {{.task = "a"}, {.task = "b"}}, {{}, {}});
  ASSERT_EQ(begun.sets.size(), 2U);
  EXPECT_NE(begun.sets[0].id, begun.sets[1].id);
  engine::Completion completion;
  for (const std::int32_t id : {4, 5, 6}) completion.tokens.push_back({.id = id});
  kept.note_tokens(completion);
  reports::Sample sample;
  sample.set = begun.sets[1].id;
  sample.item.position = 2;
  sample.output_sha256 = "8ca6ee1043defcfd05aa29dee581cbc519e783e414a687d7c26ac6070d3f6dee";
  sample.scores.push_back({.scorer = "other", .score = {.value = 0.5, .extracted = "no"}});
  sample.scores.push_back(
      {.scorer = "first", .headline = true, .score = {.value = 1, .extracted = "42"}});
  kept.put(sample);
  EXPECT_EQ(kept.find(begun.sets[0].id, 2), nullptr);
  const KeptAnswer* found = kept.find(begun.sets[1].id, 2);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->extracted, "42");
  EXPECT_EQ(found->value, 1);
  EXPECT_FALSE(found->failed);
  EXPECT_EQ(kept.tokens(sample.output_sha256), (std::vector<std::int32_t>{4, 5, 6}));
  EXPECT_TRUE(kept.tokens("unknown").empty());
}

}  // namespace
}  // namespace moebius::runner
