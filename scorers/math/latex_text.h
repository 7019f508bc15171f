// LaTeX as plain text, the way pylatexenc writes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace moebius::scorers::math {

/// "\frac{1}{2}" is "1/2", "\sqrt{3}" "√(3)", "\pi" "π"; unknown macros vanish. nullopt where the
/// reference raises (a bare \sqrt as an argument, an empty matrix, nesting beyond ~200). Comments
/// are not read: a '%' is a character. Linear in the text's length.
/// Source: pylatexenc 2.10, LatexNodes2Text().latex_to_text with its defaults; of its macros those
/// of mathematics (latex_symbols.cc).
std::optional<std::string> latex_text(std::string_view latex);

/// The text of a macro without arguments ("pi", ","); nullopt if it is unknown.
std::optional<std::string_view> latex_symbol(std::string_view macro);

}  // namespace moebius::scorers::math
