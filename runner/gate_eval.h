// The evaluation that a gate's file asks for: moebius eval's options as fields.
#pragma once

#include <CLI/App.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "runner/eval_options.h"

namespace moebius::runner {

/// Each field is a long option of moebius eval without its dashes. A text or a number is its value,
/// a list of them the option given again and again, true a flag that is given, false one that is
/// not. Values of options that take a file or a folder, and a model that is neither embedded nor
/// behind an API, are paths taken from `folder`. What is the gate's own business (where answers are
/// kept, looks, reports) is refused.
class GateEval {
 public:
  /// Throws InputError that begins with `where` and names the field. `object` is hostile.
  GateEval(const nlohmann::json& object, std::string where, const std::string& folder);

  EvalOptions& options() { return options_; }
  const EvalOptions& options() const { return options_; }
  const std::string& where() const { return where_; }

 private:
  void read(const std::string& key, const nlohmann::json& value, const std::string& folder);
  void require(const char* key) const;

  std::string where_;
  CLI::App app_;
  EvalOptions options_;
};

}  // namespace moebius::runner
