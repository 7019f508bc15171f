// Calls answered by the embedded model: the same bits as the engine's own door gives.
#include "runner/serve/service.h"

#include <gtest/gtest.h>

#include <bit>
#include <condition_variable>
#include <deque>
#include <random>

#include "tests/support/http_client.h"

namespace moebius::runner {
namespace {

using nlohmann::json;
using Ids = std::vector<std::int32_t>;

constexpr std::size_t kPrompts = 24;
constexpr std::int32_t kNew = 6;

engine::LocalEngine& served_model() {
  static const auto loaded =
      engine::load("embedded", {.device = engine::Device::kCpu, .threads = 2});
  return *loaded;
}

/// What a call is answered with: a body, or the text of its stream.
class Listener : public Client {
 public:
  void reply(Reply reply) override {
    status = reply.status;
    body = std::move(reply.body);
    over = true;
  }
  void begin_stream() override { status = 200; }
  void send(std::string text) override { body += text; }
  void end_stream() override { over = true; }

  int status = 0;
  std::string body;
  bool over = false;
};

/// A service, and the thread of the test as its thread.
class Desk {
 public:
  Desk()
      : service_(
            served_model(), {.model = "embedded"},
            [this](std::function<void()> task) { post(std::move(task)); },
            [](std::exception_ptr error) { std::rethrow_exception(error); }) {}

  Listener ask(const std::string& path, const json& body) {
    const auto listener = std::make_shared<Listener>();
    service_.handle({.method = "POST", .path = path}, body.dump(), listener);
    while (!listener->over) run_one();
    EXPECT_EQ(listener->status, 200) << listener->body;
    return *listener;
  }

 private:
  void post(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_one();
  }
  void run_one() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !tasks_.empty(); });
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  Service service_;  // last: its end posts
};

std::vector<Ids> random_prompts() {
  std::mt19937 random(20261122);
  const auto vocab = static_cast<std::uint32_t>(served_model().tokenizer().vocab());
  std::vector<Ids> prompts(kPrompts);
  for (Ids& ids : prompts) {
    ids.resize(2 + random() % 40);
    for (std::int32_t& id : ids) id = static_cast<std::int32_t>(3 + random() % (vocab - 3));
  }
  return prompts;
}

/// The engine's own: greedy answers of all prompts, then scores of all that follows their first
/// token, split in two at a place of its own.
std::vector<engine::Completion> direct(const std::vector<Ids>& prompts) {
  std::vector<engine::Request> requests;
  for (const Ids& ids : prompts) {
    requests.push_back({.prompt = {.ids = ids},
                        .generate = engine::Generate{.max_new_tokens = kNew, .logprobs = 3}});
  }
  for (const Ids& ids : prompts) {
    const auto middle = ids.begin() + 1 + static_cast<std::ptrdiff_t>(ids.size() / 3);
    requests.push_back({.prompt = {.ids = {ids.begin(), middle}},
                        .score = engine::Score{.continuations = {{.ids = {middle, ids.end()}}}}});
  }
  return engine::run(served_model(), std::move(requests));
}

/// Equal to the last bit, as the client reads it.
void expect_bits(const json& got, float want) {
  ASSERT_TRUE(got.is_number()) << got;
  EXPECT_EQ(std::bit_cast<std::uint32_t>(got.get<float>()), std::bit_cast<std::uint32_t>(want));
  EXPECT_EQ(std::bit_cast<std::uint32_t>(static_cast<float>(got.get<double>())),
            std::bit_cast<std::uint32_t>(want));
}

void expect_answer(const json& arrays, std::size_t from, const engine::Completion& want) {
  ASSERT_EQ(arrays["tokens"].size(), from + want.tokens.size());
  for (std::size_t i = 0; i < want.tokens.size(); ++i) {
    const engine::GeneratedToken& token = want.tokens[i];
    EXPECT_EQ(arrays["tokens"][from + i], "token_id:" + std::to_string(token.id));
    expect_bits(arrays["token_logprobs"][from + i], token.logprob);
    for (const engine::TokenChoice& other : token.top) {
      expect_bits(arrays["top_logprobs"][from + i]["token_id:" + std::to_string(other.id)],
                  other.logprob);
    }
  }
}

TEST(Service, AnswersHaveTheEnginesBits) {
  const std::vector<Ids> prompts = random_prompts();
  const std::vector<engine::Completion> want = direct(prompts);
  Desk desk;
  const json answer =
      json::parse(desk.ask("/v1/completions", {{"prompt", prompts},
                                               {"max_tokens", kNew},
                                               {"temperature", 0},
                                               {"logprobs", 3},
                                               {"echo", true},
                                               {"return_tokens_as_token_ids", true}})
                      .body);
  for (std::size_t i = 0; i < kPrompts; ++i) {
    const json& arrays = answer["choices"][i]["logprobs"];
    expect_answer(arrays, prompts[i].size(), want[i]);
    const engine::ScoredContinuation& scored = want[kPrompts + i].continuations[0];
    const std::size_t first = prompts[i].size() - scored.ids.size();
    for (std::size_t k = 0; k < scored.ids.size(); ++k) {
      EXPECT_EQ(arrays["tokens"][first + k], "token_id:" + std::to_string(scored.ids[k]));
      expect_bits(arrays["token_logprobs"][first + k], scored.logprobs[k]);
    }
    EXPECT_TRUE(arrays["token_logprobs"][0].is_null());
    EXPECT_TRUE(arrays["top_logprobs"][0].is_null());
  }
}

