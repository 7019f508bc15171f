// A ragged batch with random queries and a random paged cache, for tests and benchmarks.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "kernels/attention/attention.h"

namespace moebius::kernels {

/// What a case is made for; shared_entry is MLA.
struct CaseShape {
  std::int64_t heads = 1, kv_heads = 1, qk_dim = 16, v_dim = 16;
  bool shared_entry = false;  // MLA: the value is the first v_dim of the key
  Dtype dtype = Dtype::kF32;
};

/// One sequence's rows in a launch: tokens at positions [position, position + tokens).
struct Span {
  std::int64_t sequence, position, tokens;
};

/// Keys and values of whole sequences, and each token's queries; launches then take any
/// spans of them. Entries behind a sequence's end are NaN: nothing may read them into a result.
class AttentionCase {
 public:
  AttentionCase(CaseShape shape, std::vector<std::int64_t> lengths, unsigned seed = 1)
      : shape_(shape), lengths_(std::move(lengths)), random_(seed) {
    max_pages_ =
        (*std::max_element(lengths_.begin(), lengths_.end()) + kPageTokens - 1) / kPageTokens + 1;
    const std::int64_t pages = max_pages_ * std::ssize(lengths_);
    table_.resize(pages);
    std::iota(table_.begin(), table_.end(), 0);
    std::shuffle(table_.begin(), table_.end(), random_);
    fill(std::numeric_limits<float>::quiet_NaN(), pages * kPageTokens * width());
    for (std::int64_t s = 0; s < std::ssize(lengths_); ++s) fill_sequence(s);
  }

  const CaseShape& shape() const { return shape_; }
  std::int64_t sequences() const { return std::ssize(lengths_); }
  std::int64_t length(std::int64_t s) const { return lengths_[s]; }
  std::int64_t width() const {
    return shape_.kv_heads * (shape_.shared_entry ? shape_.qk_dim : shape_.qk_dim + shape_.v_dim);
  }

  /// Moves every page somewhere else.
  void permute_pages() {
    std::vector<std::int32_t> to(table_.size());
    std::iota(to.begin(), to.end(), 0);
    std::shuffle(to.begin(), to.end(), random_);
    const std::int64_t page = kPageTokens * width();
    const std::vector<float> wide = wide_;
    const std::vector<std::uint16_t> narrow = narrow_;
    for (std::size_t p = 0; p < to.size(); ++p) {
      if (!wide.empty()) std::copy_n(&wide[p * page], page, &wide_[to[p] * page]);
      if (!narrow.empty()) std::copy_n(&narrow[p * page], page, &narrow_[to[p] * page]);
    }
    for (std::int32_t& p : table_) p = to[p];
  }

  /// The first `count` pages of `to` become those of `from`.
  void share_pages(std::int64_t from, std::int64_t to, std::int64_t count) {
    std::copy_n(table_.begin() + from * max_pages_, count, table_.begin() + to * max_pages_);
  }

  /// Entries [position, ...) of a sequence become NaN.
  void poison(std::int64_t s, std::int64_t position) {
    for (std::int64_t p = position; p < max_pages_ * kPageTokens; ++p) {
      for (std::int64_t e = 0; e < width(); ++e) {
        set(at(s, p) + e, std::numeric_limits<float>::quiet_NaN());
      }
    }
  }

  float cached(std::int64_t s, std::int64_t position, std::int64_t element) const {
    const std::int64_t i = at(s, position) + element;
    if (shape_.dtype == Dtype::kF32) return wide_[i];
    return std::bit_cast<float>(static_cast<std::uint32_t>(narrow_[i]) << 16);
  }
  const float* query(std::int64_t s, std::int64_t position) const {
    return &queries_[s][position * shape_.heads * shape_.qk_dim];
  }

  /// A launch over some spans; borrows this case.
  struct Batch {
    AttentionArgs args;
    std::vector<float> q, out;
    std::vector<std::int32_t> row_begin{0}, position_begin, pages;
    std::vector<std::byte> workspace;

    Batch() = default;
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    void run(const Stream& stream) {
      workspace.resize(attention_workspace_bytes(args, stream));
      args.workspace = workspace.data();
      attention(args, stream);
    }
  };

  void fill_batch(const std::vector<Span>& spans, Batch& batch) {
    for (const Span& span : spans) {
      const float* q = query(span.sequence, span.position);
      batch.q.insert(batch.q.end(), q, q + span.tokens * shape_.heads * shape_.qk_dim);
      batch.row_begin.push_back(batch.row_begin.back() + static_cast<std::int32_t>(span.tokens));
      batch.position_begin.push_back(static_cast<std::int32_t>(span.position));
      const auto pages = table_.begin() + span.sequence * max_pages_;
      batch.pages.insert(batch.pages.end(), pages, pages + max_pages_);
    }
    const std::int64_t rows = batch.row_begin.back();
    batch.out.assign(rows * shape_.heads * shape_.v_dim, std::numeric_limits<float>::quiet_NaN());
    batch.args = {.q = batch.q.data(),
                  .out = batch.out.data(),
                  .batch = {.sequences = std::ssize(spans),
                            .rows = rows,
                            .row_begin = batch.row_begin.data(),
                            .position_begin = batch.position_begin.data(),
                            .pages = batch.pages.data(),
                            .max_pages = max_pages_},
                  .kv = {.data = wide_.empty() ? static_cast<void*>(narrow_.data()) : wide_.data(),
                         .dtype = shape_.dtype,
                         .pages = std::ssize(table_),
                         .width = width()},
                  .heads = shape_.heads,
                  .kv_heads = shape_.kv_heads,
                  .qk_dim = shape_.qk_dim,
                  .v_dim = shape_.v_dim,
                  .k_offset = 0,
                  .v_offset = shape_.shared_entry ? 0 : shape_.kv_heads * shape_.qk_dim,
                  .scale = 1.0F / std::sqrt(static_cast<float>(shape_.qk_dim))};
  }

 private:
  std::int64_t at(std::int64_t s, std::int64_t position) const {
    const std::int64_t page = table_[s * max_pages_ + position / kPageTokens];
    return (page * kPageTokens + position % kPageTokens) * width();
  }
  void set(std::int64_t i, float value) {
    if (shape_.dtype == Dtype::kF32) {
      wide_[i] = value;
    } else {
      narrow_[i] = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
    }
  }
  void fill(float value, std::int64_t count) {
    if (shape_.dtype == Dtype::kF32) {
      wide_.resize(count);
    } else {
      narrow_.resize(count);
    }
    for (std::int64_t i = 0; i < count; ++i) set(i, value);
  }
  void fill_sequence(std::int64_t s) {
    const auto uniform = [this] {  // [-2, 2)
      return static_cast<float>(random_() >> 8 & 0xFFFFFF) * 0x1p-22F - 2.0F;
    };
    for (std::int64_t p = 0; p < lengths_[s]; ++p) {
      for (std::int64_t e = 0; e < width(); ++e) set(at(s, p) + e, uniform());
    }
    auto& q = queries_.emplace_back(lengths_[s] * shape_.heads * shape_.qk_dim);
    for (float& value : q) value = uniform();
  }

  CaseShape shape_;
  std::vector<std::int64_t> lengths_;
  std::mt19937_64 random_;
  std::int64_t max_pages_ = 0;
  std::vector<std::int32_t> table_;  // [sequences, max_pages]
  std::vector<float> wide_;          // the cache, one of the two
  std::vector<std::uint16_t> narrow_;
  std::vector<std::vector<float>> queries_;  // per sequence [length, heads, qk_dim]
};

}  // namespace moebius::kernels
