// Hostile headers, one row each: every one is refused in one line that names the file.
#include "engine/checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include "tests/support/error_text.h"
#include "tests/support/safetensors.h"

namespace moebius::engine {
namespace {

using tests::as_bytes;
using tests::error_text;
using tests::safetensors_file;

std::vector<TensorSource::Entry> read(const std::string& file) {
  return read_safetensors(as_bytes(file), file.size(), "M/x.safetensors");
}

std::string refusal(const std::string& file) {
  const std::string text = error_text([&] { read(file); });
  EXPECT_TRUE(text.starts_with("M/x.safetensors: ")) << text;
  EXPECT_LT(text.size(), 500U) << text;
  return text;
}

// One tensor "a" with these fields before the 8 bytes of data.
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return safetensors_file(
      R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}",
      "12345678");
}

TEST(Safetensors, ReadsEveryDtypeAndShape) {
  const std::string file = safetensors_file({
      {"z", "BF16", {2, 1}, "abcd"},
      {"scalar", "F32", {}, "efgh"},
      {"none", "I64", {3, 0}, ""},
      {"a", "F8_E4M3", {3}, "ijk"},
      {"b", "U16", {1}, "lm"},
      {"none2", "F64", {0}, ""},
  });
  const auto entries = read(file);
  ASSERT_EQ(entries.size(), 6U);
  EXPECT_EQ(entries[0].name, "z");
  EXPECT_EQ(describe(entries[0]), "BF16 [2, 1]");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(entries[0].data), 4), "abcd");
  EXPECT_EQ(describe(entries[1]), "F32 []");
  EXPECT_EQ(entries[1].bytes, 4U);
  EXPECT_EQ(entries[2].bytes, 0U);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(entries[4].data), 2), "lm");
  for (const auto& entry : entries) EXPECT_EQ(entry.file, "M/x.safetensors");
}

TEST(Safetensors, KnowsTheSizeOfEveryDtype) {
  const std::pair<const char*, std::size_t> dtypes[] = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
      {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
      {"U32", 4},  {"F32", 4}, {"F64", 8}, {"I64", 8},     {"U64", 8},
  };
  for (const auto& [dtype, bytes] : dtypes) EXPECT_EQ(stored_dtype_bytes(dtype), bytes) << dtype;
  for (const char* dtype : {"", "f32", "F32 ", "F4", "C64"}) {
    EXPECT_EQ(stored_dtype_bytes(dtype), 0U) << dtype;
  }
}

TEST(Safetensors, EmptyAndPaddedHeadersAreLegal) {
  EXPECT_TRUE(read(safetensors_file("{}", "")).empty());
  EXPECT_TRUE(read(safetensors_file("{\"__metadata__\":{}}   \n", "")).empty());
  const std::string metadata = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                               R"("__metadata__":{"shape":"x","dtype":"y"}})";
  EXPECT_EQ(read(safetensors_file(metadata, "1")).size(), 1U);
}

TEST(Safetensors, TruncationAtEveryLength) {
  const std::string file =
      safetensors_file({{"a", "F32", {2}, "12345678"}, {"b", "BF16", {1}, "12"}});
  for (std::size_t length = 0; length < file.size(); ++length) refusal(file.substr(0, length));
  refusal(file + "x");
  EXPECT_EQ(read(file).size(), 2U);
}

TEST(Safetensors, HeaderLengths) {
  std::string file = safetensors_file("{}", "");
  file[1] = 1;
  EXPECT_EQ(refusal(file),
            "M/x.safetensors: expected a header of at most 2 bytes, found a header length of 258");
  file.replace(0, 8, 8, '\xff');
  EXPECT_EQ(refusal(file),
            "M/x.safetensors: expected a header of at most 2 bytes, found a header length of "
            "18446744073709551615");
  for (char length = 3; length < 40; ++length) {
    file = safetensors_file("{}", "");
    file[0] = length;
    EXPECT_NE(refusal(file).find("a header length of " + std::to_string(length)),
              std::string::npos);
  }
  EXPECT_EQ(refusal(""),
            "M/x.safetensors: expected 8 bytes of header length, found a file of 0 bytes");
  EXPECT_EQ(refusal(std::string(8, '\0')), "M/x.safetensors: header: expected \"{\", found \"\"");
}

