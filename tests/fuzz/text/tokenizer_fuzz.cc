// Fuzz target: a tokenizer.json, a zero byte, a tokenizer_config.json, a zero byte, and a text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/engine.h"
#include "engine/text/tokenizer.h"

using moebius::engine::Tokenizer;

namespace {

std::string_view take_until_zero(std::string_view& input) {
  const std::size_t zero = input.find('\0');
  const std::string_view out = input.substr(0, zero);
  input.remove_prefix(zero == std::string_view::npos ? input.size() : zero + 1);
  return out;
}

void encode(const Tokenizer& tokenizer, std::string_view text, bool special) {
  for (const std::int32_t id : tokenizer.encode(text, special)) {
    if (id < 0 || id >= tokenizer.vocab() || tokenizer.token(id).empty()) std::abort();
    if (tokenizer.id(tokenizer.token(id)) != id) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view json = take_until_zero(input);
  const std::string_view config = take_until_zero(input);
  try {
    const auto tokenizer = Tokenizer::parse(json, config, "fuzz");
    encode(*tokenizer, input, true);
    encode(*tokenizer, input, false);
    moebius::engine::render_chat(*tokenizer, {});
  } catch (const moebius::engine::Error&) {
    return 0;
  }
  return 0;
}
