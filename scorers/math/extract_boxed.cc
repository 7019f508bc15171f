// Boxes and dollar signs.
#include "scorers/math/extract.h"
#include "scorers/text/python_text.h"

namespace moebius::scorers::math {
namespace {

constexpr std::string_view kBoxedSpace = "\\boxed ";
constexpr std::string_view kBoxedBrace = "\\boxed{";

}  // namespace

std::optional<std::string_view> last_boxed(std::string_view response) {
  std::size_t start = response.rfind("\\boxed");
  if (start == std::string_view::npos) start = response.rfind("\\fbox");
  if (start == std::string_view::npos) return std::nullopt;
  std::ptrdiff_t open = 0;  // may fall below zero, as in the reference
  for (std::size_t i = start; i < response.size(); ++i) {
    if (response[i] == '{') ++open;
    if (response[i] == '}' && --open == 0) return response.substr(start, i + 1 - start);
  }
  return std::nullopt;
}

std::optional<std::string> last_boxed_lm_eval(std::string_view response) {
  if (text::contains(response, kBoxedSpace)) {
    const auto rest = text::first_piece(text::last_piece(response, kBoxedSpace), "$");
    return std::string(kBoxedSpace) + std::string(rest);
  }
  const auto boxed = last_boxed(response);
  if (!boxed) return std::nullopt;
  return std::string(*boxed);
}

std::optional<std::string_view> remove_boxed(std::string_view boxed) {
  if (!boxed.starts_with(kBoxedBrace) || !boxed.ends_with('}')) return std::nullopt;
  return boxed.substr(kBoxedBrace.size(), boxed.size() - kBoxedBrace.size() - 1);
}

std::optional<std::string_view> remove_boxed_lm_eval(std::string_view boxed) {
  if (!text::contains(boxed, kBoxedSpace)) return remove_boxed(boxed);
  if (!boxed.starts_with(kBoxedSpace)) return std::nullopt;
  return boxed.substr(kBoxedSpace.size());
}

std::string_view between_dollars(std::string_view response) {
  const std::size_t first = response.find('$');
  const std::size_t last = response.rfind('$');
  if (first == last) return response;
  return response.substr(first + 1, last - first - 1);
}

std::string extract_lm_eval_aime(std::string_view response) {
  if (const auto boxed = last_boxed_lm_eval(response)) {
    if (const auto content = remove_boxed_lm_eval(*boxed)) return std::string(*content);
  }
  return std::string(between_dollars(response));
}

}  // namespace moebius::scorers::math
