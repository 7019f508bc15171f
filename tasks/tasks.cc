// The table of all tasks.
#include <algorithm>

#include "tasks/suites/registry.h"
#include "tasks/task.h"

namespace moebius::tasks {
namespace {

std::vector<std::unique_ptr<Task>> make_all() {
  std::vector<std::unique_ptr<Task>> tasks;
#define SUITE(name) tasks.push_back(suites::make_##name());
#include "suite_list.inc"
#undef SUITE
  std::sort(tasks.begin(), tasks.end(), [](const auto& a, const auto& b) {
    return std::pair(a->info().mini, a->info().name) < std::pair(b->info().mini, b->info().name);
  });
  return tasks;
}

}  // namespace

const std::vector<std::unique_ptr<Task>>& all_tasks() {
  static const std::vector<std::unique_ptr<Task>> tasks = make_all();
  return tasks;
}

const Task& find_task(const std::string& name) {
  std::string known;
  for (const auto& task : all_tasks()) {
    if (task->info().name == name) return *task;
    known += (known.empty() ? "" : ", ") + task->info().name;
  }
  throw Error("expected a task of " + known + ", found \"" + name + "\"");
}

}  // namespace moebius::tasks
