#include "kernels/device/random_fill.h"

#include <algorithm>
#include <bit>

#include "kernels/device/launch.h"

namespace moebius::kernels {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 132 * 16;

// The finaliser of MurmurHash3 over a counter: good enough for weights nobody reads.
__device__ std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ x >> 33;
}

// T is an unsigned integer as wide as the elements: `keep` are the bits drawn, `base` the rest.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    random_fill_kernel(T* data, std::int64_t count, T keep, T base, std::uint64_t seed) {
  constexpr int kEach = 8 / sizeof(T);
  const std::int64_t step = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; at * kEach < count;
       at += step) {
    const std::uint64_t bits = mix(seed + static_cast<std::uint64_t>(at));
    for (int j = 0; j < kEach && at * kEach + j < count; ++j) {
      data[at * kEach + j] =
          static_cast<T>((static_cast<T>(bits >> (8 * sizeof(T) * j)) & keep) | base);
    }
  }
}

template <typename T>
void fill(const RandomFillArgs& a, T keep, T base, const Stream& stream) {
  const std::int64_t blocks = (a.count * sizeof(T) + 8 * kThreads - 1) / (8 * kThreads);
  const DeviceLaunch launch(stream, "random_fill", a.count * sizeof(T), 0);
  random_fill_kernel<T><<<static_cast<unsigned>(std::min(blocks, kMaxBlocks)), kThreads, 0,
                          static_cast<cudaStream_t>(stream.handle())>>>(
      static_cast<T*>(a.data), a.count, keep, base, a.seed * 0x9e3779b97f4a7c15ULL);
  launch.launched();
}

}  // namespace

void random_fill_cuda(const RandomFillArgs& args, const Stream& stream) {
  require(args.scale > 0, "random_fill: scale <= 0");
  require(args.dtype != Dtype::kF16, "random_fill: f16 is not written");
  if (args.count == 0) return;
  const std::uint32_t exponent = std::bit_cast<std::uint32_t>(args.scale) & 0x7f800000U;
  const std::uint32_t sign = args.positive ? 0 : 0x80000000U;
  if (args.dtype == Dtype::kF32) {
    fill<std::uint32_t>(args, sign | 0x007fffffU, exponent, stream);
  } else if (args.dtype == Dtype::kBF16) {
    fill<std::uint16_t>(args, static_cast<std::uint16_t>((sign >> 16) | 0x7fU),
                        static_cast<std::uint16_t>(exponent >> 16), stream);
  } else {
    fill<std::uint8_t>(args, static_cast<std::uint8_t>((sign >> 24) | 7U), 0x38U, stream);
  }
}

}  // namespace moebius::kernels
