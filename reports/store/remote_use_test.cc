// What servers were used for: the last word of each attempt, all attempts added up.
#include "reports/store/remote_use.h"

#include <gtest/gtest.h>

#include "reports/store/sample_cases.h"
#include "tests/support/temp_dir.h"

namespace moebius::reports {
namespace {

RemoteUse use(std::int64_t times, const std::string& fingerprint) {
  return {.dialect = "openai",
          .endpoint = "https://host/v1",
          .model = "m",
          .models = {{"m-1", times}},
          .fingerprints = {{fingerprint, times}},
          .answers = times,
          .attempts = 2 * times,
          .prompt_tokens = 10 * times,
          .cached_tokens = 3 * times,
          .output_tokens = 5 * times,
          .reasoning_tokens = 4 * times,
          .uncounted = 1,
          .price_in = 2,
          .price_out = 8,
          .cost = 0.25 * static_cast<double>(times),
          .currency = "EUR"};
}

class RemoteUseTest : public testing::Test {
 protected:
  std::int64_t begin(Store& store) const {
    return store.begin_run(cases::run(), {cases::set("t", 1)}, cases::one_scorer()).run.id;
  }

  tests::TempDir dir;
  std::string path = dir.file("results.sqlite");
};

TEST_F(RemoteUseTest, ReplacesWithinAnAttemptAndAddsUpAttempts) {
  for (const std::int64_t times : {2, 40}) {
    const auto store = Store::open(path);
    const std::int64_t run = begin(*store);
    store->note_remote(run, use(1, "early"));
    store->note_remote(run, use(times, "fp-" + std::to_string(times)));
    store->flush();
  }
  const reports::Run run = Reader::open(path)->find_run("last");
  ASSERT_TRUE(run.remote);
  EXPECT_EQ(run.remote->endpoint, "https://host/v1");
  EXPECT_EQ(run.remote->models, (std::map<std::string, std::int64_t>{{"m-1", 42}}));
  EXPECT_EQ(run.remote->fingerprints,
            (std::map<std::string, std::int64_t>{{"fp-2", 2}, {"fp-40", 40}}));
  EXPECT_EQ(run.remote->answers, 42);
  EXPECT_EQ(run.remote->attempts, 84);
  EXPECT_EQ(run.remote->prompt_tokens, 420);
  EXPECT_EQ(run.remote->cached_tokens, 126);
  EXPECT_EQ(run.remote->output_tokens, 210);
  EXPECT_EQ(run.remote->reasoning_tokens, 168);
  EXPECT_EQ(run.remote->uncounted, 2);
  EXPECT_EQ(run.remote->cost, 10.5);
  EXPECT_EQ(run.remote->currency, "EUR");
  EXPECT_NE(run.environment.find(R"("host":"h")"), std::string::npos) << "the rest stays";
}

TEST_F(RemoteUseTest, LocalRunsHaveNone) {
  const auto store = Store::open(path);
  begin(*store);
  EXPECT_FALSE(Reader::open(path)->find_run("last").remote);
}

TEST_F(RemoteUseTest, ARunThatIsNotThereIsAnError) {
  const auto store = Store::open(path);
  begin(*store);
  store->note_remote(99, use(1, ""));
  EXPECT_THROW(store->flush(), Error);
}

TEST_F(RemoteUseTest, CountsThatAreNoneAreRefused) {
  {
    const auto store = Store::open(path);
    store->note_remote(begin(*store), use(1, "f"));
    store->flush();
  }
  for (const char* count : {"1e99", "-1", "0.5", "\"1\"", "null", "9223372036854775807"}) {
    for (const char* field : {"answers", "uncounted", "models.m"}) {
      {
        Database database(path, Database::Mode::kReadWrite);
        Statement set(
            database,
            "UPDATE environments SET environment ="
            " json_replace(environment, '$.remote', json_set(json_set(environment ->"
            " '$.remote', '$.answers', 1, '$.uncounted', 1, '$.models', json_object('m', 1)),"
            " '$.' || ?1, json(?2)))");
        set.bind(1, std::string(field)).bind(2, std::string(count)).run();
      }
      try {
        Reader::open(path)->find_run("last");
        ADD_FAILURE() << field << " " << count;
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("cannot be read: expected an integer in 0 .. "),
                  std::string::npos)
            << field << " " << count << ": " << error.what();
      }
    }
  }
}

TEST_F(RemoteUseTest, ReportsSayWhoAnsweredAndThatItCannotBeRepeated) {
  const auto store = Store::open(path);
  store->note_remote(begin(*store), use(3, "fp \x1b[2J"));
  store->flush();
  const auto reader = Reader::open(path);
  const Summary summary = summarize(*reader, reader->find_run("last"), 0.01);
  for (const std::string& text : {render_text({summary}), render_markdown({summary})}) {
    for (const char* part : {"answered by m-1 (3)", "bit for bit", "30 prompt tokens (9 cached)",
                             "3 answers in 6 attempts", "cost 0.7500 EUR", "1 answers"}) {
      EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
    }
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
  }
  EXPECT_NE(render_json({summary}).find("\"reproducible\": false"), std::string::npos);
}

}  // namespace
}  // namespace moebius::reports
