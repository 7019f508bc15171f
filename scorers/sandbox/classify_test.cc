// Every way to end, from facts alone.
#include "scorers/sandbox/classify.h"

#include <gtest/gtest.h>

#include <csignal>

namespace moebius::scorers::sandbox {
namespace {

constexpr int exited(int code) {
  return code << 8;
}

Facts told(int wait_status) {
  Facts facts;
  facts.reported = true;
  facts.wait_status = wait_status;
  return facts;
}

Ending of(const Facts& facts) {
  Ending ending;
  EXPECT_TRUE(classify(facts, ending));
  return ending;
}

TEST(Classify, ItsOwnEnd) {
  EXPECT_EQ(of(told(exited(0))).end, End::kExited);
  EXPECT_EQ(of(told(exited(7))).code, 7);
  EXPECT_EQ(of(told(SIGSEGV)).end, End::kSignalled);
  EXPECT_EQ(of(told(SIGSEGV)).code, SIGSEGV);
  EXPECT_EQ(of(told(SIGKILL)).end, End::kSignalled);  // by itself: none of our limits was hit
}

TEST(Classify, NoReportAndNoReasonIsOurFailure) {
  Ending ending;
  EXPECT_FALSE(classify(Facts{}, ending));
  Facts full;
  full.disk_full = true;
  EXPECT_TRUE(classify(full, ending));
}

TEST(Classify, TheKillersRecordComesFirst) {
  for (const auto& [killed, end] :
       {std::pair{Killed::kCpu, End::kCpuLimit}, std::pair{Killed::kWall, End::kWallLimit},
        std::pair{Killed::kMemory, End::kMemoryLimit},
        std::pair{Killed::kOutput, End::kOutputLimit},
        std::pair{Killed::kFinished, End::kStopped}}) {
    Facts facts;
    facts.killed = killed;
    EXPECT_EQ(of(facts).end, end);
    facts.reported = true;  // a report that the kill itself brought about
    facts.wait_status = SIGKILL;
    EXPECT_EQ(of(facts).end, killed == Killed::kFinished ? End::kSignalled : end);
  }
}

TEST(Classify, FinishFindsAnEndThatWasAlreadyTold) {
  Facts facts = told(exited(3));
  facts.killed = Killed::kFinished;
  EXPECT_EQ(of(facts).end, End::kExited);
  EXPECT_EQ(of(facts).code, 3);
}

TEST(Classify, AnyProcessKilledForMemoryIsTheMemoryLimit) {
  Facts facts = told(exited(0));
  facts.out_of_memory = 1;
  EXPECT_EQ(of(facts).end, End::kMemoryLimit);
  facts.killed = Killed::kWall;
  EXPECT_EQ(of(facts).end, End::kMemoryLimit);
}

TEST(Classify, ProcessLimitExplainsFailureAndTimeButNotSuccess) {
  Facts facts = told(exited(0));
  facts.processes_hit = true;
  EXPECT_EQ(of(facts).end, End::kExited);
  facts.wait_status = exited(1);
  EXPECT_EQ(of(facts).end, End::kProcessLimit);
  facts.killed = Killed::kCpu;
  EXPECT_EQ(of(facts).end, End::kProcessLimit);
  facts.killed = Killed::kWall;
  EXPECT_EQ(of(facts).end, End::kProcessLimit);
}

TEST(Classify, DiskAndTouchedMemoryExplainFailureOnly) {
  Facts facts = told(exited(0));
  facts.disk_full = facts.memory_touched = true;
  EXPECT_EQ(of(facts).end, End::kExited);
  facts.wait_status = exited(1);
  EXPECT_EQ(of(facts).end, End::kMemoryLimit);
  facts.memory_touched = false;
  EXPECT_EQ(of(facts).end, End::kDiskLimit);
}

TEST(Classify, LimitsPassedAtTheVeryEndCount) {
  Facts facts = told(exited(0));
  facts.over_output = true;
  EXPECT_EQ(of(facts).end, End::kOutputLimit);
  facts.over_cpu = true;
  EXPECT_EQ(of(facts).end, End::kCpuLimit);
}

}  // namespace
}  // namespace moebius::scorers::sandbox
