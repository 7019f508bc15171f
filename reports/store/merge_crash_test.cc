// Whatever happens in the middle of a merge, the target is as it was, and the same command does the
// rest.
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "reports/store/child_process.h"
#include "reports/store/merge_cases.h"
#include "tests/support/random.h"
#include "tests/support/temp_dir.h"

namespace moebius::reports {
namespace {

using cases::dump;
using cases::error_of;
using cases::Evaluation;

/// Stores in a folder of the test's own.
class MergeStores : public testing::Test {
 protected:
  std::string file(const std::string& name) const { return dir.file(name + ".sqlite"); }

  std::vector<std::string> store_shards(const Evaluation& evaluation, int shards) const {
    return cases::store_shards(evaluation, dir.path(), shards);
  }

  tests::TempDir dir;
};

/// One shard of three is merged, the other two are on their way.
class MergeCrash : public MergeStores {
 protected:
  MergeCrash() {
    const Evaluation evaluation{.items = 300};
    const std::vector<std::string> shards = store_shards(evaluation, 3);
    merge_shards(first, {shards[0]}, 0.01);
    rest = {shards[1], shards[2]};
    before = dump(first);
    std::filesystem::copy_file(first, file("after"));
    const auto begin = std::chrono::steady_clock::now();
    merge_shards(file("after"), rest, 0.01);
    whole_us = std::chrono::duration_cast<std::chrono::microseconds>(
                   std::chrono::steady_clock::now() - begin)
                   .count();
    after = dump(file("after"));
  }

  /// A copy of the target before.
  std::string target(const std::string& name) const {
    std::filesystem::copy_file(first, file(name));
    return file(name);
  }

  /// Nothing in between; and the same command ends as if nothing had happened.
  void expect_all_or_nothing(const std::string& all) {
    const std::string found = dump(all);
    ASSERT_TRUE(found == before || found == after) << "a part was merged";
    undone += found == before ? 1 : 0;
    merge_shards(all, rest, 0.01);
    ASSERT_EQ(dump(all), after);
    std::filesystem::remove(all);
  }

  std::string first = file("first");
  std::vector<std::string> rest;
  std::string before;
  std::string after;
  std::int64_t whole_us = 0;
  int undone = 0;
};

/// Merges in a process of its own, which `prepare` makes ready and `end` may end.
template <typename Prepare, typename End>
void merge_in_child(const std::string& all, const std::vector<std::string>& rest, Prepare prepare,
                    End end) {
  const pid_t child = ::fork();
  if (child == 0) {
    prepare();
    try {
      merge_shards(all, rest, 0.01);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "child: %s\n", error.what());
      ::_exit(1);
    }
    ::_exit(0);
  }
  end(child);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0);
}

TEST_F(MergeCrash, KilledAtAnyTime) {
  tests::Random random(tests::seed_or(20261122));
  for (int i = 0; i < 10; ++i) {
    // The first one at once, so that some certainly dies before its end.
    const std::int64_t us = i == 0 ? 0 : random.integer(0, whole_us);
    const std::string all = target("all");
    merge_in_child(
        all, rest, [] {},
        [us](pid_t child) {
          std::this_thread::sleep_for(std::chrono::microseconds(us));
          ::kill(child, SIGKILL);
        });
    ASSERT_NO_FATAL_FAILURE(expect_all_or_nothing(all)) << "killed after " << us << " us";
  }
  EXPECT_GT(undone, 0) << "no merge was killed before its end";
}

/// The kernel ends the process at the write that would make any file longer than that.
TEST_F(MergeCrash, KilledAtAnyWrite) {
  tests::Random random(tests::seed_or(20261122));
  const auto length = static_cast<std::int64_t>(std::filesystem::file_size(file("after")));
  for (int i = 0; i < 10; ++i) {
    const auto most = static_cast<rlim_t>(random.integer(0, length));
    const std::string all = target("all");
    merge_in_child(
        all, rest,
        [most] {
          const rlimit none{0, 0};
          const rlimit size{most, most};
          ::setrlimit(RLIMIT_CORE, &none);
          ::setrlimit(RLIMIT_FSIZE, &size);
        },
        [](pid_t) {});
    ASSERT_NO_FATAL_FAILURE(expect_all_or_nothing(all)) << "files of " << most << " bytes";
  }
  EXPECT_GT(undone, 5) << "no merge was killed before its end";
}

TEST_F(MergeCrash, AFileThatMayNotGrow) {
  const std::string all = target("all");
  const std::string said = cases::in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const auto now = static_cast<rlim_t>(std::filesystem::file_size(all));
    const rlimit limit{now, now};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    return error_of([&] { merge_shards(all, rest, 0.01); });
  });
  EXPECT_NE(said.find(all + ": "), std::string::npos) << said;
  EXPECT_NE(said.find("what was committed before is safe"), std::string::npos) << said;
  EXPECT_EQ(dump(all), before);
  expect_all_or_nothing(all);
}

TEST_F(MergeCrash, AFullDisk) {
  const std::string disk = file("disk");
  std::filesystem::create_directory(disk);
  // The target as it is, and half of what is to come.
  const auto size = [&](const std::string& path) { return std::filesystem::file_size(path); };
  const std::string room =
      "size=" + std::to_string((size(first) + size(file("after"))) / 2 + (64U << 10U));
  const std::string said = cases::in_child([&]() -> std::string {
    if (!cases::own_mounts()) return "skip";
    ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (::mount("none", disk.c_str(), "tmpfs", 0, room.c_str()) != 0) return "skip";
    const std::string all = disk + "/all.sqlite";
    std::filesystem::copy_file(first, all);
    const std::string full = error_of([&] { merge_shards(all, rest, 0.01); });
    if (dump(all) != before) return "the target was changed: " + full;
    if (::mount("none", disk.c_str(), "tmpfs", MS_REMOUNT, "size=64m") != 0) return "skip";
    merge_shards(all, rest, 0.01);
    return dump(all) == after ? full : "the same command did not do the rest: " + full;
  });
  if (said == "skip") GTEST_SKIP() << "no small file system can be mounted here";
  EXPECT_EQ(said.rfind(disk + "/all.sqlite: ", 0), 0U) << said;
  EXPECT_NE(said.find("database or disk is full"), std::string::npos) << said;
}

TEST_F(MergeCrash, ALockedTarget) {
  const auto living = Store::open(first);
  const std::string text = error_of([&] { merge_shards(first, rest, 0.01); });
  EXPECT_NE(text.find(first + ": locked by a living run"), std::string::npos) << text;
  EXPECT_EQ(dump(first), before);
}

/// More shards than a process may have files.
TEST_F(MergeStores, ManyShards) {
  const Evaluation evaluation{.items = 60, .repeats = 1};
  const std::vector<std::string> shards = store_shards(evaluation, 40);
  const std::string said = cases::in_child([&] {
    const rlimit limit{32, 32};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return merge_shards(file("all"), shards, 0.01).run.state;
  });
  EXPECT_EQ(said, "complete");
}

}  // namespace
}  // namespace moebius::reports
