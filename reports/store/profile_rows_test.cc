// What kernels did: added up over attempts, kept per device, gone with the run.
#include "reports/store/profile_rows.h"

#include <gtest/gtest.h>

#include "reports/store/sample_cases.h"
#include "tests/support/temp_dir.h"

namespace moebius::reports {
namespace {

Profile profile(const std::string& device, std::int64_t times) {
  Profile profile;
  profile.device = device;
  profile.busy_ns = 90 * times;
  profile.wall_ns = 100 * times;
  profile.seen_ns = 50 * times;
  profile.lost = times;
  profile.limits.read_gb_s = 10.0 * static_cast<double>(times);
  profile.limits.copy_gb_s = 9;
  profile.limits.matrix_tflops = 2;
  profile.limits.matrix_path = "avx512_f32";
  profile.limits.fp8_tflops = 4;
  profile.limits.f32_tflops = 1;
  KernelFigures norm{.kernel = "norm", .calls = times, .ns = 20 * times, .bytes = 5 * times};
  KernelFigures gemm{.kernel = "gemm", .calls = 2 * times, .ns = 70 * times};
  gemm.bytes = 1000 * times;
  gemm.flops = 1e18 * static_cast<double>(times);
  profile.kernels = {norm, gemm};
  return profile;
}

class ProfileRowsTest : public testing::Test {
 protected:
  std::int64_t begin(Store& store, const std::string& key = "0123456789abcdef") const {
    return store.begin_run(cases::run(key), {cases::set("t", 1)}, cases::one_scorer()).run.id;
  }

  tests::TempDir dir;
  std::string path = dir.file("results.sqlite");
};

TEST_F(ProfileRowsTest, AttemptsAddUp) {
  for (const std::int64_t times : {1, 3, 20}) {
    const auto store = Store::open(path);
    store->add_profile(begin(*store), profile("cpu", times));
    store->flush();
  }
  const std::vector<Profile> found = Reader::open(path)->profiles(1);
  ASSERT_EQ(found.size(), 1U);
  const Profile& sum = found[0];
  EXPECT_EQ(sum.device, "cpu");
  EXPECT_EQ(sum.busy_ns, 90 * 24);
  EXPECT_EQ(sum.wall_ns, 100 * 24);
  EXPECT_EQ(sum.seen_ns, 50 * 24);
  EXPECT_EQ(sum.lost, 24);
  EXPECT_EQ(sum.limits.read_gb_s, 200) << "the limits of the last attempt";
  EXPECT_EQ(sum.limits.matrix_path, "avx512_f32");
  ASSERT_EQ(sum.kernels.size(), 2U);
  EXPECT_EQ(sum.kernels[0].kernel, "gemm") << "most time first";
  EXPECT_EQ(sum.kernels[0].calls, 48);
  EXPECT_EQ(sum.kernels[0].ns, 70 * 24);
  EXPECT_EQ(sum.kernels[0].bytes, 24000);
  EXPECT_DOUBLE_EQ(sum.kernels[0].flops, 24e18) << "beyond 64 bits";
  EXPECT_EQ(sum.kernels[1].flops, 0);
}

TEST_F(ProfileRowsTest, LimitsThatWereNotMeasuredReplaceNothing) {
  const auto store = Store::open(path);
  const std::int64_t run = begin(*store);
  store->add_profile(run, profile("cpu", 1));
  Profile later = profile("cpu", 1);
  later.limits = {};
  store->add_profile(run, later);
  store->flush();
  const Profile sum = Reader::open(path)->profiles(run).at(0);
  EXPECT_EQ(sum.limits.read_gb_s, 10);
  EXPECT_EQ(sum.limits.matrix_tflops, 2);
  EXPECT_EQ(sum.limits.matrix_path, "avx512_f32");
  EXPECT_EQ(sum.busy_ns, 180);
}

TEST_F(ProfileRowsTest, DevicesAndRunsAreKeptApart) {
  const auto store = Store::open(path);
  const std::int64_t first = begin(*store);
  const std::int64_t second = begin(*store, "fedcba9876543210");
  store->add_profile(first, profile("NVIDIA H200", 1));
  store->add_profile(first, profile("cpu", 2));
  store->flush();
  const auto reader = Reader::open(path);
  const std::vector<Profile> found = reader->profiles(first);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].device, "NVIDIA H200");
  EXPECT_EQ(found[0].kernels[0].calls, 2);
  EXPECT_EQ(found[1].kernels[0].calls, 4);
  EXPECT_TRUE(reader->profiles(second).empty());
}

TEST_F(ProfileRowsTest, AnUnknownRunIsAnError) {
  const auto store = Store::open(path);
  begin(*store);
  store->add_profile(99, profile("cpu", 1));
  EXPECT_THROW(store->flush(), Error);
}

TEST_F(ProfileRowsTest, TheViewHasRatesAndSharesAndARunGoesWhole) {
  {
    const auto store = Store::open(path);
    store->add_profile(begin(*store), profile("cpu", 1));
    store->flush();
  }
  Database database(path, Database::Mode::kReadWrite);
  Statement view(database, "SELECT kernel, percent, gb_s, tflops FROM v_kernels ORDER BY kernel");
  ASSERT_TRUE(view.step());
  EXPECT_EQ(view.text(0), "gemm");
  EXPECT_NEAR(view.real(1), 100.0 * 70 / 90, 1e-9);
  EXPECT_NEAR(view.real(2), 1000.0 / 70, 1e-9);
  EXPECT_NEAR(view.real(3), 1e18 / 1e3 / 70, 1e3);
  view.reset();
  database.run("PRAGMA foreign_keys = ON; DELETE FROM runs");
  EXPECT_EQ(database.integer("SELECT count(*) FROM kernels"), 0);
  EXPECT_EQ(database.integer("SELECT count(*) FROM profiles"), 0);
}

}  // namespace
}  // namespace moebius::reports
