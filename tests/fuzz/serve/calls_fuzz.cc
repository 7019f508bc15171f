// Fuzz target: any bytes as the body of a call; the first byte chooses the endpoint. What is
// understood keeps the limits, and answers to it are JSON that says what it was given.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "runner/serve/answer.h"
#include "runner/serve/api.h"

using namespace moebius;
using namespace moebius::runner;

namespace {

constexpr std::int32_t kContext = 64;
constexpr std::size_t kMaxRequests = 40;

void require(bool holds) {
  if (!holds) std::abort();
}

const engine::Tokenizer& tokenizer() {
  static const auto loaded = engine::load_tokenizer("embedded");
  return *loaded;
}

void check_prompts(const ApiCall& asked) {
  require(!asked.prompts.empty() && asked.n >= 1);
  require(!asked.generates || asked.choices() <= kMaxRequests);
  require(asked.requests.size() <= 2 * kMaxRequests);
  for (const ApiPrompt& prompt : asked.prompts) {
    require(!prompt.ids.empty() && prompt.ids.size() <= kContext);
    require(engine::valid_utf8(prompt.text));
  }
}

/// As many answers as were asked for, of odd tokens.
std::vector<engine::Completion> answers_to(const ApiCall& asked) {
  std::vector<engine::Completion> all;
  for (const engine::Request& request : asked.requests) {
    require(request.generate.has_value() != request.score.has_value());
    engine::Completion out{.finish = engine::Finish::kLength};
    if (request.generate) {
      require(request.generate->max_new_tokens >= 1 && request.generate->logprobs <= 20);
      for (const std::int32_t id : {0, 7, 200, 1 << 30}) {
        out.tokens.push_back({.id = id, .logprob = -1.5F, .top = {{id, -1.5F}, {8, -2.0F}}});
      }
      out.text = "a\xE2\x82\xAC";
    } else {
      const std::vector<std::int32_t>& ids = request.score->continuations.at(0).ids;
      out.continuations.push_back({.ids = ids,
                                   .logprobs = std::vector<float>(ids.size(), -0.25F),
                                   .top = {ids.size(), {{9, -0.125F}}}});
    }
    all.push_back(std::move(out));
  }
  return all;
}

void check_answer(const ApiCall& asked) {
  const std::vector<engine::Completion> completions = answers_to(asked);
  const AnswerHead head{.id = "1", .model = "m", .fingerprint = "f"};
  const auto answer =
      nlohmann::json::parse(json_line(answer_json(asked, completions, head, &tokenizer())));
  require(answer["choices"].size() == asked.choices());
  for (const auto& choice : answer["choices"]) {
    const auto& arrays = choice["logprobs"];
    if (arrays.is_null() || asked.endpoint == Endpoint::kChat) continue;
    for (const char* name : {"token_logprobs", "top_logprobs", "text_offset"}) {
      require(arrays[name].size() == arrays["tokens"].size());
    }
    for (std::size_t i = 1; i < arrays["text_offset"].size(); ++i) {
      require(arrays["text_offset"][i] >= arrays["text_offset"][i - 1]);
    }
  }
  if (!asked.stream) return;
  AnswerStream stream(asked, head, &tokenizer());
  std::string text;
  for (std::size_t choice = 0; choice < asked.choices(); ++choice) {
    text += stream.begin(choice);
    text += stream.token(choice, completions[choice].tokens[0], "a");
    text += stream.end(choice, completions[choice]);
  }
  text += stream.close(usage_of(asked, completions));
  require(engine::valid_utf8(text) && text.ends_with("data: [DONE]\n\n"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Endpoint endpoint = data[0] % 2 == 0 ? Endpoint::kChat : Endpoint::kCompletions;
  try {
    const ApiCall asked = read_call(endpoint, body,
                                    {.tokenizer = &tokenizer(),
                                     .model = "m",
                                     .max_context = kContext,
                                     .max_requests = kMaxRequests});
    check_prompts(asked);
    check_answer(asked);
  } catch (const ApiError& error) {
    require(error.status >= 400 && error.status < 500);
    const std::string why = error.what();
    require(!why.empty() && why.find('\n') == std::string::npos);
    require(nlohmann::json::accept(json_line(error_json(error))));
  }
  return 0;
}
