#include "engine/serving/prefix_trie.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "engine/serving/kv_pages.h"

namespace moebius::engine {
namespace {

using Tokens = std::span<const std::int32_t>;

std::int32_t common_prefix(Tokens a, Tokens b) {
  const auto [end, unused] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::int32_t>(end - a.begin());
}

// A node while the trie is built, bottom up. Children >= 0 are nodes, others ~leaf.
struct Node {
  std::int32_t end = 0;
  std::int32_t first_leaf = 0;
  std::vector<std::int32_t> children;
};

// Nodes are the intervals of the sorted leaves whose neighbours share at least `end`
// tokens (Abouelhoda, Kurtz, Ohlebusch 2004, "Replacing suffix trees with enhanced suffix
// arrays", algorithm 4.4). A stack instead of recursion: nested prompts make deep tries.
class Builder {
 public:
  Builder(std::span<const TrieLeaf> leaves, std::vector<std::int32_t> order)
      : leaves_(leaves), order_(std::move(order)), nodes_(1), open_{0} {}

  std::vector<TrieItem> build() {
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const bool last = i + 1 == order_.size();
      place(order_[i],
            last ? 0 : common_prefix(leaves_[order_[i]].prefix, leaves_[order_[i + 1]].prefix));
    }
    return preorder();
  }

 private:
  // `next`: tokens shared with the leaf that follows.
  void place(std::int32_t leaf, std::int32_t next) {
    if (nodes_[open_.back()].end >= next) {
      nodes_[open_.back()].children.push_back(~leaf);
      close(next);
    } else {
      open(next, ~leaf);
    }
  }

  void open(std::int32_t end, std::int32_t child) {
    open_.push_back(static_cast<std::int32_t>(nodes_.size()));
    nodes_.push_back({end, child < 0 ? ~child : nodes_[child].first_leaf, {child}});
  }

  // Closes what the next leaf is not below. The last one closed may turn out to be the
  // first child of a shallower node that begins where it does.
  void close(std::int32_t next) {
    while (nodes_[open_.back()].end > next) {
      const std::int32_t closed = open_.back();
      open_.pop_back();
      if (nodes_[open_.back()].end < next) {
        open(next, closed);
      } else {
        nodes_[open_.back()].children.push_back(closed);
      }
    }
  }

  std::vector<TrieItem> preorder() const {
    std::vector<TrieItem> items;
    struct Visit {
      std::int32_t child, parent;
    };
    std::vector<Visit> stack;
    const auto push_children = [&](const Node& node, std::int32_t parent) {
      for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
        stack.push_back({*child, parent});
      }
    };
    push_children(nodes_[0], -1);
    while (!stack.empty()) {
      const auto [child, parent] = stack.back();
      stack.pop_back();
      const std::int32_t begin = parent < 0 ? 0 : items[parent].end;
      const auto index = static_cast<std::int32_t>(items.size());
      if (child < 0) {
        items.push_back({parent, begin, leaves_[~child].end, ~child, false});
      } else {
        items.push_back({parent, begin, nodes_[child].end, nodes_[child].first_leaf, true});
        push_children(nodes_[child], index);
      }
    }
    return items;
  }

  std::span<const TrieLeaf> leaves_;
  std::vector<std::int32_t> order_;
  std::vector<Node> nodes_;  // [0] is the root, which has no tokens
  std::vector<std::int32_t> open_;
};

std::vector<std::int32_t> sorted_order(std::span<const TrieLeaf> leaves) {
  std::vector<std::int32_t> order(leaves.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return std::ranges::lexicographical_compare(leaves[a].prefix, leaves[b].prefix);
  });
  return order;
}

// Leaves whose own pages and those of all their ancestors exceed `pages`.
std::vector<std::int32_t> too_deep(std::span<const TrieItem> items, std::int32_t pages) {
  std::vector<std::int32_t> found;
  std::vector<std::int64_t> held(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const TrieItem& item = items[i];
    held[i] = KvPages::fresh(item.begin, item.end) + (item.parent < 0 ? 0 : held[item.parent]);
    if (!item.shared && held[i] > pages) found.push_back(item.leaf);
  }
  return found;
}

}  // namespace

std::vector<TrieItem> build_trie(std::span<const TrieLeaf> leaves, std::int32_t pages) {
  std::vector<std::int32_t> order = sorted_order(leaves);
  std::vector<TrieItem> items = Builder(leaves, order).build();
  const std::vector<std::int32_t> alone = too_deep(items, pages);
  if (alone.empty()) return items;
  // Fewer leaves make fewer nodes on every path, so one more round is enough.
  std::vector<bool> is_alone(leaves.size());
  for (std::int32_t leaf : alone) is_alone[leaf] = true;
  std::erase_if(order, [&](std::int32_t leaf) { return is_alone[leaf]; });
  items = Builder(leaves, order).build();
  for (std::int32_t leaf : alone) items.push_back({-1, 0, leaves[leaf].end, leaf, false});
  return items;
}

std::vector<TrieItem> build_list(std::span<const TrieLeaf> leaves) {
  std::vector<TrieItem> items;
  for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf) {
    items.push_back({-1, 0, leaves[leaf].end, static_cast<std::int32_t>(leaf), false});
  }
  return items;
}

}  // namespace moebius::engine
