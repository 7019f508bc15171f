#include "engine/text/pattern_parser.h"

#include <utf8proc.h>

#include <algorithm>

#include "engine/engine.h"
#include "engine/text/unicode.h"

namespace moebius::engine {
namespace {

constexpr std::size_t kMaxSource = 4000;  // bytes; the longest known pattern has 900
constexpr std::size_t kMaxNodes = 4000;   // also bounds how deep matching recurses
constexpr int kMaxDepth = 8;
constexpr std::uint32_t kMaxCount = 1000;
constexpr std::uint32_t kSpaceCategories =
    1U << UTF8PROC_CATEGORY_ZS | 1U << UTF8PROC_CATEGORY_ZL | 1U << UTF8PROC_CATEGORY_ZP;

void add_ascii(CharClass& set, char32_t c) {
  set.ascii[c >> 6] |= std::uint64_t{1} << (c & 63);
}

void add_range(CharClass& set, char32_t first, char32_t last) {
  for (char32_t c = first; c <= last && c < 128; ++c) add_ascii(set, c);
  if (last >= 128) set.ranges.emplace_back(std::max<char32_t>(first, 128), last);
}

void add_categories(CharClass& set, std::uint32_t bits) {
  set.categories |= bits;
  for (char32_t c = 0; c < 128; ++c) {
    if ((category_bit(c) & bits) != 0) add_ascii(set, c);
  }
}

void add_space(CharClass& set) {
  for (char32_t c = 0; c < 128; ++c) {
    if (is_space(c)) add_ascii(set, c);
  }
  set.categories |= kSpaceCategories;
  set.ranges.emplace_back(0x85, 0x85);
}

void negate(CharClass& set) {
  set.negated = !set.negated;
  for (auto& word : set.ascii) word = ~word;
}

void merge_ranges(std::vector<std::pair<char32_t, char32_t>>& ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<std::pair<char32_t, char32_t>> merged;
  for (const auto& range : ranges) {
    if (!merged.empty() && range.first <= merged.back().second) {
      merged.back().second = std::max(merged.back().second, range.second);
    } else {
      merged.push_back(range);
    }
  }
  ranges = std::move(merged);
}

bool is_letter(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Simple case folding of one character: ASCII, and the two others that fold into ASCII.
CharClass fold_char(char32_t c) {
  CharClass set;
  add_range(set, c, c);
  if (!is_letter(c)) return set;
  add_range(set, c ^ 0x20, c ^ 0x20);
  if ((c | 0x20) == 's') add_range(set, 0x017F, 0x017F);  // long s
  if ((c | 0x20) == 'k') add_range(set, 0x212A, 0x212A);  // Kelvin sign
  return set;
}

}  // namespace

void PatternParser::fail(const std::string& what) const {
  std::string shown;
  const char* p = source_.data();
  while (p != source_.data() + source_.size() && shown.size() < 120) {
    const char32_t c = next_char(p);
    append_utf8(shown, c < ' ' ? U' ' : c);
  }
  throw Error(what + " at byte " + std::to_string(at_) + " of the Regex \"" + shown + "\"");
}

bool PatternParser::take(std::string_view token) {
  if (!source_.substr(at_).starts_with(token)) return false;
  at_ += token.size();
  return true;
}

char32_t PatternParser::take_char() {
  if (done()) fail("unexpected end");
  const char* p = source_.data() + at_;
  const char32_t c = next_char(p);
  at_ = static_cast<std::size_t>(p - source_.data());
  return c;
}

void PatternParser::parse() {
  if (source_.size() > kMaxSource) throw Error("a Regex of more than 4000 bytes");
  const std::vector<Sequence> alternatives = parse_alternatives(false);
  if (!done()) fail("')' without '('");
  if (alternatives.size() > 32) fail("more than 32 alternatives");
  for (const Sequence& sequence : alternatives) {
    pattern_.alternatives_.push_back(emit(sequence, 0, -1));
  }
}

std::vector<PatternParser::Sequence> PatternParser::parse_alternatives(bool fold) {
  if (++depth_ > kMaxDepth) fail("groups nested too deeply");
  std::vector<Sequence> out(1);
  while (!done() && source_[at_] != ')') {
    if (take("|")) {
      out.emplace_back();
    } else {
      out.back().push_back(parse_item(fold));
      parse_quantifier(out.back().back());
    }
  }
  --depth_;
  return out;
}

PatternParser::Item PatternParser::item_of(CharClass set) {
  Item item;
  item.node.chars = static_cast<int>(pattern_.classes_.size());
  pattern_.classes_.push_back(std::move(set));
  return item;
}

PatternParser::Item PatternParser::parse_item(bool fold) {
  if (take("(")) return parse_group(fold);
  if (take("[")) return item_of(parse_class(fold));
  if (take("$")) {
    Item item;
    item.node.kind = Pattern::Kind::kEnd;
    return item;
  }
  CharClass set;
  if (take("\\")) {
    parse_escape(set, false);
    return item_of(std::move(set));
  }
  for (const char special : {'.', '^', '*', '+', '?', '{'}) {
    if (source_[at_] == special) fail(std::string("'") + special + "' is not supported there");
  }
  const char32_t c = take_char();
  if (fold && c >= 128) fail("(?i:..) on letters beyond ASCII is not supported");
  if (fold) return item_of(fold_char(c));
  add_range(set, c, c);
  return item_of(std::move(set));
}

PatternParser::Item PatternParser::parse_group(bool fold) {
  Item item;
  item.node.kind = Pattern::Kind::kOneOf;
  if (take("?!")) {
    item.node.kind = Pattern::Kind::kNotAhead;
  } else if (take("?i:")) {
    fold = true;
  } else if (!take("?:") && take("?")) {
    fail("this kind of group is not supported");
  }
  item.branches = parse_alternatives(fold);
  if (!take(")")) fail("'(' without ')'");
  return item;
}

void PatternParser::parse_quantifier(Item& item) {
  if (done()) return;
  Pattern::Node& node = item.node;
  if (take("?")) {
    node.min = 0;
  } else if (take("*")) {
    node.min = 0;
    node.max = Pattern::kUnlimited;
  } else if (take("+")) {
    node.max = Pattern::kUnlimited;
  } else if (take("{")) {
    parse_counts(item);
    if (!done() && (source_[at_] == '+' || source_[at_] == '?')) fail("not supported there");
  } else {
    return;
  }
  if (take("?")) fail("lazy repetition is not supported");
  node.possessive = take("+");
  if (!done() && (source_[at_] == '*' || source_[at_] == '{')) fail("repeated repetition");
  if (node.kind == Pattern::Kind::kClass) return;
  if (node.kind != Pattern::Kind::kOneOf || node.max != 1 || node.possessive) {
    fail("repeating a group is not supported");
  }
  item.branches.emplace_back();  // an optional group: or else nothing
}

void PatternParser::parse_counts(Item& item) {
  Pattern::Node& node = item.node;
  node.min = parse_count();
  node.max = node.min;
  if (take(",")) node.max = !done() && source_[at_] == '}' ? Pattern::kUnlimited : parse_count();
  if (!take("}")) fail("'}' is missing");
  if (node.max < node.min || node.max == 0) fail("a bad range of counts");
}

std::uint32_t PatternParser::parse_count() {
  std::uint32_t value = 0;
  const std::size_t start = at_;
  while (!done() && source_[at_] >= '0' && source_[at_] <= '9' && value <= kMaxCount) {
    value = value * 10 + static_cast<std::uint32_t>(source_[at_++] - '0');
  }
  if (at_ == start || value > kMaxCount) fail("a count of 0 .. 1000 is missing");
  return value;
}

CharClass PatternParser::parse_class(bool fold) {
  if (fold) fail("a class inside (?i:..) is not supported");
  CharClass set;
  const bool negated = take("^");
  bool empty = true;
  while (!take("]")) {
    if (done()) fail("'[' without ']'");
    if (source_[at_] == '[' || source_.substr(at_).starts_with("&&")) {
      fail("a set inside a set is not supported");
    }
    empty = false;
    const std::string_view rest = source_.substr(at_);
    if (rest.size() > 1 && rest[0] == '\\' && std::string_view("pPsSdD").find(rest[1]) < 6) {
      at_ += 1;
      parse_escape(set, true);
      continue;
    }
    const char32_t first = parse_char();
    char32_t last = first;
    if (source_.substr(at_).size() > 1 && source_[at_] == '-' && source_[at_ + 1] != ']') {
      at_ += 1;
      last = parse_char();
      if (last < first) fail("an empty range");
    }
    add_range(set, first, last);
  }
  if (empty) fail("an empty class");
  merge_ranges(set.ranges);
  if (negated) negate(set);
  return set;
}

// After a backslash: a class of characters or one character, into `out`.
void PatternParser::parse_escape(CharClass& out, bool in_class) {
  const bool negated = !done() && (source_[at_] == 'S' || source_[at_] == 'D');
  if (negated && in_class) fail("a negated escape inside a class is not supported");
  if (take("p")) return parse_property(out, false);
  if (take("P")) {
    if (in_class) fail("a negated escape inside a class is not supported");
    return parse_property(out, true);
  }
  if (take("s") || take("S")) {
    add_space(out);
  } else if (take("d") || take("D")) {
    add_categories(out, *category_bits("Nd"));
  } else {
    const char32_t c = escaped_char(take_char());
    add_range(out, c, c);
  }
  if (negated) negate(out);
}

void PatternParser::parse_property(CharClass& out, bool negated) {
  if (!take("{")) fail("'{' is missing");
  const std::size_t close = source_.find('}', at_);
  if (close == std::string_view::npos) fail("'}' is missing");
  const auto bits = category_bits(source_.substr(at_, close - at_));
  if (!bits) fail("an unknown property");
  at_ = close + 1;
  add_categories(out, *bits);
  if (negated) negate(out);
}

char32_t PatternParser::parse_char() {
  if (take("\\")) return escaped_char(take_char());
  return take_char();
}

char32_t PatternParser::escaped_char(char32_t letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case 'x':
      return hex(2);
    case 'u':
      return hex(4);
    default:
      if (is_letter(letter) || (letter >= '0' && letter <= '9')) fail("an unknown escape");
      return letter;
  }
}

char32_t PatternParser::hex(int digits) {
  char32_t value = 0;
  for (int i = 0; i < digits; ++i) {
    const char32_t c = take_char();
    if (!((c >= '0' && c <= '9') || (is_letter(c) && (c | 0x20) <= 'f'))) fail("bad hex digits");
    value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

int PatternParser::add(Pattern::Node node) {
  if (pattern_.nodes_.size() >= kMaxNodes) fail("too many parts");
  pattern_.nodes_.push_back(std::move(node));
  return static_cast<int>(pattern_.nodes_.size()) - 1;
}

int PatternParser::emit(const Sequence& sequence, std::size_t from, int next) {
  for (std::size_t i = sequence.size(); i > from; --i) {
    const Item& item = sequence[i - 1];
    Pattern::Node node = item.node;
    node.next = next;
    // A look-ahead's branches end in themselves; a group's go on with what follows the group.
    const int behind = node.kind == Pattern::Kind::kOneOf ? next : -1;
    for (const Sequence& branch : item.branches) node.branches.push_back(emit(branch, 0, behind));
    next = add(std::move(node));
  }
  return next;
}

}  // namespace moebius::engine
