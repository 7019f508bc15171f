// Fuzz target: a byte that chooses dialect, request and way, then what a server said: a status and
// an error, a whole answer, or a stream of events.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/engine.h"
#include "engine/remote/dialect.h"
#include "engine/remote/sse.h"

namespace {

using namespace moebius::engine;          // NOLINT(google-build-using-namespace)
using namespace moebius::engine::remote;  // NOLINT(google-build-using-namespace)

void require(bool holds) {
  if (!holds) std::abort();
}

bool one_line_only(const std::string& text) {
  return text.find_first_of("\r\n") == std::string::npos;
}

Request request_with(bool logprobs) {
  Request request{.id = 7};
  request.prompt.chat = {{"user", "q"}};
  request.generate = Generate{.logprobs = logprobs ? 2 : 0};
  return request;
}

void check(const Completion& completion, const Request& request) {
  require(completion.id == request.id);
  require(completion.prompt_tokens >= 0 && completion.cached_tokens >= 0);
  const bool said_why = completion.finish == Finish::kRefused;
  require(said_why == !completion.error.empty());
  if (completion.finish == Finish::kStop) require(!completion.text.empty());
  if (completion.finish == Finish::kEmpty) require(completion.text.empty());
}

void check_status(int status, std::string_view body) {
  const StatusMeaning meaning = read_status(status, body);
  require(status == 200 || meaning.error != ErrorClass::kNone || meaning.filtered);
  require(one_line_only(meaning.message) && meaning.message.size() < 2000);
}

Answer read_answer(const Dialect& dialect, std::string_view body, bool streamed) {
  Answer answer;
  if (!streamed) {
    dialect.read(body, answer);
    return answer;
  }
  SseReader reader;
  for (const SseEvent& event : reader.push(body)) dialect.event(event, answer);
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static const std::array<const Dialect*, 4> kDialects = {
      &compatible_dialect(), &openai_dialect(), &deepseek_dialect(), &anthropic_dialect()};
  const Dialect& dialect = *kDialects[data[0] & 3U];
  const bool streamed = (data[0] & 4U) != 0;
  const Request request = request_with((data[0] & 8U) != 0);
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_status(100 + (data[0] * 7 + data[1]) % 500, body);
  try {
    const Answer answer = read_answer(dialect, body, streamed);
    require(answer.pieces >= 0 && answer.cached_tokens >= 0 && answer.reasoning_tokens >= 0);
    check(to_completion(answer, request, streamed), request);
  } catch (const Error& error) {
    require(one_line_only(error.what()));
  }
  return 0;
}
