// The extractors by name.
#include <algorithm>
#include <array>
#include <string>

#include "scorers/math/extract.h"
#include "scorers/math/moebius_grader.h"
#include "scorers/math/registry.h"
#include "scorers/scorer.h"
#include "scorers/text/letter.h"
#include "scorers/text/unicode.h"

namespace moebius::scorers {
namespace math {
namespace {

using Extracted = std::pair<std::string, bool>;

template <typename Text>
Extracted found(const std::optional<Text>& answer) {
  if (!answer) return {};
  return {std::string(*answer), true};
}

Extracted found_if_any(std::string answer) {
  const bool any = !answer.empty();
  return {std::move(answer), any};
}

Extracted always(std::string_view answer) {
  return {std::string(answer), true};
}

Extracted boxed(std::string_view response) {
  const auto box = last_boxed(response);
  return box ? found(remove_boxed(*box)) : Extracted();
}

Extracted boxed_lm_eval(std::string_view response) {
  const auto box = last_boxed_lm_eval(response);
  return box ? found(remove_boxed_lm_eval(*box)) : Extracted();
}

/// What lm-eval goes on with where there is no answer.
constexpr char kInvalidAnswer[] = "[invalidanswer]";

Extracted deepseek(std::string_view response) {
  std::string joined;
  const auto answers = extract_deepseek(response);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    joined.append(i == 0 ? "" : ", ").append(answers[i]);
  }
  return {std::move(joined), !answers.empty()};
}

struct Extractor {
  const char* name;
  int version;
  Extracted (*extract)(std::string_view response);  // takes valid UTF-8
};

constexpr Extractor kExtractors[] = {
    {"moebius", 1, [](std::string_view s) { return found(moebius_extract(s)); }},
    {"boxed", 1, boxed},
    {"lm-eval-boxed", 1, boxed_lm_eval},
    {"lm-eval-hendrycks", 1, [](std::string_view s) { return always(between_dollars(s)); }},
    {"lm-eval-aime", 1, [](std::string_view s) { return always(extract_lm_eval_aime(s)); }},
    {"minerva", 1, [](std::string_view s) { return found(extract_minerva(s)); }},
    {"deepseek-math", 1, deepseek},
    {"qwen2.5-math", 1, [](std::string_view s) { return found_if_any(extract_qwen(s)); }},
    {"simple-evals-math", 1,
     [](std::string_view s) { return found(text::simple_evals_answer(s)); }},
    {"simple-evals-mmlu", 1,
     [](std::string_view s) { return found(text::simple_evals_letter(s)); }},
    {"simple-evals-multichoice", 1,
     [](std::string_view s) { return found(text::simple_evals_multichoice(s)); }},
    {"aime", 1, [](std::string_view s) { return found(extract_integer(s)); }},
};

// The reference's functions by their own names, with exactly what they return.
constexpr Extractor kFunctions[] = {
    {"hendrycks_last_boxed_only_string", 1,
     [](std::string_view s) { return found(last_boxed(s)); }},
    {"lmeval_last_boxed_only_string", 1,
     [](std::string_view s) { return found(last_boxed_lm_eval(s)); }},
    {"minerva_get_unnormalized_answer", 1,
     [](std::string_view s) { return always(extract_minerva(s).value_or(kInvalidAnswer)); }},
    {"deepseek_extract_math_answer", 1, deepseek},
    {"qwen_extract_answer", 1, [](std::string_view s) { return always(extract_qwen(s)); }},
    {"simple_evals_answer_pattern", 1,
     [](std::string_view s) { return found(text::simple_evals_answer(s)); }},
    {"simple_evals_math_ANSWER_PATTERN", 1,
     [](std::string_view s) { return found(text::simple_evals_answer(s)); }},
    {"simple_evals_mmlu_extracted", 1,
     [](std::string_view s) { return found(text::simple_evals_letter(s)); }},
    {"simple_evals_normalized_response", 1,
     [](std::string_view s) { return always(text::normalize_response(s)); }},
    {"simple_evals_ANSWER_PATTERN_MULTICHOICE", 1,
     [](std::string_view s) { return found(text::simple_evals_multichoice(s)); }},
};

const Extractor& find_extractor(std::string_view name) {
  const auto named = [name](const Extractor& e) { return e.name == name; };
  const auto* entry = std::find_if(std::begin(kExtractors), std::end(kExtractors), named);
  if (entry != std::end(kExtractors)) return *entry;
  entry = std::find_if(std::begin(kFunctions), std::end(kFunctions), named);
  if (entry == std::end(kFunctions)) throw_unknown("extractor", extractor_names(), name);
  return *entry;
}

}  // namespace
}  // namespace math

std::span<const char* const> extractor_names() {
  static const auto kNames = [] {
    std::array<const char*, std::size(math::kExtractors)> names{};
    std::transform(std::begin(math::kExtractors), std::end(math::kExtractors), names.begin(),
                   [](const math::Extractor& e) { return e.name; });
    return names;
  }();
  return kNames;
}

std::pair<std::string, bool> extract(std::string_view extractor, std::string_view response) {
  return math::find_extractor(extractor).extract(text::valid(response));
}

int extractor_version(std::string_view extractor) {
  return math::find_extractor(extractor).version;
}

}  // namespace moebius::scorers
