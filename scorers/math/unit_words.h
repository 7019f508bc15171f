// Words that Qwen2.5-Math takes for units and deletes.
#pragma once

#include <string>

namespace moebius::scorers::math {

/// Each word, in the reference's order and twice, is deleted where no word character touches it.
/// Source: QwenLM/Qwen2.5-Math evaluation/parser.py, unit_texts and their removal.
void drop_unit_words(std::string& s);

}  // namespace moebius::scorers::math
