// Qwen2.5-Math's normaliser.
#include <re2/re2.h>

#include "scorers/math/latex_shorthand.h"
#include "scorers/math/normalizers.h"
#include "scorers/math/unit_words.h"
#include "scorers/math/word_number.h"
#include "scorers/text/python_text.h"

namespace moebius::scorers::math {
namespace {

void write_matrices(std::string& s) {
  static const RE2 kArray(R"(\\begin\{array\}\{.*?\})");
  RE2::GlobalReplace(&s, kArray, "\\\\begin{pmatrix}");
  replace_each(s, {{"\\end{array}", "\\end{pmatrix}"}, {"bmatrix", "pmatrix"}});
}

void drop_decimal_zeros(std::string& s) {
  static const RE2 kInside(R"((\p{Nd}+)\.0*(\P{Nd}))");
  static const RE2 kAtEnd(R"((\p{Nd}+)\.0*\z)");
  RE2::GlobalReplace(&s, kInside, "\\1\\2");
  RE2::Replace(&s, kAtEnd, "\\1");
}

}  // namespace

std::string strip_qwen(std::string_view answer) {
  static const RE2 kText(R"(\\text\{(.*?)\})");
  static const RE2 kBox(R"(\\mbox\{.*?\})");
  static const RE2 kSqrt(R"(\\sqrt([\p{L}\p{N}_]+))");
  std::string s(text::strip(answer));
  text::replace(s, "\n", "");
  s = std::string(text::strip_right(s, "."));
  text::replace(s, "\\!", "");
  write_matrices(s);
  replace_each(s, {{"tfrac", "frac"},
                   {"dfrac", "frac"},
                   {"\\neq", "\\ne"},
                   {"\\leq", "\\le"},
                   {"\\geq", "\\ge"},
                   {"\\left", ""},
                   {"\\right", ""},
                   {"\\{", "{"},
                   {"\\}", "}"}});
  drop_trailing_text(s);
  drop_unit_words(s);
  delete_each(s, {"^{\\circ}", "^\\circ", "\\$", "$", "\\(", "\\)"});
  s = word_to_number(s).value_or(s);
  RE2::GlobalReplace(&s, kText, "\\1");
  delete_each(s, {"x=", "y=", "z=", "x\\in", "y\\in", "z\\in", "x\\to", "y\\to", "z\\to"});
  replace_each(s, {{"\\emptyset", "{}"},
                   {"(-\\infty,\\infty)", "\\mathbb{R}"},
                   {"\\%", ""},
                   {"%", ""},
                   {" .", " 0."},
                   {"{.", "{0."}});
  write_infinity(s);
  delete_each(s, {"and", "\\mathbf"});
  RE2::GlobalReplace(&s, kBox, "");
  if (!text::contains(s, "i")) text::replace(s, "j", "i");
  drop_decimal_zeros(s);
  if (s.empty()) return s;
  lead_with_zero(s);
  drop_short_left_side(s);
  RE2::GlobalReplace(&s, kSqrt, "\\\\sqrt{\\1}");
  text::replace(s, " ", "");
  s = fix_fracs(s).value_or(s);
  return fix_slash(s);
}

}  // namespace moebius::scorers::math
