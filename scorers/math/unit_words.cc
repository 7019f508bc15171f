// Deleting unit words: a scanner for (^|\W)word($|\W), where a dot in a word is any character.
#include "scorers/math/unit_words.h"

#include <array>
#include <string_view>

#include "scorers/text/unicode.h"

namespace moebius::scorers::math {
namespace {

// Repetitions, misspellings and broken encodings are the reference's; the order matters.
constexpr std::string_view kUnits[] = {
    "east",     "degree",   "mph",      "kmph",    "ft",
    "m sqaure", " m east",  "sq m",     "deg",     "mile",
    "q .",      "monkey",   "prime",    "ratio",   "profit of rs",
    "rd",       "o",        "gm",       "p . m",   "lb",
    "tile",     "per",      "dm",       "lt",      "gain",
    "ab",       "way",      "west",     "a .",     "b .",
    "c .",      "d .",      "e .",      "f .",     "g .",
    "h .",      "t",        "a",        "h",       "no change",
    "men",      "soldier",  "pie",      "bc",      "excess",
    "st",       "inches",   "noon",     "percent", "by",
    "gal",      "kmh",      "c",        "acre",    "rise",
    "a . m",    "th",       "π r 2",    "sq",      "mark",
    "l",        "toy",      "coin",     "sq . m",  "gallon",
    "° f",      "profit",   "minw",     "yr",      "women",
    "feet",     "am",       "pm",       "hr",      "cu cm",
    "square",   "v â € ™",  "are",      "rupee",   "rounds",
    "cubic",    "cc",       "mtr",      "s",       "ohm",
    "number",   "kmph",     "day",      "hour",    "minute",
    "min",      "second",   "man",      "woman",   "sec",
    "cube",     "mt",       "sq inch",  "mp",      "∏ cm ³",
    "hectare",  "more",     "sec",      "unit",    "cu . m",
    "cm 2",     "rs .",     "rs",       "kg",      "g",
    "month",    "km",       "m",        "cm",      "mm",
    "apple",    "liter",    "loss",     "yard",    "pure",
    "year",     "increase", "decrease", "d",       "less",
    "Surface",  "litre",    "pi sq m",  "s .",     "metre",
    "meter",    "inch",
};

/// Where the word that starts at `at` ends; npos if it does not stand there.
std::size_t word_end(std::string_view s, std::size_t at, std::string_view word) {
  for (const char c : word) {
    if (at >= s.size()) return std::string_view::npos;
    if (c == '.') {
      if (s[at] == '\n') return std::string_view::npos;
      at += text::decode(s, at).bytes;
    } else if (s[at++] != c) {
      return std::string_view::npos;
    }
  }
  return at;
}

bool is_gap(const text::Decoded& c) {
  return c.bytes > 0 && !text::is_word(c.point);
}

/// re.sub(r"(^|\W)word($|\W)", r"\1\2", s). `from` is where the next match may begin.
std::string without(std::string_view s, std::string_view word) {
  const std::string_view head = word.substr(0, word.find('.'));
  std::string out;
  std::size_t copied = 0;
  std::size_t from = 0;
  for (std::size_t hit = s.find(head); hit != std::string_view::npos; hit = s.find(head, hit + 1)) {
    const text::Decoded before = text::decode_before(s, hit);
    const bool starts = hit == 0 || (is_gap(before) && hit - before.bytes >= from);
    const std::size_t end = starts ? word_end(s, hit, word) : std::string_view::npos;
    if (end == std::string_view::npos) continue;
    const text::Decoded after = text::decode(s, end);
    if (after.bytes > 0 && !is_gap(after)) continue;
    out.append(s.substr(copied, hit - copied));
    copied = end;
    // The gap after a word belongs to this match, so it cannot open the next one.
    from = end + after.bytes;
    hit = from > hit + 1 ? from - 1 : hit;
  }
  return out.append(s.substr(copied));
}

void drop_once(std::string& s, std::string_view word) {
  if (s.find(word.substr(0, word.find('.'))) == std::string::npos) return;
  std::string rest = without(s, word);
  if (!rest.empty()) s = std::move(rest);
}

}  // namespace

void drop_unit_words(std::string& s) {
  for (int round = 0; round < 2; ++round) {
    for (const std::string_view unit : kUnits) drop_once(s, unit);
    for (const std::string_view unit : kUnits) drop_once(s, std::string(unit) + "s");
  }
}

}  // namespace moebius::scorers::math
