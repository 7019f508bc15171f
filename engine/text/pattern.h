// The regular expressions that pre-tokenizers are written in, compiled for splitting text.
//
// Semantics are those of a backtracking engine (Oniguruma, which the reference tokenizers use):
// leftmost match, first alternative that succeeds. The dialect is what tokenizer.json files
// contain: alternatives, characters, classes with ranges and \p{..}, \s \S \d, ? * + {n,m} and
// their possessive forms on single characters, (?:..), (?i:..), an optional group, (?!..) and $.
// Repeating a group is not in it, so matching never takes exponential time.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace moebius::engine {

/// A piece of text: byte offsets, both on character boundaries.
struct Piece {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// A set of characters.
struct CharClass {
  std::array<std::uint64_t, 2> ascii{};  // bit c: whether c < 128 is in the set, negation applied
  std::uint32_t categories = 0;          // bit per general category, for c >= 128
  /// Also for c >= 128: both ends included, ascending and disjoint.
  std::vector<std::pair<char32_t, char32_t>> ranges;
  bool negated = false;

  bool has(char32_t c) const {
    return c < 128 ? (ascii[c >> 6] >> (c & 63) & 1) != 0 : has_wide(c);
  }
  bool has_wide(char32_t c) const;
};

class Pattern {
 public:
  /// Throws Error: outside the dialect (the message quotes the place), or can match nothing.
  explicit Pattern(std::string_view source);

  /// Appends `piece` of `text` (valid UTF-8) cut at both ends of every match: matches and what
  /// lies between them, in order ("Isolated"). Throws Error if matching takes
  /// more than a fixed multiple of the length, which no known pre-tokenizer comes near.
  void split(std::string_view text, Piece piece, std::vector<Piece>& out) const;

  static constexpr std::uint32_t kUnlimited = std::numeric_limits<std::uint32_t>::max();
  enum class Kind : std::uint8_t { kClass, kOneOf, kNotAhead, kEnd };
  /// What a node refers to has a lower index than the node.
  struct Node {
    Kind kind = Kind::kClass;
    int next = -1;   // what must match behind it; -1: nothing, the match is complete
    int chars = -1;  // kClass: index of the set
    std::uint32_t min = 1;
    std::uint32_t max = 1;
    bool possessive = false;
    std::vector<int> branches;  // kOneOf: in order; kNotAhead: one. -1 is the empty branch
  };

 private:
  friend class PatternParser;
  friend class PatternMatcher;

  using Bytes = std::bitset<256>;
  Bytes class_bytes(const CharClass& set) const;  // bytes its characters can begin with
  std::vector<Bytes> first_bytes() const;         // per node: bytes a match can begin with

  std::vector<CharClass> classes_;
  std::vector<Node> nodes_;
  std::vector<int> alternatives_;               // at most 32
  std::array<std::uint32_t, 256> starts_ = {};  // alternatives that can begin with a byte
};

}  // namespace moebius::engine
