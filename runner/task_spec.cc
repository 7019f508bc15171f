// What --tasks and --set say: which benchmarks, in which variants, with which options.
#include "runner/task_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "runner/input.h"
#include "runner/output.h"

namespace moebius::runner {
namespace {

const tasks::Task& known_task(const std::string& name) {
  try {
    return tasks::find_task(name);
  } catch (const tasks::Error& error) {
    throw InputError(fmt::format("--tasks: {}", error.what()));
  }
}

void check_variants(const TaskSpec& spec) {
  const tasks::Info& info = spec.task->info();
  std::set<std::string> seen;
  std::string known = "all";
  for (const tasks::Variant& variant : info.variants) known += ", " + variant.name;
  for (const std::string& name : spec.variants) {
    const bool there = std::any_of(info.variants.begin(), info.variants.end(),
                                   [&](const tasks::Variant& v) { return v.name == name; });
    if (!there && name != "all") {
      throw InputError(fmt::format("--tasks: {}: expected a variant of {}, found '{}'", info.name,
                                   known, one_line(name)));
    }
    if (!seen.insert(name).second) {
      throw InputError(fmt::format("--tasks: {}: variant {} is named twice", info.name, name));
    }
  }
}

TaskSpec parse_spec(const std::string& text) {
  const std::size_t colon = text.find(':');
  TaskSpec spec{.task = &known_task(text.substr(0, colon))};
  if (colon != std::string::npos) {
    spec.variants = split_list(text.substr(colon + 1), '+', "--tasks");
  }
  check_variants(spec);
  return spec;
}

void add_spec(std::vector<TaskSpec>& specs, TaskSpec spec) {
  for (const TaskSpec& other : specs) {
    if (other.task != spec.task) continue;
    throw InputError(fmt::format("--tasks: {} is named twice", spec.task->info().name));
  }
  specs.push_back(std::move(spec));
}

void apply_set(std::vector<TaskSpec>& specs, const std::string& text) {
  const std::size_t dot = text.find('.');
  const std::size_t equals = text.find('=');
  if (dot == std::string::npos || equals == std::string::npos || equals < dot) {
    throw InputError(fmt::format("--set: expected TASK.OPTION=VALUE, found '{}'", one_line(text)));
  }
  const std::string task = text.substr(0, dot);
  const std::string option = text.substr(dot + 1, equals - dot - 1);
  for (TaskSpec& spec : specs) {
    const tasks::Info& info = spec.task->info();
    if (info.name != task) continue;
    if (!info.options.contains(option)) {
      std::string known;
      for (const auto& [name, description] : info.options) known += " " + name;
      throw InputError(fmt::format("--set: {} has no option '{}', it has:{}", task,
                                   one_line(option), known.empty() ? " none" : known));
    }
    spec.values[option] = text.substr(equals + 1);
    return;
  }
  throw InputError(fmt::format("--set: '{}' is not among --tasks", one_line(task)));
}

}  // namespace

std::vector<std::string> split_list(const std::string& list, char separator,
                                    const std::string& flag) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = std::min(list.find(separator, begin), list.size());
    if (end == begin) {
      throw InputError(fmt::format("{}: '{}' has an empty part", flag, one_line(list)));
    }
    parts.push_back(list.substr(begin, end - begin));
    if (end == list.size()) return parts;
    begin = end + 1;
  }
}

std::vector<TaskSpec> parse_tasks(const std::string& list, const std::vector<std::string>& sets) {
  std::vector<TaskSpec> specs;
  for (const std::string& part : split_list(list, ',', "--tasks")) {
    if (part != "mini") {
      add_spec(specs, parse_spec(part));
      continue;
    }
    for (const auto& task : tasks::all_tasks()) {
      if (task->info().mini) add_spec(specs, {.task = task.get()});
    }
  }
  for (const std::string& set : sets) apply_set(specs, set);
  return specs;
}

}  // namespace moebius::runner
