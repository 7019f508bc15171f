// Finding the final answer in what a model wrote.
//
// Source of the order of preference: huggingface/Math-Verify parser.py (boxed, "final answer is",
// "answer is", last formula), tried against its tests; see README.md for where this differs.
#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "scorers/math/latex_lexer.h"
#include "scorers/math/latex_words.h"
#include "scorers/math/moebius_grader.h"

namespace moebius::scorers::math {
namespace {

constexpr std::size_t kMaxScanned = 32 << 10;  // bytes from the end; answers stand at the end
constexpr std::size_t kMaxBare = 300;

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;  // one past
  std::size_t inner_begin = 0;
  std::size_t inner_end = 0;
};

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string lowered(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view trim(std::string_view s) {
  const auto noise = [](char c) { return space(c) || c == '*' || c == '"' || c == '\''; };
  while (!s.empty() && (noise(s.front()) || s.front() == ':')) s.remove_prefix(1);
  while (!s.empty() && (noise(s.back()) || s.back() == '.' || s.back() == ',' || s.back() == ';')) {
    if (s.size() > 1 && s[s.size() - 2] == '\\') break;
    s.remove_suffix(1);
  }
  return s;
}

/// Removes every `what` from `s`.
void erase_all(std::string& s, std::string_view what) {
  for (std::size_t at = s.find(what); at != std::string::npos; at = s.find(what, at)) {
    s.erase(at, what.size());
  }
}

/// Whether nothing but "and", commas, markup and a name with "=" lies between two answers.
bool joins(std::string_view between) {
  if (between.size() > 80) return false;
  std::string s = lowered(between);
  for (const char* word : {"\\text", "\\quad", "\\qquad", "\\mbox", "\\left", "\\right", "\\,",
                           "\\;", "\\ ", "\\[", "\\]", "\\(", "\\)", "\\\\"}) {
    erase_all(s, word);
  }
  const std::size_t equals = s.find('=');
  if (equals != std::string::npos && s.find('=', equals + 1) == std::string::npos) {
    std::size_t start = equals;
    while (start > 0 && space(s[start - 1])) --start;
    const std::size_t end_of_name = start;
    while (start > 0 && (std::isalnum(static_cast<unsigned char>(s[start - 1])) != 0 ||
                         s[start - 1] == '_' || s[start - 1] == '{' || s[start - 1] == '}')) {
      --start;
    }
    if (end_of_name - start <= 6) s.erase(start, equals + 1 - start);
  }
  int words = 0;
  for (const char* word : {"and", "or"}) {
    const std::size_t at = s.find(word);
    if (at == std::string::npos) continue;
    s.erase(at, std::string_view(word).size());
    ++words;
  }
  const bool only_marks = std::all_of(s.begin(), s.end(), [](char c) {
    return space(c) || std::string_view(",;${}&.").find(c) != std::string_view::npos;
  });
  const bool sentence = s.find('.') != std::string::npos && words == 0;
  return only_marks && words <= 1 && !sentence;
}

/// The spans that end the list with the last of `spans`, joined by commas.
std::string joined(std::string_view text, const std::vector<Span>& spans) {
  std::size_t first = spans.size() - 1;
  while (first > 0 &&
         joins(text.substr(spans[first - 1].end, spans[first].begin - spans[first - 1].end))) {
    --first;
  }
  std::string out;
  for (std::size_t i = first; i < spans.size(); ++i) {
    if (i > first) out += ", ";
    const std::string_view inner =
        text.substr(spans[i].inner_begin, spans[i].inner_end - spans[i].inner_begin);
    out += trim(inner);
  }
  return out;
}

/// "%", "percent" or a degree sign right after an answer belongs to it.
std::string suffix_after(std::string_view text, std::size_t at) {
  while (at < text.size() && (space(text[at]) || text[at] == '$' || text[at] == '*')) ++at;
  const std::string rest = lowered(text.substr(at, 12));
  for (const char* percent : {"\\%", "%", "percent", "pct", "per cent", "\\)%", "\\) percent"}) {
    if (rest.starts_with(percent)) return "\\%";
  }
  for (const char* degree : {"^\\circ", "^{\\circ", "\xc2\xb0", "degree"}) {
    if (rest.starts_with(degree)) return "^\\circ";
  }
  return "";
}

std::vector<Span> boxes(std::string_view text) {
  std::vector<Span> found;
  for (std::size_t at = text.find("box"); at != std::string_view::npos;
       at = text.find("box", at + 3)) {
    const bool boxed = text.substr(at, 5) == "boxed";
    const bool fbox = !boxed && at > 1 && text.substr(at - 2, 5) == "\\fbox";
    if (!boxed && !fbox) continue;
    std::size_t open = at + (boxed ? 5 : 3);
    while (open < text.size() && text[open] == ' ') ++open;
    if (open >= text.size()) continue;
    std::size_t begin = at;
    while (begin > 0 && text[begin - 1] == '\\') --begin;
    if (text[open] != '{') {
      if (boxed && begin < at) {
        const std::size_t end = std::min(text.find_first_of("$ \n", open), text.size());
        found.push_back({begin, end, open, end});
      }
      continue;
    }
    std::size_t end = group_end(text, open);
    if (end == std::string_view::npos) {
      const std::size_t line = std::min(text.find('\n', open), text.size());
      if (!found.empty() && found.back().end > begin) continue;
      found.push_back({begin, line, open + 1, line});
    } else if (found.empty() || found.back().end <= begin) {
      found.push_back({begin, end, open + 1, end - 1});
    }
  }
  return found;
}

/// Words of two letters or more that are neither commands nor names of functions and units.
int prose_words(std::string_view text) {
  int words = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '\\') {
      std::size_t end = i + 1;
      while (end < text.size() && letter(text[end])) ++end;
      const std::string_view name = text.substr(i + 1, end - i - 1);
      const bool group = end < text.size() && text[end] == '{';
      if (group && (text_command(name) || name == "begin" || name == "end")) {
        end = std::min(group_end(text, end), text.size());
      }
      i = std::max(end, i + 2);
    } else if (letter(text[i])) {
      std::size_t end = i;
      while (end < text.size() && (letter(text[end]) || text[end] == '\'')) ++end;
      const bool known = word_meaning(lowered(text.substr(i, end - i))).has_value();
      if (end - i > 1 && !known) ++words;
      i = end;
    } else {
      ++i;
    }
  }
  return words;
}

