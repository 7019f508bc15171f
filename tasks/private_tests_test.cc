// LiveCodeBench's packed test cases: every layer, whole and damaged.
#include "tasks/private_tests.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "tasks/testing/files.h"
#include "tests/support/random.h"

namespace moebius::tasks {
namespace {

using testing::deflated;
using testing::error_of;
using namespace std::string_literals;

std::string base64(const std::string& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

std::string number(std::uint64_t value, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xff);
  return bytes;
}

/// As CPython's pickle.dumps(text, protocol=4) below 64 KiB.
std::string pickled(const std::string& text) {
  const std::string body = "X" + number(text.size(), 4) + text + "\x94.";
  return "\x80\x04\x95" + number(body.size(), 8) + body;
}

TEST(Pickle, ReadsWhatPythonWrites) {
  // pickle.dumps("aaaaaaaaaa", protocol=2 .. 5) and, for long texts, without a frame.
  const std::string ten(10, 'a');
  const std::string big(70000, 'b');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\x80\x02X\x0a\0\0\0"s + ten + "q\0."s, ten},
      {"\x80\x03X\x0a\0\0\0"s + ten + "q\0."s, ten},
      {"\x80\x04\x95\x0e\0\0\0\0\0\0\0\x8c\x0a"s + ten + "\x94.", ten},
      {"\x80\x05\x95\x0e\0\0\0\0\0\0\0\x8c\x0a"s + ten + "\x94.", ten},
      {"\x80\x04X"s + number(70000, 4) + big + "\x94.", big},
      {"\x80\x04\x8d"s + number(70000, 8) + big + "\x94.", big},
      {"\x80\x02X\0\0\0\0."s, ""},
      {pickled("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f"},
  };
  for (const auto& [bytes, text] : cases) EXPECT_EQ(parse_string_pickle("p", bytes), text);
}

TEST(Pickle, RefusesEverythingElse) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "expected more bytes, found the end of the pickle at byte 0"},
      {"X\0\0\0\0."s, "expected a pickle, found other bytes at byte 1"},
      {"\x80\x01X\0\0\0\0."s, "expected pickle protocol 2 to 5, found 1 at byte 2"},
      {"\x80\x06X\0\0\0\0."s, "expected pickle protocol 2 to 5, found 6 at byte 2"},
      {"\x80\x04."s, "expected a pickle of one string, found opcode 46 at byte 3"},
      {"\x80\x04X\xff\xff\xff\xffhi"s,
       "expected more bytes, found the end of the pickle at byte 7"},
      {"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff"s,
       "expected more bytes, found the end of the pickle at byte 11"},
      {"\x80\x04\x95\xff\0\0\0\0\0\0\0X\0\0\0\0."s,
       "expected a frame inside the pickle, found a longer one at byte 11"},
      {pickled("x") + "y",
       "expected the end of the pickle behind its STOP, found more bytes at byte 19"},
      {"\x80\x04X\x01\0\0\0aX\x01\0\0\0b."s,
       "expected a pickle of one string, found opcode 88 at byte 9"},
      {"\x80\x02\x8c\x01"s + "a.", "expected a pickle of one string, found opcode 140 at byte 3"},
      {pickled("\xff"), "expected UTF-8, found other bytes at byte 19"},
      {"\x80\x04X\x01\0\0\0a"s, "expected more bytes, found the end of the pickle at byte 8"},
  };
  for (const auto& [bytes, error] : cases) {
    EXPECT_EQ(error_of([&, &bytes = bytes] { parse_string_pickle("p", bytes); }), "p: " + error);
  }
}

/// cos\nsystem and its like: what a pickle can do to those who load it.
TEST(Pickle, RunsNothing) {
  for (const std::string& bytes :
       {"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."s, "cos\nsystem\n(S'id'\ntR."s,
        "\x80\x02"s + "cos\nsystem\nX\x02\0\0\0id\x85R."s, "\x80\x04\x4b\x05."s, "\x80\x04]\x94."s,
        "\x80\x04\x43\x01"s + "a."}) {
    error_of([&] { parse_string_pickle("p", bytes); });
  }
}

TEST(Base64, IsTheInverseOfEncoding) {
  tests::Random random(tests::seed_or(7));
  for (int size = 0; size < 70; ++size) {
    std::string bytes;
    for (int i = 0; i < size; ++i) bytes += static_cast<char>(random.integer(0, 255));
    EXPECT_EQ(decode_base64("b", base64(bytes)), bytes);
  }
}

TEST(Base64, IsStrict) {
  for (const std::string& text : {"abc"s, "ab=c"s, "a==="s, "abcd\n"s, "ab c"s, "===="s, "ab-_"s}) {
    EXPECT_NE(error_of([&] { decode_base64("b", text); }).find("b: expected base64"),
              std::string::npos)
        << text;
  }
}

TEST(Inflate, IsBoundedAndWhole) {
  const std::string packed = deflated(std::string(1000, 'z'), 15);
  EXPECT_EQ(inflate_zlib("z", packed, 1000), std::string(1000, 'z'));
  EXPECT_EQ(error_of([&] { inflate_zlib("z", packed, 999); }),
            "z: expected at most 999 bytes unpacked, found more");
  EXPECT_EQ(error_of([&] { inflate_zlib("z", packed + "x", 1000); }),
            "z: expected one zlib stream, found more behind it");
  EXPECT_EQ(error_of([&] { inflate_zlib("z", packed.substr(0, packed.size() - 1), 1000); }),
            "z: expected one zlib stream, found damaged or cut data");
  EXPECT_EQ(error_of([&] { inflate_zlib("z", "", 1000); }),
            "z: expected one zlib stream, found damaged or cut data");
}

TEST(ParseTests, ReadsBothForms) {
  const std::string json =
      R"([{"input":"1\n","output":"2\n","testtype":"stdin"},{"input":"","output":"","testtype":"stdin"}])";
  for (const std::string& field : {json, " \n" + json, base64(deflated(pickled(json), 15))}) {
    const auto tests = parse_tests("f:1", field, false);
    ASSERT_EQ(tests.size(), 2U);
    EXPECT_EQ(tests[0].input, "1\n");
    EXPECT_EQ(tests[0].output, "2\n");
  }
  EXPECT_TRUE(parse_tests("f:1", "[]", true).empty());
}

TEST(ParseTests, RefusesOtherTypes) {
  EXPECT_EQ(error_of([] {
              parse_tests("f:1", R"([{"input":"","output":"","testtype":"stdin"}])", true);
            }),
            "f:1[0]: field \"testtype\": expected \"functional\", found \"stdin\"");
  EXPECT_EQ(error_of([] { parse_tests("f:1", R"([{"input":"","testtype":"stdin"}])", false); }),
            "f:1[0]: no field \"output\"");
  EXPECT_EQ(error_of([] { parse_tests("f:1", base64(deflated(pickled("{}"), 15)), false); }),
            "f:1: expected a JSON array of tests, found object");
  EXPECT_NE(error_of([] { parse_tests("f:1", "", false); }).find("zlib"), std::string::npos);
}

}  // namespace
}  // namespace moebius::tasks
