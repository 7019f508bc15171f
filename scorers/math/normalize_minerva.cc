// The normaliser of the Minerva paper (Lewkowycz et al. 2022, appendix D) as lm-eval has it.
#include <re2/re2.h>

#include "scorers/math/latex_shorthand.h"
#include "scorers/math/normalizers.h"
#include "scorers/text/python_text.h"

namespace moebius::scorers::math {
namespace {

void drop_expressions(std::string& s) {
  delete_each(s, {"square",       "ways",
                  "integers",     "dollars",
                  "mph",          "inches",
                  "ft",           "hours",
                  "km",           "units",
                  "\\ldots",      "sue",
                  "points",       "feet",
                  "minutes",      "digits",
                  "cents",        "degrees",
                  "cm",           "gm",
                  "pounds",       "meters",
                  "meals",        "edges",
                  "students",     "childrentickets",
                  "multiples",    "\\text{s}",
                  "\\text{.}",    "\\text{\ns}",
                  "\\text{}^2",   "\\text{}^3",
                  "\\text{\n}",   "\\text{}",
                  "\\mathrm{th}", "^\\circ",
                  "^{\\circ}",    "\\;",
                  ",\\!",         "{,}",
                  "\"",           "\\dots"});
}

/// Lines with two dollar signs or more: only what is between the first two, in dollars.
std::string keep_inline_math(std::string_view s) {
  std::string out;
  for (bool first = true; const std::string_view line : text::split(s, "\n")) {
    if (!first) out += '\n';
    first = false;
    const std::size_t open = line.find('$');
    const std::size_t close = open == std::string_view::npos ? open : line.find('$', open + 1);
    out += close == std::string_view::npos ? line : line.substr(open, close - open + 1);
  }
  return out;
}

void unwrap(std::string& s) {
  static const RE2 kText(R"(\\text\{(.*?)\})");
  static const RE2 kBold(R"(\\textbf\{(.*?)\})");
  static const RE2 kOverline(R"(\\overline\{(.*?)\})");
  static const RE2 kBoxed(R"(\\boxed\{(.*)\})");
  for (const RE2* wrapper : {&kText, &kBold, &kOverline, &kBoxed}) {
    RE2::GlobalReplace(&s, *wrapper, "\\1");
  }
}

}  // namespace

std::string normalize_minerva(std::string_view answer) {
  static const RE2 kFrac(R"((frac)([^{])(.))");
  static const RE2 kSqrt(R"((sqrt)([^{]))");
  std::string s(text::last_piece(answer, "="));
  replace_each(s, {{"an ", ""},
                   {"a ", ""},
                   {".$", "$"},
                   {"\\$", ""},
                   {"\\ ", ""},
                   {" ", ""},
                   {"mbox", "text"},
                   {",\\text{and}", ","},
                   {"\\text{and}", ","},
                   {"\\text{m}", "\\text{}"}});
  drop_expressions(s);
  s = keep_inline_math(s);
  unwrap(s);
  RE2::GlobalReplace(&s, kFrac, "frac{\\2}{\\3}");
  RE2::GlobalReplace(&s, kSqrt, "sqrt{\\2}");
  text::replace(s, "$", "");
  std::string without_commas = s;
  text::replace(without_commas, ",", "");
  return text::is_digits(without_commas) ? without_commas : s;
}

}  // namespace moebius::scorers::math
