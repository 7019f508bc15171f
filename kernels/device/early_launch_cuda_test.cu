// Launches that begin early: chains of dependent kernels in replayed graphs against the same
// chains one launch after the other.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "kernels/device/barrier.cuh"
#include "kernels/device/graph.h"
#include "kernels/device/launcher.h"
#include "kernels/device/random_fill.h"
#include "kernels/device/test_support.h"
#include "kernels/gemm/gemm_cuda.h"
#include "kernels/rms_norm/rms_norm_cuda.h"
#include "kernels/router/router_cuda.h"

namespace moebius::kernels {
namespace {

constexpr std::uint32_t kCount = 1 << 13;  // a power of two

enum class Kind { kFollows, kOneWaits, kSilent, kCopy };

/// One launch of the chain: to[i] = mixed(from[j(i)]), j a permutation, so that each block needs
/// what many blocks of the launch before wrote.
struct Link {
  Kind kind = Kind::kFollows;
  unsigned blocks = 1, threads = 32, cluster = 0;
  std::size_t shared = 0;
  bool early = true;
  std::uint32_t salt = 0;
};

__host__ __device__ std::uint32_t source_of(std::uint32_t i, std::uint32_t salt) {
  return (i * 40503U + salt * 977U) % kCount;
}
__host__ __device__ std::uint32_t mixed(std::uint32_t x, std::uint32_t salt) {
  x = (x ^ (x >> 15) ^ salt) * 0x846ca68bU;
  return x ^ (x >> 13);
}

// Some blocks are late: whoever does not wait for them reads too early, or writes under their
// hands.
__device__ void dawdle(std::uint32_t salt) {
  if ((blockIdx.x + salt) % 5 != 0) return;
  const long long start = clock64();
  while (clock64() - start < 4000) {
  }
}

__device__ void mix_all(const std::uint32_t* from, std::uint32_t* to, std::uint32_t salt) {
  dawdle(salt);
  const std::uint32_t step = gridDim.x * blockDim.x;
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < kCount; i += step) {
    to[i] = mixed(from[source_of(i, salt)], salt);
  }
}

__global__ void mix_following(const std::uint32_t* from, std::uint32_t* to, std::uint32_t salt) {
  follow_previous_kernel();
  mix_all(from, to, salt);
}

/// As the products do it: constants before the wait, and one warp waits for all.
__global__ void mix_ahead(const std::uint32_t* from, std::uint32_t* to,
                          const std::uint32_t* constants, std::uint32_t salt) {
  allow_next_kernel();
  __shared__ std::uint32_t own;
  if (threadIdx.x == 0) own = constants[salt];
  if (threadIdx.x < 32) wait_for_previous_kernel();
  __syncthreads();
  mix_all(from, to, own);
}

/// Knows nothing of early launches.
__global__ void mix_silently(const std::uint32_t* from, std::uint32_t* to, std::uint32_t salt) {
  mix_all(from, to, salt);
}

std::vector<Link> links() {
  const unsigned blocks[] = {1, 8, 132, 700, 2}, threads[] = {32, 128, 512};
  std::vector<Link> all;
  for (std::uint32_t i = 0; i < 30; ++i) {
    Link link{.blocks = blocks[i * 7 % 5], .threads = threads[i % 3], .salt = i + 1};
    if (i % 4 == 1) link.kind = Kind::kOneWaits;
    if (i % 11 == 6) link.kind = Kind::kSilent, link.early = false;
    if (i % 13 == 9) link.kind = Kind::kCopy;
    if (i % 6 == 3) link.shared = 100 << 10;
    if (i % 5 == 2 && link.blocks % 2 == 0) link.cluster = 2;
    all.push_back(link);
  }
  return all;
}

class Chain {
 public:
  explicit Chain(const Stream& stream) : constants_(upload(identity(), stream)) {
    for (auto& buffer : buffers_) buffer = DeviceBuffer<std::uint32_t>(kCount);
    const auto first = identity();
    device_copy(buffers_[0].data(), first.data(), 4 * kCount, stream);
    device_wait(stream);
  }

  // Two buffers in turn: each launch writes what the one before may still be reading.
  void launch(const Stream& stream) const {
    int at = 0;
    for (const Link& link : links()) {
      put(link, buffers_[at].data(), buffers_[1 - at].data(), stream);
      at = 1 - at;
    }
    ASSERT_EQ(at, 0) << "a replay goes on where the last one ended";
  }

  std::vector<std::uint32_t> values(const Stream& stream) const {
    return download(buffers_[0], stream);
  }

  static std::vector<std::uint32_t> identity() {
    std::vector<std::uint32_t> values(kCount);
    for (std::uint32_t i = 0; i < kCount; ++i) values[i] = i;
    return values;
  }

