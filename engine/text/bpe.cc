#include "engine/text/bpe.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>

#include "engine/engine.h"

namespace moebius::engine {
namespace {

constexpr std::size_t kShort = 48;  // up to here a linear search for the lowest rank is faster

std::uint64_t mix(std::uint64_t x) {
  x *= 0x9E3779B97F4A7C15;
  return x ^ x >> 32;
}

std::uint64_t hash_bytes(std::string_view text) {
  std::uint64_t hash = text.size();
  const char* p = text.data();
  std::size_t left = text.size();
  for (; left >= 8; left -= 8, p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    hash = mix(hash ^ word);
  }
  std::uint64_t word = 0;
  std::memcpy(&word, p, left);
  return mix(hash ^ word);
}

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

}  // namespace

Bpe::Bpe(const std::vector<Token>& tokens, const std::vector<Merge>& merges, bool whole_words)
    : tokens_(tokens),
      whole_words_(whole_words),
      alone_(new std::atomic<std::uint8_t>[tokens.size()]) {
  for (std::size_t i = 0; i < tokens.size(); ++i) alone_[i] = kUnknown;
  byte_ids_.fill(-1);
  words_.assign(std::bit_ceil(tokens.size() * 2 + 1), -1);
  const std::size_t mask = words_.size() - 1;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const std::string& bytes = tokens[id].bytes;
    if (!tokens[id].model || bytes.empty()) continue;
    if (bytes.size() == 1) byte_ids_[static_cast<unsigned char>(bytes[0])] = static_cast<int>(id);
    std::size_t slot = hash_bytes(bytes) & mask;
    while (words_[slot] >= 0) slot = (slot + 1) & mask;
    words_[slot] = static_cast<std::int32_t>(id);
  }
  pairs_.resize(std::bit_ceil(merges.size() * 2 + 1));
  results_.reserve(merges.size());
  for (const Merge& merge : merges) add_merge(merge, static_cast<std::uint32_t>(results_.size()));
}

// A pair that is listed twice has its last rank, as in the reference.
void Bpe::add_merge(const Merge& merge, std::uint32_t rank) {
  results_.push_back(merge.result);
  const std::uint64_t key = pair_key(merge.left, merge.right);
  const std::size_t mask = pairs_.size() - 1;
  std::size_t slot = mix(key) & mask;
  while (pairs_[slot].rank != kNoRank && pairs_[slot].key != key) slot = (slot + 1) & mask;
  pairs_[slot] = {key, rank};
}

std::uint32_t Bpe::rank(std::int32_t left, std::int32_t right) const {
  const std::uint64_t key = pair_key(left, right);
  const std::size_t mask = pairs_.size() - 1;
  for (std::size_t slot = mix(key) & mask;; slot = (slot + 1) & mask) {
    if (pairs_[slot].key == key || pairs_[slot].rank == kNoRank) return pairs_[slot].rank;
  }
}

std::int32_t Bpe::find(std::string_view word) const {
  const std::size_t mask = words_.size() - 1;
  for (std::size_t slot = hash_bytes(word) & mask;; slot = (slot + 1) & mask) {
    const std::int32_t id = words_[slot];
    if (id < 0 || tokens_[id].bytes == word) return id;
  }
}

void Bpe::encode(std::string_view word, Work& work, std::vector<std::int32_t>& out) const {
  const std::int32_t id = find(word);
  std::uint8_t alone = kNo;
  if (id >= 0 && whole_words_) alone = kYes;
  if (id >= 0 && !whole_words_) alone = alone_[id].load(std::memory_order_relaxed);
  if (alone == kYes) {
    out.push_back(id);
    return;
  }
  merge(word, work);
  if (id >= 0 && alone == kUnknown) {
    const bool yes = work.ids.size() == 1 && work.ids[0] == id;
    alone_[id].store(yes ? kYes : kNo, std::memory_order_relaxed);
  }
  out.insert(out.end(), work.ids.begin(), work.ids.end());
}

void Bpe::merge(std::string_view word, Work& work) const {
  work.ids.clear();
  for (const char c : word) {
    const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
    if (id < 0) {
      throw Error("tokenizer: byte " + std::to_string(static_cast<unsigned char>(c)) +
                  " of the text has no token in the vocabulary");
    }
    work.ids.push_back(id);
  }
  work.ranks.clear();
  for (std::size_t i = 0; i + 1 < work.ids.size(); ++i) {
    work.ranks.push_back(rank(work.ids[i], work.ids[i + 1]));
  }
  if (work.ids.size() <= kShort) {
    merge_short(work);
  } else {
    merge_long(work);
  }
}

// ranks[i] belongs to the pair (ids[i], ids[i + 1]).
void Bpe::merge_short(Work& work) const {
  auto& ids = work.ids;
  auto& ranks = work.ranks;
  while (!ranks.empty()) {
    const auto best = std::min_element(ranks.begin(), ranks.end());
    if (*best == kNoRank) return;
    const auto i = static_cast<std::size_t>(best - ranks.begin());
    ids[i] = results_[*best];
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    ranks.erase(best);
    if (i > 0) ranks[i - 1] = rank(ids[i - 1], ids[i]);
    if (i < ranks.size()) ranks[i] = rank(ids[i], ids[i + 1]);
  }
}

// The same over a linked list, the pairs in a heap ordered by (rank, position). An entry is stale
// when its pair has changed since, which ranks[] tells.
void Bpe::merge_long(Work& work) const {
  auto& ids = work.ids;
  auto& ranks = work.ranks;
  auto& heap = work.heap;
  const auto size = static_cast<std::int32_t>(ids.size());
  ranks.push_back(kNoRank);
  work.next.resize(ids.size());
  work.previous.resize(ids.size());
  heap.clear();
  for (std::int32_t i = 0; i < size; ++i) {
    work.next[i] = i + 1;
    work.previous[i] = i - 1;
    if (ranks[i] != kNoRank) heap.push_back(pair_key(static_cast<std::int32_t>(ranks[i]), i));
  }
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  const auto update = [&](std::int32_t i) {
    const std::int32_t right = work.next[i];
    ranks[i] = right < size ? rank(ids[i], ids[right]) : kNoRank;
    if (ranks[i] == kNoRank) return;
    heap.push_back(pair_key(static_cast<std::int32_t>(ranks[i]), i));
    std::push_heap(heap.begin(), heap.end(), std::greater<>());
  };
  while (!heap.empty()) {
    const auto best = static_cast<std::uint32_t>(heap.front() >> 32);
    const auto i = static_cast<std::int32_t>(heap.front() & 0xFFFFFFFF);
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    heap.pop_back();
    if (ids[i] < 0 || ranks[i] != best) continue;
    const std::int32_t gone = work.next[i];
    ids[i] = results_[best];
    ids[gone] = -1;
    work.next[i] = work.next[gone];
    if (work.next[i] < size) work.previous[work.next[i]] = i;
    update(i);
    if (work.previous[i] >= 0) update(work.previous[i]);
  }
  std::erase(ids, -1);
}

}  // namespace moebius::engine
