// The join of records with declarations, on records made up here.
#include "kernels/profile/device_records.h"

#include <gtest/gtest.h>

#include <map>

namespace moebius::kernels {
namespace {

std::map<std::string, KernelTotals> by_name(const Profile& profile) {
  std::map<std::string, KernelTotals> totals;
  for (const KernelTotals& each : profile.kernels) totals.emplace(each.kernel, each);
  return totals;
}

KernelRecord on_stream(std::uint32_t correlation, std::int64_t start, std::int64_t end) {
  return {.correlation = correlation, .start_ns = start, .end_ns = end, .symbol = "_Z3foov"};
}

KernelRecord in_graph(std::uint64_t node, std::int64_t start, std::int64_t end) {
  // All kernels of a replay carry the correlation of the graph's launch.
  return {
      .correlation = 7, .node = node, .start_ns = start, .end_ns = end, .symbol = "_Z3barIiEvT_"};
}

TEST(DeviceRecords, JoinsStreamsByCorrelation) {
  DeviceRecords records;
  records.launched(1, {"gemm", 1, 100, 1000});
  records.launched(2, {"norm", 1, 10, 0});
  records.launched(3, {"gemm", 1, 50, 500});
  records.add(on_stream(3, 40, 45));  // in any order
  records.add(on_stream(1, 10, 20));
  records.add(on_stream(2, 20, 22));
  records.add(on_stream(4, 30, 33));  // nobody declared it
  const Profile profile = records.take();
  const auto totals = by_name(profile);
  ASSERT_EQ(totals.size(), 3U);
  EXPECT_EQ(totals.at("gemm").calls, 2);
  EXPECT_EQ(totals.at("gemm").ns, 15);
  EXPECT_EQ(totals.at("gemm").bytes, 150);
  EXPECT_EQ(totals.at("gemm").flops, 1500);
  EXPECT_EQ(totals.at("norm").ns, 2);
  EXPECT_EQ(totals.at("foo").calls, 1);
  EXPECT_EQ(totals.at("foo").bytes, 0);
  EXPECT_EQ(profile.busy_ns, 10 + 2 + 3 + 5);
}

TEST(DeviceRecords, JoinsReplaysByTheNodeTheyWereClonedFrom) {
  DeviceRecords records;
  records.launched(7, {"wrong", 1, 1, 1});  // the graph's launch under some declaration
  records.node_created(100, {"gemm", 1, 100, 1000});
  records.node_created(101, {"norm", 1, 10, 0});
  records.node_cloned(200, 100);  // one executable graph
  records.node_cloned(201, 101);
  records.node_cloned(300, 100);  // and another
  records.node_cloned(301, 999);  // of a node never seen
  records.node_destroyed(100);
  records.node_destroyed(101);
  for (int replay = 0; replay < 3; ++replay) {
    records.add(in_graph(200, replay * 100, replay * 100 + 10));
    records.add(in_graph(201, replay * 100 + 10, replay * 100 + 12));
  }
  records.add(in_graph(300, 1000, 1010));
  records.add(in_graph(301, 1010, 1011));
  const auto totals = by_name(records.take());
  ASSERT_EQ(totals.size(), 3U);
  EXPECT_EQ(totals.at("gemm").calls, 4);
  EXPECT_EQ(totals.at("gemm").flops, 4000);
  EXPECT_EQ(totals.at("norm").calls, 3);
  EXPECT_EQ(totals.at("bar").calls, 1);
}

TEST(DeviceRecords, ADestroyedGraphStillGetsItsLastRecords) {
  DeviceRecords records;
  records.node_created(1, {"gemm", 1, 1, 1});
  records.node_destroyed(1);
  records.add(in_graph(1, 0, 5));
  EXPECT_EQ(by_name(records.take()).count("gemm"), 1U);
  // But not for ever: their number is bounded.
  for (std::uint64_t node = 2; node < 200'000; ++node) {
    records.node_created(node, {"gemm", 1, 1, 1});
    records.node_destroyed(node);
  }
  records.add(in_graph(1, 10, 15));
  EXPECT_EQ(by_name(records.take()).count("bar"), 1U);
}

TEST(DeviceRecords, ALaterLaunchOfADeclarationAddsTimeAlone) {
  DeviceRecords records;
  records.launched(1, {"split", 1, 100, 200});
  records.launched(2, {"split", 0, 0, 0});
  records.add(on_stream(1, 0, 10));
  records.add(on_stream(2, 10, 14));
  const KernelTotals split = by_name(records.take()).at("split");
  EXPECT_EQ(split.calls, 1);
  EXPECT_EQ(split.ns, 14);
  EXPECT_EQ(split.bytes, 100);
}

TEST(DeviceRecords, AnOldLaunchIsNotTakenForANewOne) {
  DeviceRecords records;
  records.launched(5, {"old", 1, 1, 1});
  records.launched(5 + (1U << 18), {"new", 1, 1, 1});  // same place
  records.add(on_stream(5 + (1U << 18), 0, 1));
  records.add(on_stream(5, 1, 2));
  const auto totals = by_name(records.take());
  EXPECT_EQ(totals.count("old"), 0U);
  EXPECT_EQ(totals.at("new").calls, 1);
  EXPECT_EQ(totals.at("foo").calls, 1);
}

TEST(DeviceRecords, DevicesAreBusyEachForItself) {
  DeviceRecords records;
  KernelRecord record = on_stream(1, 0, 10);
  records.add(record);
  record.device = 1;
  records.add(record);
  records.add(TransferRecord{.start_ns = 5, .end_ns = 15, .name = "fill", .bytes = 64});
  const Profile profile = records.take();
  EXPECT_EQ(profile.busy_ns, 15 + 10);
  EXPECT_EQ(by_name(profile).at("fill").bytes, 64);
}

TEST(DeviceRecords, RecordsWithoutTimesAreLostAndSaidSo) {
  DeviceRecords records;
  records.add(on_stream(1, 0, 0));
  records.add(on_stream(1, 9, 3));
  records.add_lost(5);
  const Profile profile = records.take();
  EXPECT_EQ(profile.lost, 7);
  EXPECT_TRUE(profile.kernels.empty());
  EXPECT_EQ(records.take().lost, 0);
}

TEST(ShortSymbol, KeepsTheQualifiedName) {
  EXPECT_EQ(short_symbol("_Z3foov"), "foo");
  EXPECT_EQ(short_symbol("_ZN1a1b4funcIiEEvPT_"), "a::b::func");
  EXPECT_EQ(short_symbol("_ZN1a12_GLOBAL__N_11fEPf"), "a::f");
  EXPECT_EQ(short_symbol("void a::(anonymous namespace)::f<int>(float*)"), "a::f");
  EXPECT_EQ(short_symbol("sm90_xmma_gemm_bf16"), "sm90_xmma_gemm_bf16");
  EXPECT_EQ(short_symbol(""), "unnamed kernel");
}

}  // namespace
}  // namespace moebius::kernels
