// Whose file it is, which version it has, and what becomes of files that are not right.
#include "reports/store/schema.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "reports/store.h"
#include "reports/store/sample_cases.h"
#include "tests/support/temp_dir.h"

namespace moebius::reports {
namespace {

using Mode = Database::Mode;

template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find_first_of("\r\n"), std::string::npos) << text;
    return text;
  }
  ADD_FAILURE() << "threw nothing";
  return "";
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::int64_t version(Database& database) {
  return database.integer("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'schema_version'");
}

constexpr std::string_view kNext =
    "ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT 'none';"
    "CREATE TABLE labels (run_id INTEGER REFERENCES runs, label TEXT);";

class SchemaTest : public testing::Test {
 protected:
  void make_store(int samples = 3) const {
    const auto store = Store::open(path);
    const Begun begun =
        store->begin_run(cases::run(), {cases::set("t", samples)}, cases::one_scorer());
    for (int i = 0; i < samples; ++i) store->put(cases::sample(begun.sets[0].id, i));
    store->finish_run(begun.run.id, "complete", "");
  }

  tests::TempDir dir;
  std::string path = dir.file("results.sqlite");
};

/// The scripts there are, and one more.
std::vector<std::string_view> with(std::string_view next) {
  std::vector<std::string_view> scripts(migrations().begin(), migrations().end());
  scripts.push_back(next);
  return scripts;
}

const std::int64_t kNewest = std::ssize(migrations());

TEST_F(SchemaTest, AMigrationKeepsTheRows) {
  make_store();
  {
    Database database(path, Mode::kReadWrite);
    const std::vector<std::string_view> scripts = with(kNext);
    migrate(database, scripts);
    EXPECT_EQ(version(database), kNewest + 1);
    EXPECT_EQ(database.integer("SELECT count(*) FROM runs WHERE note = 'none'"), 1);
    EXPECT_EQ(database.integer("SELECT count(*) FROM v_scores"), 3);
    migrate(database, scripts);  // nothing left to do
    EXPECT_EQ(version(database), kNewest + 1);
  }
  const std::string text = error_of([&] { Store::open(path); });
  EXPECT_NE(text.find("written by a newer moebius: schema version " + std::to_string(kNewest + 1) +
                      ", this one knows up to " + std::to_string(kNewest)),
            std::string::npos)
      << text;
  EXPECT_NE(error_of([&] { Reader::open(path); }).find("newer"), std::string::npos);
}

