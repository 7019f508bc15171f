// The answers that Minerva's, DeepSeek-Math's and Qwen2.5-Math's evaluations read.
#include <re2/re2.h>

#include "scorers/math/extract.h"
#include "scorers/math/normalizers.h"
#include "scorers/text/python_text.h"
#include "scorers/text/unicode.h"

namespace moebius::scorers::math {
namespace {

/// "final answer is $X$. I hope": X stripped.
std::optional<std::string_view> few_shot_answer(std::string_view s) {
  constexpr std::string_view kBefore = "final answer is $";
  constexpr std::string_view kAfter = "$. I hope";
  if (!text::contains(s, kBefore) || !text::contains(s, kAfter)) return std::nullopt;
  return text::strip(text::first_piece(text::after_first(s, kBefore), kAfter));
}

/// The contents of every "boxed{", each cut at the next one; "}%" keeps its brace.
std::vector<std::string_view> boxed_contents(std::string_view s) {
  std::vector<std::string_view> contents;
  const auto pieces = text::split(s, "boxed{");
  for (std::size_t p = 1; p < pieces.size(); ++p) {
    const std::string_view piece = pieces[p];
    std::ptrdiff_t open = 0;
    for (std::size_t i = 0; i < piece.size(); ++i) {
      if (piece[i] == '{') ++open;
      if (piece[i] != '}' || --open >= 0) continue;
      const bool percent = i + 1 < piece.size() && piece[i + 1] == '%';
      contents.push_back(piece.substr(0, percent ? i + 1 : i));
      break;
    }
  }
  return contents;
}

/// The content of the last ```output block, stripped.
std::string_view program_output(std::string_view s) {
  constexpr std::string_view kBlock = "```output";
  if (!text::contains(s, kBlock)) return {};
  return text::strip(text::first_piece(text::last_piece(s, kBlock), "```"));
}

std::string without_commas(std::string_view s) {
  std::string out(s);
  text::replace(out, ",", "");
  return out;
}

std::vector<std::string> deepseek_candidates(std::string_view s) {
  constexpr std::string_view kAnswer = "he answer is";
  if (const auto answer = few_shot_answer(s)) return {std::string(*answer)};
  if (text::contains(s, "boxed")) {
    const auto contents = boxed_contents(s);
    return {contents.begin(), contents.end()};
  }
  if (text::contains(s, kAnswer)) return {std::string(text::strip(text::last_piece(s, kAnswer)))};
  if (const auto output = program_output(s); !output.empty()) return {std::string(output)};
  const std::string plain = without_commas(s);
  if (const auto number = last_number(plain)) return {std::string(*number)};
  return {};
}

/// What follows the last "boxed": its braces' content, or all up to the next dollar sign.
std::string qwen_boxed(std::string_view rest) {
  if (rest[0] != '{') return std::string(text::strip(text::first_piece(rest, "$")));
  int open = 1;
  std::size_t i = 1;
  for (; i < rest.size(); ++i) {
    if (rest[i] == '{') ++open;
    if (rest[i] == '}' && --open == 0) break;
  }
  return std::string(rest.substr(1, i - 1));
}

std::string qwen_candidate(std::string_view s) {
  constexpr std::string_view kChinese = "答案是";
  if (const auto answer = few_shot_answer(s)) return std::string(*answer);
  if (text::contains(s, "boxed")) {
    const auto rest = text::last_piece(s, "boxed");
    return rest.empty() ? "" : qwen_boxed(rest);
  }
  for (const char* before : {"he answer is", "final answer is"}) {
    if (text::contains(s, before)) return std::string(text::strip(text::last_piece(s, before)));
  }
  if (text::contains(s, kChinese)) {
    const auto piece = text::first_piece(text::after_first(s, kChinese), kChinese);
    return std::string(text::strip(text::first_piece(text::strip(piece), "\n\n")));
  }
  const std::string plain = without_commas(s);
  return std::string(last_number(plain).value_or(""));
}

}  // namespace

std::optional<std::string_view> last_number(std::string_view s) {
  std::optional<std::string_view> last;
  const auto digits_end = [s](std::size_t at) {
    for (text::Decoded c = text::decode(s, at); text::is_decimal(c.point);
         c = text::decode(s, at)) {
      at += c.bytes;
    }
    return at;
  };
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t whole = s[at] == '-' ? at + 1 : at;
    std::size_t end = digits_end(whole);
    bool found = end > whole;
    if (end < s.size() && s[end] == '.') {
      const std::size_t fraction = digits_end(end + 1);
      if (fraction > end + 1) end = fraction, found = true;
    }
    if (found) last = s.substr(at, end - at);
    at = found ? end : at + text::decode(s, at).bytes;
  }
  return last;
}

std::optional<std::string> extract_minerva(std::string_view response) {
  static const RE2 kAnswer(R"(Final Answer: The final answer is(.*?). I hope it is correct.)");
  const std::string ended = std::string(response) + "I hope it is correct.";
  std::string answer;
  if (!RE2::PartialMatch(ended, kAnswer, &answer)) return std::nullopt;
  return std::string(text::strip(answer));
}

std::vector<std::string> split_at_and(std::string_view answer) {
  static const RE2 kAnd(std::string(R"(\\text\{)") + text::kSpaceClass + "*and" +
                        text::kSpaceClass + R"(*\})");
  std::string marked(answer);
  RE2::GlobalReplace(&marked, kAnd, "[SEP]");
  std::vector<std::string> parts;
  if (marked == answer) return {std::string(text::strip(answer))};
  for (const auto part : text::split(marked, "[SEP]")) parts.emplace_back(text::strip(part));
  return parts;
}

std::vector<std::string> extract_deepseek(std::string_view response) {
  std::vector<std::string> answers;
  for (const std::string& candidate : deepseek_candidates(response)) {
    std::string_view line = text::first_piece(text::strip(candidate), "\n");
    line = text::strip_right(text::strip_right(text::strip_left(line, ":"), "."), "/");
    for (std::string& part : split_at_and(strip_deepseek(line))) {
      answers.push_back(std::move(part));
    }
  }
  return answers;
}

std::string extract_qwen(std::string_view response) {
  static const RE2 kBreak(std::string("\\n") + text::kSpaceClass + "*");
  std::string without(response);
  text::replace(without, "ки", "");
  std::string answer = qwen_candidate(without);
  RE2::GlobalReplace(&answer, kBreak, "");
  if (answer.starts_with(':')) answer.erase(0, 1);
  if (answer.ends_with('.')) answer.pop_back();
  if (answer.ends_with('/')) answer.pop_back();
  return strip_qwen(answer);
}

}  // namespace moebius::scorers::math
