// The best k of a row of logits, found in one pass over them.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>

namespace moebius::kernels {

/// Orders candidates: a greater key is a better one. Greater logits first, equal ones
/// (0 and -0 are equal) by lower id, NaN behind every number.
constexpr std::uint64_t top_key(float logit, std::int32_t id) {
  const auto bits = std::bit_cast<std::uint32_t>(logit);
  const bool nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
  const bool negative = (bits >> 31) != 0 && bits != 0x80000000U;
  const std::uint32_t order = nan ? 0 : negative ? ~bits : bits | 0x80000000U;
  return std::uint64_t{order} << 32 | ~static_cast<std::uint32_t>(id);
}
constexpr std::int32_t top_id(std::uint64_t key) {
  return static_cast<std::int32_t>(~static_cast<std::uint32_t>(key));
}
constexpr float top_logit(std::uint64_t key) {
  const auto order = static_cast<std::uint32_t>(key >> 32);
  if (order == 0) return std::numeric_limits<float>::quiet_NaN();
  return std::bit_cast<float>(order >> 31 ? order & 0x7FFFFFFFU : ~order);
}

/// Keeps the candidates that may still be among the best k. Twice as many as needed fit;
/// when they are full the better half stays and its worst member is the bar for newcomers.
class TopList {
 public:
  static constexpr std::int64_t capacity(std::int64_t k) { return 2 * k + 32; }

  /// `keys` holds capacity(k); k >= 1.
  TopList(std::uint64_t* keys, std::int64_t k) : keys_(keys), k_(k) {}

  /// What a logit must exceed to be worth offering; NaN while anything is.
  float bar() const { return bar_key_ == 0 ? std::nanf("") : top_logit(bar_key_); }

  void offer(float logit, std::int32_t id) {
    const std::uint64_t key = top_key(logit, id);
    if (key <= bar_key_) return;
    keys_[count_++] = key;
    if (count_ == capacity(k_)) shrink();
  }

  /// The best min(k, offered) keys, best first.
  const std::uint64_t* sorted() {
    if (count_ > k_) shrink();
    std::sort(keys_, keys_ + count_, std::greater<>());
    return keys_;
  }

 private:
  void shrink() {
    std::nth_element(keys_, keys_ + k_ - 1, keys_ + count_, std::greater<>());
    bar_key_ = keys_[k_ - 1];
    count_ = k_;
  }

  std::uint64_t* keys_;
  std::int64_t k_;
  std::int64_t count_ = 0;
  std::uint64_t bar_key_ = 0;
};

}  // namespace moebius::kernels
