#include "kernels/attention/gqa_prefixes.h"

#include <algorithm>
#include <cstddef>

#include "kernels/attention/attention.h"

namespace moebius::kernels::gqa {
namespace {

constexpr std::int64_t kChunkPages = kAttentionChunk / kPageTokens;

/// The tree of common prefixes over sequences sorted by their pages: neighbours share most.
class PrefixTree {
 public:
  PrefixTree(const Ragged& batch, std::int64_t most_tokens) : batch_(batch) {
    made_.own_chunk.assign(batch.sequences, 0);
    for (std::int32_t s = 0; s < batch.sequences; ++s) {
      if (tokens(s) >= 1 && tokens(s) <= most_tokens && whole_chunks(s) > 0) order_.push_back(s);
    }
    members_left_ = 2 * std::ssize(order_);
    tokens_left_ = 2 * tokens(0, order_.size());
    std::sort(order_.begin(), order_.end(), [&](std::int32_t a, std::int32_t b) {
      return std::lexicographical_compare(pages(a), pages_end(a), pages(b), pages_end(b));
    });
    for (std::size_t i = 0; i + 1 < order_.size(); ++i) {
      common_.push_back(common(order_[i], order_[i + 1]));
    }
  }

  Prefixes build() {
    if (!order_.empty()) build(0, order_.size(), 0);
    return std::move(made_);
  }

 private:
  std::int64_t tokens(std::int32_t s) const {
    return std::int64_t{batch_.row_begin[s + 1]} - batch_.row_begin[s];
  }
  std::int64_t tokens(std::size_t begin, std::size_t end) const {
    std::int64_t sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum += tokens(order_[i]);
    return sum;
  }
  std::int64_t whole_chunks(std::int32_t s) const {
    return batch_.position_begin[s] / kAttentionChunk;
  }
  const std::int32_t* pages(std::int32_t s) const { return batch_.pages + s * batch_.max_pages; }
  const std::int32_t* pages_end(std::int32_t s) const {
    return pages(s) + whole_chunks(s) * kChunkPages;
  }
  std::int64_t common(std::int32_t a, std::int32_t b) const {
    const auto [at, other] = std::mismatch(pages(a), pages_end(a), pages(b), pages_end(b));
    return (at - pages(a)) / kChunkPages;
  }

  /// Sequences [begin, end) of the order share their chunks before `chunk`.
  void build(std::size_t begin, std::size_t end, std::int64_t chunk) {
    for (std::size_t i = begin; i < end; ++i) made_.own_chunk[order_[i]] = chunk;
    const auto members = static_cast<std::int64_t>(end - begin);
    if (members < 2 || members > members_left_ || tokens(begin, end) > tokens_left_) return;
    const auto first = common_.begin() + static_cast<std::ptrdiff_t>(begin);
    const std::int64_t least = *std::min_element(first, first + (members - 1));
    if (least > chunk) {
      made_.groups.push_back({{order_.begin() + static_cast<std::ptrdiff_t>(begin),
                               order_.begin() + static_cast<std::ptrdiff_t>(end)},
                              chunk,
                              least});
      members_left_ -= members;
      tokens_left_ -= tokens(begin, end);
    }
    for (std::size_t from = begin, i = begin; i < end; ++i) {
      if (i + 1 < end && common_[i] > least) continue;
      build(from, i + 1, least);
      from = i + 1;
    }
  }

  const Ragged& batch_;
  std::int64_t members_left_ = 0, tokens_left_ = 0;
  std::vector<std::int32_t> order_;
  std::vector<std::int64_t> common_;  // whole chunks that order_[i] and order_[i + 1] share
  Prefixes made_;
};

}  // namespace

Prefixes shared_prefixes(const Ragged& batch, std::int64_t most_tokens) {
  return PrefixTree(batch, most_tokens).build();
}

}  // namespace moebius::kernels::gqa
