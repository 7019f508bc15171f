// Launchers on every device there is, from a thread each, as replicas use them.
#include "kernels/device/launcher.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "kernels/device/random_fill.h"
#include "kernels/device/test_support.h"
#include "kernels/gemm/gemm_cuda.h"
#include "kernels/router/router_cuda.h"

namespace moebius::kernels {
namespace {

constexpr std::size_t kMuchShared = 200 << 10;
constexpr int kWords = static_cast<int>(kMuchShared / 4);

/// Fills the block's shared memory and adds it up again.
__global__ void sum_shared(std::uint32_t* sums) {
  extern __shared__ std::uint32_t words[];
  for (int i = static_cast<int>(threadIdx.x); i < kWords; i += blockDim.x) {
    words[i] = blockIdx.x + i;
  }
  __syncthreads();
  std::uint32_t sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < kWords; i += blockDim.x) {
    sum += words[kWords - 1 - i];
  }
  atomicAdd(&sums[blockIdx.x], sum);  // of integers: any order gives the same
}

std::vector<std::uint32_t> shared_sums(int blocks) {
  const DeviceStream owner;
  const Stream stream = owner.stream();
  DeviceBuffer<std::uint32_t> sums(blocks);
  device_fill(sums.data(), 0, 4 * sums.size(), stream);
  for (int again = 0; again < 2; ++again) allow_shared_bytes(sum_shared, kMuchShared);
  launch_kernel(sum_shared,
                {.grid = static_cast<unsigned>(blocks), .block = 256, .shared_bytes = kMuchShared},
                stream, sums.data());
  return download(sums, stream);
}

/// A bf16 product through the launcher that asks for most shared memory.
std::vector<std::uint32_t> product_bits() {
  constexpr std::int64_t kRows = 24, kOuts = 1056, kInner = 1024;
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const DeviceBuffer<std::uint16_t> x(kRows * kInner), w(kOuts * kInner);
  random_fill_cuda({.data = x.data(), .count = kRows * kInner, .seed = 1}, stream);
  random_fill_cuda({.data = w.data(), .count = kOuts * kInner, .seed = 2}, stream);
  device_wait(stream);
  const DeviceBuffer<std::uint32_t> y = poisoned<std::uint32_t>(kRows * kOuts, stream);
  gemm_cuda({.x = {.data = x.data(), .ld = kInner},
             .w = {.data = w.data(), .rows = kOuts, .cols = kInner, .ld = kInner},
             .y = {.data = y.data(), .dtype = Dtype::kF32, .ld = kOuts},
             .rows = kRows,
             .n = kOuts},
            stream);
  return download(y, stream);
}

/// A router that needs more shared memory than a kernel has without asking.
std::vector<std::int32_t> routed_slots() {
  constexpr std::int64_t kRows = 40, kExperts = 512, kTopK = 8;
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const DeviceBuffer<float> logits(kRows * kExperts), weights(kRows * kTopK);
  const DeviceBuffer<std::int32_t> ids(kRows * kTopK), offsets(kExperts + 1), rows(kRows * kTopK);
  const auto slots = poisoned<std::int32_t>(kRows * kTopK, stream);
  random_fill_cuda(
      {.data = logits.data(), .dtype = Dtype::kF32, .count = kRows * kExperts, .seed = 3}, stream);
  router_cuda({.router = {.logits = logits.data(),
                          .expert_ids = ids.data(),
                          .expert_weights = weights.data(),
                          .rows = kRows,
                          .experts = kExperts,
                          .top_k = kTopK,
                          .score = RouterScore::kSigmoid,
                          .groups = 8,
                          .top_groups = 4,
                          .group_score = GroupScore::kTop2Sum},
               .offsets = offsets.data(),
               .source_rows = rows.data(),
               .slots = slots.data()},
              stream);
  return download(slots, stream);
}

std::uint32_t expected_sum(int block) {
  std::uint32_t sum = 0;
  for (int i = 0; i < kWords; ++i) sum += static_cast<std::uint32_t>(block + i);
  return sum;
}

struct Answers {
  int multiprocessors = 0;
  std::vector<std::uint32_t> sums, product;
  std::vector<std::int32_t> slots;
  std::string error;
};

Answers answers_of(int device) {
  Answers answers;
  try {
    use_device(device);
    answers.multiprocessors = multiprocessors();
    answers.sums = shared_sums(2 * answers.multiprocessors);
    answers.product = product_bits();
    answers.slots = routed_slots();
  } catch (const std::exception& e) {
    answers.error = e.what();
  }
  return answers;
}

void expect_right(const Answers& answers, int device) {
  ASSERT_EQ(answers.error, "") << "device " << device;
  EXPECT_EQ(answers.multiprocessors, device_info(device).multiprocessors);
  ASSERT_EQ(answers.sums.size(), 2U * answers.multiprocessors);
  for (std::size_t b = 0; b < answers.sums.size(); ++b) {
    ASSERT_EQ(answers.sums[b], expected_sum(static_cast<int>(b))) << "block " << b;
  }
  for (const std::uint32_t bits : answers.product) ASSERT_NE(bits, 0xffffffffU);
  for (const std::int32_t slot : answers.slots) ASSERT_GE(slot, 0);
}

TEST(Launcher, CurrentDevice) {
  MOEBIUS_NEEDS_GPU();
  expect_right(answers_of(0), 0);
}

// What one device was granted says nothing of another; threads ask at the same time.
TEST(Launcher, EveryDeviceAtOnce) {
  MOEBIUS_NEEDS_GPU();
  const int devices = device_count();
  if (devices == 1) GTEST_SKIP() << "one GPU here: nothing to compare it with";
  std::vector<Answers> answers(devices);
  {
    std::vector<std::jthread> threads;
    for (int d = 0; d < devices; ++d) {
      threads.emplace_back([&answers, d] { answers[d] = answers_of(d); });
    }
  }
  for (int d = 0; d < devices; ++d) {
    expect_right(answers[d], d);
    EXPECT_EQ(answers[d].product, answers[0].product) << "device " << d;
    EXPECT_EQ(answers[d].slots, answers[0].slots) << "device " << d;
  }
  use_device(0);
}

TEST(Launcher, RefusedLaunchNamesItself) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const DeviceBuffer<std::uint32_t> sums(1);
  try {
    launch_kernel(sum_shared, {.grid = 1, .block = 4096}, owner.stream(), sums.data());
    FAIL() << "a block of 4096 threads was launched";
  } catch (const DeviceError& e) {
    EXPECT_NE(std::string(e.what()).find("launching a kernel"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace moebius::kernels
