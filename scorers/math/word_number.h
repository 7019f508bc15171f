// Numbers written in English words.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace moebius::scorers::math {

/// str(word_to_num(text)): "twenty-five" is "25", "two point five" "2.5"; words that are no number
/// are skipped, digits alone are an integer. nullopt where the reference raises.
/// Source: PyPI word2number 1.1, w2n.py, as Qwen2.5-Math calls it.
std::optional<std::string> word_to_number(std::string_view text);

}  // namespace moebius::scorers::math
