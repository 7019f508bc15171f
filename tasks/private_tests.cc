// Unpacks LiveCodeBench's test cases layer by layer, each strict and bounded.
#include "tasks/private_tests.h"

#include <zlib.h>

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "tasks/dataset.h"

namespace moebius::tasks {
namespace {

/// Opcodes: CPython Lib/pickle.py.
enum : unsigned char {
  kProto = 0x80,
  kFrame = 0x95,
  kShortBinUnicode = 0x8c,
  kBinUnicode = 'X',
  kBinUnicode8 = 0x8d,
  kMemoize = 0x94,
  kBinPut = 'q',
  kLongBinPut = 'r',
  kStop = '.',
};

class PickleParser {
 public:
  PickleParser(const std::string& where, std::string_view bytes) : where_(where), bytes_(bytes) {}

  std::string string() {
    protocol();
    bool found = false;
    std::string value;
    for (;;) {
      const auto opcode = static_cast<unsigned char>(take(1)[0]);
      if (opcode == kStop && found) break;
      if (opcode == kFrame && version_ >= 4) {
        frame();
      } else if (!found && is_string(opcode)) {
        value = take(width(opcode));
        found = true;
      } else if (!found || !memoizes(opcode)) {
        fail("a pickle of one string", "opcode " + std::to_string(opcode));
      }
    }
    if (at_ != bytes_.size()) fail("the end of the pickle behind its STOP", "more bytes");
    if (!valid_utf8(value)) fail("UTF-8", "other bytes");
    return value;
  }

 private:
  void protocol() {
    if (static_cast<unsigned char>(take(1)[0]) != kProto) fail("a pickle", "other bytes");
    version_ = static_cast<unsigned char>(take(1)[0]);
    if (version_ < 2 || version_ > 5) {
      fail("pickle protocol 2 to 5", std::to_string(version_));
    }
  }

  void frame() {
    if (number(8) > bytes_.size() - at_) fail("a frame inside the pickle", "a longer one");
  }

  bool is_string(unsigned char opcode) const {
    return opcode == kBinUnicode ||
           (version_ >= 4 && (opcode == kShortBinUnicode || opcode == kBinUnicode8));
  }

  std::uint64_t width(unsigned char opcode) {
    return number(opcode == kShortBinUnicode ? 1 : opcode == kBinUnicode ? 4 : 8);
  }

  /// Skips a note to remember the string, which nothing can ask for.
  bool memoizes(unsigned char opcode) {
    if (opcode == kMemoize && version_ >= 4) return true;
    if (opcode != kBinPut && opcode != kLongBinPut) return false;
    take(opcode == kBinPut ? 1 : 4);
    return true;
  }

  std::uint64_t number(std::size_t size) {
    const std::string_view bytes = take(size);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    return value;
  }

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) fail("more bytes", "the end of the pickle");
    const std::string_view taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }

  [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
    throw Error(where_ + ": expected " + expected + ", found " + found + " at byte " +
                std::to_string(at_));
  }

  const std::string& where_;
  std::string_view bytes_;
  std::size_t at_ = 0;
  unsigned version_ = 0;
};

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

scorers::ProgramTest one_test(const Row& row, bool functional) {
  const std::string type = row.text("testtype");
  const std::string expected = functional ? "functional" : "stdin";
  if (type != expected) row.fail("testtype", "\"" + expected + "\"", "\"" + type + "\"");
  return {row.text("input"), row.text("output")};
}

}  // namespace

std::string parse_string_pickle(const std::string& where, std::string_view bytes) {
  return PickleParser(where, bytes).string();
}

std::string decode_base64(const std::string& where, std::string_view text) {
  const auto fail = [&](std::size_t at) {
    throw Error(where + ": expected base64, found something else at character " +
                std::to_string(at));
  };
  if (text.size() % 4 != 0) fail(text.size());
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int value = i >= text.size() - padding ? 0 : base64_value(text[i]);
    if (value < 0) fail(i);
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    if (i % 4 != 3) continue;
    for (const int shift : {16, 8, 0}) bytes += static_cast<char>((bits >> shift) & 0xffU);
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

std::string inflate_zlib(const std::string& where, std::string_view bytes, std::size_t limit) {
  struct Stream : z_stream {
    Stream() : z_stream() {
      if (inflateInit(this) != Z_OK) throw Error("zlib: out of memory");
    }
    ~Stream() { inflateEnd(this); }
  } stream;
  if (bytes.size() > UINT32_MAX) throw Error(where + ": expected at most 4 GiB packed, found more");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string text;
  std::array<char, 1 << 16> block;
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = block.size();
    result = inflate(&stream, Z_NO_FLUSH);
    text.append(block.data(), block.size() - stream.avail_out);
    if (text.size() > limit) {
      throw Error(where + ": expected at most " + std::to_string(limit) +
                  " bytes unpacked, found more");
    }
  }
  if (result != Z_STREAM_END || stream.avail_in != 0) {
    throw Error(where + ": expected one zlib stream, found " +
                (result == Z_STREAM_END ? "more behind it" : "damaged or cut data"));
  }
  return text;
}

std::vector<scorers::ProgramTest> parse_tests(const std::string& where, std::string_view field,
                                              bool functional) {
  std::string unpacked;
  const std::size_t first = field.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || field[first] != '[') {
    unpacked =
        parse_string_pickle(where, inflate_zlib(where, decode_base64(where, field), kMaxTestBytes));
    field = unpacked;
  }
  nlohmann::json array = parse_json(where, field);
  if (!array.is_array()) {
    throw Error(where + ": expected a JSON array of tests, found " + array.type_name());
  }
  std::vector<scorers::ProgramTest> tests;
  for (std::size_t i = 0; i < array.size(); ++i) {
    tests.push_back(
        one_test(Row(where + "[" + std::to_string(i) + "]", std::move(array[i])), functional));
  }
  return tests;
}

}  // namespace moebius::tasks
