// Stands in for the verdict names of scorers/text in builds that have no such room.
#include <array>
#include <cstddef>

#include "scorers/scorer.h"

namespace moebius::scorers {
namespace {

constexpr std::array<const char*, 12> kNames = {
    "pass",          "wrong_answer",  "no_answer",  "think_unclosed",
    "syntax_error",  "runtime_error", "time_limit", "memory_limit",
    "process_limit", "output_limit",  "disk_limit", "protocol_violation"};

}  // namespace

const char* verdict_name(Verdict verdict) {
  return kNames[static_cast<std::size_t>(verdict)];
}

bool parse_verdict(std::string_view name, Verdict& to) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) {
      to = static_cast<Verdict>(i);
      return true;
    }
  }
  return false;
}

}  // namespace moebius::scorers
