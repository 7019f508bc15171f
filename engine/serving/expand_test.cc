#include "engine/serving/expand.h"

#include <gtest/gtest.h>

#include <limits>

#include "engine/serving/test_tokenizer.h"

namespace moebius::engine {
namespace {

using Ids = std::vector<std::int32_t>;
constexpr Limits kLimits{.vocab = 260, .context = 100, .pages = 10};
constexpr std::int32_t kBos = 256, kEos = 257, kSpaceB = 258;

Request generate(const std::string& text, bool special = true, bool add_bos = true) {
  return {.prompt = {.text = text, .special = special, .add_bos = add_bos},
          .generate = Generate{.max_new_tokens = 4}};
}

Request score(const std::string& context, std::vector<std::string> texts) {
  Request request{.prompt = {.text = context}, .score = Score{}};
  for (std::string& text : texts) {
    request.score->continuations.push_back({.text = std::move(text)});
  }
  return request;
}

class Expand : public testing::Test {
 protected:
  Expansion with(TestBos bos, const Request& request, bool eos = true) {
    const auto tokenizer = test_tokenizer(bos, eos);
    return expand(request, tokenizer.get(), kLimits);
  }
};

TEST_F(Expand, PutsBosInFront) {
  EXPECT_EQ(with(TestBos::kAdded, generate("xy")).prompt, (Ids{kBos, 'x', 'y'}));
  EXPECT_EQ(with(TestBos::kAdded, generate("xy", true, false)).prompt, (Ids{'x', 'y'}));
  EXPECT_EQ(with(TestBos::kKnown, generate("xy")).prompt, (Ids{'x', 'y'}));
  EXPECT_EQ(with(TestBos::kNone, generate("xy")).prompt, (Ids{'x', 'y'}));
  EXPECT_EQ(with(TestBos::kAdded, generate("")).prompt, (Ids{kBos}));
  EXPECT_EQ(with(TestBos::kAdded, generate("<s>x")).prompt, (Ids{kBos, 'x'})) << "rendered chat";
  EXPECT_EQ(with(TestBos::kKnown, generate("<s>", false)).prompt, (Ids{'<', 's', '>'}));
}

TEST_F(Expand, RefusesDoubleBos) {
  for (const Request& request :
       {generate("<s><s>x"), generate("<s>x", false), generate("<s><s>x", true, false)}) {
    const std::string refusal = with(TestBos::kAdded, request).refusal;
    EXPECT_TRUE(refusal.starts_with("double BOS")) << refusal;
  }
}

TEST_F(Expand, TokenizedAsksForTheSameIds) {
  for (const TestBos bos : {TestBos::kAdded, TestBos::kKnown, TestBos::kNone}) {
    const auto tokenizer = test_tokenizer(bos, true);
    for (const Request& request : {generate("xy"), generate("<s>x"), generate("xy", true, false),
                                   score("x ", {"b", "ab"}), score("x", {"b", "ab"})}) {
      const Expansion wanted = expand(request, tokenizer.get(), kLimits);
      ASSERT_EQ(wanted.refusal, "");
      Request ids = tokenized(request, *tokenizer);
      EXPECT_EQ(ids.prompt.ids, wanted.prompt);
      const Expansion found = expand(ids, tokenizer.get(), kLimits);
      EXPECT_EQ(found.prompt, wanted.prompt);
      EXPECT_EQ(found.continuations, wanted.continuations);
    }
    if (bos != TestBos::kNone) {
      EXPECT_THROW(tokenized(generate("<s><s>x"), *tokenizer), Error);
    }
    EXPECT_THROW(tokenized(score("x", {""}), *tokenizer), Error);
  }
}

TEST_F(Expand, TakesIdsAsTheyAre) {
  Request request{.prompt = {.text = "not this", .ids = {kBos, kBos, 7}}, .generate = Generate{}};
  EXPECT_EQ(expand(request, nullptr, kLimits).prompt, (Ids{kBos, kBos, 7}));
}

TEST_F(Expand, SplitsPairsAsTheHarness) {
  // White space that ends the context goes to the continuation: " b" is one token.
  Expansion pair = with(TestBos::kNone, score("a \n ", {"b", "\tb"}));
  EXPECT_EQ(pair.refusal, "");
  EXPECT_EQ(pair.prompt, (Ids{'a'}));
  ASSERT_EQ(pair.continuations.size(), 2U);
  EXPECT_EQ(pair.continuations[0], (Ids{' ', '\n', kSpaceB}));
  EXPECT_EQ(pair.continuations[1], (Ids{' ', '\n', ' ', '\t', 'b'}));
  // The joined text may have other tokens than its parts: "xa" + "bc" is x, ab, c.
  pair = with(TestBos::kAdded, score("xa", {"bc"}));
  EXPECT_EQ(pair.prompt, (Ids{kBos, 'x', 'a'}));
  EXPECT_EQ(pair.continuations, (std::vector<Ids>{{'c'}}));
  // Python's rstrip() takes the ideographic space, too.
  pair = with(TestBos::kNone, score("x\u3000", {"b"}));
  EXPECT_EQ(pair.prompt, (Ids{'x'}));
  EXPECT_EQ(pair.continuations, (std::vector<Ids>{{0xE3, 0x80, 0x80, 'b'}}));
}

TEST_F(Expand, ReplacesAnEmptyContext) {
  EXPECT_EQ(with(TestBos::kAdded, score("", {"x"})).prompt, (Ids{kBos}));
  EXPECT_EQ(with(TestBos::kKnown, score("", {"x"})).prompt, (Ids{kBos}));
  EXPECT_EQ(with(TestBos::kNone, score("", {"x"})).prompt, (Ids{kEos}));
  EXPECT_EQ(with(TestBos::kKnown, score(" ", {"b"})).continuations, (std::vector<Ids>{{kSpaceB}}));
  EXPECT_EQ(with(TestBos::kKnown, score("", {"<s>x"})).continuations, (std::vector<Ids>{{'x'}}));
  EXPECT_NE(with(TestBos::kKnown, score("", {"<s>"})).refusal, "");
  EXPECT_EQ(with(TestBos::kNone, score("", {"x"}), false).refusal,
            "the context is empty, and the tokenizer has neither BOS nor EOS");
}

TEST_F(Expand, MixesIdsAndText) {
  Request request = score("a", {"b"});
  request.score->continuations.push_back({.ids = {1, 2}});
  EXPECT_EQ(with(TestBos::kNone, request).refusal, "continuation 0 has no token of its own");
  request.prompt.ids = {5};
  const Expansion out = with(TestBos::kAdded, request);
  EXPECT_EQ(out.refusal, "");
  EXPECT_EQ(out.prompt, (Ids{5}));
  EXPECT_EQ(out.continuations, (std::vector<Ids>{{'b'}, {1, 2}}));
}

Request with_ids(std::size_t size, std::int32_t max_new_tokens) {
  return {.prompt = {.ids = Ids(size, 1)}, .generate = Generate{.max_new_tokens = max_new_tokens}};
}

TEST_F(Expand, ChecksTheContext) {
  EXPECT_EQ(expand(with_ids(100, 1), nullptr, kLimits).refusal, "");
  EXPECT_EQ(expand(with_ids(101, 1), nullptr, kLimits).refusal,
            "prompt has 101 tokens, the context is 100");
  EXPECT_EQ(
      expand(with_ids(100, std::numeric_limits<std::int32_t>::max()), nullptr, kLimits).refusal,
      "");
  Request request{.prompt = {.ids = Ids(90, 1)}, .score = Score{{{.ids = Ids(11, 1)}}}};
  EXPECT_EQ(expand(request, nullptr, kLimits).refusal, "") << "the last token is no row";
  request.score->continuations[0].ids.push_back(1);
  EXPECT_EQ(expand(request, nullptr, kLimits).refusal,
            "prompt with its continuation has 102 tokens, the context is 100");
}

TEST_F(Expand, ChecksTheCache) {
  const Limits limits{.vocab = 260, .context = 1000, .pages = 2};
  EXPECT_EQ(expand(with_ids(65, 64), nullptr, limits).refusal, "");
  EXPECT_EQ(expand(with_ids(65, 65), nullptr, limits).refusal,
            "prompt of 65 tokens and 65 more need 3 pages of 64 tokens, the KV cache has 2");
  EXPECT_EQ(answer_room(65, 10000, limits), 935);
}

TEST_F(Expand, RefusesWhatMakesNoSense) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<std::pair<std::string, Request>> cases;
  const auto add = [&](const std::string& why, auto change) {
    Request request = generate("x");
    change(request);
    cases.emplace_back(why, std::move(request));
  };
  add("exactly one", [](Request& r) { r.generate.reset(); });
  add("exactly one", [](Request& r) { r.score = Score{{{.text = "y"}}}; });
  add("max_new_tokens", [](Request& r) { r.generate->max_new_tokens = 0; });
  add("logprobs", [](Request& r) { r.generate->logprobs = 1025; });
  add("logprobs", [](Request& r) { r.generate->logprobs = -1; });
  add("temperature", [](Request& r) { r.generate->sampling.temperature = -1; });
  add("temperature", [&](Request& r) { r.generate->sampling.temperature = nan; });
  add("top_p", [](Request& r) { r.generate->sampling = {.temperature = 1, .top_p = 0}; });
  add("top_p", [&](Request& r) { r.generate->sampling = {.temperature = 1, .top_p = nan}; });
  add("min_p", [](Request& r) { r.generate->sampling = {.temperature = 1, .min_p = 2}; });
  add("top_k", [](Request& r) { r.generate->sampling = {.temperature = 1, .top_k = -1}; });
  add("stop id 0 is 260", [](Request& r) { r.generate->stop_ids = {260}; });
  add("stop string is empty", [](Request& r) { r.generate->stop = {""}; });
  add("not valid UTF-8", [](Request& r) { r.generate->stop = {"\xFF"}; });
  add("prompt is not valid UTF-8", [](Request& r) { r.prompt.text = "\xC3"; });
  add("prompt id 1 is 260, the vocabulary has 0 .. 259", [](Request& r) {
    r.prompt.ids = {1, 260};
  });
  add("prompt id 0 is -1", [](Request& r) { r.prompt.ids = {-1}; });
  add("prompt is empty", [](Request& r) { r.prompt.text = ""; });
  cases.emplace_back("continuation 1 is empty", score("x", {"y", ""}));
  cases.emplace_back("no continuations", score("x", {}));
  cases.emplace_back("continuation 0 is not valid UTF-8", score("x", {"\xFF"}));
  cases.emplace_back("context is not valid UTF-8", score("\xFF", {"x"}));
  Request ids = score("x", {});
  ids.score->continuations = {{.ids = {3, 260}}};
  cases.emplace_back("continuation id 1 is 260", ids);
  for (const auto& [why, request] : cases) {
    const std::string refusal = with(TestBos::kKnown, request).refusal;
    EXPECT_NE(refusal.find(why), std::string::npos) << why << ", found: " << refusal;
    EXPECT_EQ(refusal.find('\n'), std::string::npos);
  }
}

TEST_F(Expand, GreedyIgnoresTheOtherLimits) {
  Request request = generate("x");
  request.generate->sampling = {.temperature = 0, .top_p = 0, .top_k = -1};
  EXPECT_EQ(with(TestBos::kNone, request).refusal, "");
}

TEST_F(Expand, TextNeedsATokenizer) {
  EXPECT_EQ(expand(generate("x"), nullptr, kLimits).refusal,
            "the prompt has no ids, and this model has no tokenizer");
  Request request = with_ids(1, 1);
  request.generate->stop = {"x"};
  EXPECT_NE(expand(request, nullptr, kLimits).refusal, "");
  request = {.prompt = {.ids = {1}}, .score = Score{{{.text = "x"}}}};
  EXPECT_NE(expand(request, nullptr, kLimits).refusal, "");
}

}  // namespace
}  // namespace moebius::engine
