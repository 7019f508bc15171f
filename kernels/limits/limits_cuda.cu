// The device's limits: memory by plain streaming, the matrix units by wgmma on operands that never
// leave shared memory, the vector units by independent chains of fused multiply-adds.
#include "kernels/limits/limits_cuda.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "kernels/device/device.h"
#include "kernels/device/launcher.h"
#include "kernels/device/timer.h"

namespace moebius::kernels {
namespace {

constexpr int kRuns = 9;
constexpr std::int64_t kCopyBytes = std::int64_t{1} << 31;  // far beyond any L2

cudaStream_t handle_of(const Stream& stream) {
  return static_cast<cudaStream_t>(stream.handle());
}

__device__ std::uint32_t hashed(std::uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352dU;
  x = (x ^ (x >> 15)) * 0x846ca68bU;
  return x ^ (x >> 16);
}

__global__ void fill_random(uint4* data, std::int64_t count) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    const std::uint32_t seed = hashed(static_cast<std::uint32_t>(i));
    data[i] = {seed, hashed(seed), seed * 3, seed * 5};
  }
}

// Four 16-byte accesses in flight per thread, each coalesced over the block.
constexpr int kFlight = 4;
constexpr int kStreamThreads = 512;

__global__ void __launch_bounds__(kStreamThreads) copy_kernel(const uint4* from, uint4* to) {
  const std::int64_t at = std::int64_t{blockIdx.x} * (kFlight * kStreamThreads) + threadIdx.x;
  uint4 values[kFlight];
#pragma unroll
  for (int i = 0; i < kFlight; ++i) values[i] = __ldcs(from + at + i * kStreamThreads);
#pragma unroll
  for (int i = 0; i < kFlight; ++i) __stcs(to + at + i * kStreamThreads, values[i]);
}

__global__ void __launch_bounds__(kStreamThreads)
    read_kernel(const uint4* from, std::int64_t count, std::uint32_t* sink) {
  const std::int64_t step = std::int64_t{gridDim.x} * (kFlight * kStreamThreads);
  std::uint32_t sum = 0;
  for (std::int64_t at = std::int64_t{blockIdx.x} * (kFlight * kStreamThreads) + threadIdx.x;
       at < count; at += step) {
    uint4 values[kFlight];
#pragma unroll
    for (int i = 0; i < kFlight; ++i) values[i] = __ldcs(from + at + i * kStreamThreads);
#pragma unroll
    for (int i = 0; i < kFlight; ++i) {
      sum += values[i].x ^ values[i].y ^ values[i].z ^ values[i].w;
    }
  }
  if (sum == 0x9e3779b9U) sink[0] = sum;  // keeps the loads alive
}

constexpr int kChains = 16;
constexpr int kVectorSteps = 4096;

__global__ void __launch_bounds__(256) vector_kernel(float* sink) {
  float sums[kChains];
#pragma unroll
  for (int i = 0; i < kChains; ++i) sums[i] = static_cast<float>(threadIdx.x + i);
  const float x = 0.999F + 1e-6F * static_cast<float>(blockIdx.x & 7);
  for (int step = 0; step < kVectorSteps; ++step) {
#pragma unroll
    for (int i = 0; i < kChains; ++i) sums[i] = fmaf(sums[i], x, 1e-3F);
  }
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kChains; ++i) sum += sums[i];
  if (sum == -1.0F) sink[0] = sum;
}

// ---- wgmma ----------------------------------------------------------------------------
// Two warpgroups a block, each a 64 x 256 tile of products in registers; per stage each reads its
// own 64 x 128-byte A and both the same 256 x 128-byte B. Four stages of different random data.
constexpr int kGroups = 2;
constexpr int kStages = 4;
constexpr int kRowBytes = 128;  // one row of the 128-byte swizzle
constexpr int kBytesA = 64 * kRowBytes;
constexpr int kBytesB = 256 * kRowBytes;
constexpr int kStageBytes = kGroups * kBytesA + kBytesB;
constexpr int kSharedBytes = kStages * kStageBytes + 1024;  // to align to 1024
constexpr int kMatrixSteps = 512;                           // rounds over all stages
constexpr int kPerStage = 4;                                // wgmmas of 32 bytes of K each

__device__ std::uint64_t descriptor(std::uint32_t address) {
  return static_cast<std::uint64_t>((address & 0x3ffff) >> 4) | (std::uint64_t{1} << 16) |
         (std::uint64_t{1024 >> 4} << 32) | (std::uint64_t{1} << 62);
}

#define REGS_8(d, i)                                                                          \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), \
      "+f"(d[i + 6]), "+f"(d[i + 7])
#define REGS_32(d, i) REGS_8(d, i), REGS_8(d, i + 8), REGS_8(d, i + 16), REGS_8(d, i + 24)
#define REGS_128(d) REGS_32(d, 0), REGS_32(d, 32), REGS_32(d, 64), REGS_32(d, 96)
#define LIST_128                                                                            \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23," \
  "%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,"    \
  "%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63,%64,%65,"    \
  "%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85,%86,"    \
  "%87,%88,%89,%90,%91,%92,%93,%94,%95,%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106," \
  "%107,%108,%109,%110,%111,%112,%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,"   \
  "%124,%125,%126,%127}"

template <bool kFp8>
__device__ void product(float (&d)[128], std::uint64_t a, std::uint64_t b) {
  if constexpr (kFp8) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n256k32.f32.e4m3.e4m3 " LIST_128
                 ", %128, %129, 1, 1, 1;\n"
                 : REGS_128(d)
                 : "l"(a), "l"(b));
  } else {
    asm volatile("wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 " LIST_128
                 ", %128, %129, 1, 1, 1, 0, 0;\n"
                 : REGS_128(d)
                 : "l"(a), "l"(b));
  }
}

