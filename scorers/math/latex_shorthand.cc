// Steps that several of the reference normalisers share.
#include "scorers/math/latex_shorthand.h"

#include "scorers/text/python_text.h"

namespace moebius::scorers::math {
namespace {

/// What int() would read and str() would write back the same.
bool is_canonical_int(std::string_view s) {
  const auto number = text::to_int(s);
  return number && *number == s;
}

}  // namespace

void replace_each(std::string& s, std::initializer_list<Replacement> replacements) {
  for (const auto& [from, to] : replacements) text::replace(s, from, to);
}

void delete_each(std::string& s, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) text::replace(s, part, "");
}

std::optional<std::string> fix_fracs(std::string_view s) {
  constexpr std::string_view kFrac = "\\frac";
  const auto pieces = text::split(s, kFrac);
  std::string out(pieces[0]);
  out.reserve(s.size() + 8);
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    std::string_view rest = pieces[i];
    out += kFrac;
    if (rest.empty()) return std::nullopt;
    if (rest[0] == '{') {
      out += rest;
      continue;
    }
    const std::string_view a = text::first_char(rest);
    rest.remove_prefix(a.size());
    if (rest.empty()) return std::string(s);
    const std::string_view b = text::first_char(rest);
    rest.remove_prefix(b.size());
    out.append("{").append(a).append("}");
    if (b == "{") {
      out += b;
    } else {
      out.append("{").append(b).append("}");
    }
    out += rest;
  }
  return out;
}

std::string fix_slash(std::string_view s) {
  const auto pieces = text::split(s, "/");
  if (pieces.size() != 2) return std::string(s);
  for (const std::string_view piece : pieces) {
    if (!text::contains(piece, "sqrt") && !is_canonical_int(piece)) return std::string(s);
  }
  return "\\frac{" + std::string(pieces[0]) + "}{" + std::string(pieces[1]) + "}";
}

void lead_with_zero(std::string& s) {
  if (!s.empty() && s[0] == '.') s.insert(0, 1, '0');
}

void drop_short_left_side(std::string& s) {
  const auto sides = text::split(s, "=");
  if (sides.size() == 2 && text::length(sides[0]) <= 2) s = std::string(sides[1]);
}

void drop_trailing_text(std::string& s) {
  const std::size_t end = s.ends_with('}') ? s.find("\\text{") : std::string::npos;
  const std::string_view before = text::strip(std::string_view(s).substr(0, end));
  if (!before.empty()) s = std::string(before);
}

void write_infinity(std::string& s) {
  text::replace(s, "infinity", "\\infty");
  if (!text::contains(s, "\\infty")) text::replace(s, "inf", "\\infty");
  text::replace(s, "+\\inity", "\\infty");
}

}  // namespace moebius::scorers::math
