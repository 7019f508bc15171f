// Figures of a server, and their text for Prometheus.
#include "runner/serve/metrics.h"

#include <fmt/format.h>

namespace moebius::runner {
namespace {

std::string family(const std::string& name, const char* type, const std::string& help) {
  return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

std::string single(const std::string& name, const char* type, const std::string& help,
                   std::int64_t value) {
  return family(name, type, help) + fmt::format("{} {}\n", name, value);
}

}  // namespace

void Histogram::add(double seconds) {
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    if (seconds <= kBounds[i]) ++counts_[i];
  }
  ++total_;
  sum_ += seconds;
}

std::string Histogram::text(const std::string& name, const std::string& help) const {
  std::string text = family(name, "histogram", help);
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    text += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name, kBounds[i], counts_[i]);
  }
  text += fmt::format("{}_bucket{{le=\"+Inf\"}} {}\n", name, total_);
  return text + fmt::format("{0}_sum {1}\n{0}_count {2}\n", name, sum_, total_);
}

std::string Metrics::text() const {
  std::string text = family("moebius_answers_total", "counter", "Answers by path and status");
  for (const auto& [which, count] : answers) {
    text += fmt::format("moebius_answers_total{{path=\"{}\",status=\"{}\"}} {}\n", which.first,
                        which.second, count);
  }
  text += single("moebius_requests_in_flight", "gauge", "Requests the engine has not answered",
                 in_flight);
  text += single("moebius_queue_limit", "gauge", "As many may be in flight", queue_limit);
  text += single("moebius_clients_left_total", "counter", "Clients that left before their answer",
                 clients_left);
  text += single("moebius_prompt_tokens_total", "counter", "Tokens of prompts", prompt_tokens);
  text += single("moebius_cached_tokens_total", "counter", "Of those, computed by another request",
                 cached_tokens);
  text += single("moebius_generated_tokens_total", "counter", "Tokens drawn", generated_tokens);
  text += seconds.text("moebius_request_seconds", "From a call to the end of its answer");
  return text + first_token_seconds.text("moebius_first_token_seconds",
                                         "From a call to the first token of its stream");
}

}  // namespace moebius::runner
