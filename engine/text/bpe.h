// Byte-pair encoding: one piece of text to token ids by ranked merges.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::engine {

/// One entry of the vocabulary.
struct Token {
  std::string text;    // as tokenizer.json writes it
  std::string bytes;   // what it stands for
  bool known = false;  // false: a gap in the ids
  bool model = false;  // part of the byte-pair model; an added token may be both
  bool special = false;
  bool added = false;
};

class Bpe {
 public:
  struct Merge {
    std::int32_t left = -1;
    std::int32_t right = -1;
    std::int32_t result = -1;
  };

  /// `merges` in order of rank. `tokens` must outlive this and not change; tokens with `model`
  /// set take part, their ids are indices. `whole_words`: a piece that is a token is taken as
  /// it is ("ignore_merges").
  Bpe(const std::vector<Token>& tokens, const std::vector<Merge>& merges, bool whole_words);

  /// Memory that a caller keeps from one word to the next.
  struct Work {
    std::vector<std::int32_t> ids;
    std::vector<std::uint32_t> ranks;
    std::vector<std::int32_t> next;
    std::vector<std::int32_t> previous;
    std::vector<std::uint64_t> heap;
  };

  /// Appends the ids of `word`, which is not empty and shorter than 2 GiB: the merge of lowest
  /// rank first, leftmost among equals. O(n log n). Throws Error if a byte has no token.
  void encode(std::string_view word, Work& work, std::vector<std::int32_t>& out) const;

 private:
  static constexpr std::uint32_t kNoRank = 0xFFFFFFFF;
  enum Alone : std::uint8_t { kUnknown, kYes, kNo };
  struct Pair {
    std::uint64_t key = ~std::uint64_t{0};
    std::uint32_t rank = kNoRank;
  };

  std::int32_t find(std::string_view word) const;
  std::uint32_t rank(std::int32_t left, std::int32_t right) const;
  void add_merge(const Merge& merge, std::uint32_t rank);
  void merge(std::string_view word, Work& work) const;
  void merge_short(Work& work) const;
  void merge_long(Work& work) const;

  const std::vector<Token>& tokens_;
  bool whole_words_;
  std::array<std::int32_t, 256> byte_ids_;
  std::vector<std::int32_t> words_;    // hash table of ids by bytes; -1 is free
  std::vector<Pair> pairs_;            // hash table of ranks by pair
  std::vector<std::int32_t> results_;  // by rank
  /// Whether merging a token's bytes gives that token alone; found out when first asked. Threads
  /// that race write the same answer.
  std::unique_ptr<std::atomic<std::uint8_t>[]> alone_;
};

}  // namespace moebius::engine
