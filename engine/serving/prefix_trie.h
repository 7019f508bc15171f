// The compressed trie over a known set of prompts: which prefixes are computed once, and
// in which order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace moebius::engine {

/// One sequence as the trie sees it.
struct TrieLeaf {
  std::span<const std::int32_t> prefix;  // the tokens that may be shared with others
  std::int32_t end = 0;                  // positions it needs in the cache, >= prefix.size(), >= 1
};

/// A prefix that several leaves share (a node), or a leaf.
struct TrieItem {
  std::int32_t parent = -1;  // index of the node that it continues, lower than its own; or none
  std::int32_t begin = 0;    // first position of its own; where the parent ends
  std::int32_t end = 0;      // past its last
  std::int32_t leaf = 0;     // whose tokens these are; for a node: the first leaf below it
  bool shared = false;       // a node
};

/// All nodes and leaves, depth first: a node stands before what continues it, and leaves
/// are in the order of their prefixes, equal ones as given. Every node ends in at least
/// two items, so no token is in two nodes that begin alike.
///
/// Depth first also bounds memory: when everything before an item has finished, only its
/// ancestors hold pages. A leaf that would not fit into `pages` together with them shares
/// nothing and comes at the end.
std::vector<TrieItem> build_trie(std::span<const TrieLeaf> leaves, std::int32_t pages);

/// The same without sharing: one leaf after the other.
std::vector<TrieItem> build_list(std::span<const TrieLeaf> leaves);

}  // namespace moebius::engine
