// Who answered, and what that used: counted over the answers of a remote run.
#include "runner/served_tally.h"

#include <algorithm>
#include <utility>

namespace moebius::runner {
namespace {

constexpr std::size_t kNames = 32;  // servers may invent a new one for each answer

void count_name(const std::string& name, std::map<std::string, std::int64_t>& names) {
  constexpr std::size_t kLongest = 200;
  const std::string key = name.substr(0, kLongest);
  const bool room = names.contains(key) || names.size() < kNames;
  ++names[room ? key : "(others)"];
}

}  // namespace

ServedTally::ServedTally(const engine::RemoteOptions& options, std::string currency) {
  use_.dialect = options.dialect;
  use_.endpoint = options.endpoint;
  use_.model = options.model;
  use_.price_in = options.price_in;
  use_.price_out = options.price_out;
  use_.currency = std::move(currency);
}

void ServedTally::add(const engine::Completion& completion) {
  if (!completion.served) return;
  const engine::Served& served = *completion.served;
  const std::lock_guard lock(mutex_);
  use_.endpoint = served.endpoint;
  ++use_.answers;
  use_.attempts += served.attempts;
  count_name(served.model, use_.models);
  if (!served.system_fingerprint.empty()) {
    count_name(served.system_fingerprint, use_.fingerprints);
  }
  use_.prompt_tokens += completion.prompt_tokens;
  use_.cached_tokens += completion.cached_tokens;
  use_.output_tokens += std::max<std::int64_t>(0, served.output_tokens);
  use_.reasoning_tokens += served.reasoning_tokens;
  use_.uncounted += served.output_tokens < 0 ? 1 : 0;
  use_.cost += served.cost;
}

reports::RemoteUse ServedTally::total() const {
  const std::lock_guard lock(mutex_);
  return use_;
}

}  // namespace moebius::runner