bool foreign_prose(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) continue;
    if (const Character* known = special_character(text.substr(i))) {
      i += known->utf8.size() - 1;
    } else if (c >= 0xC0) {
      return true;
    }
  }
  return false;
}

/// $...$, $$...$$, \(...\) and \[...\], in order.
class FormulaScanner {
 public:
  explicit FormulaScanner(std::string_view text) : text_(text) {}

  std::vector<Span> all() {
    for (std::size_t at = 0; at < text_.size();) {
      const std::size_t after = formula_at(at);
      const bool escaped = after == at && text_[at] == '\\' && text_.substr(at, 2) != "\\(" &&
                           text_.substr(at, 2) != "\\[";
      at = after > at ? after : at + (escaped ? 2 : 1);
    }
    return std::move(found_);
  }

 private:
  /// Where the formula that begins here ends; `at` if none does.
  std::size_t formula_at(std::size_t at) {
    const std::string_view two = text_.substr(at, 2);
    if (two == "\\(") return closed(at, 2, "\\)", round_);
    if (two == "\\[") return closed(at, 2, "\\]", square_);
    if (two == "$$") return closed(at, 2, "$$", display_);
    if (text_[at] == '$') return closed(at, 1, "$", dollar_);
    return at;
  }
  /// `dead`: from where on the closing mark is known to be missing; keeps the scan linear.
  std::size_t closed(std::size_t at, std::size_t open, std::string_view mark, std::size_t& dead) {
    if (at >= dead) return at;
    std::size_t stop = text_.find(mark, at + open);
    while (stop != std::string_view::npos && mark == "$" && text_[stop - 1] == '\\') {
      stop = text_.find(mark, stop + 1);
    }
    if (stop == std::string_view::npos) {
      dead = at;
      return at;
    }
    const std::string_view inner = text_.substr(at + open, stop - at - open);
    const bool blank = inner.find_first_not_of(" \n\t") == std::string_view::npos;
    if (mark == "$" && (blank || inner.find("\n\n") != std::string_view::npos ||
                        inner.size() > 2000 || prose_words(inner) > 2)) {
      return at;  // money
    }
    const std::size_t end = stop + mark.size();
    if (!blank) found_.push_back({at, end, at + open, stop});
    return end;
  }

  std::string_view text_;
  std::vector<Span> found_;
  std::size_t round_ = std::string_view::npos;
  std::size_t square_ = std::string_view::npos;
  std::size_t display_ = std::string_view::npos;
  std::size_t dollar_ = std::string_view::npos;
};

