// The GPU engine against the CPU engine, and against itself: same values, and always the same
// bits. Needs a GPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "engine/engine.h"
#include "engine/text/tokenizer.h"
#include "kernels/device/test_support.h"
#include "tests/support/close.h"
#include "tests/support/random.h"

namespace moebius::engine {
namespace {

LocalOptions on(Device device, Arithmetic arithmetic) {
  LocalOptions options;
  options.device = device;
  options.arithmetic = arithmetic;
  return options;
}

std::vector<std::int32_t> random_ids(std::size_t count, std::uint64_t seed) {
  tests::Random random(seed);
  std::vector<std::int32_t> ids(count);
  for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random.integer(3, 1500));
  return ids;
}

class DeviceForward : public testing::Test {
 protected:
  void SetUp() override { MOEBIUS_NEEDS_GPU(); }
};

// A logit is a sum of about 7 layers' worth of products, each a chain of at most 512 fused
// steps in float32 that two orders may round differently: 7 * 6 * 512 * 2^-24 = 1.3e-3 of the
// largest logit at the very most; random signs leave the square root of that count.
TEST_F(DeviceForward, TracesAsTheCpuDoes) {
  const auto cpu = load("embedded", on(Device::kCpu, Arithmetic::kF32));
  const auto gpu = load("embedded", on(Device::kCuda, Arithmetic::kF32));
  for (const std::size_t length : {1U, 63U, 64U, 65U, 700U}) {
    const std::vector<std::int32_t> ids = random_ids(length, length);
    const Trace want = cpu->trace(ids);
    const Trace got = gpu->trace(ids);
    EXPECT_EQ(got.experts, want.experts) << length;
    ASSERT_EQ(got.hidden_l2.size(), want.hidden_l2.size());
    for (std::size_t layer = 0; layer < want.hidden_l2.size(); ++layer) {
      EXPECT_TRUE(tests::close(got.hidden_l2[layer], want.hidden_l2[layer], {.rel = 1e-4F}))
          << "layer " << layer << " of " << length;
    }
    ASSERT_EQ(got.logits.size(), want.logits.size());
    for (std::size_t r = 0; r < want.logits.size(); ++r) {
      const auto [low, high] = std::minmax_element(want.logits[r].begin(), want.logits[r].end());
      const float most = std::max(std::fabs(*low), std::fabs(*high));
      EXPECT_TRUE(tests::close(got.logits[r], want.logits[r], {.abs = 1.3e-3F * most}))
          << "row " << r << " of " << length;
    }
  }
}

// What is followed a few positions at a time, over the cache of the call before, has the bits of
// one pass.
TEST_F(DeviceForward, FollowsASequenceAsItTracesIt) {
  for (const Arithmetic arithmetic : {Arithmetic::kF32, Arithmetic::kBF16}) {
    const auto gpu = load("embedded", on(Device::kCuda, arithmetic));
    const std::vector<std::int32_t> ids = random_ids(300, 5);
    const Trace whole = gpu->trace(ids);
    std::size_t first = 250;
    for (const std::size_t end : {260U, 261U, 300U, 120U, 121U, 300U}) {
      first = std::min(first, end - 1);
      const Trace part = gpu->follow(std::span(ids).first(end), static_cast<std::int32_t>(first));
      ASSERT_EQ(part.logits.size(), end - first);
      for (std::size_t r = 0; r < part.logits.size(); ++r) {
        EXPECT_EQ(part.logits[r], whole.logits[first + r]) << "position " << first + r;
      }
      for (std::size_t layer = 1; layer < whole.experts.size(); ++layer) {
        EXPECT_TRUE(std::equal(part.experts[layer].begin(), part.experts[layer].end(),
                               whole.experts[layer].begin() + static_cast<std::ptrdiff_t>(first)));
      }
      first = end;
      if (first == 300) first = 100;
    }
  }
}

// bf16 keeps 8 bits: each of about 60 roundings on the way to a logit is off by at most 2^-9,
// with random signs sqrt(60) * 2^-9 = 1.5 % of the largest logit; four times that bounds all.
TEST_F(DeviceForward, TracesInBf16) {
  const auto cpu = load("embedded", on(Device::kCpu, Arithmetic::kF32));
  const auto gpu = load("embedded", on(Device::kCuda, Arithmetic::kBF16));
  const std::vector<std::int32_t> ids = cpu->tokenizer().encode(
      "The following are multiple choice questions (with answers) about elementary arithmetic.");
  const Trace want = cpu->trace(ids);
  const Trace got = gpu->trace(ids);
  for (std::size_t r = 0; r < want.logits.size(); ++r) {
    const auto [low, high] = std::minmax_element(want.logits[r].begin(), want.logits[r].end());
    const float most = std::max(std::fabs(*low), std::fabs(*high));
    EXPECT_TRUE(tests::close(got.logits[r], want.logits[r], {.abs = 0.06F * most})) << "row " << r;
  }
}

std::vector<Request> mixed_requests() {
  std::vector<Request> requests;
  const std::vector<std::int32_t> prefix = random_ids(150, 1);
  for (std::size_t i = 0; i < 40; ++i) {
    Request request{.id = i, .sample = i};
    request.prompt.ids = i % 3 == 0 ? prefix : random_ids(1 + 37 * i % 400, 100 + i);
    for (std::int32_t id : random_ids(i % 5, 300 + i)) request.prompt.ids.push_back(id);
    if (i % 4 == 3) {
      request.score = Score{};
      request.score->continuations.push_back({.ids = random_ids(1 + i % 7, 500 + i)});
      request.score->continuations.push_back({.ids = random_ids(1, 600 + i)});
    } else {
      request.generate = Generate{.max_new_tokens = static_cast<std::int32_t>(4 + i % 9),
                                  .ignore_eos = true,
                                  .min_new_tokens = i % 5 == 0 ? 3 : 0,
                                  .logprobs = i % 6 == 0 ? 5 : 0};
      if (i % 2 == 1) {
        request.generate->sampling = {.temperature = 0.8F, .top_p = 0.9F, .top_k = 50, .seed = 9};
      }
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

/// Every id and every bit of every log-probability.
std::vector<std::uint32_t> bits_of(const std::vector<Completion>& completions) {
  std::vector<std::uint32_t> bits;
  const auto add = [&](float x) { bits.push_back(std::bit_cast<std::uint32_t>(x)); };
  for (const Completion& completion : completions) {
    EXPECT_EQ(completion.error, "");
    for (const GeneratedToken& token : completion.tokens) {
      bits.push_back(static_cast<std::uint32_t>(token.id));
      add(token.logprob);
      for (const TokenChoice& choice : token.top) add(choice.logprob);
    }
    for (const ScoredContinuation& scored : completion.continuations) {
      for (float logprob : scored.logprobs) add(logprob);
      bits.push_back(scored.greedy);
    }
  }
  return bits;
}

class DeviceBits : public testing::TestWithParam<Arithmetic> {
 protected:
  void SetUp() override { MOEBIUS_NEEDS_GPU(); }
};

TEST_P(DeviceBits, DependOnNothingElse) {
  LocalOptions plain = on(Device::kCuda, GetParam());
  plain.share_prefixes = false;
  plain.graphs = false;
  const std::vector<Request> requests = mixed_requests();
  std::vector<Completion> alone;
  {
    const auto engine = load("embedded", plain);
    for (const Request& request : requests) alone.push_back(run(*engine, {request})[0]);
  }
  const std::vector<std::uint32_t> want = bits_of(alone);
  ASSERT_GT(want.size(), 500U);
  struct Variant {
    const char* name;
    std::int32_t rows, chunk;
    bool share, graphs;
  };
  for (const Variant& v : {Variant{"together", 0, 0, false, false},
                           {"graphs", 0, 0, false, true},
                           {"chunks of 7", 0, 7, false, false},
                           {"chunks of 64, shared, graphs", 0, 64, true, true},
                           {"steps of 16 rows", 16, 0, true, true},
                           {"steps of 500 rows", 500, 0, true, false}}) {
    LocalOptions options = plain;
    options.max_batch_rows = v.rows;
    options.prefill_chunk = v.chunk;
    options.share_prefixes = v.share;
    options.graphs = v.graphs;
    const auto engine = load("embedded", options);
    EXPECT_EQ(bits_of(run(*engine, requests)), want) << v.name;
    EXPECT_EQ(bits_of(run(*engine, requests)), want) << v.name << ", again";
    std::vector<Request> reversed(requests.rbegin(), requests.rend());
    std::vector<Completion> answers = run(*engine, reversed);
    std::reverse(answers.begin(), answers.end());
    EXPECT_EQ(bits_of(answers), want) << v.name << ", reversed";
  }
}

INSTANTIATE_TEST_SUITE_P(Arithmetics, DeviceBits,
                         testing::Values(Arithmetic::kF32, Arithmetic::kBF16));

TEST_F(DeviceForward, GeneratesWhatTheCpuGenerates) {
  const auto cpu = load("embedded", on(Device::kCpu, Arithmetic::kF32));
  const auto gpu = load("embedded", on(Device::kCuda, Arithmetic::kF32));
  const std::vector<Request> requests = mixed_requests();
  const std::vector<Completion> want = run(*cpu, requests);
  const std::vector<Completion> got = run(*gpu, requests);
  for (std::size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].text, want[i].text) << "request " << i;
    for (std::size_t t = 0; t < std::min(want[i].tokens.size(), got[i].tokens.size()); ++t) {
      EXPECT_TRUE(tests::close(got[i].tokens[t].logprob, want[i].tokens[t].logprob, {.abs = 0.01F}))
          << "request " << i << " token " << t;
    }
  }
}

// Rows that fill a step up are computed, and do not count.
TEST_F(DeviceForward, CountsExpertsAsTheCpuDoes) {
  const auto cpu = load("embedded", on(Device::kCpu, Arithmetic::kF32));
  const auto gpu = load("embedded", on(Device::kCuda, Arithmetic::kF32));
  const std::vector<Request> requests = mixed_requests();
  run(*cpu, requests);
  run(*gpu, requests);
  EXPECT_EQ(gpu->take_expert_loads(), cpu->take_expert_loads());
  for (const auto& layer : gpu->take_expert_loads()) {
    for (const std::int64_t load : layer) EXPECT_EQ(load, 0);
  }
}

TEST_F(DeviceForward, SaysWhatDoesNotFit) {
  const auto refused = [](const LocalOptions& options, const std::string& part) {
    try {
      load("embedded", options);
      ADD_FAILURE() << "loaded: " << part;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  LocalOptions options = on(Device::kCuda, Arithmetic::kBF16);
  options.kv_bytes = std::int64_t{1} << 50;
  refused(options, "asked for");
  options = on(Device::kCuda, Arithmetic::kBF16);
  options.max_batch_rows = 1 << 24;
  refused(options, "would fit");
  options = on(Device::kCuda, Arithmetic::kBF16);
  options.kv_cache = KvCache::kF32;
  refused(options, "KV cache");
  options.kv_cache = KvCache::kFp8;
  refused(options, "expected latents of 512 and 64 columns");
  options.arithmetic = Arithmetic::kF32;
  refused(options, "expected f32, found fp8");
  options = on(Device::kCuda, Arithmetic::kBF16);
  options.devices = 65;
  refused(options, "devices");
}

}  // namespace
}  // namespace moebius::engine
