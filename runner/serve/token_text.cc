// What a token says: its bytes, the name that clients see, and where it begins in a text.
#include "runner/serve/token_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "engine/engine.h"

namespace moebius::runner {

std::optional<std::string> token_bytes(std::int32_t id, const engine::Tokenizer* tokenizer) {
  if (tokenizer == nullptr || id < 0 || id >= tokenizer->vocab()) return std::nullopt;
  try {
    return tokenizer->decode(std::span(&id, 1));
  } catch (const engine::Error&) {
    return std::nullopt;
  }
}

std::string token_name(std::int32_t id, const engine::Tokenizer* tokenizer) {
  const auto text = token_bytes(id, tokenizer);
  if (!text) return fmt::format("token_id:{}", id);
  if (engine::valid_utf8(*text)) return *text;
  std::string name = "bytes:";
  for (const char c : *text) name += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return name;
}

void TextPlace::pass(std::string_view bytes) {
  count(stream_.push(bytes));
}

void TextPlace::end() {
  count(stream_.finish());
}

void TextPlace::count(const std::string& text) {
  characters_ += std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
}

}  // namespace moebius::runner
