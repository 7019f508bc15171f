// The macros with arguments that latex_text() knows, and the letters they change.
#include "scorers/math/latex_text_macros.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "scorers/text/unicode.h"

namespace moebius::scorers::math {
namespace {

constexpr Spec kSpecs[] = {
    {"frac", "{{", "%1/%2", "%s/%s"},
    {"nicefrac", "{{", "%1/%2", "%s/%s"},
    {"sqrt", "[{", "√(%2)", "!"},
    {"text", "{", "%1", ""},
    {"textrm", "{", "%1", ""},
    {"textit", "{", "%1", ""},
    {"textbf", "{", "%1", ""},
    {"textsc", "{", "%1", ""},
    {"textsl", "{", "%1", ""},
    {"emph", "{", "%1", ""},
    {"mathrm", "{", "%1", ""},
    {"mbox", "{", "", ""},
    {"textmd", "{", "", ""},
    {"textsf", "{", "", ""},
    {"texttt", "{", "", ""},
    {"textup", "{", "", ""},
    {"ensuremath", "{", "", ""},
    {"hphantom", "[{", "", ""},
    {"vphantom", "[{", "", ""},
    {"label", "{", "", ""},
    {"color", "[{", "", ""},
    {"xleftarrow", "[{", "", ""},
    {"xrightarrow", "[{", "", ""},
    {"hspace", "*{", "", ""},
    {"vspace", "*{", "\n", "\n"},
    {"textcolor", "[{{", "%3", "!"},
    {"overline", "{", "%1", "%s"},
    {"underline", "{", "%1", "%s"},
    {"widehat", "{", "%1", "%s"},
    {"widetilde", "{", "%1", "%s"},
    {"overleftarrow", "{", "%1", "%s"},
    {"overrightarrow", "{", "%1", "%s"},
    {"overbrace", "{", "%1", "%s"},
    {"underbrace", "{", "%1", "%s"},
    {"\\", "*[", "\n", "\n"},
    {"mathbf", "{", "", "", Style::kAlphabet, 0x1D400},
    {"mathit", "{", "", "", Style::kAlphabet, 0x1D434},
    {"mathcal", "{", "", "", Style::kAlphabet, 0x1D49C},
    {"mathscr", "{", "", "", Style::kAlphabet, 0x1D49C},
    {"mathfrak", "{", "", "", Style::kAlphabet, 0x1D504},
    {"mathbb", "{", "", "", Style::kAlphabet, 0x1D538},
    {"mathsf", "{", "", "", Style::kAlphabet, 0x1D5A0},
    {"mathtt", "{", "", "", Style::kAlphabet, 0x1D670},
    {"'", "{", "", "", Style::kAccent, 0x301},
    {"`", "{", "", "", Style::kAccent, 0x300},
    {"\"", "{", "", "", Style::kAccent, 0x308},
    {"c", "{", "", "", Style::kAccent, 0x327},
    {"^", "{", "", "", Style::kAccent, 0x302},
    {"~", "{", "", "", Style::kAccent, 0x303},
    {"H", "{", "", "", Style::kAccent, 0x30B},
    {"k", "{", "", "", Style::kAccent, 0x328},
    {"=", "{", "", "", Style::kAccent, 0x304},
    {"b", "{", "", "", Style::kAccent, 0x331},
    {".", "{", "", "", Style::kAccent, 0x307},
    {"d", "{", "", "", Style::kAccent, 0x323},
    {"r", "{", "", "", Style::kAccent, 0x30A},
    {"u", "{", "", "", Style::kAccent, 0x306},
    {"v", "{", "", "", Style::kAccent, 0x30C},
    {"vec", "{", "", "", Style::kAccent, 0x20D7},
    {"dot", "{", "", "", Style::kAccent, 0x307},
    {"hat", "{", "", "", Style::kAccent, 0x302},
    {"check", "{", "", "", Style::kAccent, 0x30C},
    {"breve", "{", "", "", Style::kAccent, 0x306},
    {"acute", "{", "", "", Style::kAccent, 0x301},
    {"grave", "{", "", "", Style::kAccent, 0x300},
    {"tilde", "{", "", "", Style::kAccent, 0x303},
    {"bar", "{", "", "", Style::kAccent, 0x305},
    {"ddot", "{", "", "", Style::kAccent, 0x308},
    {"not", "{", "", "", Style::kAccent, 0x338},
};

// Letters that Unicode had before it had the alphabets.
constexpr std::pair<char32_t, char32_t> kOldLetters[] = {
    {0x1D455, 0x210E}, {0x1D49D, 0x212C}, {0x1D4A0, 0x2130}, {0x1D4A1, 0x2131}, {0x1D4A3, 0x210B},
    {0x1D4A4, 0x2110}, {0x1D4A7, 0x2112}, {0x1D4A8, 0x2133}, {0x1D4AD, 0x211B}, {0x1D4BA, 0x212F},
    {0x1D4BC, 0x210A}, {0x1D4C4, 0x2134}, {0x1D506, 0x212D}, {0x1D50B, 0x210C}, {0x1D50C, 0x2111},
    {0x1D515, 0x211C}, {0x1D51D, 0x2128}, {0x1D53A, 0x2102}, {0x1D53F, 0x210D}, {0x1D545, 0x2115},
    {0x1D547, 0x2119}, {0x1D548, 0x211A}, {0x1D549, 0x211D}, {0x1D551, 0x2124}};

}  // namespace

const Spec* find_spec(std::string_view name) {
  const auto* found = std::find_if(std::begin(kSpecs), std::end(kSpecs),
                                   [name](const Spec& s) { return s.name == name; });
  return found == std::end(kSpecs) ? nullptr : found;
}

std::string in_alphabet(std::string_view s, char32_t capital_a) {
  std::string out;
  for (std::size_t at = 0; at < s.size();) {
    const text::Decoded next = text::decode(s, at);
    at += next.bytes;
    char32_t point = next.point;
    if (point >= 'A' && point <= 'Z') point = capital_a + (point - 'A');
    if (point >= 'a' && point <= 'z') point = capital_a + 26 + (point - 'a');
    for (const auto& [hole, letter] : kOldLetters) {
      if (point == hole) point = letter;
    }
    text::append(out, point);
  }
  return out;
}

std::string accented(std::string_view s, char32_t accent) {
  std::string out;
  for (std::size_t at = 0; at < s.size();) {
    const text::Decoded next = text::decode(s, at);
    at += next.bytes;
    std::string pair;
    const char32_t point = next.point == 0x131 ? U'i' : next.point == 0x237 ? U'j' : next.point;
    text::append(pair, point);
    text::append(pair, accent);
    utf8proc_uint8_t* composed =
        utf8proc_NFC(reinterpret_cast<const utf8proc_uint8_t*>(pair.c_str()));
    out += composed == nullptr ? pair : std::string(reinterpret_cast<char*>(composed));
    std::free(composed);  // utf8proc allocates with malloc
  }
  return out;
}

}  // namespace moebius::scorers::math
