#include "kernels/stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace moebius::kernels {
namespace {

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (int tasks : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> seen(tasks);
      pool.run(tasks, [&](std::int64_t i, int worker) {
        ASSERT_LT(worker, threads);
        ++seen[i];
      });
      for (auto& count : seen) EXPECT_EQ(count, 1);
    }
  }
}

TEST(ThreadPool, RethrowsAndStaysUsable) {
  ThreadPool pool(4);
  EXPECT_THROW(pool.run(100,
                        [](std::int64_t i, int) {
                          if (i == 17) throw std::runtime_error("task 17");
                        }),
               std::runtime_error);
  std::atomic<int> done = 0;
  pool.run(10, [&](std::int64_t, int) { ++done; });
  EXPECT_EQ(done, 10);
}

TEST(ThreadPool, SubnormalsCountAsZeroInTasks) {
  ThreadPool pool(2);
  std::vector<float> out(64, 1.0F);
  volatile float tiny = 1e-38F;
  pool.run(64, [&](std::int64_t i, int) { out[i] = tiny * 0.01F; });
  for (float value : out) EXPECT_EQ(value, 0.0F);
  volatile float outside = tiny * 0.01F;
  EXPECT_GT(outside, 0.0F) << "the caller's own mode must come back";
}

}  // namespace
}  // namespace moebius::kernels
