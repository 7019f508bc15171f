// Results: how they are written, and that a failed write is noticed.
#include "runner/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <limits>
#include <stdexcept>

#include "runner/table.h"

namespace moebius::runner {
namespace {

TEST(Output, WritesEverythingInOrder) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  Output out(ends[1]);
  out.write("one ");
  out.write("two");
  out.flush();
  char buffer[16] = {};
  EXPECT_EQ(::read(ends[0], buffer, sizeof buffer), 7);
  EXPECT_STREQ(buffer, "one two");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Output, FullDiskIsAnError) {
  const int fd = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(fd, 0);
  Output out(fd);
  out.write("x");
  EXPECT_THROW(out.flush(), OutputError);
  EXPECT_THROW(out.write(std::string(1 << 20, 'x')), OutputError);
  ::close(fd);
}

TEST(Output, ClosedPipeIsAnError) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  Output out(ends[1]);
  out.write("x");
  EXPECT_THROW(out.flush(), OutputError);
  ::close(ends[1]);
}

TEST(JsonFloat, ShortestThatReadsBack) {
  EXPECT_EQ(json_line(json_float(-0.1F)), "-0.1\n");
  EXPECT_EQ(json_line(json_float(-1.2345678F)), "-1.2345678\n");
  EXPECT_EQ(json_line(json_float(std::numeric_limits<float>::quiet_NaN())), "null\n");
  EXPECT_EQ(json_line(json_float(-std::numeric_limits<float>::infinity())), "null\n");
}

TEST(JsonLine, KeepsOrderAndMendsUtf8) {
  EXPECT_EQ(json_line({{"b", 1}, {"a", "x\xff"}}), "{\"b\":1,\"a\":\"x\xEF\xBF\xBD\"}\n");
}

TEST(OneLine, EscapesWhatDoesNotPrint) {
  EXPECT_EQ(one_line("a\nb\tc\x1b[0m\x7f"), "a\\nb\\x09c\\x1b[0m\\x7f");
  EXPECT_EQ(one_line("h\xC3\xA9"), "h\xC3\xA9");
  EXPECT_EQ(one_line("h\xff"), "h\\xff");
}

TEST(Table, AlignsByCharacters) {
  Table table({"name", "n"});
  table.add({"\xC3\xA9", "12345"});
  table.add({"longer", ""});
  EXPECT_EQ(table.text(), "name        n\n\xC3\xA9       12345\nlonger\n");
  EXPECT_THROW(table.add({"one cell"}), std::invalid_argument);
}

TEST(Human, CountsAndBytes) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(5742816), "5.74 M");
  EXPECT_EQ(human_count(999999999), "1 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
}

}  // namespace
}  // namespace moebius::runner
