// Downloads against a server that misbehaves in every way one meets.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tasks/dataset.h"
#include "tasks/download.h"
#include "tasks/source_files.h"
#include "tasks/testing/files.h"
#include "tasks/testing/http_server.h"
#include "tests/support/temp_dir.h"

namespace moebius::tasks {
namespace {

using testing::error_of;
using testing::HttpServer;
using tests::TempDir;

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string body_of(std::size_t size) {
  std::string body;
  for (std::size_t i = 0; i < size; ++i) body += static_cast<char>('a' + i * 7 % 26);
  return body;
}

/// A whole answer, or the part behind `from` with status 206.
std::string reply(const std::string& body, std::size_t from = 0) {
  const std::string rest = body.substr(from);
  return std::string("HTTP/1.1 ") + (from > 0 ? "206 Partial Content" : "200 OK") +
         "\r\nContent-Length: " + std::to_string(rest.size()) + "\r\nConnection: close\r\n\r\n" +
         rest;
}

std::string status(const std::string& line) {
  return "HTTP/1.1 " + line + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}

/// Where a range request begins; 0 without one.
std::size_t range_of(const std::string& request) {
  const std::size_t at = request.find("Range: bytes=");
  return at == std::string::npos ? 0 : std::stoul(request.substr(at + 13));
}

class Fetch : public ::testing::Test {
 protected:
  Download wanted(const HttpServer& server) const {
    return {.url = server.url("/data.bin"),
            .path = path_,
            .sha256 = sha256_hex(body_),
            .pause_ms = 1,
            .stall_s = 2};
  }
  bool part_exists() const { return std::filesystem::exists(path_ + ".part"); }

