// Tables of our LaTeX dialect: commands, letters beyond ASCII, bare words.
#pragma once

#include <optional>
#include <string_view>

#include "scorers/math/latex_lexer.h"

namespace moebius::scorers::math {

struct Meaning {
  Tok type;
  std::string_view text;
};

/// "\pi" without its backslash; nullopt if nobody knows it.
std::optional<Meaning> command_meaning(std::string_view name);

/// Commands that only change how things look: \left, \displaystyle, \quad is not among them.
bool invisible_command(std::string_view name);

/// Commands whose braces hold words: \text, \mathrm, \mbox, ...
bool text_command(std::string_view name);

/// Bare words: "sin", "pi", "infinity", "and".
std::optional<Meaning> word_meaning(std::string_view word);

/// A character beyond ASCII at the start of `text`: what it is to be read as, in LaTeX.
struct Character {
  std::string_view utf8;
  std::string_view latex;
};
const Character* special_character(std::string_view text);

}  // namespace moebius::scorers::math
