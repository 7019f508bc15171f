// The file that says what moebius gate compares and when it fails.
#include "runner/gate_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string_view>

#include "runner/input.h"
#include "runner/output.h"
#include "runner/percent.h"

namespace moebius::runner {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

/// An object of which every field must be known.
class Section {
 public:
  Section(const json& object, std::string where, std::initializer_list<std::string_view> known)
      : fields_(object, std::move(where)) {
    for (const auto& [name, value] : object.items()) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      throw InputError(fmt::format("{}: unknown field \"{}\"; known: {}", fields_.where(),
                                   one_line(name), fmt::join(known, ", ")));
    }
  }

  bool has(const char* name) const { return fields_.has(name); }
  const json& at(const char* name) const { return fields_.at(name); }
  const std::string& where() const { return fields_.where(); }
  std::string inner(const std::string& name) const { return fields_.where() + "." + name; }

  void read(const char* name, std::string& value) const {
    if (has(name)) value = fields_.text(name);
  }
  void read(const char* name, bool& value) const {
    if (!has(name)) return;
    if (!at(name).is_boolean()) complain(name, "true or false");
    value = at(name).get<bool>();
  }
  std::int64_t integer(const char* name, std::int64_t low, std::int64_t high) const {
    return fields_.integer(name, low, high);
  }

  /// A number, or text in percent.
  std::optional<double> share(const char* name) const {
    if (!has(name)) return std::nullopt;
    const json& value = at(name);
    std::optional<double> found;
    if (value.is_string()) found = parse_share(value.get<std::string>());
    if (value.is_number() && value >= 0 && value <= 1) found = value.get<double>();
    if (!found) complain(name, "a share such as \"1%\" or 0.01");
    return found;
  }
  void read_share(const char* name, double& value) const {
    if (const std::optional<double> found = share(name)) value = *found;
  }

  /// One of `choices`; the first if it is not there.
  std::string choice(const char* name, std::initializer_list<const char*> choices) const {
    std::string value = *choices.begin();
    read(name, value);
    if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
      complain(name, fmt::format("one of {}", fmt::join(choices, ", ")));
    }
    return value;
  }

 private:
  [[noreturn]] void complain(const char* name, const std::string& expected) const {
    throw InputError(fmt::format("{}: \"{}\": expected {}, found {}", fields_.where(), name,
                                 expected, one_line(at(name).dump())));
  }

  Fields fields_;
};

std::string from_folder(const std::string& path, const std::string& folder) {
  return path.empty() ? path : (std::filesystem::path(folder) / path).string();
}

RunPlace read_place(const Section& section, const std::string& folder) {
  RunPlace place{.store = "results.sqlite", .where = section.where()};
  section.read("store", place.store);
  section.read("run", place.run);
  place.store = from_folder(place.store, folder);
  return place;
}

RunPlace read_place(const Section& root, const char* name, const std::string& folder) {
  return read_place(Section(root.at(name), root.inner(name), {"store", "run"}), folder);
}

/// "base", or "bases" with a name each.
std::vector<RunPlace> read_bases(const Section& root, const std::string& folder) {
  if (!root.has("bases")) return {read_place(root, "base", folder)};
  if (root.has("base")) throw InputError(root.inner("base") + ": not beside \"bases\"");
  const json& list = root.at("bases");
  if (!list.is_array() || list.empty() || list.size() > kMostBaselines) {
    throw InputError(fmt::format("{}: a list of 1 .. {} baselines expected", root.inner("bases"),
                                 kMostBaselines));
  }
  std::vector<RunPlace> bases;
  for (const json& each : list) {
    const std::string where = fmt::format("{}[{}]", root.inner("bases"), bases.size());
    const Section section(each, where, {"name", "store", "run"});
    RunPlace place = read_place(section, folder);
    place.name = fmt::format("{}", bases.size() + 1);
    section.read("name", place.name);
    const auto same = [&](const RunPlace& other) { return other.name == place.name; };
    if (std::any_of(bases.begin(), bases.end(), same)) {
      throw InputError(
          fmt::format("{}: \"name\": \"{}\" is another baseline's", where, one_line(place.name)));
    }
    bases.push_back(std::move(place));
  }
  return bases;
}

