// The file that says what moebius gate compares and when it fails.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "reports/compare.h"
#include "runner/gate_eval.h"

namespace moebius::runner {

struct RunPlace {
  std::string store;  // path
  std::string run = "last";
  std::string name;   // of several baselines
  std::string where;  // in the file, for messages
};

/// What a gate writes, as paths; empty: not written.
struct GateOutput {
  std::string markdown;
  std::string comment;  // shorter Markdown, for a comment
  std::string junit;
  std::string json;
};

struct GateConfig {
  std::string name = "gate";
  std::vector<RunPlace> bases;  // one or more
  RunPlace candidate;
  RunPlace again;                  // no store: none
  std::unique_ptr<GateEval> eval;  // makes the candidate's run; none: it is stored already
  reports::CompareOptions options;
  bool warn_inconclusive = false;  // such a gate does not fail
  std::size_t transcripts = 0;
  GateOutput output;
};

/// Several baselines at most: each gets its part of a report's size.
inline constexpr std::size_t kMostBaselines = 8;

/// Throws InputError naming the field, what was expected and what was found. Fields that are not
/// known are refused: a misspelt margin must not be the default. Paths are taken from the folder
/// that `path` is in.
GateConfig read_gate_config(const std::string& path);
/// The same, of text; `where` begins the messages.
GateConfig parse_gate_config(const std::string& text, const std::string& where,
                             const std::string& folder);

}  // namespace moebius::runner
