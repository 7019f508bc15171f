#include "engine/serving/kv_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace moebius::engine {
namespace {

using Table = std::vector<std::int32_t>;

TEST(KvPages, CountsPages) {
  EXPECT_EQ(KvPages::covering(0), 0);
  EXPECT_EQ(KvPages::covering(1), 1);
  EXPECT_EQ(KvPages::covering(64), 1);
  EXPECT_EQ(KvPages::covering(65), 2);
  EXPECT_EQ(KvPages::fresh(0, 65), 2);
  EXPECT_EQ(KvPages::fresh(63, 64), 1) << "the split page is fresh in the fork";
  EXPECT_EQ(KvPages::fresh(64, 65), 1);
  EXPECT_EQ(KvPages::fresh(64, 64), 0);
}

TEST(KvPages, ForkSharesFullPagesOnly) {
  KvPages pages(10);
  Table root = pages.fork({}, 0, 150);  // 3 pages, the last one partial
  Table fork = pages.fork(root, 150, 200);
  ASSERT_EQ(fork.size(), 4U);
  EXPECT_EQ(fork[0], root[0]);
  EXPECT_EQ(fork[1], root[1]);
  EXPECT_NE(fork[2], root[2]);
  EXPECT_EQ(pages.free(), 10 - 3 - 2);
  pages.release(root);
  EXPECT_TRUE(root.empty());
  EXPECT_EQ(pages.free(), 10 - 4) << "the fork keeps what it shares";
  pages.release(fork);
  EXPECT_EQ(pages.free(), 10);
}

TEST(KvPages, HandsOutEveryPageOnce) {
  KvPages pages(7);
  const Table table = pages.fork({}, 0, 7 * 64);
  EXPECT_EQ(std::set<std::int32_t>(table.begin(), table.end()).size(), 7U);
  EXPECT_EQ(*std::min_element(table.begin(), table.end()), 0);
  EXPECT_EQ(*std::max_element(table.begin(), table.end()), 6);
  EXPECT_EQ(pages.free(), 0);
}

TEST(KvPages, RefusesWhatItHasNot) {
  EXPECT_THROW(KvPages(0), std::invalid_argument);
  KvPages pages(2);
  EXPECT_THROW(pages.fork({}, 0, 129), std::logic_error);
  EXPECT_EQ(pages.free(), 2) << "a failed fork takes nothing";
  EXPECT_THROW(pages.fork({}, 64, 65), std::logic_error) << "no prefix to share";
  Table table = pages.fork({}, 0, 1);
  Table copy = table;
  pages.release(table);
  EXPECT_THROW(pages.release(copy), std::logic_error);
}

struct CopyLog : Stepper {
  std::int32_t vocab() const override { return 1; }
  std::int32_t pages() const override { return 9; }
  std::int32_t max_rows() const override { return 1; }
  std::int32_t max_heads() const override { return 1; }
  std::int32_t max_context() const override { return 1; }
  std::vector<StepResult> step(const StepBatch&) override { return {}; }
  void copy_page(std::int32_t from, std::int32_t to, std::int32_t tokens) override {
    copies.push_back({from, to, tokens});
  }
  std::vector<Table> copies;
};

TEST(KvPages, CopiesTheSplitPage) {
  CopyLog log;
  const Table prefix = {5, 6, 7}, fork = {5, 6, 8};
  KvPages::copy_tail(log, prefix, fork, 130);
  EXPECT_EQ(log.copies, (std::vector<Table>{{7, 8, 2}}));
  KvPages::copy_tail(log, prefix, fork, 128);
  EXPECT_EQ(log.copies.size(), 1U) << "nothing is split at a page's edge";
}

}  // namespace
}  // namespace moebius::engine