TEST(Service, StreamsHaveThemToo) {
  const std::vector<Ids> prompts = random_prompts();
  const std::vector<engine::Completion> want = direct(prompts);
  Desk desk;
  const Listener heard = desk.ask("/v1/completions", {{"prompt", prompts},
                                                      {"max_tokens", kNew},
                                                      {"temperature", 0},
                                                      {"logprobs", 3},
                                                      {"stream", true},
                                                      {"return_tokens_as_token_ids", true}});
  std::vector<json> arrays(kPrompts);
  std::vector<std::string> text(kPrompts);
  for (const json& event : tests::events_of(heard.body)) {
    const json& choice = event["choices"][0];
    const std::size_t index = choice["index"];
    text[index] += choice["text"].get<std::string>();
    if (choice["logprobs"].is_null()) continue;  // of the last event, which says why it ended
    for (const char* name : {"tokens", "token_logprobs", "top_logprobs"}) {
      for (const json& value : choice["logprobs"][name]) arrays[index][name].push_back(value);
    }
  }
  for (std::size_t i = 0; i < kPrompts; ++i) {
    EXPECT_EQ(text[i], want[i].text);
    expect_answer(arrays[i], 0, want[i]);
  }
}

TEST(Service, ChatsHaveThemToo) {
  const std::vector<engine::Message> turns = {{"user", "What is 2 + 2?"}};
  const std::string rendered = engine::render_chat(served_model().tokenizer(), turns);
  const engine::Completion want =
      engine::run(served_model(),
                  {{.prompt = {.text = rendered, .add_bos = false},
                    .generate = engine::Generate{.max_new_tokens = kNew, .logprobs = 2}}})
          .at(0);
  Desk desk;
  const json choice =
      json::parse(desk.ask("/v1/chat/completions",
                           {{"messages", {{{"role", "user"}, {"content", "What is 2 + 2?"}}}},
                            {"max_tokens", kNew},
                            {"temperature", 0},
                            {"logprobs", true},
                            {"top_logprobs", 2}})
                      .body)["choices"][0];
  EXPECT_EQ(choice["message"]["content"], want.text);
  const json& content = choice["logprobs"]["content"];
  ASSERT_EQ(content.size(), want.tokens.size());
  for (std::size_t i = 0; i < content.size(); ++i) {
    expect_bits(content[i]["logprob"], want.tokens[i].logprob);
    for (std::size_t k = 0; k < 2; ++k) {
      expect_bits(content[i]["top_logprobs"][k]["logprob"], want.tokens[i].top[k].logprob);
    }
  }
}

/// The bytes of each character of `text`.
std::vector<std::string> characters_of(const std::string& text) {
  std::vector<std::string> all;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) all.emplace_back();
    all.back() += c;
  }
  return all;
}

// max_tokens 0: nothing is generated. BOS, which the text does not have, takes no room in it.
TEST(Service, OffsetsSayWhereTokensBegin) {
  const std::string text = "Größe: 日本語 is\n\n 5 €!";
  const Ids ids = served_model().tokenizer().encode(text);
  const bool adds_bos = served_model().tokenizer().adds_bos();
  Desk desk;
  for (const json& prompt : {json(text), json(ids)}) {
    const json choice = json::parse(
        desk.ask("/v1/completions",
                 {{"prompt", prompt}, {"max_tokens", 0}, {"echo", true}, {"logprobs", 1}})
            .body)["choices"][0];
    const json& arrays = choice["logprobs"];
    EXPECT_EQ(choice["text"], text);
    const std::size_t before = prompt.is_string() && adds_bos ? 1 : 0;
    ASSERT_EQ(arrays["tokens"].size(), ids.size() + before);
    ASSERT_EQ(arrays["text_offset"].size(), ids.size() + before);
    const std::vector<std::string> characters = characters_of(text);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::string token = arrays["tokens"][before + i];
      const std::size_t offset = arrays["text_offset"][before + i];
      ASSERT_LT(offset, characters.size());
      if (token.starts_with("bytes:")) continue;
      std::string rest;
      for (std::size_t k = offset; k < characters.size(); ++k) rest += characters[k];
      EXPECT_TRUE(rest.starts_with(token)) << token << " at " << offset;
      EXPECT_EQ(token, served_model().tokenizer().bytes(ids[i]));
    }
    EXPECT_EQ(arrays["text_offset"][0], 0);
  }
}

}  // namespace
}  // namespace moebius::runner
