#include "engine/text/pre_tokenizer.h"

#include <utility>

namespace moebius::engine {
namespace {

void prefix_spaces(PreTokenizer::Work& work) {
  std::string text;
  text.reserve(work.text.size() + work.before.size());
  for (const Piece& piece : work.before) {
    const auto begin = static_cast<std::uint32_t>(text.size());
    if (work.text[piece.begin] != ' ') text += ' ';
    text += work.text.substr(piece.begin, piece.end - piece.begin);
    work.pieces.push_back({begin, static_cast<std::uint32_t>(text.size())});
  }
  work.copy = std::move(text);
  work.text = work.copy;
}

}  // namespace

void PreTokenizer::add_split(std::string_view regex) {
  patterns_.emplace_back(regex);
  steps_.push_back({.pattern = static_cast<int>(patterns_.size()) - 1});
}

void PreTokenizer::add_prefix_space() {
  steps_.push_back({.prefix_space = true});
}

void PreTokenizer::run(std::string_view text, Work& work) const {
  work.text = text;
  work.pieces.clear();
  if (text.empty()) return;
  work.pieces.push_back({0, static_cast<std::uint32_t>(text.size())});
  for (const Step& step : steps_) {
    std::swap(work.pieces, work.before);
    work.pieces.clear();
    if (step.prefix_space) {
      prefix_spaces(work);
      continue;
    }
    for (const Piece& piece : work.before) {
      patterns_[step.pattern].split(work.text, piece, work.pieces);
    }
  }
}

}  // namespace moebius::engine
