// Figures of a server, and their text for Prometheus.
// Source: Prometheus documentation, "Exposition formats", text format 0.0.4.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace moebius::runner {

/// How many values were at most each bound.
class Histogram {
 public:
  static constexpr std::array kBounds = {0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0};
  void add(double seconds);
  std::string text(const std::string& name, const std::string& help) const;

 private:
  std::array<std::int64_t, kBounds.size()> counts_{};
  std::int64_t total_ = 0;
  double sum_ = 0;
};

struct Metrics {
  std::map<std::pair<std::string, int>, std::int64_t> answers;  // by path and status
  std::int64_t in_flight = 0;                                   // requests of the engine
  std::int64_t queue_limit = 0;
  std::int64_t clients_left = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t generated_tokens = 0;
  Histogram seconds;              // from the call to its last byte's making
  Histogram first_token_seconds;  // streams only

  std::string text() const;
};

}  // namespace moebius::runner
