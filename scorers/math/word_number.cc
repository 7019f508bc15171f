// English number words, with the reference's idea of how they combine.
#include "scorers/math/word_number.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "scorers/text/python_text.h"
#include "scorers/text/unicode.h"

namespace moebius::scorers::math {
namespace {

using Value = std::int64_t;
using Words = std::vector<Value>;

constexpr Value kHundred = 100;
constexpr Value kThousand = 1000;
constexpr Value kMillion = 1'000'000;
constexpr Value kBillion = 1'000'000'000;
constexpr Value kPoint = -1;

constexpr std::pair<std::string_view, Value> kWords[] = {{"zero", 0},
                                                         {"one", 1},
                                                         {"two", 2},
                                                         {"three", 3},
                                                         {"four", 4},
                                                         {"five", 5},
                                                         {"six", 6},
                                                         {"seven", 7},
                                                         {"eight", 8},
                                                         {"nine", 9},
                                                         {"ten", 10},
                                                         {"eleven", 11},
                                                         {"twelve", 12},
                                                         {"thirteen", 13},
                                                         {"fourteen", 14},
                                                         {"fifteen", 15},
                                                         {"sixteen", 16},
                                                         {"seventeen", 17},
                                                         {"eighteen", 18},
                                                         {"nineteen", 19},
                                                         {"twenty", 20},
                                                         {"thirty", 30},
                                                         {"forty", 40},
                                                         {"fifty", 50},
                                                         {"sixty", 60},
                                                         {"seventy", 70},
                                                         {"eighty", 80},
                                                         {"ninety", 90},
                                                         {"hundred", 100},
                                                         {"thousand", 1000},
                                                         {"million", kMillion},
                                                         {"billion", kBillion},
                                                         {"point", kPoint}};

Words number_words(std::string_view lower) {
  Words words;
  for (const std::string_view word : text::split_words(lower)) {
    const auto* known = std::find_if(std::begin(kWords), std::end(kWords),
                                     [word](const auto& w) { return w.first == word; });
    if (known != std::end(kWords)) words.push_back(known->second);
  }
  return words;
}

/// Index of the only `unit`, or of none (-1).
std::ptrdiff_t index_of(const Words& words, Value unit) {
  const auto found = std::find(words.begin(), words.end(), unit);
  return found == words.end() ? -1 : found - words.begin();
}

/// "two hundred five" and the like; nullopt for no word at all.
std::optional<Value> below_thousand(const Words& w, std::ptrdiff_t from, std::ptrdiff_t to) {
  if (from >= to) return std::nullopt;
  const Words n(w.begin() + from, w.begin() + to);
  if (n.size() == 4) return n[0] * n[1] + n[2] + n[3];
  if (n.size() == 3) return n[0] * n[1] + n[2];
  if (n.size() != 2) return n[0];
  const bool hundreds = n[0] == kHundred || n[1] == kHundred;
  return hundreds ? n[0] * n[1] : n[0] + n[1];
}

/// The whole part; nullopt where number_formation gets an empty list.
std::optional<Value> whole_part(const Words& w) {
  if (w.empty()) return 0;
  if (w.size() == 1) return w[0];
  const auto end = static_cast<std::ptrdiff_t>(w.size());
  Value sum = 0;
  std::ptrdiff_t done = 0;  // words before it are counted
  for (const Value unit : {kBillion, kMillion, kThousand}) {
    const auto at = index_of(w, unit);
    if (at < 0) continue;
    const auto multiplier = below_thousand(w, done, at);
    if (!multiplier) return std::nullopt;
    sum += *multiplier * unit;
    done = at + 1;
  }
  if (done < end) sum += *below_thousand(w, done, end);
  return sum;
}

/// "0.25" for "two five"; 0 if a word is no digit.
std::optional<double> decimal_part(const Words& digits) {
  std::string literal = "0.";
  for (const Value digit : digits) {
    if (digit < 0 || digit > 9) return std::nullopt;
    literal += static_cast<char>('0' + digit);
  }
  return std::strtod(literal.c_str(), nullptr);
}

bool units_in_order(const Words& w) {
  const auto billion = index_of(w, kBillion);
  const auto million = index_of(w, kMillion);
  const auto thousand = index_of(w, kThousand);
  const bool small_first = thousand > -1 && (thousand < million || thousand < billion);
  return !small_first && !(million > -1 && million < billion);
}

}  // namespace

std::optional<std::string> word_to_number(std::string_view written) {
  std::string lower(written);
  text::replace(lower, "-", " ");
  lower = text::lower(lower);
  if (text::is_digits(lower)) return text::to_int(lower);
  Words words = number_words(lower);
  if (words.empty()) return std::nullopt;
  for (const Value once : {kThousand, kMillion, kBillion, kPoint}) {
    if (std::count(words.begin(), words.end(), once) > 1) return std::nullopt;
  }
  Words decimals;
  if (const auto point = index_of(words, kPoint); point >= 0) {
    decimals.assign(words.begin() + point + 1, words.end());
    words.resize(static_cast<std::size_t>(point));
  }
  if (!units_in_order(words)) return std::nullopt;
  const auto whole = whole_part(words);
  if (!whole) return std::nullopt;
  const auto fraction = decimals.empty() ? std::nullopt : decimal_part(decimals);
  if (!fraction) return std::to_string(*whole);
  return text::float_text(static_cast<double>(*whole) + *fraction);
}

}  // namespace moebius::scorers::math
