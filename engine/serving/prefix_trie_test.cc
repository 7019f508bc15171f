#include "engine/serving/prefix_trie.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace moebius::engine {
namespace {

using Prompt = std::vector<std::int32_t>;
constexpr std::int32_t kAmple = 1 << 20;

std::vector<TrieLeaf> leaves_of(const std::vector<Prompt>& prompts, std::int32_t more = 1) {
  std::vector<TrieLeaf> leaves;
  for (const Prompt& prompt : prompts) {
    leaves.push_back({prompt, static_cast<std::int32_t>(prompt.size()) + more});
  }
  return leaves;
}

// Tokens that nodes compute, plus what leaves compute of their prefixes themselves.
std::int64_t computed(const std::vector<TrieItem>& items, const std::vector<Prompt>& prompts) {
  std::int64_t sum = 0;
  for (const TrieItem& item : items) {
    sum += (item.shared ? item.end : static_cast<std::int64_t>(prompts[item.leaf].size())) -
           item.begin;
  }
  return sum;
}

std::int64_t distinct_prefixes(const std::vector<Prompt>& prompts) {
  std::set<Prompt> prefixes;
  for (const Prompt& prompt : prompts) {
    for (std::size_t end = 1; end <= prompt.size(); ++end) {
      prefixes.insert(Prompt(prompt.begin(), prompt.begin() + end));
    }
  }
  return static_cast<std::int64_t>(prefixes.size());
}

// The whole contract of build_trie but the memory bound.
void check_structure(const std::vector<TrieItem>& items, const std::vector<Prompt>& prompts) {
  std::vector<int> seen(prompts.size()), children(items.size());
  std::vector<std::int32_t> path;  // open ancestors: depth first
  for (std::size_t i = 0; i < items.size(); ++i) {
    const TrieItem& item = items[i];
    ASSERT_LT(item.parent, static_cast<std::int32_t>(i));
    while (!path.empty() && path.back() != item.parent) path.pop_back();
    ASSERT_EQ(path.empty() ? -1 : path.back(), item.parent) << "not depth first";
    const Prompt& prompt = prompts[item.leaf];
    if (item.parent >= 0) {
      const TrieItem& parent = items[item.parent];
      ++children[item.parent];
      ASSERT_TRUE(parent.shared);
      ASSERT_EQ(item.begin, parent.end);
      ASSERT_TRUE(
          std::equal(prompt.begin(), prompt.begin() + item.begin, prompts[parent.leaf].begin()));
    } else {
      ASSERT_EQ(item.begin, 0);
    }
    if (item.shared) {
      ASSERT_LT(item.begin, item.end) << "an empty node";
      ASSERT_LE(item.end, static_cast<std::int32_t>(prompt.size()));
      path.push_back(static_cast<std::int32_t>(i));
    } else {
      ++seen[item.leaf];
      ASSERT_LE(item.begin, static_cast<std::int32_t>(prompt.size()));
    }
  }
  for (int count : seen) ASSERT_EQ(count, 1);
  for (std::size_t i = 0; i < items.size(); ++i) {
    ASSERT_TRUE(!items[i].shared || children[i] >= 2) << "a node for one";
  }
}

TEST(PrefixTrie, SmallCases) {
  EXPECT_TRUE(build_trie({}, 1).empty());
  const std::vector<Prompt> one = {{1, 2, 3}};
  EXPECT_EQ(build_trie(leaves_of(one), kAmple).size(), 1U);
  const std::vector<Prompt> empty = {{}, {}};
  EXPECT_EQ(build_trie(leaves_of(empty), kAmple).size(), 2U) << "no node without tokens";

  const std::vector<Prompt> prompts = {{1, 2, 3}, {1, 2}, {9}, {1, 2, 3}, {1, 5}};
  const std::vector<TrieItem> items = build_trie(leaves_of(prompts), kAmple);
  // [1] -> [1 2] -> leaf 1, [1 2 3] -> leaves 0 and 3; [1] -> leaf 4; leaf 2
  ASSERT_EQ(items.size(), 8U);
  EXPECT_EQ(items[0].end, 1);
  EXPECT_EQ(items[1].end, 2);
  EXPECT_EQ(items[2].leaf, 1);
  EXPECT_EQ(items[3].end, 3);
  EXPECT_EQ(items[4].leaf, 0);
  EXPECT_EQ(items[5].leaf, 3);
  EXPECT_EQ(items[6].leaf, 4);
  EXPECT_EQ(items[7].leaf, 2);
  EXPECT_EQ(items[1].leaf, 1) << "a node stands for its first leaf";
  check_structure(items, prompts);
}

TEST(PrefixTrie, RandomSetsComputeEachPrefixOnce) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const int alphabet = 1 + static_cast<int>(random() % 3);
    std::vector<Prompt> prompts(random() % 12);
    for (Prompt& prompt : prompts) {
      prompt.resize(random() % 10);
      for (auto& token : prompt) token = static_cast<std::int32_t>(random() % alphabet);
    }
    const std::vector<TrieItem> items = build_trie(leaves_of(prompts), kAmple);
    check_structure(items, prompts);
    ASSERT_EQ(computed(items, prompts), distinct_prefixes(prompts));
  }
}

TEST(PrefixTrie, DeepNestingNeedsNoStack) {
  std::vector<Prompt> prompts;
  for (int length = 1; length <= 3000; ++length) prompts.emplace_back(length, 7);
  std::vector<TrieItem> items = build_trie(leaves_of(prompts), kAmple);
  EXPECT_EQ(computed(items, prompts), 3000);
  for (Prompt& prompt : prompts) prompt.push_back(9);  // now the long ones come first
  items = build_trie(leaves_of(prompts), kAmple);
  EXPECT_EQ(computed(items, prompts), 6000);
}

TEST(PrefixTrie, WhatDoesNotFitBesideItsAncestorsSharesNothing) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<Prompt> prompts(2 + random() % 10);
    for (Prompt& prompt : prompts) {
      prompt.resize(random() % 300);
      for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = i % 40 == 39 ? random() % 2 : 0;
    }
    const std::int32_t pages = 6 + static_cast<std::int32_t>(random() % 4);
    const std::vector<TrieItem> items = build_trie(leaves_of(prompts, 50), pages);
    check_structure(items, prompts);
    for (TrieItem item : items) {
      std::int64_t held = 0;
      for (;; item = items[item.parent]) {
        held += (item.end + 63) / 64 - item.begin / 64;
        if (item.parent < 0) break;
      }
      ASSERT_LE(held, pages);
    }
  }
}

TEST(PrefixTrie, ListSharesNothing) {
  const std::vector<Prompt> prompts = {{1, 2}, {1, 2}, {0}};
  const std::vector<TrieItem> items = build_list(leaves_of(prompts));
  ASSERT_EQ(items.size(), 3U);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(items[i].leaf, i);
    EXPECT_EQ(items[i].parent, -1);
    EXPECT_EQ(items[i].begin, 0);
  }
}

}  // namespace
}  // namespace moebius::engine
