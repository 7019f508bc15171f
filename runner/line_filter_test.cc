#include "runner/line_filter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "scorers/scorer.h"
#include "tests/support/temp_dir.h"

namespace moebius::runner {
namespace {

class LineFilter : public testing::Test {
 protected:
  std::int64_t filter(const std::string& input, const LineWork& work, int threads = 4) {
    const std::string in = directory_.write("in.jsonl", input);
    const int fd = ::open(directory_.file("out.jsonl").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    Output out(fd);
    const std::int64_t failed = filter_lines(in, threads, work, out);
    out.flush();
    ::close(fd);
    std::ostringstream text;
    text << std::ifstream(directory_.file("out.jsonl")).rdbuf();
    result_ = text.str();
    return failed;
  }

  tests::TempDir directory_;
  std::string result_;
};

TEST_F(LineFilter, KeepsTheOrder) {
  std::string input;
  std::string wanted;
  for (int i = 0; i < 500; ++i) {
    input += "{\"id\": " + std::to_string(i) + "}\n";
    wanted += "{\"id\":" + std::to_string(i) + ",\"twice\":" + std::to_string(2 * i) + "}\n";
  }
  std::atomic<int> most{0};
  std::atomic<int> now{0};
  const auto work = [&](const Fields& fields) {
    most = std::max(most.load(), ++now);
    const std::int64_t id = fields.integer("id", 0, 1000);
    std::this_thread::sleep_for(std::chrono::microseconds(id % 7 * 100));
    --now;
    return Json{{"twice", 2 * id}};
  };
  EXPECT_EQ(filter(input, work), 0);
  EXPECT_EQ(result_, wanted);
  EXPECT_GT(most, 1) << "the lines were worked on one after the other";
}

TEST_F(LineFilter, AFailureOfOursIsALineOfItsOwn) {
  const auto work = [](const Fields& fields) -> Json {
    if (fields.text("task_id") == "b") throw scorers::Error("no sandbox");
    return {{"verdict", "pass"}};
  };
  EXPECT_EQ(filter("{\"task_id\":\"a\"}\n{\"task_id\":\"b\"}\n\n{\"task_id\":\"c\"}\n", work), 1);
  EXPECT_EQ(result_,
            "{\"task_id\":\"a\",\"verdict\":\"pass\"}\n{\"task_id\":\"b\",\"error\":\"no "
            "sandbox\"}\n{\"task_id\":\"c\",\"verdict\":\"pass\"}\n");
}

TEST_F(LineFilter, BadInputSaysWhere) {
  const auto work = [](const Fields& fields) { return Json{{"x", fields.text("x")}}; };
  const auto message = [&](const std::string& input) -> std::string {
    try {
      filter(input, work);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_NE(message("{\"x\":\"1\"}\n{\"x\":2}\n").find("in.jsonl:2"), std::string::npos);
  EXPECT_NE(message("{\"x\":\"1\"}\n[1]\n").find("expected a JSON object"), std::string::npos);
  EXPECT_NE(message("{\"x\":").find("in.jsonl:1"), std::string::npos);
  EXPECT_EQ(message(""), "accepted");
}

}  // namespace
}  // namespace moebius::runner
