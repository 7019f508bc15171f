// From two texts to a verdict: which part of each is the answer, and how it is read.
#include "scorers/math/moebius_grader.h"

#include <algorithm>
#include <cctype>

#include "scorers/math/answer_parts.h"
#include "scorers/math/effort.h"

namespace moebius::scorers::math {
namespace {

constexpr std::size_t kMaxText = 16 << 20;

std::string_view stripped(std::string_view s) {
  const auto noise = [](char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '*';
  };
  while (!s.empty() && noise(s.front())) s.remove_prefix(1);
  while (!s.empty() && (noise(s.back()) || s.back() == '.')) s.remove_suffix(1);
  return s;
}

/// Without spaces, dollars and markup that changes nothing: equal texts mean equal answers.
std::string skeleton(std::string_view answer) {
  std::string s(stripped(answer));
  for (const std::string_view gone :
       {"\\left", "\\right", "\\!", "\\,", "\\;", "\\ ", "$", " ", "\n", "\\displaystyle"}) {
    for (std::size_t at = s.find(gone); at != std::string::npos; at = s.find(gone, at)) {
      s.erase(at, gone.size());
    }
  }
  for (const std::string_view fraction : {"\\dfrac", "\\tfrac"}) {
    for (std::size_t at = s.find(fraction); at != std::string::npos; at = s.find(fraction, at)) {
      s.erase(at + 1, 1);
    }
  }
  return s;
}

std::string answer_in(std::string_view text) {
  const std::string_view bare = stripped(text);
  if (bare.empty() || is_bare_answer(bare)) return unescaped(bare);
  if (auto found = moebius_extract(text)) return *found;
  return std::string(bare.substr(0, std::min<std::size_t>(bare.size(), 4096)));
}

/// "(D) Alina" and "D." choose the option D.
std::optional<char> option(std::string_view answer) {
  std::string_view s = stripped(answer);
  const bool open = !s.empty() && s.front() == '(';
  if (open) s.remove_prefix(1);
  if (s.empty() || s[0] < 'A' || s[0] > 'J') return std::nullopt;
  const char letter = s[0];
  s.remove_prefix(1);
  if (!s.empty() && s[0] == ')') s.remove_prefix(1);
  if (s.empty()) return letter;
  const bool apart = s[0] == ' ' || s[0] == '.' || s[0] == ':' || s[0] == '\n';
  const std::size_t word = s.find_first_not_of(" .:\n");
  const bool words =
      word != std::string_view::npos && (std::isalpha(static_cast<unsigned char>(s[word])) != 0);
  return apart && words ? std::optional<char>(letter) : std::nullopt;
}

/// "1000,99": a decimal comma, if nothing else is in the text.
std::optional<std::string> with_decimal_point(std::string_view answer) {
  const std::size_t comma = answer.find(',');
  const bool plain = comma != std::string_view::npos && comma > 0 && comma + 1 < answer.size() &&
                     answer.find_first_not_of("-0123456789,") == std::string_view::npos &&
                     answer.find(',', comma + 1) == std::string_view::npos;
  if (!plain) return std::nullopt;
  std::string out(answer);
  out[comma] = '.';
  return out;
}

Expr read(std::string_view answer) {
  if (Expr parsed = parse(answer, Dialect::kLatex)) return parsed;
  return text(letters_only(answer.substr(0, 400)));
}

/// Letters of an answer without its commands: what words are compared by.
std::string words_of(std::string_view answer) {
  std::string s(answer);
  for (const std::string_view markup : {"\\text", "\\mathrm", "\\mbox", "\\textbf"}) {
    for (std::size_t at = s.find(markup); at != std::string::npos; at = s.find(markup, at)) {
      s.erase(at, markup.size());
    }
  }
  return letters_only(s);
}

bool decimal_written(const Expr& e) {
  return e->kind == Kind::kNumber && e->inexact;
}

Equality judge(const std::string& gold, const std::string& pred) {
  if (pred.empty()) return {gold.empty(), "no answer"};
  if (skeleton(gold) == skeleton(pred)) return {true, "the same text"};
  const Expr g = read(gold);
  const Expr p = read(pred);
  std::string why;
  const bool worded = g->kind == Kind::kText || p->kind == Kind::kText;
  if (worded && words_of(gold).size() > 1 && words_of(gold) == words_of(pred)) {
    return {true, "the same words"};
  }
  if (answers_equal(g, p, why)) return {true, why};
  const auto gd = with_decimal_point(gold);
  const auto pd = with_decimal_point(pred);
  std::string other;
  if (gd && decimal_written(p) && answers_equal(read(*gd), p, other)) return {true, other};
  if (pd && decimal_written(g) && answers_equal(g, read(*pd), other)) return {true, other};
  const auto go = option(gold);
  const auto po = option(pred);
  if (go && po && *go == *po && (gold.size() <= 3 || pred.size() <= 3)) {
    return {true, "the same option"};
  }
  return {false, why + ": " + to_string(g).substr(0, 60) + " and " + to_string(p).substr(0, 60)};
}

}  // namespace

Equality moebius_equal(std::string_view gold, std::string_view pred) {
  if (gold.size() > kMaxText || pred.size() > kMaxText) return {false, "text too long"};
  if (stripped(gold) == stripped(pred) && !stripped(gold).empty()) return {true, "the same text"};
  const Effort effort;
  const std::string wanted = answer_in(gold);
  const auto letter = option(wanted);
  if (letter && !is_bare_answer(pred) && !moebius_extract(pred)) {
    const auto chosen = chosen_letter(pred);
    return {chosen == letter, "the option chosen in the text"};
  }
  return judge(wanted, answer_in(pred));
}

}  // namespace moebius::scorers::math
