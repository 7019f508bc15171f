// The normaliser of prm800k's grader, which goes through LaTeX to plain text.
#include <re2/re2.h>

#include <cmath>

#include "scorers/math/latex_shorthand.h"
#include "scorers/math/latex_text.h"
#include "scorers/math/normalizers.h"
#include "scorers/math/prm800k_text.h"
#include "scorers/text/python_text.h"
#include "scorers/text/unicode.h"

namespace moebius::scorers::math {
namespace {

/// ^\text{(.+?)}$, where $ also stands before a last line break.
std::string_view unwrap_text(std::string_view s) {
  constexpr std::string_view kText = "\\text{";
  std::string_view body = s.ends_with('\n') ? s.substr(0, s.size() - 1) : s;
  if (body.size() <= kText.size() + 1 || !body.starts_with(kText) || !body.ends_with('}')) return s;
  body = body.substr(kText.size(), body.size() - kText.size() - 1);
  return text::contains(body, "\n") ? s : body;
}

void drop_units(std::string& s) {
  struct Unit {
    const char* name;
    RE2 regex;
    explicit Unit(const char* n) : name(n), regex(std::string(n) + R"((es)?(s)? *(\^[0-9]+)?)") {}
  };
  static const Unit kUnits[] = {Unit("degree"), Unit("cm"),     Unit("centimeter"), Unit("meter"),
                                Unit("mile"),   Unit("second"), Unit("minute"),     Unit("hour"),
                                Unit("day"),    Unit("week"),   Unit("month"),      Unit("year"),
                                Unit("foot"),   Unit("feet"),   Unit("inch"),       Unit("yard")};
  static const RE2 kDegrees(R"(\^ *\\circ)");
  for (const Unit& unit : kUnits) {
    if (text::contains(s, unit.name)) RE2::GlobalReplace(&s, unit.regex, "");
  }
  RE2::GlobalReplace(&s, kDegrees, "");
}

/// What sympy can read; unchanged where pylatexenc raises.
std::string latex_to_plain(std::string_view s) {
  std::string latex(s);
  replace_each(latex, {{"\\tfrac", "\\frac"}, {"\\dfrac", "\\frac"}, {"\\frac", " \\frac"}});
  auto plain = latex_text(latex);
  if (!plain) return std::string(s);
  replace_each(*plain,
               {{"√", "sqrt"}, {"π", "pi"}, {"∞", "inf"}, {"∪", "U"}, {"·", "*"}, {"×", "*"}});
  return std::string(text::strip(*plain));
}

bool near_integer(double x) {
  return std::isfinite(x) && std::fabs(x - std::nearbyint(x)) <= 1e-7;
}

}  // namespace

std::string strip_thousands(std::string_view s) {
  static const RE2 kComma(R"((\p{Nd})(,)(\p{Nd}\p{Nd}\p{Nd})(\z|\P{Nd}))");
  std::string out(s);
  // A pass may only leave commas whose neighbours were part of a match: a handful of passes.
  while (RE2::GlobalReplace(&out, kComma, "\\1\\3\\4") > 0) {
  }
  return out;
}

bool is_integer_text(std::string_view s) {
  const auto x = text::to_float(strip_thousands(s));
  return x && near_integer(*x);
}

std::string normalize_prm800k(std::string_view answer) {
  static const RE2 kThin(R"(,\\! *)");
  static const RE2 kMinus("- *");
  static const RE2 kMixed("([0-9]) +([0-9])");
  std::string s(unwrap_text(answer));
  replace_each(s, {{"\\%", "%"},
                   {"\\$", "$"},
                   {"$", ""},
                   {"%", ""},
                   {" or ", " , "},
                   {" and ", " , "},
                   {"million", "*10^6"},
                   {"billion", "*10^9"},
                   {"trillion", "*10^12"}});
  drop_units(s);
  if (s.size() > 1 && s.front() == '{' && s.back() == '}') s = s.substr(1, s.size() - 2);
  RE2::GlobalReplace(&s, kThin, "");
  if (const auto x = text::to_float(s); x && near_integer(*x))
    s = text::int_text(std::nearbyint(*x));
  if (text::contains(s, "\\")) s = latex_to_plain(s);
  RE2::GlobalReplace(&s, kMinus, "-");
  RE2::GlobalReplace(&s, kMixed, "\\1+\\2");
  delete_each(s, {" ", "{", "}"});
  s = text::lower(s);
  if (!is_integer_text(s)) return s;
  std::string digits = s;
  text::replace(digits, ",", "");
  return text::int_text(text::to_float(digits).value_or(0));
}

}  // namespace moebius::scorers::math
