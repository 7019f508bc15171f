// Which graders there are.
#include "scorers/math/registry.h"

#include <algorithm>
#include <array>
#include <string>

#include "scorers/math/effort.h"
#include "scorers/math/graders.h"
#include "scorers/math/moebius_grader.h"
#include "scorers/text/score_text.h"
#include "scorers/text/unicode.h"

namespace moebius::scorers::math {
namespace {

Equality hendrycks(std::string_view gold, std::string_view pred) {
  return hendrycks_equal(gold, pred, HendrycksFlavour::kOriginal);
}

Equality lm_eval_hendrycks(std::string_view gold, std::string_view pred) {
  return hendrycks_equal(gold, pred, HendrycksFlavour::kLmEval);
}

constexpr Grader kGraders[] = {
    {"moebius", nullptr, 1, moebius_equal, moebius_equal},
    {"hendrycks", "hendrycks_is_equiv", 1, hendrycks, hendrycks},
    {"lm-eval-hendrycks", "lmeval_hendrycks_is_equiv", 1, lm_eval_hendrycks, lm_eval_hendrycks},
    {"prm800k", "prm800k_grade_answer", 1, prm800k_equal, prm800k_equal},
    {"deepseek-math", "deepseek_is_correct", 1, deepseek_is_correct, deepseek_is_correct},
    {"deepseek-math-equal", "deepseek_math_equal", 1, deepseek_math_equal, deepseek_math_equal},
    {"qwen2.5-math", "qwen_math_equal", 1, qwen_math_equal, qwen_strip_then_math_equal},
    {"qwen2.5-math-strip", "qwen_strip_then_math_equal", 1, qwen_strip_then_math_equal,
     qwen_strip_then_math_equal},
    {"minerva", "minerva_norm_then_is_equiv", 1, minerva_equal, minerva_equal},
};

}  // namespace

void throw_unknown(const char* what, std::span<const char* const> names, std::string_view found) {
  std::string message = std::string(what) + ": expected one of ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    message.append(i == 0 ? "" : ", ").append(names[i]);
  }
  throw Error(message + ", found " + text::one_line(found));
}

const Grader& find_grader(std::string_view name) {
  const auto* grader =
      std::find_if(std::begin(kGraders), std::end(kGraders), [name](const Grader& g) {
        return g.name == name || (g.function != nullptr && g.function == name);
      });
  if (grader == std::end(kGraders)) throw_unknown("math grader", math_grader_names(), name);
  return *grader;
}

}  // namespace moebius::scorers::math

namespace moebius::scorers {

std::span<const char* const> math_grader_names() {
  static const auto kNames = [] {
    std::array<const char*, std::size(math::kGraders)> names{};
    std::transform(std::begin(math::kGraders), std::end(math::kGraders), names.begin(),
                   [](const math::Grader& g) { return g.name; });
    return names;
  }();
  return kNames;
}

Equality math_equal(std::string_view grader, std::string_view gold, std::string_view pred) {
  const math::Effort effort;
  return math::find_grader(grader).equal(text::valid(gold), text::valid(pred));
}

int math_grader_version(std::string_view grader) {
  return math::find_grader(grader).version;
}

}  // namespace moebius::scorers
