// The normalisers by name.
#include "scorers/math/normalizers.h"

#include <algorithm>
#include <array>

#include "scorers/scorer.h"
#include "scorers/text/score_text.h"
#include "scorers/text/unicode.h"

namespace moebius::scorers::math {
namespace {

using Normalizer = std::optional<std::string> (*)(std::string_view);

template <std::string (*kFunction)(std::string_view)>
std::optional<std::string> total(std::string_view s) {
  return kFunction(s);
}

struct Entry {
  const char* name;
  Normalizer normalize;
};

constexpr Entry kEntries[] = {
    {"hendrycks_strip_string",
     [](std::string_view s) { return strip_hendrycks(s, HendrycksFlavour::kOriginal); }},
    {"lmeval_hendrycks_strip_string",
     [](std::string_view s) { return strip_hendrycks(s, HendrycksFlavour::kLmEval); }},
    {"prm800k_mathd_normalize", total<normalize_mathd>},
    {"prm800k_normalize", total<normalize_prm800k>},
    {"deepseek_strip_string", total<strip_deepseek>},
    {"qwen_strip_string", total<strip_qwen>},
    {"minerva_normalize_final_answer", total<normalize_minerva>},
};

}  // namespace

std::span<const char* const> normalizer_names() {
  static const auto kNames = [] {
    std::array<const char*, std::size(kEntries)> names{};
    std::transform(std::begin(kEntries), std::end(kEntries), names.begin(),
                   [](const Entry& e) { return e.name; });
    return names;
  }();
  return kNames;
}

std::optional<std::string> normalize(std::string_view name, std::string_view answer) {
  const auto* entry = std::find_if(std::begin(kEntries), std::end(kEntries),
                                   [name](const Entry& e) { return e.name == name; });
  if (entry == std::end(kEntries)) {
    throw Error("normaliser: expected one of normalizer_names(), found " + text::one_line(name));
  }
  return entry->normalize(text::valid(answer));
}

}  // namespace moebius::scorers::math
