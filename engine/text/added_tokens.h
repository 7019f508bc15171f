// Tokens that are found in the text itself, before any splitting or merging.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace moebius::engine {

/// A set of token texts to look for: leftmost first, the longest of those that begin there.
class AddedTokens {
 public:
  struct Entry {
    std::int32_t id = -1;
    bool special = false;
    bool lstrip = false;  // takes the white space before it along
    bool rstrip = false;  // and the white space behind it
  };

  /// `text` is not empty.
  void add(std::string_view text, const Entry& entry);
  bool empty() const { return entries_.empty(); }

  struct Segment {
    std::string_view text;
    std::int32_t id = -1;  // of the token; -1: plain text, never empty
  };

  /// Appends `text` cut at the tokens in it. Without `special`, special tokens are found but
  /// stay plain text, so nothing inside them is a token either (as in the reference).
  void split(std::string_view text, bool special, std::vector<Segment>& out) const;

 private:
  struct Node {
    std::vector<std::pair<unsigned char, int>> children;
    int entry = -1;
  };
  int child(int node, unsigned char byte) const;  // -1 if none
  /// The longest token that begins at `from`: its entry and end; entry -1 if there is none.
  std::pair<int, std::size_t> longest(std::string_view text, std::size_t from) const;

  std::vector<Node> nodes_{1};
  std::vector<Entry> entries_;
};

}  // namespace moebius::engine
