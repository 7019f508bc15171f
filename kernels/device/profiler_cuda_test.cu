// What the device profiler says about launches whose figures are known.
#include "kernels/device/profiler.h"

#include <algorithm>
#include <map>
#include <string>

#include "kernels/device/device.h"
#include "kernels/device/launch.h"
#include "kernels/device/test_support.h"
#include "kernels/device/timer.h"

namespace moebius::kernels {
namespace {

__global__ void spin_kernel(float* data, int steps) {
  float value = data[threadIdx.x];
  for (int i = 0; i < steps; ++i) value = fmaf(value, 0.999F, 1e-3F);
  data[threadIdx.x] = value;
}

cudaStream_t handle_of(const Stream& stream) {
  return static_cast<cudaStream_t>(stream.handle());
}

void spin(const Stream& stream, float* data, int steps) {
  spin_kernel<<<1, 32, 0, handle_of(stream)>>>(data, steps);
}

void declared_spin(const Stream& stream, const char* name, float* data, int steps, int bytes,
                   int flops) {
  const DeviceLaunch launch(stream, name, bytes, flops);
  spin(stream, data, steps);
  launch.launched();
}

/// Launched as kernels with clusters or programmatic dependence are.
void extended_spin(const Stream& stream, const char* name, float* data, int steps) {
  const DeviceLaunch launch(stream, name, 5, 6);
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(1);
  config.blockDim = dim3(32);
  config.stream = handle_of(stream);
  check_device(cudaLaunchKernelEx(&config, spin_kernel, data, steps), "launching");
  launch.launched();
}

std::map<std::string, KernelTotals> by_name(const Profile& profile) {
  std::map<std::string, KernelTotals> totals;
  for (const KernelTotals& each : profile.kernels) totals.emplace(each.kernel, each);
  return totals;
}

std::string text(const Profile& profile) {
  std::string lines;
  for (const KernelTotals& each : profile.kernels) {
    lines += each.kernel + " calls " + std::to_string(each.calls) + " ns " +
             std::to_string(each.ns) + " bytes " + std::to_string(each.bytes) + " flops " +
             std::to_string(static_cast<std::int64_t>(each.flops)) + "\n";
  }
  return lines + "busy " + std::to_string(profile.busy_ns) + " wall " +
         std::to_string(profile.wall_ns) + " lost " + std::to_string(profile.lost);
}

std::int64_t sum_ns(const Profile& profile) {
  std::int64_t sum = 0;
  for (const KernelTotals& each : profile.kernels) sum += each.ns;
  return sum;
}

/// A graph of `count` rounds of "spin_a" and "spin_b", captured on the stream.
class Graph {
 public:
  template <typename Work>
  Graph(const Stream& stream, Work work) {
    check_device(cudaStreamBeginCapture(handle_of(stream), cudaStreamCaptureModeThreadLocal),
                 "capturing");
    work();
    cudaGraph_t graph = nullptr;
    check_device(cudaStreamEndCapture(handle_of(stream), &graph), "capturing");
    check_device(cudaGraphInstantiate(&exec_, graph, 0), "instantiating");
    check_device(cudaGraphDestroy(graph), "destroying the template");
  }
  ~Graph() { (void)cudaGraphExecDestroy(exec_); }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  void launch(const Stream& stream) const {
    check_device(cudaGraphLaunch(exec_, handle_of(stream)), "launching a graph");
  }

 private:
  cudaGraphExec_t exec_ = nullptr;
};

class ProfilerCuda : public testing::Test {
 protected:
  void SetUp() override {
    MOEBIUS_NEEDS_GPU();
    stream_ = std::make_unique<DeviceStream>();
    data_ = upload(std::vector<float>(32, 1.0F), stream_->stream());
  }
  Stream stream() const { return stream_->stream(); }
  float* data() const { return data_.data(); }

