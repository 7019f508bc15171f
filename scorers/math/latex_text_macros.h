// The macros with arguments that latex_text() knows, and the letters they change.
#pragma once

#include <string>
#include <string_view>

namespace moebius::scorers::math {

enum class Style { kPlain, kAccent, kAlphabet };

/// A macro with arguments. Its text: %1, %2 .. for the arguments.
struct Spec {
  std::string_view name;
  std::string_view args;  // '{' one argument, '[' optional, '*' optional star
  std::string_view text;
  std::string_view bare;  // its text where the reference finds no arguments; "!": it raises
  Style style = Style::kPlain;
  char32_t code = 0;  // of a combining accent, or of the alphabet's A
};

/// nullptr if the macro is not known.
const Spec* find_spec(std::string_view name);

/// Latin letters from the alphabet whose A is `capital_a`.
std::string in_alphabet(std::string_view text, char32_t capital_a);

/// Every character with the accent, composed where Unicode has it composed.
std::string accented(std::string_view text, char32_t accent);

}  // namespace moebius::scorers::math
