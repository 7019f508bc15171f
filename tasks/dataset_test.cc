// Lines, JSON rows, CSV and archives: what is read, and how each kind of damage is refused.
#include "tasks/dataset.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tasks/testing/files.h"
#include "tests/support/temp_dir.h"

namespace moebius::tasks {
namespace {

using testing::error_of;
using testing::gzipped;
using tests::TempDir;
using Lines = std::vector<std::string>;

Lines lines_of(const std::string& contents) {
  LineReader reader("memory", contents);
  Lines lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  return lines;
}

TEST(LineReader, SplitsAtBothLineEnds) {
  EXPECT_EQ(lines_of("a\nb\r\n\nc"), (Lines{"a", "b", "", "c"}));
  EXPECT_EQ(lines_of("a\n"), Lines{"a"});
  EXPECT_EQ(lines_of(""), Lines{});
  EXPECT_EQ(lines_of("\n"), Lines{""});
}

TEST(LineReader, UnpacksGzipAndXz) {
  std::string text;
  for (int i = 0; i < 50000; ++i) text += "line " + std::to_string(i) + "\n";
  EXPECT_EQ(lines_of(gzipped(text)).size(), 50000U);
  EXPECT_EQ(lines_of(gzipped(text))[49999], "line 49999");
}

TEST(LineReader, RefusesCutPacking) {
  const std::string packed = gzipped(std::string(100000, 'x') + "\n");
  EXPECT_NE(error_of([&] {
              lines_of(packed.substr(0, packed.size() / 2));
            }).find("memory: cannot be read: "),
            std::string::npos);
}

TEST(LineReader, RefusesAnEndlessLineOfABomb) {
  const std::string piece = gzipped(std::string(std::size_t{10} << 20, '0'));
  std::string packed;  // 300 MB of zeros: gzip streams may follow one another
  for (int i = 0; i < 30; ++i) packed += piece;
  EXPECT_EQ(error_of([&] { lines_of(packed); }),
            "memory:1: expected a line of at most 268435456 bytes, found a longer one");
}

TEST(LineReader, NamesAMissingFile) {
  EXPECT_NE(error_of([] { LineReader reader("/no/such/file.jsonl"); }).find("/no/such/file.jsonl"),
            std::string::npos);
}

TEST(Utf8, AcceptsOnlyWhatUnicodeDefines) {
  for (const char* good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(valid_utf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xc2z"}) {
    EXPECT_FALSE(valid_utf8(bad)) << bad;
  }
}

TEST(Sha256, KnowsTheStandardVector) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

Row row_of(const std::string& text) {
  return {"f.jsonl:7", parse_json("f.jsonl:7", text)};
}

TEST(Row, ReadsFieldsByType) {
  const Row row = row_of(R"({"s":"x","i":-3,"n":25.0,"a":["p","q"],"e":""})");
  EXPECT_EQ(row.text("s"), "x");
  EXPECT_EQ(row.integer("i"), -3);
  EXPECT_EQ(row.scalar("i"), "-3");
  EXPECT_EQ(row.scalar("s"), "x");
  EXPECT_EQ(row.scalar("n"), "25.0");
  EXPECT_EQ(row.texts("a"), (Lines{"p", "q"}));
  EXPECT_EQ(row.text_or("missing", "other"), "other");
  EXPECT_TRUE(row.has("e"));
}

TEST(Row, SaysWhatIsWrong) {
  const Row row = row_of(R"({"s":"x","i":3,"big":18446744073709551615,"a":["p",1],"e":""})");
  EXPECT_EQ(error_of([&] { row.text("t"); }), "f.jsonl:7: no field \"t\"");
  EXPECT_EQ(error_of([&] { row.text("i"); }), "f.jsonl:7: field \"i\": expected a string, found 3");
  EXPECT_EQ(error_of([&] { row.filled("e"); }),
            "f.jsonl:7: field \"e\": expected a text, found an empty one");
  EXPECT_EQ(error_of([&] { row.integer("s"); }),
            "f.jsonl:7: field \"s\": expected an integer, found \"x\"");
  EXPECT_EQ(error_of([&] { row.integer("big"); }),
            "f.jsonl:7: field \"big\": expected an integer, found 18446744073709551615");
  EXPECT_EQ(error_of([&] { row.texts("a"); }),
            "f.jsonl:7: field \"a\": expected an array of strings, found in it 1");
  EXPECT_EQ(error_of([&] { row.texts("s"); }),
            "f.jsonl:7: field \"s\": expected an array of strings, found \"x\"");
  EXPECT_EQ(error_of([&] { row.scalar("a"); }),
            "f.jsonl:7: field \"a\": expected a string or a number, found [\"p\",1]");
}

TEST(Json, RefusesMalformedText) {
  struct Case {
    std::string text;
    std::string error;
  };
  const std::vector<Case> cases = {
      {"{\"a\":1", "f.jsonl:7: expected JSON, found a syntax error at byte 7"},
      {"{\"a\":1} x", "f.jsonl:7: expected JSON, found a syntax error at byte 9"},
      {"[1]", "f.jsonl:7: expected a JSON object, found array"},
      {"{\"a\":1,\"a\":2}", "f.jsonl:7: expected each field once, found \"a\" twice"},
      {"{\"a\":{\"b\":1,\"b\":2}}", "f.jsonl:7: expected each field once, found \"b\" twice"},
      {"{\"a\":\"\xff\"}", "f.jsonl:7: expected UTF-8, found other bytes"},
      {"{\"a\":1e999}", "f.jsonl:7: expected JSON, found a number out of range"},
      {"{\"a\":" + std::string(5000, '[') + std::string(5000, ']') + "}",
       "f.jsonl:7: expected JSON at most 32 deep, found more"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(error_of([&] { row_of(each.text); }), each.error) << each.text.substr(0, 40);
  }
}

TEST(Json, FieldsOfSiblingsMayBeTheSame) {
  EXPECT_NO_THROW(row_of(R"({"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":2}]})"));
}

TEST(EachRow, CountsLinesAndPassesOverEmptyOnes) {
  LineReader reader("f.jsonl", "{\"a\":1}\n\n{\"a\":2}\n");
  Lines seen;
  each_row(reader, [&](const Row& row) { seen.push_back(row.where() + row.scalar("a")); });
  EXPECT_EQ(seen, (Lines{"f.jsonl:11", "f.jsonl:32"}));
}

TEST(EachElement, ReadsAnArray) {
  LineReader reader("f.json", "[{\"a\":1},{\"a\":2}]");
  Lines seen;
  each_element(reader, [&](const Row& row) { seen.push_back(row.where() + row.scalar("a")); });
  EXPECT_EQ(seen, (Lines{"f.json[0]1", "f.json[1]2"}));
  LineReader object("f.json", "{}");
  EXPECT_EQ(error_of([&] { each_element(object, [](const Row&) {}); }),
            "f.json: expected a JSON array, found object");
}

TEST(UniqueIds, NamesBothPlaces) {
  UniqueIds ids;
  ids.add("x", "f:1");
  ids.add("y", "f:2");
  EXPECT_EQ(error_of([&] { ids.add("x", "f:9"); }),
            "f:9: expected each id once, found \"x\" again, first at f:1");
}

std::vector<Lines> csv(const std::string& text) {
  std::vector<Lines> rows;
  for (CsvRecord& record : parse_csv("f.csv", text)) rows.push_back(std::move(record.fields));
  return rows;
}

TEST(Csv, KeepsEveryFieldAsItIsWritten) {
  EXPECT_EQ(csv("None,0,2.0,\n"), (std::vector<Lines>{{"None", "0", "2.0", ""}}));
  EXPECT_EQ(csv("a, b ,\"c,d\",\"e \"\"f\"\"\"\r\ng,h\n"),
            (std::vector<Lines>{{"a", " b ", "c,d", "e \"f\""}, {"g", "h"}}));
  EXPECT_EQ(csv("\"two\nlines\",x"), (std::vector<Lines>{{"two\nlines", "x"}}));
  EXPECT_EQ(csv("\xef\xbb\xbf"
                "a,b\n"),
            (std::vector<Lines>{{"a", "b"}}));
  EXPECT_EQ(csv("\"\",\"\"\"\"\n"), (std::vector<Lines>{{"", "\""}}));
  EXPECT_EQ(csv(""), std::vector<Lines>{});
  EXPECT_EQ(csv("a,"), (std::vector<Lines>{{"a", ""}}));
}

TEST(Csv, CountsLinesInsideQuotes) {
  const auto records = parse_csv("f.csv", "\"a\n\nb\",1\nc,2\n");
  EXPECT_EQ(records[0].line, 1);
  EXPECT_EQ(records[1].line, 4);
}

TEST(Csv, RefusesWhatRfc4180Forbids) {
  EXPECT_EQ(error_of([] { csv("a\nb,\"c\n\nd"); }),
            "f.csv:2: expected a closing quote, found the end of the file");
  EXPECT_EQ(error_of([] { csv("a\nb\"c\n"); }),
            "f.csv:2: expected quotes around a whole field, found one inside");
  EXPECT_EQ(error_of([] { csv("\"a\"b\n"); }),
            "f.csv:1: expected a comma or the end of the line behind a closing quote, found other "
            "text");
  EXPECT_EQ(error_of([] { csv("a\rb\n"); }),
            "f.csv:1: expected a line feed behind a carriage return, found other text");
  EXPECT_EQ(error_of([] { csv("a\xff\n"); }), "f.csv: expected UTF-8, found other bytes");
  EXPECT_EQ(error_of([] { csv(std::string(2000, ',')); }),
            "f.csv:1: expected at most 1000 fields, found more");
}

TEST(Csv, TakesTimeInProportion) {
  std::string text;
  for (int i = 0; i < 400000; ++i) text += "\"a\"\"b\",\"\n\"\n";
  EXPECT_EQ(csv(text).size(), 400000U);
}

TEST(EachMember, ReadsPlainAndPackedTars) {
  const TempDir dir;
  for (const bool xz : {false, true}) {
    const std::string path = dir.file(xz ? "a.tar.xz" : "a.tar");
    testing::write_tar(path, xz, {{"x/1.csv", "one"}, {"x/2.txt", "two"}, {"x/3.csv", ""}});
    Lines seen;
    each_member(
        path, [](const std::string& name) { return name != "x/2.txt"; },
        [&](const std::string& name, const std::string& text) { seen.push_back(name + text); });
    EXPECT_EQ(seen, (Lines{"x/1.csvone", "x/3.csv"}));
  }
}

TEST(EachMember, RefusesWhatIsNoArchive) {
  const TempDir dir;
  const std::string path = dir.write("a.tar", "this is not a tar archive, however long it goes on");
  const auto all = [](const std::string&) { return true; };
  const auto nothing = [](const std::string&, const std::string&) {};
  EXPECT_NE(error_of([&] { each_member(path, all, nothing); }).find(path + ": cannot be read: "),
            std::string::npos);
}

TEST(EachMember, BoundsAMember) {
  const TempDir dir;
  const std::string path = dir.file("a.tar.xz");
  testing::write_tar(path, true, {{"big.csv", std::string(kMaxMemberBytes + 1, 'x')}});
  const auto all = [](const std::string&) { return true; };
  const auto nothing = [](const std::string&, const std::string&) {};
  EXPECT_EQ(error_of([&] { each_member(path, all, nothing); }),
            path + "!big.csv: expected at most 67108864 bytes, found more");
}

}  // namespace
}  // namespace moebius::tasks
