// The normaliser of the MATH data set's authors, and its two descendants.
#include "scorers/math/latex_shorthand.h"
#include "scorers/math/normalizers.h"
#include "scorers/text/python_text.h"

namespace moebius::scorers::math {
namespace {

/// What stands before the one "\text{ "; nullopt if there are several.
std::optional<std::string> remove_right_units(std::string_view s) {
  const auto pieces = text::split(s, "\\text{ ");
  if (pieces.size() > 2) return std::nullopt;
  return std::string(pieces[0]);
}

/// \sqrt3 to \sqrt{3}; nullopt if a \sqrt ends the text.
std::optional<std::string> fix_sqrt(std::string_view s) {
  const auto pieces = text::split(s, "\\sqrt");
  std::string out(pieces[0]);
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    const std::string_view piece = pieces[i];
    if (piece.empty()) return std::nullopt;
    out += "\\sqrt";
    const std::string_view a = text::first_char(piece);
    if (a == "{") {
      out += piece;
    } else {
      out.append("{").append(a).append("}").append(piece.substr(a.size()));
    }
  }
  return out;
}

/// "a/b" of integers to \frac{a}{b}.
std::optional<std::string> fix_integer_slash(std::string s, HendrycksFlavour flavour) {
  const auto pieces = text::split(s, "/");
  if (pieces.size() != 2) return s;
  const auto a = text::to_int(pieces[0]);
  const auto b = text::to_int(pieces[1]);
  if (!a || !b) {
    // lm-eval's handler catches AssertionError alone, and int() raises ValueError.
    if (flavour == HendrycksFlavour::kLmEval) return std::nullopt;
    return s;
  }
  if (*a != pieces[0] || *b != pieces[1]) return s;
  return "\\frac{" + *a + "}{" + *b + "}";
}

}  // namespace

std::optional<std::string> strip_hendrycks(std::string_view answer, HendrycksFlavour flavour) {
  std::string s(answer);
  replace_each(s, {{"\n", ""},
                   {"\\!", ""},
                   {"\\\\", "\\"},
                   {"tfrac", "frac"},
                   {"dfrac", "frac"},
                   {"\\left", ""},
                   {"\\right", ""},
                   {"^{\\circ}", ""},
                   {"^\\circ", ""},
                   {"\\$", ""}});
  auto step = remove_right_units(s);
  if (!step) return std::nullopt;
  s = *std::move(step);
  replace_each(s, {{"\\%", ""}, {" .", " 0."}, {"{.", "{0."}});
  if (s.empty()) return s;
  lead_with_zero(s);
  drop_short_left_side(s);
  step = fix_sqrt(s);
  if (!step) return std::nullopt;
  text::replace(*step, " ", "");
  step = fix_fracs(*step);
  if (!step) return std::nullopt;
  if (*step == "0.5") step = "\\frac{1}{2}";
  return fix_integer_slash(*std::move(step), flavour);
}

std::string normalize_mathd(std::string_view answer) {
  constexpr std::string_view kText = "\\text{";
  answer = text::strip(answer);
  if (answer.size() > kText.size() + 1 && answer.starts_with(kText) && answer.ends_with('}')) {
    const auto inner = answer.substr(kText.size(), answer.size() - kText.size() - 1);
    if (!text::contains(inner, "\n")) answer = text::strip(inner);
  }
  auto stripped = strip_hendrycks(answer, HendrycksFlavour::kOriginal);
  return stripped ? *std::move(stripped) : std::string(answer);
}

}  // namespace moebius::scorers::math
