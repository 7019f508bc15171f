#include "runner/task_spec.h"

#include <gtest/gtest.h>

#include "runner/input.h"

namespace moebius::runner {
namespace {

std::string refusal(const std::string& list, const std::vector<std::string>& sets = {}) {
  try {
    parse_tasks(list, sets);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(TaskSpec, ReadsTasksAndVariants) {
  const std::vector<TaskSpec> specs =
      parse_tasks("mmlu:original+cot,humaneval,livecodebench:all",
                  {"livecodebench.release=v5", "livecodebench.start=2024-08-01"});
  ASSERT_EQ(specs.size(), 3U);
  EXPECT_EQ(specs[0].task->info().name, "mmlu");
  EXPECT_EQ(specs[0].variants, (std::vector<std::string>{"original", "cot"}));
  EXPECT_TRUE(specs[1].variants.empty());
  EXPECT_EQ(specs[2].variants, std::vector<std::string>{"all"});
  EXPECT_EQ(specs[2].values.at("release"), "v5");
  EXPECT_EQ(specs[2].values.size(), 2U);
}

TEST(TaskSpec, MiniIsAllThatShip) {
  const std::vector<TaskSpec> specs = parse_tasks("mini", {});
  EXPECT_EQ(specs.size(), 5U);
  for (const TaskSpec& spec : specs) EXPECT_TRUE(spec.task->info().mini);
}

TEST(TaskSpec, RefusesWhatItDoesNotKnow) {
  const auto refused = [](const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  };
  refused(refusal("mmul"), "mmul");
  refused(refusal("mmlu:other"), "found 'other'");
  refused(refusal("mmlu,mmlu"), "named twice");
  refused(refusal("mmlu:cot+cot"), "named twice");
  refused(refusal("mmlu,"), "empty part");
  refused(refusal(""), "empty part");
  refused(refusal("mmlu:"), "empty part");
  refused(refusal("mmlu", {"humaneval.x=1"}), "not among --tasks");
  refused(refusal("mmlu", {"mmlu.colour=1"}), "no option 'colour'");
  refused(refusal("mmlu", {"mmlu"}), "TASK.OPTION=VALUE");
  refused(refusal("mmlu", {"a=mmlu.b"}), "TASK.OPTION=VALUE");
}

}  // namespace
}  // namespace moebius::runner