TEST_F(SchemaTest, AFailedMigrationLeavesTheVersionBefore) {
  make_store();
  const std::string broken = std::string(kNext) + "INSERT INTO nowhere VALUES (1);";
  const std::string orphan = std::string(kNext) + "INSERT INTO labels VALUES (99, 'x');";
  for (const std::string& script : {broken, orphan}) {
    Database database(path, Mode::kReadWrite);
    error_of([&] { migrate(database, with(script)); });
    EXPECT_EQ(version(database), kNewest);
    EXPECT_EQ(database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'labels'"), 0);
    EXPECT_EQ(database.integer("SELECT count(*) FROM pragma_table_info('runs')"
                               " WHERE name = 'note'"),
              0);
  }
  EXPECT_EQ(Reader::open(path)->runs().size(), 1U);
}

/// What a store looked like before a run could be a shard.
void make_second_version(const std::string& path) {
  Database database(path, Mode::kReadWrite);
  database.run(
      "DROP TABLE merged_shards; DROP VIEW v_results;"
      "ALTER TABLE runs DROP COLUMN shard; ALTER TABLE runs DROP COLUMN shards;"
      "ALTER TABLE runs DROP COLUMN whole_key; ALTER TABLE sets DROP COLUMN whole_items;"
      "ALTER TABLE sets DROP COLUMN questions_sha256; ALTER TABLE sets DROP COLUMN scorers;"
      "UPDATE meta SET value = '2' WHERE name = 'schema_version'");
  const std::string_view first = migrations()[0];
  database.run(first.substr(first.find("CREATE VIEW v_results")));
}

/// What a store looked like before there were profiles.
void make_first_version(const std::string& path) {
  make_second_version(path);
  Database database(path, Mode::kReadWrite);
  database.run(
      "DROP VIEW v_kernels; DROP TABLE kernels; DROP TABLE profiles;"
      "UPDATE meta SET value = '1' WHERE name = 'schema_version'");
}

TEST_F(SchemaTest, ASecondVersionIsWhatTheSecondScriptMakes) {
  make_store();
  make_second_version(path);
  const auto tables = [](Database& database) {
    // Dropping a column leaves no trace in table_info, but in the text of CREATE TABLE.
    Statement columns(database,
                      "SELECT m.name || '.' || c.name FROM sqlite_schema AS m,"
                      " pragma_table_info(m.name) AS c ORDER BY 1");
    std::string text;
    while (columns.step()) text += columns.text(0) + "\n";
    return text;
  };
  Database made(path, Mode::kReadWrite);
  Database second(dir.file("second.sqlite"), Mode::kReadWrite);
  migrate(second, migrations().first(2));
  EXPECT_EQ(tables(made), tables(second));
}

TEST_F(SchemaTest, AStoreOfTheSecondVersionIsReadAsItIs) {
  make_store();
  make_second_version(path);
  const std::string before = read_file(path);
  {
    const auto reader = Reader::open(path);
    const reports::Run run = reader->find_run("last");
    EXPECT_EQ(run.shards, 0);
    EXPECT_EQ(run.whole_key, "");
    EXPECT_EQ(reader->sets(run.id).at(0).whole_items, 3);
    EXPECT_EQ(summarize(*reader, run, 0.01).rows.at(0).part, "");
  }
  EXPECT_EQ(read_file(path), before);
  EXPECT_NE(
      error_of([&] { merge_shards(dir.file("all.sqlite"), {path}, 0.01); }).find("not a shard"),
      std::string::npos);
}

TEST_F(SchemaTest, AStoreOfTheSecondVersionIsConvertedByWhoWrites) {
  make_store();
  make_second_version(path);
  {
    const auto store = Store::open(path);
    const Begun begun = store->begin_run(cases::run(), {cases::set("t", 3)}, cases::one_scorer());
    EXPECT_TRUE(begun.resumed);
    EXPECT_EQ(begun.done.size(), 3U);
  }
  Database database(path, Mode::kRead);
  EXPECT_EQ(version(database), kNewest);
  EXPECT_EQ(database.integer("SELECT whole_items FROM sets"), 3);
  EXPECT_EQ(database.integer("SELECT count(*) FROM v_results WHERE shard = ''"), 1);
}

TEST_F(SchemaTest, AStoreOfTheFirstVersionIsReadAsItIs) {
  make_store();
  make_first_version(path);
  const std::string before = read_file(path);
  {
    const auto reader = Reader::open(path);
    const reports::Run run = reader->find_run("last");
    int samples = 0;
    reader->each_sample(run.id, "", [&](const SampleRow&) { ++samples; });
    EXPECT_EQ(samples, 3);
    EXPECT_TRUE(reader->profiles(run.id).empty());
    EXPECT_EQ(summarize(*reader, run, 0.01).rows.at(0).samples, 3);
  }
  EXPECT_EQ(read_file(path), before);
}

TEST_F(SchemaTest, AStoreOfTheFirstVersionIsConvertedByWhoWrites) {
  make_store();
  make_first_version(path);
  const auto store = Store::open(path);
  const Begun begun = store->begin_run(cases::run(), {cases::set("t", 3)}, cases::one_scorer());
  EXPECT_TRUE(begun.resumed);
  EXPECT_EQ(begun.done.size(), 3U);
  Profile profile;
  profile.device = "cpu";
  profile.kernels.push_back({.kernel = "gemm", .calls = 1});
  store->add_profile(begun.run.id, profile);
  store->flush();
  const auto reader = Reader::open(path);
  EXPECT_EQ(reader->profiles(begun.run.id).at(0).kernels.at(0).kernel, "gemm");
  int samples = 0;
  reader->each_sample(begun.run.id, "", [&](const SampleRow&) { ++samples; });
  EXPECT_EQ(samples, 3);
}

TEST_F(SchemaTest, AVersionThatNeverWasIsRefused) {
  make_store();
  {
    Database database(path, Mode::kReadWrite);
    database.run("UPDATE meta SET value = '0' WHERE name = 'schema_version'");
  }
  EXPECT_NE(error_of([&] { Reader::open(path); }).find("no schema_version"), std::string::npos);
}

TEST_F(SchemaTest, IdentifiesItself) {
  make_store();
  Database database(path, Mode::kRead);
  EXPECT_EQ(database.integer("PRAGMA application_id"), kApplicationId);
  EXPECT_EQ(read_file(path).substr(68, 4), "Moeb");
  EXPECT_EQ(database.integer("SELECT length(value) FROM meta WHERE name = 'created'"), 20);
}

struct Bad {
  const char* name;
  std::string (*make)(const std::string& good);
  const char* expected;  // in the message of Reader::open or of reading everything
};

std::string flip(std::string bytes, std::size_t from, std::size_t count) {
  for (std::size_t i = from; i < from + count && i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(bytes[i] ^ 0x5a);
  }
  return bytes;
}

const Bad kBad[] = {
    {"text", [](const std::string&) { return std::string(5000, 'x'); }, "not a database"},
    {"short", [](const std::string&) { return std::string("SQLite format 3"); }, "not a"},
    {"header", [](const std::string& good) { return good.substr(0, 100); }, ""},
    {"half", [](const std::string& good) { return good.substr(0, good.size() / 2); }, ""},
    {"first page", [](const std::string& good) { return flip(good, 100, 400); }, ""},
    {"all pages", [](const std::string& good) { return flip(good, 8192, good.size()); }, ""},
    {"zeros", [](const std::string& good) { return std::string(good.size(), '\0'); },
     "not a database"},
};

/// Everything there is to read.
void read_all(const std::string& path) {
  const auto reader = Reader::open(path);
  for (const Run& run : reader->runs()) {
    reader->each_sample(run.id, "", [](const SampleRow&) {});
    summarize(*reader, run, 0.01);
  }
}

TEST_F(SchemaTest, HostileFilesAreOneLineOfText) {
  make_store(200);
  const std::string good = read_file(path);
  read_all(path);
  for (const Bad& bad : kBad) {
    const std::string bytes = bad.make(good);
    const std::string file = dir.write(std::string(bad.name) + ".sqlite", bytes);
    const std::string text = error_of([&] { read_all(file); });
    EXPECT_NE(text.find(file), std::string::npos) << bad.name << ": " << text;
    EXPECT_NE(text.find(bad.expected), std::string::npos) << bad.name << ": " << text;
    error_of([&] {
      const auto store = Store::open(file);
      store->begin_run(cases::run(), {cases::set("t", 200)}, cases::one_scorer());
    });
    EXPECT_FALSE(std::filesystem::exists(file + "-lock")) << bad.name;
  }
}

TEST_F(SchemaTest, AForeignDatabaseIsLeftAlone) {
  {
    Database other(path, Mode::kReadWrite);
    other.run("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')");
  }
  const std::string before = read_file(path);
  EXPECT_NE(error_of([&] { Store::open(path); }).find("not a moebius store"), std::string::npos);
  EXPECT_NE(error_of([&] { Reader::open(path); }).find("not a moebius store"), std::string::npos);
  EXPECT_EQ(read_file(path), before);
}

TEST_F(SchemaTest, PathsThatAreNoFiles) {
  EXPECT_NE(error_of([&] { Reader::open(path); }).find("no such store"), std::string::npos);
  EXPECT_NE(error_of([&] { Store::open(dir.path()); }).find(dir.path()), std::string::npos);
  EXPECT_NE(error_of([&] { Reader::open(dir.path()); }).find(dir.path()), std::string::npos);
  EXPECT_NE(error_of([&] { Store::open(dir.file("no/such/x.sqlite")); }).find("No such file"),
            std::string::npos);
  dir.write("empty.sqlite", "");
  EXPECT_NE(error_of([&] { Reader::open(dir.file("empty.sqlite")); }).find("empty: no run"),
            std::string::npos);
  Store::open(dir.file("empty.sqlite"));  // an empty file becomes a store
  EXPECT_EQ(Reader::open(dir.file("empty.sqlite"))->runs().size(), 0U);
}

TEST_F(SchemaTest, PathsAreTakenAsTheyAre) {
  path = dir.file("50% of?mode=ro#1 é'.sqlite");
  make_store();
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(Reader::open(path)->runs().size(), 1U);
}

TEST_F(SchemaTest, AnUnknownVerdictIsRefusedWhenRead) {
  make_store();
  {
    Database database(path, Mode::kReadWrite);
    database.run("UPDATE scores SET verdict = 'splendid'");
  }
  EXPECT_NE(error_of([&] { read_all(path); }).find("verdict \"splendid\""), std::string::npos);
}

TEST_F(SchemaTest, AHostileListIsRefusedWhenRead) {
  for (const std::string& list : {std::string("[1"), std::string("{}"), std::string("[[1,2]]"),
                                  std::string("[[[],1,1]]"), std::string("[[\"x\",1,1]]"),
                                  std::string("[[1,1e99,{}]]"), "[[" + std::string(1000, '[')}) {
    std::filesystem::remove(path);
    make_store();
    {
      Database database(path, Mode::kReadWrite);
      Statement set(database, "UPDATE samples SET choices = ?");
      set.bind(1, list).run();
    }
    if (list == "{}") {
      read_all(path);
      continue;
    }
    EXPECT_NE(error_of([&] { read_all(path); }).find("choices"), std::string::npos) << list;
  }
}

}  // namespace
}  // namespace moebius::reports
