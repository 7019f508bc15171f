// What comes from outside is bounded, checked, and complained about in place.
#include "runner/input.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "runner/flags.h"

namespace moebius::runner {
namespace {

/// A file with these bytes, removed at the end.
class TempFile {
 public:
  explicit TempFile(const std::string& bytes) : path_(testing::TempDir() + "moebius_input_XXXXXX") {
    const int fd = ::mkstemp(path_.data());
    EXPECT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    ::close(fd);
  }
  ~TempFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string message_of(auto&& action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing thrown";
}

TEST(ReadAll, LimitIsInclusive) {
  const TempFile file("12345");
  EXPECT_EQ(read_all(file.path(), 5), "12345");
  EXPECT_EQ(message_of([&] { read_all(file.path(), 4); }), file.path() + ": more than 4 bytes");
}

TEST(ReadAll, NamesWhatCannotBeRead) {
  EXPECT_EQ(message_of([] { read_all("/no/such/file", 9); }),
            "/no/such/file: cannot open: No such file or directory");
  EXPECT_EQ(message_of([] { read_all("/", 9); }), "/: cannot read: Is a directory");
}

TEST(ReadText, RefusesWhatIsNotUtf8) {
  const TempFile file("ab\xff");
  EXPECT_EQ(message_of([&] { read_text(file.path(), 9); }), file.path() + ": not valid UTF-8");
}

TEST(ParseJson, OneLinePerError) {
  EXPECT_EQ(parse_json("[1, {\"a\": null}]", "f").size(), 2U);
  for (const char* bad : {"", "{", "[1,]", "nan", "1e999", "\"\xff\"", "1 2", "{\"a\":}"}) {
    const std::string what = message_of([&] { parse_json(bad, "f:3"); });
    EXPECT_EQ(what.rfind("f:3: not JSON: ", 0), 0U) << what;
  }
}

TEST(ParseJson, DepthIsBounded) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_NO_THROW(parse_json(nested(kMaxJsonDepth), "f"));
  EXPECT_THROW(parse_json(nested(kMaxJsonDepth + 1), "f"), InputError);
  EXPECT_THROW(parse_json(std::string(1000000, '['), "f"), InputError);
  EXPECT_NO_THROW(parse_json("\"" + std::string(1000, '[') + "\\\"[\"", "f"));  // in a string
}

TEST(LineReader, CountsLinesAndSkipsBlankOnes) {
  const TempFile file("a\n\n  \r\nb\nlast");
  LineReader lines(file.path());
  std::string line;
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "a");
  EXPECT_EQ(lines.where(), file.path() + ":1");
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "b");
  EXPECT_EQ(lines.where(), file.path() + ":4");
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "last");
  EXPECT_FALSE(lines.next(line));
}

TEST(LineReader, LinesLongerThanItsBuffer) {
  const std::string a(200000, 'a');
  const std::string b(70000, 'b');
  const TempFile file(a + "\n" + b + "\n\n" + a);
  LineReader lines(file.path());
  std::string line;
  for (const std::string& want : {a, b, a}) {
    ASSERT_TRUE(lines.next(line));
    EXPECT_EQ(line, want);
  }
  EXPECT_FALSE(lines.next(line));
}

TEST(Fields, ChecksTypesAndRanges) {
  const nlohmann::json object = {{"s", "x"},          {"i", 5},          {"n", 1.5},
                                 {"big", UINT64_MAX}, {"null", nullptr}, {"a", {"x", 1}}};
  const Fields fields(object, "f:2");
  EXPECT_EQ(fields.text("s"), "x");
  EXPECT_EQ(fields.integer("i", 0, 5), 5);
  EXPECT_EQ(fields.number("n", 0, 2), 1.5);
  EXPECT_FALSE(fields.has("null"));
  EXPECT_EQ(message_of([&] { fields.text("i"); }), "f:2: \"i\": expected a string, found number");
  EXPECT_EQ(message_of([&] { fields.text("gone"); }), "f:2: no field \"gone\"");
  EXPECT_EQ(message_of([&] { fields.integer("i", 6, 9); }), "f:2: \"i\": expected 6 .. 9, found 5");
  EXPECT_THROW(fields.integer("n", 0, 9), InputError);
  EXPECT_THROW(fields.integer("big", INT64_MIN, INT64_MAX), InputError);
  EXPECT_THROW(fields.number("n", 2, 3), InputError);
  EXPECT_EQ(message_of([&] { fields.texts("a"); }),
            "f:2: \"a\"[1]: expected a string, found number");
  EXPECT_EQ(message_of([] { Fields(nlohmann::json::array(), "f:2"); }),
            "f:2: expected a JSON object, found array");
}

TEST(JsonIds, OnlyTokenIds) {
  EXPECT_EQ(json_ids({0, 2147483647}, "f"), (std::vector<std::int32_t>{0, 2147483647}));
  for (const nlohmann::json& bad :
       {nlohmann::json{-1}, nlohmann::json{2147483648U}, nlohmann::json{1.0}, nlohmann::json{"1"},
        nlohmann::json{true}, nlohmann::json(7)}) {
    EXPECT_THROW(json_ids(bad, "f"), InputError) << bad;
  }
}

TEST(ParseNumber, WholeAndFinite) {
  int i = 0;
  float f = 0;
  std::uint64_t u = 0;
  EXPECT_TRUE(parse_number("-12", i));
  EXPECT_TRUE(parse_number("1e-3", f));
  EXPECT_TRUE(parse_number("18446744073709551615", u));
  for (const char* bad : {"", " 1", "1x", "0x10", "99999999999"})
    EXPECT_FALSE(parse_number(bad, i));
  for (const char* bad : {"nan", "inf", "1e99", "-inf"}) EXPECT_FALSE(parse_number(bad, f));
  EXPECT_FALSE(parse_number("-1", u));
}

}  // namespace
}  // namespace moebius::runner