/// Numbers in prose: digits with separators, a fraction, a sign; not glued behind a letter.
std::vector<Span> numbers(std::string_view text) {
  std::vector<Span> found;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool starts =
        digit(text[at]) || (text[at] == '.' && at + 1 < text.size() && digit(text[at + 1]));
    if (!starts) continue;
    std::size_t end = at;
    const auto continues = [&](std::size_t i) {
      if (digit(text[i])) return true;
      const bool mark = text[i] == '.' || text[i] == ',' || text[i] == '/' || text[i] == ':';
      if (mark) return i + 1 < text.size() && digit(text[i + 1]);
      const bool group = text[i] == ' ' && i + 3 < text.size() && digit(text[i + 1]) &&
                         digit(text[i + 2]) && digit(text[i + 3]) &&
                         (i + 4 == text.size() || !digit(text[i + 4]));
      return group && i - at <= 3;
    };
    while (end < text.size() && continues(end)) ++end;
    std::size_t begin = at;
    if (begin > 0 && text[begin - 1] == '-' &&
        (begin == 1 || !std::isalnum(static_cast<unsigned char>(text[begin - 2]))))
      --begin;
    const bool glued = begin > 0 && (letter(text[begin - 1]) || text[begin - 1] == '_');
    if (!glued) found.push_back({begin, end, begin, end});
    at = end > at ? end - 1 : at;
  }
  return found;
}

struct Phrase {
  std::size_t begin = std::string_view::npos;
  std::size_t end = 0;
};
/// The last phrase that announces the answer.
Phrase announcement(const std::string& lower) {
  static constexpr std::array<std::string_view, 11> kPhrases = {
      "answer is",
      "answer:",
      "answer :",
      "answers are",
      "answer is:",
      "\xe7\xad\x94\xe6\xa1\x88\xe6\x98\xaf",
      "\xe7\xad\x94\xe6\xa1\x88\xe4\xb8\xba",
      "\xe7\xad\x94\xe6\xa1\x88\xef\xbc\x9a",
      "r\xc3\xa9ponse est",
      "respuesta es",
      "antwort ist"};
  Phrase best;
  for (const std::string_view phrase : kPhrases) {
    const std::size_t at = lower.rfind(phrase);
    if (at == std::string::npos) continue;
    const std::size_t end = at + phrase.size();
    if (best.begin == std::string_view::npos || end > best.end) best = {at, end};
  }
  return best;
}

/// From an announcement to the end of its sentence.
std::string_view sentence(std::string_view text, std::size_t from) {
  while (from < text.size() && (space(text[from]) || text[from] == ':' || text[from] == '*'))
    ++from;
  std::size_t end = from;
  bool math = false;
  for (; end < text.size(); ++end) {
    if (text[end] == '$') math = !math;
    if (math) continue;
    if (text[end] == '\n' && end > from + 1) {
      if (text.substr(from, end - from).find_first_not_of(" $\\[(") != std::string_view::npos)
        break;
    }
    const bool stop = text[end] == '.' && (end + 1 == text.size() || space(text[end + 1]));
    if (stop) break;
  }
  return text.substr(from, end - from);
}

std::string with_suffix(std::string_view text, const std::vector<Span>& spans) {
  return joined(text, spans) + suffix_after(text, spans.back().end);
}

std::optional<std::string> last_formula_or_number(std::string_view text) {
  const std::vector<Span> math = FormulaScanner(text).all();
  std::string outside(text);
  for (const Span& span : math) {
    std::fill(outside.begin() + static_cast<std::ptrdiff_t>(span.begin),
              outside.begin() + static_cast<std::ptrdiff_t>(span.end), ' ');
  }
  const std::vector<Span> plain = numbers(outside);
  if (math.empty() && plain.empty()) return std::nullopt;
  const bool number_last = math.empty() || (!plain.empty() && plain.back().end > math.back().end);
  if (!number_last) return with_suffix(text, math);
  return with_suffix(text, {plain.back()});
}

std::optional<std::string> announced(std::string_view text, const Phrase& phrase) {
  const std::string_view said = sentence(text, phrase.end);
  if (said.empty()) return std::nullopt;
  const std::vector<Span> math = FormulaScanner(said).all();
  if (!math.empty()) {
    const std::string_view rest = said.substr(math.back().end);
    const std::size_t is = rest.rfind(" is ");
    const bool goes_on = is != std::string_view::npos && !numbers(rest.substr(is)).empty();
    if (goes_on) return with_suffix(rest, {numbers(rest).back()});
    return with_suffix(said, math);
  }
  const std::string_view bare = trim(said);
  if (is_bare_answer(bare) && bare.find('$') == std::string_view::npos) return std::string(bare);
  const std::vector<Span> plain = numbers(said);
  if (!plain.empty()) return with_suffix(said, {plain.back()});
  return std::nullopt;
}

