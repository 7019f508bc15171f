#include "engine/serving/answer_text.h"

#include <algorithm>
#include <utility>

namespace moebius::engine {

AnswerText::AnswerText(std::vector<std::string> stops) : stops_(std::move(stops)) {
  for (const std::string& stop : stops_) last_bytes_.set(static_cast<unsigned char>(stop.back()));
}

bool AnswerText::push(std::string_view bytes) {
  return append(stream_.push(bytes));
}

bool AnswerText::finish() {
  return append(stream_.finish());
}

std::string_view AnswerText::settled() const {
  const std::string_view text = text_;
  if (!stop_.empty()) return text;
  std::size_t held = 0;
  for (const std::string& stop : stops_) {
    for (std::size_t size = std::min(stop.size() - 1, text.size()); size > held; --size) {
      if (stop.starts_with(text.substr(text.size() - size))) held = size;
    }
  }
  return text.substr(0, text.size() - held);
}

bool AnswerText::append(std::string_view text) {
  if (text.empty() || !stop_.empty()) return !stop_.empty();
  const std::size_t searched = text_.size();
  text_ += text;
  if (!may_end_stop(text)) return false;
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

// A stop string that was not there before ends in `text`. Most tokens are ruled out by
// this alone, without a look at the text so far, which is seldom in the processor's caches.
bool AnswerText::may_end_stop(std::string_view text) const {
  return std::any_of(text.begin(), text.end(),
                     [&](char c) { return last_bytes_[static_cast<unsigned char>(c)]; });
}

}  // namespace moebius::engine
