// The evaluation that a gate's file asks for.
#include "runner/gate_eval.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "runner/input.h"
#include "runner/output.h"

namespace moebius::runner {
namespace {

using nlohmann::json;

/// Options of moebius eval that a gate has in another place, or has no use for.
struct Elsewhere {
  std::string_view key;
  std::string_view why;
};
constexpr std::array<Elsewhere, 12> kElsewhere = {{
    {"store", "candidate.store is where answers are kept"},
    {"fail-budget", "the gate's own fail_budget counts"},
    {"sequential", "the gate's own base and looks count"},
    {"base-store", "the gate's own base counts"},
    {"margin", "the gate's own margin counts"},
    {"alpha", "the gate's own alpha counts"},
    {"looks", "the gate's own looks count"},
    {"look-shape", "the gate's own looks count"},
    {"shard", "a gate needs the answers of all shards"},
    {"json", "the gate's own output says what is written"},
    {"dry-run", "run moebius eval --dry-run itself"},
    {"help", "run moebius eval --help itself"},
}};

bool is_value(const json& value) {
  return value.is_string() || value.is_number();
}

/// As it would stand on a command line.
std::string value_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

bool takes_path(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type == "FILE" || type == "DIR";
}

std::string in_folder(const std::string& folder, const std::string& path) {
  return path.empty() ? path : (std::filesystem::path(folder) / path).string();
}

bool is_local_path(const std::string& model) {
  return model != "embedded" && !parse_remote_model(model);
}

}  // namespace

GateEval::GateEval(const json& object, std::string where, const std::string& folder)
    : where_(std::move(where)), app_("", "eval") {
  app_.set_help_flag();
  options_.add(app_);
  const Fields fields(object, where_);
  for (const auto& [key, value] : object.items()) {
    try {
      read(key, value, folder);
    } catch (const CLI::Error& error) {
      throw InputError(fmt::format("{}.{}: {}", where_, one_line(key), one_line(error.what())));
    }
  }
  require("model");
  require("tasks");
  try {
    if (is_local_path(options_.model)) options_.model = in_folder(folder, options_.model);
    const std::optional<RemoteModel> server = options_.remote_model();
    if (server) (void)options_.remote.options(*server);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", where_, error.what()));
  }
}

/// Each value goes to its option as it is, past the parser of command lines: what begins with a
/// dash, is empty or has an = in it is a value all the same.
void GateEval::read(const std::string& key, const json& value, const std::string& folder) {
  const auto complain = [&](std::string_view what) {
    throw InputError(fmt::format("{}.{}: {}", where_, one_line(key), what));
  };
  for (const Elsewhere& other : kElsewhere) {
    if (key == other.key) complain(fmt::format("not here: {}", other.why));
  }
  CLI::Option* option = app_.get_option_no_throw("--" + key);
  if (option == nullptr) complain("moebius eval has no such option; its --help lists them");
  if (option->count() > 0) complain("the same option under another name is there already");
  if (option->get_expected_max() == 0) {
    if (!value.is_boolean()) complain("expected true or false, found " + one_line(value.dump()));
    if (!value.get<bool>()) return;
    option->add_result("true");
    return option->run_callback();
  }
  const bool repeats = option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  const json list = value.is_array() && repeats ? value : json::array({value});
  if (!std::all_of(list.begin(), list.end(), is_value)) {
    complain(fmt::format("expected a text or a number{}, found {}",
                         repeats ? ", or a list of them" : "", one_line(value.dump())));
  }
  for (const json& each : list) {
    const std::string text = value_text(each);
    if (text.find('\0') != std::string::npos) complain("a text with a zero byte in it");
    option->add_result(takes_path(*option) ? in_folder(folder, text) : text);
  }
  if (!list.empty()) option->run_callback();
}

void GateEval::require(const char* key) const {
  if (app_.get_option(std::string("--") + key)->count() > 0) return;
  throw InputError(fmt::format("{}: no field \"{}\"", where_, key));
}

}  // namespace moebius::runner
