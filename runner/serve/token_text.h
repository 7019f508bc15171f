// What a token says: its bytes, the name that clients see, and where it begins in a text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/text/tokenizer.h"

namespace moebius::runner {

/// Nothing for ids that the tokenizer does not know (padded vocabularies, and those with holes),
/// and without a tokenizer.
std::optional<std::string> token_bytes(std::int32_t id, const engine::Tokenizer* tokenizer);

/// A token as clients see it: its text, "bytes:\xe2\x82" if that is no valid UTF-8, "token_id:7" if
/// the tokenizer does not know it. Tokens of different bytes have different names.
std::string token_name(std::int32_t id, const engine::Tokenizer* tokenizer);

/// Where the tokens of a text begin, in characters; a token in the middle of a character begins
/// where that does.
class TextPlace {
 public:
  std::int64_t now() const { return characters_; }
  void pass(std::string_view bytes);
  void end();  // what comes next is another text, put behind this one

 private:
  void count(const std::string& text);

  engine::Utf8Stream stream_;
  std::int64_t characters_ = 0;
};

}  // namespace moebius::runner
