// Options of commands that can ask a model behind an API: which server, how fast, at what price.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace moebius::runner {

/// "https://HOST/v1#NAME" or "DIALECT:NAME": the server and the model's name there.
struct RemoteModel {
  std::string dialect;
  std::string endpoint;  // empty: the dialect's own
  std::string name;
};

/// Absent if `model` names no server. Throws InputError for a URL without a model's name.
std::optional<RemoteModel> parse_remote_model(const std::string& model);

/// `text` with each ${NAME} replaced by the environment's variable. Throws InputError if there is
/// none of that name.
std::string expand_environment(const std::string& text);

class RemoteFlags {
 public:
  void add(CLI::App& app);

  /// Throws InputError: an option is missing or does not fit.
  engine::RemoteOptions options(const RemoteModel& model) const;

  /// What costs are counted in; empty without prices.
  std::string currency() const;

  /// Throws InputError that names the first option given that is none of a local model.
  void refuse_for_local() const;

 private:
  engine::RemoteOptions options_;
  std::vector<std::string> headers_;
  std::string concurrency_ = "auto";
  std::string currency_ = "USD";
  double idle_s_ = 300;
  double total_s_ = 3600;
  bool no_stream_ = false;
  std::vector<const CLI::Option*> all_;
};

/// From here on a crash leaves no file with the memory of this process, and with the keys in it.
void forbid_core_dumps();

}  // namespace moebius::runner
