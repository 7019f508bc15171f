// The parts that need no sandbox: frames, groups on made-up trees, /proc texts, the gate, policy.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "scorers/sandbox/cgroup.h"
#include "scorers/sandbox/cgroup_files.h"
#include "scorers/sandbox/frames.h"
#include "scorers/sandbox/gate.h"
#include "scorers/sandbox/policy.h"
#include "scorers/sandbox/tree.h"
#include "scorers/sandbox/zygote.h"
#include "tests/support/temp_dir.h"

namespace moebius::scorers::sandbox {
namespace {

using State = FrameReader::State;

TEST(Frames, ComeOutAsTheyWentInHoweverTheyAreCut) {
  const std::vector<std::string> frames = {"", "a", std::string(300, 'x'), std::string("\0\1", 2)};
  std::string stream;
  for (const std::string& frame : frames) stream += encode_frame(frame);
  for (std::size_t piece : {1U, 2U, 3U, 7U, 1000U}) {
    FrameReader reader;
    std::vector<std::string> got;
    std::string frame;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.push(std::string_view(stream).substr(at, piece));
      while (reader.next(frame, 300) == State::kFrame) got.push_back(frame);
    }
    EXPECT_EQ(got, frames) << piece;
    EXPECT_EQ(reader.held(), 0U);
  }
}

TEST(Frames, ATooLongOneEndsTheStream) {
  FrameReader reader;
  std::string frame;
  reader.push(encode_frame("12345") + encode_frame("1"));
  EXPECT_EQ(reader.next(frame, 4), State::kTooLong);
  reader.push(encode_frame("1"));
  EXPECT_EQ(reader.next(frame, 4), State::kTooLong);
  EXPECT_EQ(reader.held(), 0U);
}

TEST(Frames, WantedIsWhatIsMissing) {
  FrameReader reader;
  EXPECT_EQ(reader.wanted(), 4U);
  reader.push(std::string_view("\5\0", 2));
  EXPECT_EQ(reader.wanted(), 2U);
  reader.push(std::string_view("\0\0ab", 4));
  EXPECT_EQ(reader.wanted(), 3U);
}

TEST(Records, StrangersAreNotTakenForReplies) {
  Reply reply;
  reply.kind = ReplyKind::kEnded;
  EXPECT_TRUE(valid_reply(reply));
  Reply bad = reply;
  bad.magic = 1;
  EXPECT_FALSE(valid_reply(bad));
  bad = reply;
  bad.kind = static_cast<ReplyKind>(7);
  EXPECT_FALSE(valid_reply(bad));
  bad = reply;
  bad.stage = Stage::kCount;
  EXPECT_FALSE(valid_reply(bad));
  bad = reply;
  bad.cpu_ns = -1;
  EXPECT_FALSE(valid_reply(bad));
  bad = reply;
  bad.text[sizeof bad.text - 1] = 'x';
  EXPECT_FALSE(valid_reply(bad));
}

TEST(Refusal, SaysWhatWhyAndTheWaysOut) {
  const std::string text = refusal(Stage::kIdMap, EPERM);
  for (const char* part :
       {"sandbox: cannot map", "Operation not permitted", "AppArmor",
        "Model-written code will NOT be run.", "--sandbox=landlock", "--unsafe-no-sandbox"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " not in: " << text;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(Stage::kCount); ++i)
    EXPECT_STRNE(stage_name(static_cast<Stage>(i)), "");
}

// ---- groups -------------------------------------------------------------------------------

std::string mount_line(const std::string& root, const std::string& point, const std::string& type,
                       const std::string& options) {
  return "30 24 0:26 " + root + " " + point + " rw,relatime shared:9 - " + type + " none " +
         options + "\n";
}

TEST(Groups, OwnPlaceIsFoundInBothVersions) {
  const tests::TempDir dir;
  std::filesystem::create_directories(dir.file("mem/a/b"));
  const std::string mounts = mount_line("/", dir.file("mem"), "cgroup", "rw,memory") +
                             mount_line("/box", dir.file("two"), "cgroup2", "rw");
  const std::string own = "4:cpu,cpuacct:/x\n3:memory:/a/b\n0::/box/in\n";
  EXPECT_EQ(own_group(own, mounts, "memory"), dir.file("mem/a/b"));
  EXPECT_EQ(own_group(own, mounts, "pids"), "");
  EXPECT_EQ(own_group(own, mounts, ""), dir.file("two"));  // /in is not visible from here
  std::filesystem::create_directories(dir.file("two/in"));
  EXPECT_EQ(own_group(own, mounts, ""), dir.file("two/in"));
}

TEST(Groups, Version2CountsFromItsBeginning) {
  const tests::TempDir dir;
  const std::string group = dir.file("g");
  std::filesystem::create_directory(group);
  const auto put = [&](const char* name, const std::string& text) {
    std::ofstream(group + "/" + name) << text;
  };
  put("cpu.stat", "usage_usec 1000\nuser_usec 600\n");
  put("memory.current", "5000\n");
  put("memory.max", "max\n");
  put("memory.events", "low 0\noom 2\noom_kill 2\noom_group_kill 0\n");
  put("pids.current", "3\n");
  put("pids.max", "max\n");
  put("pids.events", "max 4\n");
  put("cgroup.procs", "");
  {
    const std::unique_ptr<Group> made = adopt_group_v2(group);
    EXPECT_TRUE(made->counts_cpu() && made->counts_memory() && made->counts_processes());
    made->begin(100000, 20);
    put("cpu.stat", "usage_usec 2500\nuser_usec 600\n");
    put("memory.events", "low 0\noom 3\noom_kill 3\noom_group_kill 0\n");
    put("pids.events", "max 9\n");
    const Usage usage = made->usage();
    EXPECT_EQ(usage.cpu_ns, 1'500'000);
    EXPECT_EQ(usage.out_of_memory, 1);
    EXPECT_EQ(usage.process_hits, 5);
    std::string text;
    EXPECT_TRUE(read_small_file(group + "/memory.max", text));
    EXPECT_EQ(text.substr(0, 6), "105000");
    EXPECT_TRUE(read_small_file(group + "/pids.max", text));
    EXPECT_EQ(text.substr(0, 2), "23");
    put("cpu.stat", "nothing\n");
    EXPECT_THROW((void)made->usage(), Error);
  }
}

TEST(Groups, Version2NeedsItsControllers) {
  const tests::TempDir dir;
  const std::string mounts = mount_line("/", dir.path(), "cgroup2", "rw");
  (void)dir.write("cgroup.controllers", "hugetlb\n");
  (void)dir.write("cgroup.subtree_control", "");
  EXPECT_EQ(find_groups_v2("0::/\n", mounts), nullptr);
  (void)dir.write("cgroup.controllers", "cpu memory pids\n");
  (void)dir.write("cgroup.subtree_control", "memory pids\n");
  const auto groups = find_groups_v2("0::/\n", mounts);
  ASSERT_NE(groups, nullptr);
  EXPECT_EQ(groups->name(), "cgroup-v2(memory,pids,cpu)");
  EXPECT_NE(groups->make(1), nullptr);
}

TEST(Groups, StaleOnesGoOthersStay) {
  const tests::TempDir dir;
  // Process ids end at 2^22.
  const std::string stale = "moebius-4194305-0-0",
                    living = "moebius-" + std::to_string(::getpid()) + "-0-0";
  for (const std::string& name :
       {stale, living, std::string("somebody-4194305"), std::string("moebius-")})
    std::filesystem::create_directory(dir.file(name));
  remove_stale_groups(dir.path());
  EXPECT_FALSE(std::filesystem::exists(dir.file(stale)));
  EXPECT_TRUE(std::filesystem::exists(dir.file(living)));
  EXPECT_TRUE(std::filesystem::exists(dir.file("somebody-4194305")));
  EXPECT_TRUE(std::filesystem::exists(dir.file("moebius-")));
}

TEST(Groups, FieldsAreFoundByWholeName) {
  EXPECT_EQ(field_of("oom_killer 1\noom_kill 7\n", "oom_kill"), 7);
  EXPECT_EQ(field_of("oom_kill_disable 0\nunder_oom 0\noom_kill 3", "oom_kill"), 3);
  EXPECT_EQ(field_of("max\n", "max"), -1);
  EXPECT_EQ(field_of("", "max"), -1);
}

// ---- /proc --------------------------------------------------------------------------------

TEST(Tree, StatIsReadBehindTheName) {
  ProcessStat stat;
  EXPECT_TRUE(parse_stat(
      "7 (a) S (b) R 1 7 7 0 -1 4194304 100 0 0 0 11 22 33 44 20 0 5 0 999 1 1\n", stat));
  EXPECT_EQ(stat.ticks, 110);
  EXPECT_EQ(stat.threads, 5);
  for (const char* bad : {"", "7", "7 (a", "7 (a)", "7 (a) R", "7 (a) R 1 2 x"})
    EXPECT_FALSE(parse_stat(bad, stat)) << bad;
}

TEST(Tree, SeesThisProcess) {
  const TreeUsage usage = tree_usage(::getpid(), 0);
  EXPECT_GT(usage.own_bytes, 0);
  EXPECT_GT(anonymous_bytes(::getpid()), 0);
  EXPECT_EQ(anonymous_bytes(-1), 0);
}

// ---- gate ---------------------------------------------------------------------------------

TEST(Gate, HoldsNoMoreThanItsPlaces) {
  Gate gate(3);
  std::atomic<int> inside{0}, most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const Gate::Pass pass(gate, false);
        const int now = ++inside;
        int seen = most;
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::yield();
        --inside;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 3);
}

TEST(Gate, AloneFromWithinIsRefused) {
  Gate gate(2);
  const Gate::Pass pass(gate, false);
  EXPECT_THROW(Gate::Pass(gate, true), Error);
  const Gate::Pass again(gate, false);
}

// ---- policy -------------------------------------------------------------------------------

TEST(Policy, FilterIsTheSameEachTime) {
  const Filter first = compile_filter(), second = compile_filter();
  EXPECT_EQ(first.hash, second.hash);
  EXPECT_EQ(first.hash.size(), 12U);
  EXPECT_GT(first.program.size(), 50U);
  EXPECT_LT(first.program.size(), kMaxFilter);
}

TEST(Policy, LimitsFollowWhatIsCountedElsewhere) {
  Program program;
  program.limits.processes = 10;
  program.limits.cpu_seconds = 1.2;
  Counted all{true, true, true, true};
  EXPECT_EQ(make_request(program, all).cpu_seconds, 3);
  EXPECT_GT(make_request(program, all).processes, 12);  // the group says when
  all.processes = false;
  EXPECT_EQ(make_request(program, all).processes, 12);
  EXPECT_DOUBLE_EQ(wall_limit(program.limits), 3 * 1.2 + 2);
  program.limits.wall_seconds = 9;
  EXPECT_DOUBLE_EQ(wall_limit(program.limits), 9);
}

}  // namespace
}  // namespace moebius::scorers::sandbox
