// Fuzz target: a byte that chooses text or ids, and a server's answer to a question for
// log-probabilities. What is not refused lines up with the continuation.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/engine.h"
#include "engine/remote/dialect.h"

namespace {

using moebius::engine::Request;
using moebius::engine::ScoredContinuation;

void require(bool holds) {
  if (!holds) std::abort();
}

/// "Q: " and "A b"; or [1, 2] and [3, 4].
Request question(bool ids) {
  Request request;
  request.score.emplace();
  request.score->continuations.resize(1);
  if (ids) {
    request.prompt.ids = {1, 2};
    request.score->continuations[0].ids = {3, 4};
  } else {
    request.prompt.text = "Q: ";
    request.score->continuations[0].text = "A b";
  }
  return request;
}

void check(const ScoredContinuation& scored, const Request& request) {
  require(!scored.ids.empty() && scored.ids.size() == scored.logprobs.size());
  const auto& wanted = request.score->continuations[0];
  if (!wanted.ids.empty()) require(scored.ids == wanted.ids);
  double sum = 0;
  for (const float logprob : scored.logprobs) {
    require(std::isfinite(logprob) && logprob <= 1e-2F);
    sum += logprob;
  }
  require(sum == scored.sum);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Request request = question((data[0] & 1U) != 0);
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    check(moebius::engine::remote::read_scored(body, request, 0), request);
  } catch (const moebius::engine::Error& error) {
    require(std::string_view(error.what()).find('\n') == std::string_view::npos);
  }
  return 0;
}
