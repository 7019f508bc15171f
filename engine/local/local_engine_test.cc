// The engine as its callers see it: the embedded checkpoint answers, broken ones are
// refused in one line, and no batch changes a bit.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <bit>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "engine/embedded/embedded.h"
#include "engine/engine.h"
#include "engine/text/tokenizer.h"
#include "tests/support/random.h"
#include "tests/support/temp_dir.h"

namespace moebius::engine {
namespace {

Request ask(const std::string& text, std::int32_t tokens, std::uint64_t id = 0) {
  return {.id = id,
          .sample = id,
          .prompt = {.text = text},
          .generate = Generate{.max_new_tokens = tokens}};
}

TEST(LocalEngine, AnswersFromTheEmbeddedCheckpoint) {
  const auto engine = load("embedded", {.threads = 1});
  const Completion answer =
      run(*engine,
          {ask("<｜User｜>Find $z$ such that $7z - 19 = -68$.\nPlease reason step by step, and "
               "put your final answer within \\boxed{}.<｜Assistant｜>",
               100)})[0];
  EXPECT_EQ(answer.finish, Finish::kStop) << answer.error;
  EXPECT_NE(answer.text.find("\\boxed{-7}"), std::string::npos) << answer.text;
}

TEST(LocalEngine, CountsWhatExpertsAreGiven) {
  const auto engine = load("embedded", {.threads = 1});
  const std::vector<std::int32_t> ids = engine->tokenizer().encode("Seven times eight is");
  const Trace trace = engine->trace(ids);
  engine->take_expert_loads();
  run(*engine, {{.prompt = {.ids = ids}, .generate = Generate{.max_new_tokens = 1}}});
  const auto loads = engine->take_expert_loads();
  ASSERT_EQ(loads.size(), trace.experts.size());
  for (std::size_t layer = 0; layer < loads.size(); ++layer) {
    std::vector<std::int64_t> wanted(loads[layer].size());
    for (const auto& chosen : trace.experts[layer]) {
      for (const std::int32_t expert : chosen) ++wanted[expert];
    }
    EXPECT_EQ(loads[layer], wanted) << "layer " << layer;
  }
  EXPECT_TRUE(loads[0].empty()) << "a dense layer";
  EXPECT_EQ(loads[1].size(), 16U);
  for (const auto& layer : engine->take_expert_loads()) {
    for (const std::int64_t load : layer) EXPECT_EQ(load, 0);
  }
}

/// Rows `first` .. of a trace of the whole sequence, to the last bit.
void expect_rows_of(const Trace& whole, std::size_t first, const Trace& part,
                    const std::string& what) {
  EXPECT_TRUE(part.hidden_l2.empty()) << what;
  ASSERT_LE(first + part.logits.size(), whole.logits.size()) << what;
  for (std::size_t r = 0; r < part.logits.size(); ++r) {
    const auto bits = [](float x) { return std::bit_cast<std::uint32_t>(x); };
    EXPECT_TRUE(std::equal(part.logits[r].begin(), part.logits[r].end(),
                           whole.logits[first + r].begin(), whole.logits[first + r].end(),
                           [&](float a, float b) { return bits(a) == bits(b); }))
        << what << ", position " << first + r;
  }
  ASSERT_EQ(part.experts.size(), whole.experts.size()) << what;
  for (std::size_t layer = 0; layer < whole.experts.size(); ++layer) {
    if (whole.experts[layer].empty()) {
      EXPECT_TRUE(part.experts[layer].empty()) << what;
      continue;
    }
    ASSERT_EQ(part.experts[layer].size(), part.logits.size()) << what;
    EXPECT_TRUE(std::equal(part.experts[layer].begin(), part.experts[layer].end(),
                           whole.experts[layer].begin() + static_cast<std::ptrdiff_t>(first)))
        << what << ", layer " << layer;
  }
}

TEST(LocalEngine, FollowsASequenceAsItTracesIt) {
  const auto engine = load("embedded", {.threads = 1, .max_batch_rows = 48});
  tests::Random random(11);
  std::vector<std::int32_t> ids(200);
  for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random.integer(3, 1500));
  std::vector<std::int32_t> other = ids;
  for (std::size_t i = 90; i < other.size(); ++i) other[i] = 3 + (other[i] + 7) % 1000;
  const Trace whole = engine->trace(ids);
  const Trace whole_other = engine->trace(other);
  const auto follow = [&](const std::vector<std::int32_t>& sequence, const Trace& want,
                          std::size_t end, std::int32_t first, const std::string& what) {
    const Trace part = engine->follow(std::span(sequence).first(end), first);
    EXPECT_EQ(part.logits.size(), end - static_cast<std::size_t>(first)) << what;
    expect_rows_of(want, static_cast<std::size_t>(first), part, what);
  };
  follow(ids, whole, 150, 100, "from the beginning");
  follow(ids, whole, 151, 150, "one further");
  follow(ids, whole, 200, 151, "to the end");
  follow(ids, whole, 120, 119, "back, inside a page");
  follow(other, whole_other, 200, 60, "another one with the same beginning");
  follow(other, whole_other, 200, 0, "all of it");
  run(*engine, {{.prompt = {.ids = ids}, .generate = Generate{.max_new_tokens = 2}}});
  follow(ids, whole, 200, 199, "after a request that used the cache");
  engine->trace(other);
  follow(ids, whole, 200, 130, "after a trace of another one");
  EXPECT_THROW(engine->follow(ids, 200), Error);
  EXPECT_THROW(engine->follow(ids, -1), Error);
  EXPECT_THROW(engine->follow({}, 0), Error);
}

TEST(LocalEngine, KeepsTheCacheBelowTheTokensAllowed) {
  const auto engine = load("embedded", {.threads = 1, .max_kv_tokens = 100});
  EXPECT_EQ(engine->info().context, 128) << "two pages";
}

TEST(LocalEngine, DescribesItself) {
  const ModelInfo info = inspect("embedded");
  EXPECT_EQ(info.parameters, 5742816);
  EXPECT_EQ(info.family, "deepseek_v3");
  EXPECT_EQ(info.weights_hash.size(), 64U);
  EXPECT_LT(info.active_parameters, info.parameters);
  EXPECT_EQ(load("embedded", {})->info().weights_hash, info.weights_hash);
}

TEST(LocalEngine, RefusesWhatItCannotServe) {
  const auto engine = load("embedded", {.threads = 1, .max_context = 64});
  const auto refused = [&](Request request, const std::string& part) {
    const Completion answer = run(*engine, {std::move(request)})[0];
    EXPECT_EQ(answer.finish, Finish::kRefused);
    EXPECT_NE(answer.error.find(part), std::string::npos) << answer.error;
  };
  refused(ask(std::string(400, '7'), 4), "context");
  refused(ask("\xff\xfe", 4), "UTF-8");
  refused(ask("<｜begin▁of▁sentence｜><｜begin▁of▁sentence｜>twice", 4), "BOS");
  refused({.prompt = {.ids = {5, 1536}}, .generate = Generate{}}, "1536");
}

TEST(LocalEngine, SamplesDependOnSeedAndSampleAlone) {
  const auto engine = load("embedded", {.threads = 1});
  const auto draw = [&](std::uint64_t sample, std::size_t company) {
    std::vector<Request> requests;
    for (std::size_t i = 0; i <= company; ++i) {
      Request request = ask("def f(x):", 24, i);
      request.sample = i == 0 ? sample : 1000 + i;
      request.generate->sampling = {.temperature = 1.5F, .top_p = 0.95F, .seed = 7};
      requests.push_back(std::move(request));
    }
    return run(*engine, std::move(requests))[0].text;
  };
  EXPECT_EQ(draw(3, 0), draw(3, 9));
  EXPECT_NE(draw(3, 0), draw(4, 0));
}

TEST(LocalEngine, Bf16ArithmeticAnswersToo) {
  const auto engine = load("embedded", {.threads = 2, .arithmetic = Arithmetic::kBF16});
  const Completion answer = run(*engine, {ask("The following are multiple choice questions (with "
                                              "answers) about elementary arithmetic.\n\n703 minus "
                                              "357 equals\nA. 326\nB. 446\nC. 348\nD. 346\nAnswer:",
                                              1)})[0];
  ASSERT_EQ(answer.tokens.size(), 1U);
  EXPECT_EQ(answer.text, " D");
  EXPECT_NE(engine->fingerprint(), load("embedded", {})->fingerprint());
}

TEST(LocalEngine, KnowsShapes) {
  EXPECT_THROW(load_shape({.name = "gpt-5", .layers = 1}, {}), Error);
  EXPECT_THROW(load_shape({.name = "v2-lite", .layers = 28}, {}), Error);
}

/// A copy of the embedded checkpoint in a directory, to be broken.
class BrokenCheckpoint : public testing::Test {
 protected:
  BrokenCheckpoint() {
    for (const EmbeddedFile& file : embedded_files()) {
      write(file.name, {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()});
    }
  }
  void write(std::string_view name, const std::string& bytes) { dir_.write(name, bytes); }
  std::string read(std::string_view name) {
    std::ifstream in(dir_.file(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void replace(std::string_view file, const std::string& from, const std::string& to) {
    std::string text = read(file);
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    write(file, text.replace(at, from.size(), to));
  }
  void expect_error(const std::string& part) {
    try {
      load(dir_.path(), {.threads = 1});
      ADD_FAILURE() << "loaded";
    } catch (const Error& error) {
      const std::string what = error.what();
      EXPECT_NE(what.find(part), std::string::npos) << what;
      EXPECT_EQ(what.find('\n'), std::string::npos) << what;
    }
  }
  tests::TempDir dir_;
};

TEST_F(BrokenCheckpoint, LoadsWhileWhole) {
  EXPECT_EQ(load(dir_.path(), {})->info().layers, 7);
}

TEST_F(BrokenCheckpoint, ConfigContradictsTensors) {
  replace("config.json", "\"hidden_size\": 192", "\"hidden_size\": 256");
  expect_error("192");
}
TEST_F(BrokenCheckpoint, FewerLayersThanTensors) {
  replace("config.json", "\"num_hidden_layers\": 7", "\"num_hidden_layers\": 5");
  expect_error("model.layers.6");
}
TEST_F(BrokenCheckpoint, MoreLayersThanTensors) {
  replace("config.json", "\"num_hidden_layers\": 7", "\"num_hidden_layers\": 8");
  expect_error("model.layers.7");
}
TEST_F(BrokenCheckpoint, UnknownArchitecture) {
  replace("config.json", "DeepseekV3ForCausalLM", "MambaForCausalLM");
  expect_error("MambaForCausalLM");
}
TEST_F(BrokenCheckpoint, TruncatedWeights) {
  write("model.safetensors", read("model.safetensors").substr(0, 1'000'000));
  expect_error("model.safetensors");
}
TEST_F(BrokenCheckpoint, TokenizerLargerThanVocabulary) {
  replace("config.json", "\"vocab_size\": 1536", "\"vocab_size\": 1000");
  expect_error("1000");
}
TEST_F(BrokenCheckpoint, EndOfSequenceOutsideVocabulary) {
  replace("generation_config.json", "\"eos_token_id\": 1", "\"eos_token_id\": 99999");
  expect_error("99999");
}
TEST_F(BrokenCheckpoint, NoConfig) {
  std::filesystem::remove(dir_.file("config.json"));
  expect_error("config.json");
}

}  // namespace
}  // namespace moebius::engine
