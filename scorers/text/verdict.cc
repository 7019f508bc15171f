// The names of verdicts, as the store and the reports write them.
#include <algorithm>
#include <iterator>
#include <utility>

#include "scorers/scorer.h"

namespace moebius::scorers {
namespace {

constexpr std::pair<Verdict, const char*> kNames[] = {
    {Verdict::kPass, "pass"},
    {Verdict::kWrong, "wrong_answer"},
    {Verdict::kNoAnswer, "no_answer"},
    {Verdict::kThinkUnclosed, "think_unclosed"},
    {Verdict::kSyntaxError, "syntax_error"},
    {Verdict::kRuntimeError, "runtime_error"},
    {Verdict::kTimeLimit, "time_limit"},
    {Verdict::kMemoryLimit, "memory_limit"},
    {Verdict::kProcessLimit, "process_limit"},
    {Verdict::kOutputLimit, "output_limit"},
    {Verdict::kDiskLimit, "disk_limit"},
    {Verdict::kProtocolViolation, "protocol_violation"},
};

}  // namespace

const char* verdict_name(Verdict verdict) {
  const auto* found = std::find_if(std::begin(kNames), std::end(kNames),
                                   [verdict](const auto& n) { return n.first == verdict; });
  return found == std::end(kNames) ? "unknown" : found->second;
}

bool parse_verdict(std::string_view name, Verdict& to) {
  const auto* found = std::find_if(std::begin(kNames), std::end(kNames),
                                   [name](const auto& n) { return n.second == name; });
  if (found == std::end(kNames)) return false;
  to = found->first;
  return true;
}

}  // namespace moebius::scorers
