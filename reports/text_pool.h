// Many small texts kept in a few large blocks.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace moebius::reports {

/// Views of what it keeps are valid as long as it lives.
class TextPool {
 public:
  TextPool() = default;
  TextPool(const TextPool&) = delete;
  TextPool& operator=(const TextPool&) = delete;

  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    if (text.size() > kBlock / 4) return place(text, blocks_.emplace_back(room(text.size())).get());
    if (text.size() > left_) {
      at_ = blocks_.emplace_back(room(kBlock)).get();
      left_ = kBlock;
    }
    const std::string_view kept = place(text, at_);
    at_ += text.size();
    left_ -= text.size();
    return kept;
  }

  /// The same view for the same text.
  std::string_view keep_once(std::string_view text) {
    const auto found = once_.find(text);
    if (found != once_.end()) return found->first;
    return once_.emplace(keep(text), 0).first->first;
  }

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 16;

  static std::unique_ptr<char[]> room(std::size_t bytes) {
    return std::unique_ptr<char[]>(new char[bytes]);  // not set to zero
  }
  static std::string_view place(std::string_view text, char* to) {
    std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* at_ = nullptr;
  std::size_t left_ = 0;
  std::unordered_map<std::string_view, char> once_;
};

}  // namespace moebius::reports
