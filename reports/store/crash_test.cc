// A run that is killed at any moment and started again ends with the rows of one that never was.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "reports/store.h"
#include "reports/store/child_process.h"
#include "reports/store/database.h"
#include "reports/store/sample_cases.h"
#include "tests/support/random.h"
#include "tests/support/temp_dir.h"

namespace moebius::reports {
namespace {

constexpr int kItems = 100;
constexpr int kRepeats = 3;
const std::vector<Set> kSets = {cases::set("mmlu", kItems), cases::set("aime24", kItems, kRepeats)};

Sample planned_sample(const Set& set, int item, int repeat) {
  if (item % 11 == 7 && repeat == 0) return cases::failed(set.id, item, repeat);
  Sample sample = cases::sample(set.id, item, repeat);
  sample.key += set.task;
  sample.text = std::string(static_cast<std::size_t>(item % 9) * 700, 't');
  return sample;
}

/// Runs what is missing; `pause_us` between samples, a flush now and then.
void run_all(const std::string& path, int pause_us) {
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(cases::run(), kSets, cases::one_scorer(2));
  int count = 0;
  for (const Set& set : begun.sets) {
    for (int item = 0; item < kItems; ++item) {
      for (int repeat = 0; repeat < set.repeats; ++repeat) {
        Sample sample = planned_sample(set, item, repeat);
        if (begun.done.count(sample.key) != 0) continue;
        store->put(std::move(sample));
        if (++count % 37 == 0) store->flush();
        if (pause_us > 0) ::usleep(static_cast<useconds_t>(pause_us));
      }
    }
  }
  store->finish_run(begun.run.id, "complete", "");
}

/// Everything but times and row ids, in an order that does not depend on them.
std::string dump(const std::string& path) {
  Database database(path, Database::Mode::kRead);
  std::string text;
  for (const char* sql :
       {"SELECT key, command, model, build, state FROM runs ORDER BY key",
        "SELECT task, variant, items, repeats, seed FROM sets ORDER BY position",
        "SELECT task, variant, item, position, repeat, cluster, stratum, finish, prompt_tokens,"
        " output_tokens, target, prompt, text, choices, key FROM v_samples"
        " ORDER BY task, position, repeat",
        "SELECT task, item, repeat, scorer, version, headline, verdict, value, extracted, reason"
        " FROM v_scores ORDER BY task, item, repeat, scorer, version",
        "SELECT task, item, repeat, kind, message FROM v_failures ORDER BY task, item, repeat",
        "SELECT set_id, item FROM items ORDER BY set_id, item"}) {
    Statement rows(database, sql);
    while (rows.step()) {
      for (int c = 0; c < rows.columns(); ++c) text += rows.text(c) + "|";
      text += "\n";
    }
  }
  return text;
}

/// Whether a killed process got as far as committing a sample.
bool has_rows(const std::string& path) {
  if (!std::filesystem::exists(path)) return false;
  Database database(path, Database::Mode::kRead);
  return database.integer("SELECT count(*) FROM sqlite_schema") > 0 &&
         database.integer("SELECT count(*) FROM samples") > 0;
}

/// What must hold after every kill, without anything being repaired.
void expect_sound(const std::string& path) {
  Database database(path, Database::Mode::kRead);
  Statement check(database, "PRAGMA integrity_check");
  ASSERT_TRUE(check.step());
  ASSERT_EQ(check.text(0), "ok");
  ASSERT_EQ(database.integer("SELECT count(*) FROM pragma_foreign_key_check"), 0);
  ASSERT_EQ(database.integer("SELECT count(*) FROM samples WHERE id NOT IN"
                             " (SELECT sample_id FROM scores)"),
            0);
  ASSERT_EQ(database.integer("SELECT count(*) FROM samples JOIN failures USING (item_id, repeat)"),
            0);
}

/// True if the child ended by itself.
bool run_and_kill(const std::string& path, std::int64_t after_us) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      run_all(path, 30);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "child: %s\n", error.what());
      ::_exit(1);
    }
    ::_exit(0);
  }
  ::usleep(static_cast<useconds_t>(after_us));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Crash, KilledAHundredTimesEqualsNever) {
  const tests::TempDir dir;
  const std::string never = dir.file("never.sqlite");
  run_all(never, 0);
  const std::string want = dump(never);
  ASSERT_GT(want.size(), 500'000U);
  tests::Random random(tests::seed_or(3));
  int kills = 0;
  int finished = 0;
  int unfinished = 0;
  for (int store = 0; kills < 100; ++store) {
    const std::string path = dir.file(std::to_string(store) + ".sqlite");
    while (kills < 100 && !run_and_kill(path, random.integer(0, 90'000))) {
      ++kills;
      if (!has_rows(path)) continue;
      ++unfinished;
      ASSERT_NO_FATAL_FAILURE(expect_sound(path)) << "after kill " << kills;
    }
    run_all(path, 0);  // after the last kill; otherwise finds everything done
    ++finished;
    ASSERT_TRUE(dump(path) == want) << "store " << store << " differs after " << kills << " kills";
  }
  std::printf("%d kills, %d of them with rows written, %d stores finished\n", kills, unfinished,
              finished);
  EXPECT_GT(unfinished, 20);
}

TEST(Crash, ALockDiesWithItsProcess) {
  const tests::TempDir dir;
  const std::string path = dir.file("results.sqlite");
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto store = Store::open(path);
    if (::write(ends[1], "x", 1) == 1) ::pause();
    ::_exit(1);
  }
  char ready = 0;
  ASSERT_EQ(::read(ends[0], &ready, 1), 1);
  try {
    Store::open(path);
    ADD_FAILURE() << "opened beside a living writer";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("process " + std::to_string(child) + " on "),
              std::string::npos)
        << error.what();
  }
  EXPECT_EQ(Reader::open(path)->runs().size(), 0U);  // readers work beside it
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  Store::open(path);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Crash, AReaderRollsBackWhatAKilledProcessBegan) {
  const tests::TempDir dir;
  const std::string path = dir.file("results.sqlite");
  Store::open(path);
  const pid_t child = ::fork();
  if (child == 0) {
    // As between the creation of a store and its switch to a write-ahead log: a journal that
    // must be played back, and pages of an open transaction in the file already.
    Database database(path, Database::Mode::kReadWrite);
    database.run("PRAGMA journal_mode = DELETE");
    database.run("PRAGMA cache_size = 1");
    database.run("BEGIN IMMEDIATE");
    database.run("CREATE TABLE junk (x)");
    for (int i = 0; i < 200; ++i) database.run("INSERT INTO junk VALUES (randomblob(4000))");
    ::raise(SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  ASSERT_TRUE(std::filesystem::exists(path + "-journal"));
  EXPECT_EQ(Reader::open(path)->runs().size(), 0U);
  Database database(path, Database::Mode::kRead);
  EXPECT_EQ(database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'junk'"), 0);
  EXPECT_THROW(database.run("CREATE TABLE mine (x)"), Error);
}

/// Puts big samples until the store complains; says how many had been flushed, and the complaint.
std::string fill(const std::string& path) {
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(cases::run(), {cases::set("t", 1000)}, cases::one_scorer());
  int flushed = 0;
  try {
    for (int i = 0; i < 1000; ++i) {
      Sample sample = cases::sample(begun.sets[0].id, i);
      sample.text.assign(20'000, 'x');
      store->put(sample);
      store->flush();
      flushed = i + 1;
    }
  } catch (const Error& error) {
    return std::to_string(flushed) + " " + error.what();
  }
  return "never full";
}

void expect_nothing_lost(const std::string& path, const std::string& said) {
  EXPECT_NE(said.find(path), std::string::npos) << said;
  EXPECT_NE(said.find("what was committed before is safe"), std::string::npos) << said;
  EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  const int flushed = std::stoi(said);
  EXPECT_GT(flushed, 5) << said;
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(cases::run(), {cases::set("t", 1000)}, cases::one_scorer());
  EXPECT_TRUE(begun.resumed);
  EXPECT_GE(begun.done.size(), static_cast<std::size_t>(flushed));
  EXPECT_LE(begun.done.size(), static_cast<std::size_t>(flushed) + 1);
  store->put(cases::sample(begun.sets[0].id, 999));
  store->flush();
}

TEST(Crash, AFileThatMayNotGrowLosesNothing) {
  const tests::TempDir dir;
  const std::string path = dir.file("results.sqlite");
  const std::string said = cases::in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    return fill(path);
  });
  expect_nothing_lost(path, said);
}

TEST(Crash, AFullDiskLosesNothing) {
  const tests::TempDir dir;
  const std::string said = cases::in_child([&]() -> std::string {
    if (!cases::own_mounts()) return "skip";
    ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (::mount("none", dir.path().c_str(), "tmpfs", 0, "size=2m") != 0) return "skip";
    const std::string path = dir.file("results.sqlite");
    const std::string full = fill(path);
    if (::mount("none", dir.path().c_str(), "tmpfs", MS_REMOUNT, "size=64m") != 0) return "skip";
    expect_nothing_lost(path, full);
    return testing::Test::HasFailure() ? "failed: " + full : full;
  });
  if (said == "skip") GTEST_SKIP() << "no small file system can be mounted here";
  EXPECT_NE(said.find("database or disk is full"), std::string::npos) << said;
  EXPECT_EQ(said.find("failed"), std::string::npos) << said;
}

/// As nobody, for whom permissions hold; the current user if that cannot be.
std::string unprivileged(const std::function<std::string()>& action) {
  return cases::in_child([&]() -> std::string {
    constexpr uid_t kNobody = 65534;
    if (::getuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) return "skip";
    return action();
  });
}

TEST(Crash, AReadOnlyFolderCanBeReadAndNotWritten) {
  const tests::TempDir dir;
  const std::string path = dir.file("results.sqlite");
  run_all(path, 0);
  ASSERT_FALSE(std::filesystem::exists(path + "-wal"));
  ::chmod(dir.path().c_str(), 0555);
  const std::string wrote = unprivileged([&]() -> std::string {
    Store::open(path);
    return "opened";
  });
  const std::string read = unprivileged([&] {
    int rows = 0;
    const auto reader = Reader::open(path);
    reader->each_sample(reader->find_run("last").id, "", [&](const SampleRow&) { ++rows; });
    return std::to_string(rows);
  });
  ::chmod(dir.path().c_str(), 0755);
  if (wrote == "skip") GTEST_SKIP() << "cannot become another user";
  EXPECT_NE(wrote.find("cannot create " + path + "-lock: Permission denied"), std::string::npos)
      << wrote;
  EXPECT_EQ(read, std::to_string(kItems * (1 + kRepeats)));
}

}  // namespace
}  // namespace moebius::reports