 private:
  void put(const Link& link, const std::uint32_t* from, std::uint32_t* to,
           const Stream& stream) const {
    const LaunchShape shape{.grid = link.blocks,
                            .block = link.threads,
                            .shared_bytes = link.shared,
                            .cluster = link.cluster,
                            .early = link.early};
    if (link.kind == Kind::kCopy) return device_copy(to, from, 4 * kCount, stream);
    if (link.kind == Kind::kOneWaits) {
      if (link.shared > 0) allow_shared_bytes(mix_ahead, link.shared);
      return launch_kernel(mix_ahead, shape, stream, from, to, constants_.data(), link.salt);
    }
    const auto kernel = link.kind == Kind::kSilent ? mix_silently : mix_following;
    if (link.shared > 0) allow_shared_bytes(kernel, link.shared);
    launch_kernel(kernel, shape, stream, from, to, link.salt);
  }

  DeviceBuffer<std::uint32_t> constants_, buffers_[2];
};

std::vector<std::uint32_t> expected_after(int rounds) {
  std::vector<std::uint32_t> values = Chain::identity(), next(kCount);
  const std::vector<Link> all = links();
  for (int round = 0; round < rounds; ++round) {
    for (const Link& link : all) {
      if (link.kind == Kind::kCopy) continue;
      for (std::uint32_t i = 0; i < kCount; ++i) {
        next[i] = mixed(values[source_of(i, link.salt)], link.salt);
      }
      values.swap(next);
    }
  }
  return values;
}

TEST(EarlyLaunch, ChainOfSmallKernelsInReplayedGraphs) {
  MOEBIUS_NEEDS_GPU();
  constexpr int kReplays = 400;
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const Chain chain(stream);
  chain.launch(stream);  // and loads what may not be loaded while recording
  EXPECT_EQ(chain.values(stream), expected_after(1)) << "without a graph";
  const DeviceGraph graph(stream, [&](const Stream& s) { chain.launch(s); });
  for (int i = 0; i < kReplays; ++i) graph.launch(stream);
  EXPECT_EQ(chain.values(stream), expected_after(1 + kReplays));
}

/// Blocks of a model with all that is launched between products, on random weights.
class Layers {
 public:
  Layers(std::int64_t rows, const Stream& stream)
      : rows_(rows),
        slots_(rows * kSlots),
        dense_(kHidden * kHidden),
        router_(kExperts * kHidden),
        gate_up_((kExperts + kShared) * 2 * kWidth * kHidden),
        down_((kExperts + kShared) * kHidden * kWidth),
        x_(rows * kHidden),
        out_(rows * kHidden),
        gathered_(slots_ * kHidden),
        wide_(slots_ * kWidth),
        expert_out_(slots_ * kHidden),
        dense8_(kHidden * kHidden),
        x8_(rows * kHidden),
        norm_(kHidden),
        scale_(kBlocks * kBlocks),
        first_(rows * kHidden),
        residual_(rows * kHidden),
        x8_scale_(kBlocks * scale_ld()),
        logits_(rows * kExperts),
        weights_(slots_),
        ids_(slots_),
        offsets_(kExperts + kShared + 1),
        source_rows_(slots_),
        places_(slots_) {
    std::uint64_t seed = 0;
    for (const auto* w : {&dense_, &router_, &gate_up_, &down_}) {
      random_fill_cuda({.data = w->data(),
                        .count = static_cast<std::int64_t>(w->size()),
                        .scale = 0.05F,
                        .seed = ++seed},
                       stream);
    }
    fill(dense8_.data(), Dtype::kF8E4M3, dense8_.size(), 1, false, stream);
    fill(norm_.data(), Dtype::kF32, norm_.size(), 1, true, stream);
    fill(scale_.data(), Dtype::kF32, scale_.size(), 0.05F, true, stream);
    fill(first_.data(), Dtype::kF32, first_.size(), 1, false, stream);
    device_wait(stream);
  }

  /// `after` follows each launch.
  void launch(const Stream& stream, const std::function<void()>& after) const {
    device_copy(residual_.data(), first_.data(), 4 * residual_.size(), stream);
    for (int layer = 0; layer < kLayers; ++layer) {
      norm({}, layer > 0, stream), after();
      gemm(rows(x_, kHidden), matrix(dense_, kHidden, kHidden), rows(out_, kHidden), stream),
          after();
      quantize_cuda({rows(out_, kHidden), fp8_rows(), rows_, kHidden}, stream), after();
      gemm(fp8_rows(), fp8_matrix(), rows(out_, kHidden), stream), after();
      norm(rows(out_, kHidden), false, stream), after();
      const Rows logits{.data = logits_.data(), .dtype = Dtype::kF32, .ld = kExperts};
      gemm(rows(x_, kHidden), matrix(router_, kExperts, kHidden), logits, stream), after();
      route(stream), after();
      gather_rows_cuda({.x = rows(x_, kHidden),
                        .source_rows = source_rows_.data(),
                        .y = rows(gathered_, kHidden),
                        .rows = slots_,
                        .width = kHidden},
                       stream);
      after();
      experts(rows(gathered_, kHidden), gate_up_, 2 * kWidth, kHidden, rows(wide_, kWidth), true,
              stream);
      after();
      experts(rows(wide_, kWidth), down_, kHidden, kWidth, rows(expert_out_, kHidden), false,
              stream);
      after();
    }
    norm({}, true, stream), after();
  }