void read_tasks(const Section& root, reports::CompareOptions& options) {
  if (!root.has("tasks")) return;
  const json& tasks = root.at("tasks");
  const Fields each(tasks, root.inner("tasks"));
  for (const auto& [task, value] : tasks.items()) {
    const Section section(value, root.inner("tasks") + "." + one_line(task), {"margin"});
    options.tasks.push_back(task);
    if (const auto margin = section.share("margin")) options.margins[task] = *margin;
  }
  if (options.tasks.empty()) throw InputError(root.inner("tasks") + ": no task");
}

void read_limits(const Section& root, reports::Limits& limits) {
  if (!root.has("limits")) return;
  const Section section(root.at("limits"), root.inner("limits"),
                        {"truncated", "no_answer", "failed", "flips"});
  limits.truncated = section.share("truncated");
  limits.no_answer = section.share("no_answer");
  limits.failed = section.share("failed");
  limits.flips = section.share("flips");
}

void read_looks(const Section& root, reports::CompareOptions& options) {
  if (!root.has("looks")) return;
  if (root.at("looks").is_string()) {
    options.anytime = root.choice("looks", {"anytime"}) == "anytime";
    return;
  }
  const Section section(root.at("looks"), root.inner("looks"), {"count", "shape", "seed"});
  options.looks = reports::equal_looks(static_cast<int>(section.integer("count", 1, 20)));
  options.shape = section.choice("shape", {"pocock", "obrien-fleming"}) == "pocock"
                      ? reports::LookShape::kPocock
                      : reports::LookShape::kOBrienFleming;
  if (section.has("seed")) {
    options.seed = static_cast<std::uint64_t>(
        section.integer("seed", 0, std::numeric_limits<std::int64_t>::max()));
  }
}

GateOutput read_output(const Section& root, const std::string& folder) {
  GateOutput output;
  if (!root.has("output")) return output;
  const Section section(root.at("output"), root.inner("output"),
                        {"markdown", "comment", "junit", "json"});
  section.read("markdown", output.markdown);
  section.read("comment", output.comment);
  section.read("junit", output.junit);
  section.read("json", output.json);
  for (std::string* path : {&output.markdown, &output.comment, &output.junit, &output.json}) {
    *path = from_folder(*path, folder);
  }
  return output;
}

/// The last run begun in the candidate's store is the candidate itself, from the second call on.
void refuse_last(const RunPlace& place, const GateConfig& config) {
  const auto file = [](const std::string& path) { return std::filesystem::weakly_canonical(path); };
  if (place.store.empty() || place.run != "last") return;
  if (file(place.store) != file(config.candidate.store)) return;
  throw InputError(
      fmt::format("{}: \"run\": the last run of the candidate's own store is the one that is "
                  "evaluated: expected a number or a key, or another store",
                  place.where));
}

void read_eval(const Section& root, const std::string& folder, GateConfig& config) {
  if (!root.has("eval")) return;
  if (root.at("candidate").contains("run")) {
    throw InputError(root.inner("candidate") + ".run: not beside \"eval\", which makes the run");
  }
  for (const RunPlace& base : config.bases) refuse_last(base, config);
  refuse_last(config.again, config);
  config.eval = std::make_unique<GateEval>(root.at("eval"), root.inner("eval"), folder);
}

}  // namespace

GateConfig parse_gate_config(const std::string& text, const std::string& where,
                             const std::string& folder) {
  const json value = parse_json(text, where);
  const Section root(
      value, where,
      {"$schema", "name", "base", "bases", "candidate", "again", "tasks", "margin", "alpha",
       "fail_budget", "limits", "looks", "inconclusive", "transcripts", "output", "eval"});
  GateConfig config;
  root.read("name", config.name);
  config.bases = read_bases(root, folder);
  config.candidate = read_place(root, "candidate", folder);
  if (root.has("again")) {
    if (config.bases.size() > 1) throw InputError(root.inner("again") + ": not with several bases");
    config.again = read_place(root, "again", folder);
  }
  root.read_share("margin", config.options.margin);
  root.read_share("alpha", config.options.alpha);
  root.read_share("fail_budget", config.options.fail_budget);
  read_tasks(root, config.options);
  read_limits(root, config.options.limits);
  read_looks(root, config.options);
  config.warn_inconclusive = root.choice("inconclusive", {"fail", "warn"}) == "warn";
  if (root.has("transcripts")) {
    config.transcripts = static_cast<std::size_t>(root.integer("transcripts", 0, 1000));
  }
  config.output = read_output(root, folder);
  read_eval(root, folder, config);
  return config;
}

GateConfig read_gate_config(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return parse_gate_config(read_text(path, kMaxConfigBytes), input_name(path), folder);
}

}  // namespace moebius::runner
