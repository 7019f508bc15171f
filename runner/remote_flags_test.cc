// Which server a model's name means, and what must never be said or left behind.
#include "runner/remote_flags.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "runner/input.h"
#include "runner/served_tally.h"

namespace moebius::runner {
namespace {

TEST(RemoteModel, TellsServersFromDirectories) {
  const auto url = parse_remote_model("https://host:8000/v1#deepseek-ai/DeepSeek-R1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->dialect, "compatible");
  EXPECT_EQ(url->endpoint, "https://host:8000/v1");
  EXPECT_EQ(url->name, "deepseek-ai/DeepSeek-R1");
  const auto named = parse_remote_model("anthropic:claude");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->dialect, "anthropic");
  EXPECT_EQ(named->endpoint, "");
  EXPECT_EQ(named->name, "claude");
  for (const char* local : {"embedded", "./openai", "models/https:/x", "other:name", ""}) {
    EXPECT_FALSE(parse_remote_model(local)) << local;
  }
  EXPECT_THROW(parse_remote_model("http://host/v1"), InputError);
}

TEST(RemoteModel, HeadersTakeValuesFromTheEnvironment) {
  ::setenv("MOEBIUS_TEST_VALUE", "v ${NOT_AGAIN}", 1);
  EXPECT_EQ(expand_environment("A: b"), "A: b");
  EXPECT_EQ(expand_environment("A: ${MOEBIUS_TEST_VALUE}!$x"), "A: v ${NOT_AGAIN}!$x");
  EXPECT_THROW(expand_environment("A: ${MOEBIUS_TEST_NOT_SET}"), InputError);
  EXPECT_THROW(expand_environment("A: ${MOEBIUS_TEST_VALUE"), InputError);
}

TEST(RemoteModel, ACrashLeavesNoMemoryBehind) {
  const pid_t child = ::fork();
  if (child == 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_CORE, &limit);
    forbid_core_dumps();
    std::signal(SIGABRT, SIG_DFL);
    std::abort();
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(WCOREDUMP(status));
}

engine::Completion answer(const std::string& model, std::int64_t tokens) {
  engine::Completion completion;
  completion.prompt_tokens = 7;
  completion.cached_tokens = 2;
  completion.served = engine::Served{.model = model,
                                     .system_fingerprint = "fp " + model,
                                     .endpoint = "https://host/v1",
                                     .output_tokens = tokens,
                                     .reasoning_tokens = 1,
                                     .attempts = 3,
                                     .cost = 0.5};
  return completion;
}

TEST(ServedTally, CountsAnswersAndBoundsNames) {
  ServedTally tally({.dialect = "openai", .model = "m", .price_in = 2}, "EUR");
  tally.add(engine::Completion{});  // nobody answered
  for (int i = 0; i < 100; ++i) tally.add(answer("m-" + std::to_string(i), 10));
  tally.add(answer("m-0", -1));
  const reports::RemoteUse use = tally.total();
  EXPECT_EQ(use.answers, 101);
  EXPECT_EQ(use.attempts, 303);
  EXPECT_EQ(use.prompt_tokens, 707);
  EXPECT_EQ(use.output_tokens, 1000);
  EXPECT_EQ(use.uncounted, 1);
  EXPECT_EQ(use.cost, 50.5);
  EXPECT_EQ(use.endpoint, "https://host/v1");
  EXPECT_EQ(use.models.at("m-0"), 2);
  EXPECT_LE(use.models.size(), 33U) << "a server may invent a name for each answer";
  EXPECT_EQ(use.models.at("(others)"), 68);
}

}  // namespace
}  // namespace moebius::runner
