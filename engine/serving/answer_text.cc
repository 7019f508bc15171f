#include "engine/serving/answer_text.h"

#include <utility>

namespace moebius::engine {

AnswerText::AnswerText(std::vector<std::string> stops) : stops_(std::move(stops)) {}

bool AnswerText::push(std::string_view bytes) {
  return append(stream_.push(bytes));
}

bool AnswerText::finish() {
  return append(stream_.finish());
}

bool AnswerText::append(std::string_view text) {
  if (text.empty() || !stop_.empty()) return !stop_.empty();
  const std::size_t searched = text_.size();
  text_ += text;
  std::size_t cut = std::string::npos;
  for (const std::string& stop : stops_) {
    const std::size_t from = searched < stop.size() ? 0 : searched - (stop.size() - 1);
    const std::size_t found = text_.find(stop, from);
    if (found < cut) cut = found, stop_ = stop;
  }
  if (cut == std::string::npos) return false;
  text_.resize(cut);
  return true;
}

}  // namespace moebius::engine
