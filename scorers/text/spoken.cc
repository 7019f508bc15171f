// The part of an answer after its thinking.
#include "scorers/scorer.h"

namespace moebius::scorers {

Spoken spoken_part(std::string_view text, bool opened) {
  constexpr std::string_view kOpen = "<think>";
  constexpr std::string_view kClose = "</think>";
  const std::size_t close = text.rfind(kClose);
  const bool closed = close != std::string_view::npos;
  const std::string_view rest = closed ? text.substr(close + kClose.size()) : text;
  const bool reopened = rest.find(kOpen) != std::string_view::npos;
  return {rest, reopened || (opened && !closed)};
}

}  // namespace moebius::scorers