  /// Bits of the residual and of the last norm.
  std::pair<std::vector<float>, std::vector<std::uint16_t>> results(const Stream& stream) const {
    return {download(residual_, stream), download(x_, stream)};
  }
  void poison(const Stream& stream) const {
    device_fill(residual_.data(), 0xff, 4 * residual_.size(), stream);
    device_fill(x_.data(), 0xff, 2 * x_.size(), stream);
    device_wait(stream);
  }

 private:
  static constexpr int kLayers = 8;
  static constexpr std::int64_t kHidden = 512, kBlocks = kHidden / 128, kWidth = 128;
  static constexpr std::int64_t kExperts = 16, kTopK = 4, kShared = 1, kSlots = kTopK + kShared;

  using Halves = DeviceBuffer<std::uint16_t>;

  static void fill(void* data, Dtype dtype, std::size_t count, float scale, bool positive,
                   const Stream& stream) {
    random_fill_cuda({.data = data,
                      .dtype = dtype,
                      .count = static_cast<std::int64_t>(count),
                      .scale = scale,
                      .positive = positive,
                      .seed = count},
                     stream);
  }
  static Rows rows(const Halves& data, std::int64_t width) {
    return {.data = data.data(), .dtype = Dtype::kBF16, .ld = width};
  }
  static DeviceMatrix matrix(const Halves& w, std::int64_t outs, std::int64_t inner) {
    return {.data = w.data(), .dtype = Dtype::kBF16, .rows = outs, .cols = inner, .ld = inner};
  }
  std::int64_t scale_ld() const { return (rows_ + 3) / 4 * 4; }
  Rows fp8_rows() const {
    return {x8_.data(), Dtype::kF8E4M3, kHidden, x8_scale_.data(), scale_ld()};
  }
  DeviceMatrix fp8_matrix() const {
    return {dense8_.data(), Dtype::kF8E4M3, kHidden, kHidden, kHidden, scale_.data()};
  }

  void gemm(const Rows& x, const DeviceMatrix& w, const Rows& y, const Stream& stream) const {
    gemm_cuda({.x = x, .w = w, .y = y, .rows = rows_, .n = w.rows}, stream);
  }
  void experts(const Rows& x, const Halves& w, std::int64_t outs, std::int64_t inner, const Rows& y,
               bool pairs, const Stream& stream) const {
    gemm_cuda({.x = x,
               .w = matrix(w, (kExperts + kShared) * outs, inner),
               .y = y,
               .rows = slots_,
               .n = outs,
               .pairs = pairs,
               .groups = kExperts + kShared,
               .offsets = offsets_.data()},
              stream);
  }
  void norm(const Rows& add, bool sums, const Stream& stream) const {
    RmsNormCudaArgs args{.residual = residual_.data(),
                         .add = add,
                         .weight = norm_.data(),
                         .y = rows(x_, kHidden),
                         .rows = rows_,
                         .dim = kHidden,
                         .eps = 1e-6F};
    if (sums) args.sum = {rows(expert_out_, kHidden), places_.data(), weights_.data(), kSlots};
    rms_norm_cuda(args, stream);
  }
  void route(const Stream& stream) const {
    router_cuda({.router = {.logits = logits_.data(),
                            .expert_ids = ids_.data(),
                            .expert_weights = weights_.data(),
                            .rows = rows_,
                            .experts = kExperts,
                            .top_k = kTopK},
                 .shared = kShared,
                 .offsets = offsets_.data(),
                 .source_rows = source_rows_.data(),
                 .slots = places_.data()},
                stream);
  }

  std::int64_t rows_, slots_;
  Halves dense_, router_, gate_up_, down_, x_, out_, gathered_, wide_, expert_out_;
  DeviceBuffer<std::uint8_t> dense8_, x8_;
  DeviceBuffer<float> norm_, scale_, first_, residual_, x8_scale_, logits_, weights_;
  DeviceBuffer<std::int32_t> ids_, offsets_, source_rows_, places_;
};

TEST(EarlyLaunch, LayersInReplayedGraphsAsOneByOne) {
  MOEBIUS_NEEDS_GPU();
  constexpr int kReplays = 200;
  for (const std::int64_t rows : {1, 5, 48}) {
    const DeviceStream owner;
    const Stream stream = owner.stream();
    const Layers layers(rows, stream);
    layers.poison(stream);
    layers.launch(stream, [&] { device_wait(stream); });
    const auto want = layers.results(stream);
    for (const float x : want.first) ASSERT_TRUE(std::isfinite(x)) << rows << " rows";
    const DeviceGraph graph(stream, [&](const Stream& s) { layers.launch(s, [] {}); });
    for (int i = 0; i < kReplays; ++i) {
      if (i % 20 == 0) layers.poison(stream);
      graph.launch(stream);
      if (i % 10 == 9) {
        ASSERT_TRUE(layers.results(stream) == want) << rows << " rows, replay " << i;
      }
    }
    layers.poison(stream);
    layers.launch(stream, [] {});
    EXPECT_TRUE(layers.results(stream) == want) << rows << " rows, without a graph";
  }
}

}  // namespace
}  // namespace moebius::kernels