  std::unique_ptr<DeviceStream> stream_;
  DeviceBuffer<float> data_;
};

TEST_F(ProfilerCuda, CountsLaunchesOnAStream) {
  const auto profiler = DeviceProfiler::start();
  for (int i = 0; i < 7; ++i) declared_spin(stream(), "spin_a", data(), 2000, 100, 1000);
  for (int i = 0; i < 3; ++i) extended_spin(stream(), "spin_b", data(), 1000);
  for (int i = 0; i < 2; ++i) spin(stream(), data(), 500);
  device_fill(data(), 0, 32 * sizeof(float), stream());
  const Profile profile = profiler->take();
  SCOPED_TRACE(text(profile));
  const auto totals = by_name(profile);
  ASSERT_EQ(totals.count("spin_a"), 1U);
  EXPECT_EQ(totals.at("spin_a").calls, 7);
  EXPECT_EQ(totals.at("spin_a").bytes, 700);
  EXPECT_EQ(totals.at("spin_a").flops, 7000);
  ASSERT_EQ(totals.count("spin_b"), 1U);
  EXPECT_EQ(totals.at("spin_b").calls, 3);
  EXPECT_EQ(totals.at("spin_b").bytes, 15);
  ASSERT_EQ(totals.count("moebius::kernels::spin_kernel"), 1U);
  EXPECT_EQ(totals.at("moebius::kernels::spin_kernel").calls, 2);
  ASSERT_EQ(totals.count("fill"), 1U);
  EXPECT_EQ(totals.at("fill").bytes, 128);
  for (const auto& [name, each] : totals) EXPECT_GT(each.ns, 0) << name;
  EXPECT_GT(totals.at("spin_a").ns / 7, totals.at("spin_b").ns / 3);
  // One stream: nothing overlaps, so the sum is the busy time.
  EXPECT_EQ(sum_ns(profile), profile.busy_ns);
  EXPECT_LT(profile.busy_ns, profile.wall_ns);
  EXPECT_EQ(profile.lost, 0);
  EXPECT_TRUE(profiler->take().kernels.empty());
}

TEST_F(ProfilerCuda, JoinsGraphNodesWithWhatWasDeclaredAtCapture) {
  const auto profiler = DeviceProfiler::start();
  const Graph graph(stream(), [&] {
    for (int i = 0; i < 5; ++i) {
      declared_spin(stream(), "spin_a", data(), 2000, 100, 1000);
      extended_spin(stream(), "spin_b", data(), 1000);
    }
    spin(stream(), data(), 500);
  });
  const Graph other(stream(), [&] { declared_spin(stream(), "spin_c", data(), 100, 1, 2); });
  for (int i = 0; i < 20; ++i) graph.launch(stream());
  for (int i = 0; i < 3; ++i) other.launch(stream());
  const Profile profile = profiler->take();
  SCOPED_TRACE(text(profile));
  const auto totals = by_name(profile);
  ASSERT_EQ(totals.count("spin_a"), 1U);
  EXPECT_EQ(totals.at("spin_a").calls, 100);
  EXPECT_EQ(totals.at("spin_a").bytes, 10000);
  EXPECT_EQ(totals.at("spin_a").flops, 100000);
  ASSERT_EQ(totals.count("spin_b"), 1U);
  EXPECT_EQ(totals.at("spin_b").calls, 100);
  ASSERT_EQ(totals.count("spin_c"), 1U);
  EXPECT_EQ(totals.at("spin_c").calls, 3);
  ASSERT_EQ(totals.count("moebius::kernels::spin_kernel"), 1U);
  EXPECT_EQ(totals.at("moebius::kernels::spin_kernel").calls, 20);
  EXPECT_LE(sum_ns(profile), profile.busy_ns);
  EXPECT_GE(sum_ns(profile) * 100, profile.busy_ns * 95);
}

TEST_F(ProfilerCuda, SeveralLaunchesUnderOneDeclarationCountOnce) {
  const auto profiler = DeviceProfiler::start();
  for (int i = 0; i < 4; ++i) {
    const DeviceLaunch launch(stream(), "spin_pair", 10, 20);
    spin(stream(), data(), 500);
    spin(stream(), data(), 500);
    launch.launched();
  }
  const Profile profile = profiler->take();
  ASSERT_EQ(profile.kernels.size(), 1U) << text(profile);
  EXPECT_EQ(profile.kernels[0].calls, 4);
  EXPECT_EQ(profile.kernels[0].bytes, 40);
}

TEST_F(ProfilerCuda, BusyTimeCountsOverlapOnce) {
  const DeviceStream second;
  const auto profiler = DeviceProfiler::start();
  for (int i = 0; i < 4; ++i) {
    declared_spin(stream(), "spin_a", data(), 300000, 0, 0);
    spin_kernel<<<1, 32, 0, handle_of(second.stream())>>>(data(), 300000);
  }
  const Profile profile = profiler->take();
  SCOPED_TRACE(text(profile));
  EXPECT_LT(profile.busy_ns * 10, sum_ns(profile) * 8) << "two streams run side by side";
  EXPECT_GE(profile.busy_ns * 2, sum_ns(profile));
}

TEST_F(ProfilerCuda, PausesBetweenStepsAndEstimatesWhatItMissed) {
  constexpr int kNodes = 100;
  const auto profiler = DeviceProfiler::start();
  const Graph graph(stream(), [&] {
    for (int i = 0; i < kNodes; ++i) declared_spin(stream(), "spin_a", data(), 500, 3, 4);
  });
  const std::int64_t begin = steady_ns();
  std::int64_t steps = 0;
  // A second is long beside the first window, of some 5 ms of cost.
  for (; steady_ns() - begin < 1'000'000'000; ++steps) {
    graph.launch(stream());
    device_wait(stream());
    profiler->between_steps();
  }
  const Profile profile = profiler->take();
  SCOPED_TRACE(text(profile) + " seen " + std::to_string(profile.seen_ns) + " steps " +
               std::to_string(steps));
  EXPECT_LT(profile.seen_ns * 2, profile.wall_ns) << "recording all of it costs too much";
  const auto totals = by_name(profile);
  ASSERT_EQ(totals.count("spin_a"), 1U);
  // All steps are alike, so the estimate of calls is exact up to its rounding; neighbours' time
  // stamps may overlap by a tick of 32 ns of the device's clock.
  EXPECT_NEAR(static_cast<double>(totals.at("spin_a").calls), static_cast<double>(steps) * kNodes,
              2.0);
  EXPECT_LE(sum_ns(profile), profile.busy_ns + 32 * steps * kNodes);
}

TEST_F(ProfilerCuda, OneAtATimeAndAgain) {
  for (int round = 0; round < 3; ++round) {
    const auto profiler = DeviceProfiler::start();
    EXPECT_THROW(DeviceProfiler::start(), DeviceError);
    declared_spin(stream(), "spin_a", data(), 100, 1, 1);
    const Profile profile = profiler->take();
    EXPECT_EQ(by_name(profile).count("spin_a"), 1U) << text(profile);
  }
  declared_spin(stream(), "spin_a", data(), 100, 1, 1);  // unseen
  device_wait(stream());
}

}  // namespace
}  // namespace moebius::kernels
