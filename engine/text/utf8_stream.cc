// Utf8Stream and valid_utf8.
#include <cstring>

#include "engine/text/tokenizer.h"
#include "engine/text/unicode.h"

namespace moebius::engine {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Moves what is certain from the front of `pending` to the result; the rest stays.
std::string take_certain(std::string& pending) {
  std::string out;
  std::string_view rest = pending;
  while (!rest.empty()) {
    const Utf8Char c = read_utf8(rest);
    if (!c.complete) break;
    out += c.valid ? rest.substr(0, c.bytes) : kReplacement;
    rest.remove_prefix(c.bytes);
  }
  pending.erase(0, pending.size() - rest.size());
  return out;
}

}  // namespace

std::string Utf8Stream::push(std::string_view bytes) {
  pending_ += bytes;
  return take_certain(pending_);
}

std::string Utf8Stream::finish() {
  std::string out = take_certain(pending_);
  if (!pending_.empty()) out += kReplacement;
  pending_.clear();
  return out;
}

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    std::uint64_t word = 0;
    if (text.size() >= sizeof word) {
      std::memcpy(&word, text.data(), sizeof word);
      if ((word & 0x8080808080808080) == 0) {
        text.remove_prefix(sizeof word);
        continue;
      }
    }
    const Utf8Char c = read_utf8(text);
    if (!c.valid) return false;
    text.remove_prefix(c.bytes);
  }
  return true;
}

}  // namespace moebius::engine