struct Row {
  std::string file;
  std::string message;  // the end of it, behind the file name
};

void expect_refusals(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const std::string got = refusal(row.file);
    EXPECT_NE(got.find(row.message), std::string::npos) << got << "\nwanted: " << row.message;
  }
}

TEST(Safetensors, ShapesAndRanges) {
  expect_refusals({
      {one("\"F32\"", "[3]", "[0,8]"), "tensor \"a\": expected 12 bytes for F32 [3], found 8"},
      {one("\"F32\"", "[]", "[0,8]"), "tensor \"a\": expected 4 bytes for F32 [], found 8"},
      {one("\"F32\"", "[2]", "[0,12]"), "expected bytes inside the 8 of data, found 0..12"},
      {one("\"F32\"", "[2]", "[8,0]"), "expected bytes inside the 8 of data, found 8..0"},
      {one("\"F32\"", "[2]", "[18446744073709551608,0]"), "found 18446744073709551608..0"},
      {one("\"F32\"", "[1]", "[0,4]"), "expected 4 bytes of data, found 8"},
      {one("\"F32\"", "[1]", "[4,8]"), "expected a tensor at byte 0 of the data, found a gap"},
      {one("\"U8\"", "[9223372036854775807,3]", "[0,8]"), "expected a shape of less than 2^64"},
      {one("\"U8\"", "[4294967296,4294967296]", "[0,0]"), "expected a shape of less than 2^64"},
      {one("\"F64\"", "[4611686018427387904]", "[0,0]"), "expected a shape of less than 2^64"},
      {one("\"U8\"", "[9223372036854775808]", "[0,8]"), "integers of 0 or more as shape, found 9"},
      {one("\"U8\"", "[-8]", "[0,8]"), "integers of 0 or more as shape, found -8"},
      {one("\"U8\"", "[-0]", "[0,8]"), "found -0"},
      {one("\"U8\"", "[8.0]", "[0,8]"), "found 8.0"},
      {one("\"U8\"", "[1e1]", "[0,8]"), "found 1e1"},
      {one("\"U8\"", "[99999999999999999999]", "[0,8]"), "found 99999999999999999999"},
      {one("\"U8\"", "[\"8\"]", "[0,8]"), "found \"8\""},
      {one("\"U8\"", "[[8]]", "[0,8]"), "found an array"},
      {one("\"U8\"", "[{}]", "[0,8]"), "found an object"},
      {one("\"U8\"", "[null]", "[0,8]"), "found null"},
      {one("\"U8\"", "[true]", "[0,8]"), "found true"},
      {one("\"U8\"", "8", "[0,8]"), "expected dtype, shape and data_offsets (arrays), found 8"},
      {one("\"U8\"", "[8]", "[0]"), "expected two integers of 0 or more as data_offsets, found 1"},
      {one("\"U8\"", "[8]", "[0,8,8]"), "two integers of 0 or more as data_offsets, found 8"},
      {one("\"U8\"", "[8]", "[]"), "as data_offsets, found 0 of them"},
      {one("\"U8\"", "[8]", "[-1,8]"), "as data_offsets, found -1"},
  });
}