/// What a model says at last, without the marks of its chat format.
std::string_view spoken(std::string_view text) {
  if (const std::size_t think = text.rfind("</think>"); think != std::string_view::npos) {
    const std::string_view after = text.substr(think + 8);
    if (after.find_first_not_of(" \n\t") != std::string_view::npos) text = after;
  }
  if (const std::size_t mark = text.find("<|im_start|>"); mark != std::string_view::npos) {
    text = text.substr(0, mark);
  }
  if (const std::size_t mark = text.find("<|im_end|>"); mark != std::string_view::npos) {
    text = text.substr(0, mark);
  }
  return text.size() > kMaxScanned ? text.substr(text.size() - kMaxScanned) : text;
}

}  // namespace

std::string unescaped(std::string_view text) {
  std::string out(text);
  for (std::size_t at = 0; at + 2 < out.size(); ++at) {
    const bool twice = out[at] == '\\' && out[at + 1] == '\\' && letter(out[at + 2]) &&
                       (at == 0 || out[at - 1] != '\\');
    if (!twice) continue;
    std::size_t end = at + 2;
    while (end < out.size() && letter(out[end])) ++end;
    const std::string_view name = std::string_view(out).substr(at + 2, end - at - 2);
    if (command_meaning(name) || invisible_command(name) || text_command(name)) out.erase(at, 1);
  }
  return out;
}

bool is_bare_answer(std::string_view text) {
  if (text.size() > kMaxBare || foreign_prose(text)) return false;
  for (const char* mark : {"boxed", "\\[", "\\(", "$$", "\n\n"}) {
    if (text.find(mark) != std::string_view::npos) return false;
  }
  const std::string lower = lowered(text);
  if (lower.find("answer") != std::string::npos || lower.find("final") != std::string::npos) {
    return false;
  }
  const std::size_t dollars = static_cast<std::size_t>(std::count(text.begin(), text.end(), '$'));
  if (dollars > 0 && dollars % 2 != 0 && text.find("\\$") == std::string_view::npos &&
      trim(text).front() != '$') {
    return false;
  }
  if (dollars < 2) return prose_words(text) <= 3;
  int outside = 0;
  std::size_t from = 0;
  for (const Span& span : FormulaScanner(text).all()) {
    outside += prose_words(text.substr(from, span.begin - from));
    from = span.end;
  }
  return outside + prose_words(text.substr(std::min(from, text.size()))) <= 1;
}

std::optional<std::string> moebius_extract(std::string_view response) {
  const std::string whole = unescaped(spoken(response));
  const std::string_view text = whole;
  const std::string lower = lowered(text);
  const std::vector<Span> boxed = boxes(text);
  const std::size_t hope = lower.rfind("i hope it is correct");
  const std::size_t box_end = boxed.empty() ? 0 : boxed.back().end;
  if (hope != std::string::npos && hope > box_end) {
    const Phrase phrase = announcement(lower.substr(0, hope));
    if (phrase.begin != std::string_view::npos && phrase.begin >= box_end) {
      if (auto said = announced(text.substr(0, hope), phrase)) return said;
    }
  }
  if (!boxed.empty()) return with_suffix(text, boxed);
  const Phrase phrase = announcement(lower);
  if (phrase.begin != std::string_view::npos) {
    if (auto said = announced(text, phrase)) return said;
  }
  if (auto last = last_formula_or_number(text)) return last;
  return std::nullopt;
}

std::optional<char> chosen_letter(std::string_view text) {
  std::optional<char> last;
  const std::string lower = lowered(text);
  const std::size_t said = announcement(lower).begin;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool option = text[i] >= 'A' && text[i] <= 'J';
    const bool alone =
        option && (i == 0 || std::isalnum(static_cast<unsigned char>(text[i - 1])) == 0) &&
        (i + 1 == text.size() || std::isalnum(static_cast<unsigned char>(text[i + 1])) == 0);
    if (!alone) continue;
    const std::string before = lower.substr(i < 14 ? 0 : i - 14, std::min<std::size_t>(i, 14));
    bool denied = false;
    for (const char* no :
         {"not ", "n't ", "n't be ", "non ", "\xe4\xb8\x8d\xe6\x98\xaf", "nicht ", "no "}) {
      denied |= before.find(no) != std::string::npos;
    }
    const bool article = text[i] == 'A' && text.substr(i + 1, 1) == " " && i + 2 < text.size() &&
                         text[i + 2] >= 'a' && text[i + 2] <= 'z';
    if (denied || article) continue;
    if (said != std::string_view::npos && i > said) return text[i];
    last = text[i];
  }
  return last;
}

}  // namespace moebius::scorers::math
