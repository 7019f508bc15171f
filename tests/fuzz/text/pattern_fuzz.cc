// Fuzz target: a regular expression, a zero byte, and a text to split by it.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/text/pattern.h"
#include "engine/text/tokenizer.h"
#include "engine/text/unicode.h"

using moebius::engine::Pattern;
using moebius::engine::Piece;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// Pieces are not empty, cover the text in order and begin on character boundaries.
void check_pieces(std::string_view text, const std::vector<Piece>& pieces) {
  std::uint32_t at = 0;
  for (const Piece& piece : pieces) {
    require(piece.begin == at && piece.end > at && piece.end <= text.size());
    require(!moebius::engine::is_continuation(text[at]));
    at = piece.end;
  }
  require(at == text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = input.find('\0');
  if (zero == std::string_view::npos || !moebius::engine::valid_utf8(input)) return 0;
  const std::string_view text = input.substr(zero + 1);
  std::vector<Piece> pieces;
  try {
    Pattern(input.substr(0, zero))
        .split(text, {0, static_cast<std::uint32_t>(text.size())}, pieces);
  } catch (const moebius::engine::Error&) {
    return 0;
  }
  check_pieces(text, pieces);
  return 0;
}