TEST(Safetensors, FieldsAndNames) {
  const std::string rest = R"("shape":[8],"data_offsets":[0,8]})";
  const auto with = [](const std::string& header) { return safetensors_file(header, "12345678"); };
  expect_refusals({
      {one("\"F4\"", "[8]", "[0,8]"), "expected a safetensors dtype, found \"F4\""},
      {one("4", "[8]", "[0,8]"), "expected dtype (a string), shape and data_offsets, found 4"},
      {one("[\"U8\"]", "[8]", "[0,8]"), "found an array"},
      {with(R"({"a":{"dtype":"U8","shape":[8]}})"), "found only some of them"},
      {with(R"({"a":{}})"), "found none of them"},
      {with(R"({"a":{"dtype":"U8","dtype":"U8",)" + rest + "}"), "key \"dtype\" appears twice"},
      {with(R"({"a":{"dtype":"U8","strides":[1],)" + rest + "}"), "found field \"strides\""},
      {with(R"({"a":3})"), "tensor \"a\": expected an object, found 3"},
      {with(R"({"a":[]})"), "tensor \"a\": expected an object, found an array"},
      {with(R"({"__metadata__":3})"), "__metadata__: expected an object, found 3"},
      {with(R"({"__metadata__":{"a":3}})"), "__metadata__: expected a string, found 3"},
      {with(R"({"__metadata__":{"a":{}}})"), "__metadata__: expected a string, found an object"},
      {with(R"({"__metadata__":{"a":"","a":""}})"), "__metadata__: key \"a\" appears twice"},
      {with(R"({"__metadata__":{},"__metadata__":{}})"), "key \"__metadata__\" appears twice"},
      {with("{\"\xff\":{}}"), "header: line 1, column 3: not JSON: syntax error"},
      {with("{\"a\xc3\":{}}"), "invalid string: ill-formed UTF-8 byte"},
      {with("[]"), "header: expected \"{\", found \"[\""},
      {with(" {}"), "header: expected \"{\", found \" \""},
      {with("{} x"), "header: line 1, column 4: not JSON: "},
      {with(std::string("{}\0\0", 4)), "column 3: expected JSON, found a NUL byte"},
      {with("{"), "not JSON: "},
      {with(R"({"a":{"dtype":NaN}})"), "expected a finite number, found NaN"},
      {with(R"({"a":)" + std::string(1 << 20, '{')), "not JSON: "},
      {with(R"({"a":)" + std::string(1 << 20, '[')), "tensor \"a\": expected an object"},
      {with(R"({"a":{"shape":)" + std::string(1 << 20, '[')), "found an array"},
      {with(R"({"a":{"shape":[)" + std::string(200, '0').replace(1, 0, ",")), "not JSON: "},
  });
}

TEST(Safetensors, TooManyDimensions) {
  std::string shape = "[8";
  for (int i = 1; i < 64; ++i) shape += ",1";
  EXPECT_EQ(read(one("\"U8\"", shape + "]", "[0,8]"))[0].shape.size(), 64U);
  EXPECT_NE(refusal(one("\"U8\"", shape + ",1]", "[0,8]")).find("at most 64 integers"),
            std::string::npos);
}

TEST(Safetensors, Layouts) {
  const auto two = [](const std::string& first, const std::string& second) {
    return safetensors_file(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
                                R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second +
                                "}}",
                            "1234567890");
  };
  expect_refusals({
      {two("[0,4]", "[2,6]"), "tensor \"b\" at bytes 2..6 overlaps \"a\" at bytes 0..4"},
      {two("[2,6]", "[0,4]"), "tensor \"a\" at bytes 2..6 overlaps \"b\" at bytes 0..4"},
      {two("[0,4]", "[0,4]"), "overlaps"},
      {two("[0,4]", "[6,10]"), "at byte 4 of the data, found a gap before \"b\" at bytes 6..10"},
      {two("[6,10]", "[2,6]"), "at byte 0 of the data, found a gap before \"b\" at bytes 2..6"},
      {two("[4,8]", "[0,4]"), "expected 8 bytes of data, found 10"},
  });
}

TEST(Safetensors, MessagesArePrintableAndShort) {
  const std::string name = "x\\n\\u0000" + std::string(10000, 'y');
  const std::string file = safetensors_file(
      "{\"" + name + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,2]}})", "12");
  EXPECT_NE(refusal(file).find(R"(tensor "x\x0a\x00yyy)"), std::string::npos);
}

}  // namespace
}  // namespace moebius::engine
