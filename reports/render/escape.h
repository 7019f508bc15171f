// Text of unknown origin made harmless for a terminal, Markdown, XML and CSV.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace moebius::reports {

/// Valid UTF-8: every byte that belongs to no code point becomes U+FFFD.
std::string valid_utf8(std::string_view text);

/// One line that leaves a terminal alone: control characters, line separators and invisible or
/// direction-changing code points are written as \n, \t, \x1b or \u{202e}; a backslash as \\.
std::string escape_terminal(std::string_view text);

/// One line of Markdown that renders as the text: no markup, no HTML, no table cell ends, no
/// mention.
std::string escape_markdown(std::string_view text);

/// Text to be shown as it is, over several lines: as escape_terminal(), but line breaks, tabs and
/// backslashes stay.
std::string escape_block(std::string_view text);

/// A character data or attribute value of XML 1.0: valid UTF-8, what XML cannot hold becomes
/// U+FFFD.
std::string escape_xml(std::string_view text);

/// A field by RFC 4180, quoted where needed. Text that a spreadsheet would take for a formula
/// gets a leading apostrophe.
std::string escape_csv(std::string_view text);

/// Code points; wide and combining ones count like any other.
std::size_t width(std::string_view utf8);

}  // namespace moebius::reports