  const std::string body_ = body_of(300000);
  const TempDir dir_;
  const std::string path_ = dir_.file("data.bin");
};

TEST_F(Fetch, DownloadsAndReportsProgress) {
  const HttpServer server([&](const std::string&) { return reply(body_); });
  Download download_wanted = wanted(server);
  std::int64_t last = 0;
  download_wanted.progress = [&](std::int64_t done, std::int64_t all) {
    EXPECT_GT(done, last);
    EXPECT_EQ(all, 300000);
    last = done;
  };
  download(download_wanted);
  EXPECT_EQ(contents(path_), body_);
  EXPECT_EQ(last, 300000);
  EXPECT_FALSE(part_exists());
}

TEST_F(Fetch, ResumesWhatBrokeOff) {
  int cut = 0;
  const HttpServer server([&](const std::string& request) {
    std::string answer = reply(body_, range_of(request));
    if (cut++ < 2) answer.resize(100000);
    return answer;
  });
  download(wanted(server));
  EXPECT_EQ(contents(path_), body_);
  EXPECT_EQ(server.requests(), 3);
}

TEST_F(Fetch, ContinuesThePartOfAnEarlierRun) {
  dir_.write("data.bin.part", body_.substr(0, 299999));
  std::size_t asked_from = 0;
  const HttpServer server([&](const std::string& request) {
    asked_from = range_of(request);
    return reply(body_, asked_from);
  });
  download(wanted(server));
  EXPECT_EQ(asked_from, 299999U);
  EXPECT_EQ(contents(path_), body_);
}

TEST_F(Fetch, StartsAnewWhereTheServerKnowsNoRanges) {
  dir_.write("data.bin.part", "something else");
  const HttpServer server([&](const std::string&) { return reply(body_); });
  download(wanted(server));
  EXPECT_EQ(contents(path_), body_);
}

TEST_F(Fetch, AWholePartNeedsNoMoreBytes) {
  dir_.write("data.bin.part", body_);
  const HttpServer server([&](const std::string&) { return status("416 Range Not Satisfiable"); });
  download(wanted(server));
  EXPECT_EQ(contents(path_), body_);
}

TEST_F(Fetch, ThrowsAForeignPartAwayAndStartsAnew) {
  dir_.write("data.bin.part", std::string(100000, '?'));
  const HttpServer server(
      [&](const std::string& request) { return reply(body_, range_of(request)); });
  download(wanted(server));
  EXPECT_EQ(contents(path_), body_);
  EXPECT_EQ(server.requests(), 2);
}

TEST_F(Fetch, RefusesOtherBytesAndLeavesNothing) {
  const HttpServer server([&](const std::string&) { return reply("not the file"); });
  EXPECT_EQ(error_of([&] { download(wanted(server)); }),
            server.url("/data.bin") + ": cannot be fetched: expected sha256 " + sha256_hex(body_) +
                ", found " + sha256_hex("not the file"));
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_FALSE(part_exists());
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(Fetch, DoesNotStoreErrorPages) {
  const HttpServer server([&](const std::string&) {
    return std::string(
        "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\noops!");
  });
  EXPECT_EQ(error_of([&] { download(wanted(server)); }),
            server.url("/data.bin") + ": cannot be fetched: HTTP status 404");
  EXPECT_EQ(server.requests(), 1);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Fetch, TriesAgainAfterServerErrors) {
  int failures = 0;
  const HttpServer server([&](const std::string&) {
    return failures++ < 2 ? status("503 Service Unavailable") : reply(body_);
  });
  download(wanted(server));
  EXPECT_EQ(contents(path_), body_);
}

TEST_F(Fetch, GivesUpAfterItsAttempts) {
  const HttpServer server([&](const std::string&) { return status("500 Internal Server Error"); });
  EXPECT_EQ(error_of([&] { download(wanted(server)); }),
            server.url("/data.bin") + ": cannot be fetched: HTTP status 500");
  EXPECT_EQ(server.requests(), 4);
}

TEST_F(Fetch, FollowsRedirects) {
  const HttpServer server([&](const std::string& request) {
    if (request.find("/data.bin") == std::string::npos) return reply(body_);
    return std::string(
        "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  download(wanted(server));
  EXPECT_EQ(contents(path_), body_);
}

TEST_F(Fetch, SaysWhenNobodyAnswers) {
  Download refused = {.url = "http://127.0.0.1:1/data.bin",
                      .path = path_,
                      .sha256 = "0",
                      .attempts = 2,
                      .pause_ms = 1};
  const std::string error = error_of([&] { download(refused); });
  EXPECT_EQ(error.find("http://127.0.0.1:1/data.bin: cannot be fetched: Failed to connect"), 0U)
      << error;
  refused.url = "file:///etc/hostname";
  EXPECT_NE(error_of([&] { download(refused); }).find("cannot be fetched"), std::string::npos);
}

TEST_F(Fetch, StopsWhenProgressThrows) {
  const HttpServer server([&](const std::string&) { return reply(body_); });
  Download stopped = wanted(server);
  stopped.progress = [](std::int64_t, std::int64_t) { throw Error("interrupted"); };
  EXPECT_EQ(error_of([&] { download(stopped); }), "interrupted");
  EXPECT_TRUE(part_exists());
}

TEST_F(Fetch, NamesAPlaceThatCannotBeWritten) {
  const HttpServer server([&](const std::string&) { return reply(body_); });
  Download nowhere = wanted(server);
  nowhere.path = dir_.file("no/such/folder/data.bin");
  EXPECT_EQ(error_of([&] { download(nowhere); }),
            nowhere.path + ".part: cannot create: No such file or directory");
}

// ---- a task's sources -----------------------------------------------------------------

class TwoPartTask : public Task {
 public:
  explicit TwoPartTask(Info info) : info_(std::move(info)) {}
  const Info& info() const override { return info_; }
  std::vector<SampleSet> load(const Options&) const override { return {}; }

 private:
  Info info_;
};

TEST(FetchTask, FetchesTheFirstGroupThatCanBe) {
  const HttpServer server([](const std::string& request) {
    return reply(request.find("/one") != std::string::npos ? "1\n" : "2\n");
  });
  Info info;
  info.name = "pair";
  info.sources = {{.file = "alone.jsonl", .sha256 = "0"},
                  {.file = "one.jsonl",
                   .url = server.url("/one"),
                   .sha256 = sha256_hex("1\n"),
                   .rows = 1,
                   .group = "both"},
                  {.file = "two.jsonl",
                   .url = server.url("/two"),
                   .sha256 = sha256_hex("2\n"),
                   .rows = 1,
                   .group = "both"}};
  const TwoPartTask task(info);
  const TempDir dir;
  std::string seen;
  fetch(task, dir.path(),
        [&](const Source& source, std::int64_t, std::int64_t) { seen += source.file + " "; });
  EXPECT_EQ(seen, "one.jsonl two.jsonl ");
  EXPECT_EQ(contents(dir.file("pair/two.jsonl")), "2\n");
  EXPECT_EQ(require_sources(info, dir.path()).size(), 2U);
  fetch(task, dir.path(), nullptr);  // everything is there
  EXPECT_EQ(server.requests(), 2);
  const auto states = verify(task, dir.path());
  EXPECT_EQ(states[0].problem, "not found");
  EXPECT_EQ(states[1].problem, "");
  EXPECT_EQ(states[1].rows, 1);
}

TEST(FetchTask, SaysWhatMustBePutThereByHand) {
  Info info;
  info.name = "hand";
  info.sources = {{.file = "alone.jsonl", .sha256 = "0"}};
  const TempDir dir;
  EXPECT_EQ(error_of([&] { fetch(TwoPartTask(info), dir.path(), nullptr); }),
            "hand: expected a source that can be fetched, found none (alone.jsonl must be put "
            "below " +
                dir.path() + " by hand)");
}

TEST(RequireSources, SaysWhatIsMissingOrWrong) {
  Info info;
  info.name = "t";
  info.sources = {{.file = "a.jsonl", .url = "http://x/a", .sha256 = sha256_hex("right")},
                  {.file = "b.jsonl", .sha256 = sha256_hex("b"), .group = "bc"},
                  {.file = "c.jsonl", .sha256 = sha256_hex("c"), .group = "bc"}};
  const TempDir dir;
  EXPECT_EQ(error_of([&] { require_sources(info, dir.path()); }),
            "t: no data: expected a.jsonl or b.jsonl with c.jsonl below " + dir.path() +
                ", found none (moebius tasks fetch t)");
  EXPECT_EQ(error_of([&] { require_sources(info, ""); }),
            "t: expected a data directory, found none given");
  EXPECT_NE(error_of([&] {
              require_sources(info, dir.file("gone"));
            }).find("expected a data directory, found No such file"),
            std::string::npos);
  dir.write("a.jsonl", "wrong");
  EXPECT_EQ(error_of([&] { require_sources(info, dir.path()); }),
            "t: " + dir.file("a.jsonl") + ": expected sha256 " + sha256_hex("right") + ", found " +
                sha256_hex("wrong"));
  std::filesystem::create_directories(dir.file("deep/er"));
  dir.write("deep/er/a.jsonl", "right");
  EXPECT_EQ(require_sources(info, dir.path()).front().path, dir.file("deep/er/a.jsonl"));
  dir.write("b.jsonl", "b");
  std::filesystem::remove(dir.file("deep/er/a.jsonl"));
  error_of([&] { require_sources(info, dir.path()); });  // half a group is none
  dir.write("deep/c.jsonl", "c");
  EXPECT_EQ(require_sources(info, dir.path()).size(), 2U);
}

TEST(Verify, CountsRowsAndNamesDifferences) {
  Info info;
  info.name = "t";
  info.sources = {{.file = "a.jsonl", .sha256 = sha256_hex("{}\n\n{}\n"), .rows = 3},
                  {.file = "b.csv", .sha256 = "0", .rows = 1},
                  {.file = "c.csv", .sha256 = "0", .rows = 1}};
  const TempDir dir;
  dir.write("a.jsonl", "{}\n\n{}\n");
  dir.write("b.csv", ",Question,Answer\n0,\"q\n\",a\n");
  dir.write("c.csv", "\"open");
  const auto states = verify(TwoPartTask(info), dir.path());
  EXPECT_EQ(states[0].problem, "expected 3 rows, found 2");
  EXPECT_EQ(states[1].rows, 1);
  EXPECT_EQ(states[1].problem.find(dir.file("b.csv") + ": expected sha256 0, found "), 0U);
  EXPECT_EQ(states[2].rows, 0);
  EXPECT_FALSE(states[2].problem.empty());
}

}  // namespace
}  // namespace moebius::tasks
