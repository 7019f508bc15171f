// DeepSeek-Math's normaliser.
#include <re2/re2.h>

#include "scorers/math/latex_shorthand.h"
#include "scorers/math/normalizers.h"
#include "scorers/text/python_text.h"

namespace moebius::scorers::math {
namespace {

void strip_in_place(std::string& s) {
  s = std::string(text::strip(s));
}

/// Units, in the order of the reference; white space is stripped after each.
void drop_units(std::string& s) {
  static const RE2 kMetres(R"(\{(c|m)?m\}(\^(2|3))?)");
  static const RE2 kTons(std::string(R"((\p{Nd}))") + text::kSpaceClass + R"(*t\z)");
  for (const char* degrees : {"^{\\circ}", "^\\circ"}) {
    text::replace(s, degrees, "");
    strip_in_place(s);
  }
  RE2::GlobalReplace(&s, kMetres, "");
  strip_in_place(s);
  if (s.ends_with("p.m.")) s.resize(s.size() - 4);
  strip_in_place(s);
  RE2::Replace(&s, kTons, "\\1");
  strip_in_place(s);
}

/// \sqrt3 and "\sqrt x" at the end to \sqrt{3} and \sqrt{x}; the same for \tan.
void fix_functions(std::string& s) {
  static const RE2 kSqrt(R"(\\sqrt(-?[0-9.a-zA-Z]+))");
  static const RE2 kTan(R"(\\tan(-?[0-9.a-zA-Z]+))");
  static const RE2 kLastSqrt(std::string(R"(\\sqrt)") + text::kSpaceClass +
                             R"(+([\p{L}\p{N}_]+)\z)");
  static const RE2 kLastTan(std::string(R"(\\tan)") + text::kSpaceClass + R"(+([\p{L}\p{N}_]+)\z)");
  RE2::GlobalReplace(&s, kSqrt, "\\\\sqrt{\\1}");
  RE2::Replace(&s, kLastSqrt, "\\\\sqrt{\\1}");
  RE2::GlobalReplace(&s, kTan, "\\\\tan{\\1}");
  RE2::Replace(&s, kLastTan, "\\\\tan{\\1}");
}

void drop_decimal_zeros(std::string& s) {
  static const RE2 kInside(R"((\p{Nd}+)\.0+(\P{Nd}))");
  static const RE2 kAtEnd(R"((\p{Nd}+)\.0+\z)");
  RE2::GlobalReplace(&s, kInside, "\\1\\2");
  RE2::Replace(&s, kAtEnd, "\\1");
}

}  // namespace

std::string strip_deepseek(std::string_view answer) {
  static const RE2 kBox(R"(\\mbox\{.*?\})");
  constexpr std::string_view kText = "\\text{";
  std::string s(text::strip(answer));
  text::replace(s, "\n", "");
  s = std::string(text::strip_right(s, "."));
  text::replace(s, "\\!", "");
  if (s.starts_with(kText) && s.ends_with('}')) s = s.substr(kText.size(), s.size() - 7);
  replace_each(s, {{"tfrac", "frac"}, {"dfrac", "frac"}, {"cfrac", "frac"}});
  delete_each(s, {"\\left", "\\right"});
  drop_trailing_text(s);
  drop_units(s);
  delete_each(s, {"\\$", "$", "x\\in"});
  replace_each(s, {{"\\%", "%"}, {" .", " 0."}, {"{.", "{0."}, {"\\cdot", ""}});
  write_infinity(s);
  delete_each(s, {"\\mathbf", "\\mathrm"});
  RE2::GlobalReplace(&s, kBox, "");
  if (!text::contains(s, "i")) text::replace(s, "j", "i");
  drop_decimal_zeros(s);
  if (s.empty()) return s;
  lead_with_zero(s);
  fix_functions(s);
  text::replace(s, " ", "");
  s = fix_fracs(s).value_or(s);
  s = fix_slash(s);
  return std::string(text::strip_right(s, "\\,."));
}

}  // namespace moebius::scorers::math
