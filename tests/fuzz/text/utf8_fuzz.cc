// Fuzz target: any bytes as UTF-8, whole and in chunks; the first byte is the chunk size.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/text/tokenizer.h"
#include "engine/text/unicode.h"

using moebius::engine::nfc;
using moebius::engine::Utf8Stream;
using moebius::engine::valid_utf8;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::string streamed(std::string_view bytes, std::size_t chunk) {
  Utf8Stream stream;
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += chunk) {
    const std::string certain = stream.push(bytes.substr(at, chunk));
    require(valid_utf8(certain));
    out += certain;
  }
  return out + stream.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = streamed(bytes, size);
  require(valid_utf8(whole));
  require((whole == bytes) == valid_utf8(bytes));
  require(streamed(bytes, data[0] % 16 + 1U) == whole);
  const std::string composed = nfc(whole);
  require(valid_utf8(composed) && nfc(composed) == composed);
  return 0;
}