#undef REGS_8
#undef REGS_32
#undef REGS_128
#undef LIST_128

/// Random operands of magnitude below 2, neither infinite nor NaN.
template <bool kFp8>
__device__ std::uint32_t random_operands(std::uint32_t index) {
  const std::uint32_t bits = hashed(index * 2654435761U + blockIdx.x);
  return kFp8 ? (bits & 0xbfbfbfbfU) : ((bits & 0xbf7fbf7fU) | 0x3c003c00U) & 0xbfffbfffU;
}

template <bool kFp8>
__global__ void __launch_bounds__(kGroups * 128, 1) matrix_kernel(float* sink) {
  extern __shared__ std::uint8_t raw[];
  const auto base = static_cast<std::uint32_t>(__cvta_generic_to_shared(raw));
  const std::uint32_t aligned = (base + 1023) & ~1023U;
  auto* words = reinterpret_cast<std::uint32_t*>(raw + (aligned - base));
  for (int i = threadIdx.x; i < kStages * kStageBytes / 4; i += blockDim.x) {
    words[i] = random_operands<kFp8>(i);
  }
  asm volatile("fence.proxy.async.shared::cta;\n" ::: "memory");  // stores before wgmma's reads
  __syncthreads();
  const int group = threadIdx.x / 128;
  float sums[128];
#pragma unroll
  for (int i = 0; i < 128; ++i) sums[i] = 0;
  for (int step = 0; step < kMatrixSteps; ++step) {
    asm volatile("wgmma.fence.sync.aligned;\n" ::: "memory");
#pragma unroll
    for (int stage = 0; stage < kStages; ++stage) {
      const std::uint32_t at = aligned + stage * kStageBytes;
      const std::uint64_t a = descriptor(at + group * kBytesA);
      const std::uint64_t b = descriptor(at + kGroups * kBytesA);
#pragma unroll
      for (int k = 0; k < kPerStage; ++k) product<kFp8>(sums, a + 2 * k, b + 2 * k);
    }
    asm volatile("wgmma.commit_group.sync.aligned;\n" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;\n" ::: "memory");
  }
  float sum = 0;
#pragma unroll
  for (int i = 0; i < 128; ++i) sum += sums[i];
  if (sum == -1.0F) sink[0] = sum;
}

template <bool kFp8>
double matrix_flops(const Stream& stream, int multiprocessors, float* sink) {
  allow_shared_bytes(matrix_kernel<kFp8>, kSharedBytes);
  // Long enough that the clocks and the power limit are those of real work.
  constexpr int kLaunches = 8;
  const double ns = median_ns(stream, kRuns, [&] {
    for (int i = 0; i < kLaunches; ++i) {
      matrix_kernel<kFp8>
          <<<multiprocessors, kGroups * 128, kSharedBytes, handle_of(stream)>>>(sink);
      check_device(cudaGetLastError(), "launching the matrix limit");
    }
  });
  const double k = kFp8 ? kRowBytes : kRowBytes / 2;
  const double each = 2.0 * kGroups * 64 * 256 * k * kStages * kMatrixSteps;
  return each * multiprocessors * kLaunches / (ns * 1e-9);
}

double vector_flops(const Stream& stream, int multiprocessors, float* sink) {
  const int blocks = multiprocessors * 8;
  const double ns = median_ns(stream, kRuns, [&] {
    vector_kernel<<<blocks, 256, 0, handle_of(stream)>>>(sink);
    check_device(cudaGetLastError(), "launching the vector limit");
  });
  return 2.0 * blocks * 256 * kChains * kVectorSteps / (ns * 1e-9);
}

void measure_memory(const Stream& stream, int multiprocessors, DeviceLimits& limits) {
  const DeviceMemory memory(2 * kCopyBytes);
  auto* data = static_cast<uint4*>(memory.data());
  const std::int64_t count = kCopyBytes / 16;
  fill_random<<<multiprocessors * 8, 256, 0, handle_of(stream)>>>(data, 2 * count);
  const auto blocks = static_cast<unsigned>(count / (kFlight * kStreamThreads));
  const double copy_ns = median_ns(stream, kRuns, [&] {
    copy_kernel<<<blocks, kStreamThreads, 0, handle_of(stream)>>>(data, data + count);
  });
  // The driver's own copy is sometimes faster: a limit is the best there is.
  const double driver_ns =
      median_ns(stream, kRuns, [&] { device_copy(data + count, data, kCopyBytes, stream); });
  const DeviceBuffer<std::uint32_t> sink(1);
  const double read_ns = median_ns(stream, kRuns, [&] {
    read_kernel<<<multiprocessors * 4, kStreamThreads, 0, handle_of(stream)>>>(data, 2 * count,
                                                                               sink.data());
  });
  check_device(cudaGetLastError(), "launching the memory limits");
  limits.copy_bytes = 2.0 * kCopyBytes / (std::min(copy_ns, driver_ns) * 1e-9);
  limits.read_bytes = 2.0 * kCopyBytes / (read_ns * 1e-9);
}

}  // namespace

DeviceLimits measure_device_limits(const Stream& stream) {
  const int count = multiprocessors();
  const DeviceBuffer<float> sink(1);
  DeviceLimits limits;
  measure_memory(stream, count, limits);
  limits.bf16_flops = matrix_flops<false>(stream, count, sink.data());
  limits.fp8_flops = matrix_flops<true>(stream, count, sink.data());
  limits.f32_flops = vector_flops(stream, count, sink.data());
  const LibraryPeak library = measure_library_peak(stream);
  limits.library_bf16_flops = library.bf16_flops;
  limits.library_fp8_flops = library.fp8_flops;
  return limits;
}

}  // namespace moebius::kernels
