// Which choices of instruction keep the bits of a product on tensor cores: the ground of
// gemm_cuda's canonical order, over random data of many kinds.
//
// One 256 x 256 product Y[w][x] of two [256, K] operands is made in every way: wgmma of each width,
// either operand on the M side, A from registers, mma.sync, rows moved to other places. Ways are
// equal when all 65,536 results are, bit for bit.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/device/fragment.cuh"
#include "kernels/device/test_support.h"
#include "kernels/device/wgmma.cuh"

namespace moebius::kernels {
namespace {

constexpr int kRows = 256;  // of either operand
constexpr int kDepth = 512;
constexpr int kSlab = 128;  // bytes of a row in shared memory at a time

enum class Way { kShared, kRegisters };

// Rows [first, first + rows) of `from`, bytes [slab * 128, + 128) of each, as the copy engine would
// lay them out.
__device__ void fill(std::uint8_t* to, const std::uint8_t* from, int row_bytes, int first, int rows,
                     int slab) {
  for (int i = threadIdx.x; i < rows * 8; i += blockDim.x) {
    const int row = i / 8, chunk = i % 8;
    const auto* source = from + static_cast<std::size_t>(first + row) * row_bytes + slab * kSlab;
    *reinterpret_cast<uint4*>(to + row * 128 + 16 * (chunk ^ (row % 8))) =
        *reinterpret_cast<const uint4*>(source + 16 * chunk);
  }
}

__device__ std::uint32_t word(const std::uint8_t* from, int row_bytes, int row, int byte) {
  return *reinterpret_cast<const std::uint32_t*>(from + static_cast<std::size_t>(row) * row_bytes +
                                                 byte);
}

// A's fragment: both types step 32 bytes of K, and their fragments cover the same bytes.
__device__ void load_fragment(std::uint32_t (&a)[4], const std::uint8_t* m, int row_bytes, int row,
                              int byte) {
  const int lane = threadIdx.x % 32;
  const int r = row + lane / 4, b = byte + 4 * (lane % 4);
  a[0] = word(m, row_bytes, r, b);
  a[1] = word(m, row_bytes, r + 8, b);
  a[2] = word(m, row_bytes, r, b + 16);
  a[3] = word(m, row_bytes, r + 8, b + 16);
}

template <int N, bool kFp8, Way kWay>
__device__ void step(float (&d)[N / 2], const std::uint8_t* a_shared, const std::uint32_t (&a)[4],
                     std::uint64_t b, int k, bool accumulate) {
  const std::uint64_t a_at = descriptor_k128(a_shared) + kDescriptorStepK * k;
  if constexpr (kFp8 && kWay == Way::kShared) wgmma_e4m3<N>(d, a_at, b, accumulate);
  if constexpr (kFp8 && kWay == Way::kRegisters) wgmma_e4m3<N>(d, a, b, accumulate);
  if constexpr (!kFp8 && kWay == Way::kShared) wgmma_bf16<N>(d, a_at, b, accumulate);
  if constexpr (!kFp8 && kWay == Way::kRegisters) wgmma_bf16<N>(d, a, b, accumulate);
}

/// y[m * m_step + n * n_step] = sum over k of m_side[m] n_side[n], accumulator cleared at the start
/// and, with `promote`, folded into a total by one addition every 128 bytes.
template <int N, bool kFp8, Way kWay>
__global__ void __launch_bounds__(128)
    wgmma_way(const std::uint8_t* m_side, const std::uint8_t* n_side, int row_bytes, float* y,
              int m_step, int n_step, bool promote) {
  __shared__ alignas(1024) std::uint8_t a_shared[64 * kSlab];
  __shared__ alignas(1024) std::uint8_t b_shared[N * kSlab];
  const int m0 = 64 * blockIdx.x, n0 = N * blockIdx.y;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  float d[N / 2], total[N / 2] = {};
  for (int slab = 0; slab < row_bytes / kSlab; ++slab) {
    fill(a_shared, m_side, row_bytes, m0, 64, slab);
    fill(b_shared, n_side, row_bytes, n0, N, slab);
    fence_proxy_async();
    __syncthreads();
    for (int k = 0; k < 4; ++k) {
      std::uint32_t a[4];
      load_fragment(a, m_side, row_bytes, m0 + 16 * warp, slab * kSlab + 32 * k);
      wgmma_pin(d);
      wgmma_arrive();
      step<N, kFp8, kWay>(d, a_shared, a, descriptor_k128(b_shared) + kDescriptorStepK * k, k,
                          promote ? k > 0 : slab + k > 0);
      wgmma_commit();
      wgmma_wait<0>();
      wgmma_pin(d);
    }
    if (promote) {
      for (int i = 0; i < N / 2; ++i) total[i] = __fadd_rn(total[i], d[i]);
    }
    __syncthreads();
  }
  for (int i = 0; i < N / 2; ++i) {
    const int m = m0 + 16 * warp + lane / 4 + 8 * (i / 2 % 2);
    const int n = n0 + 8 * (i / 4) + 2 * (lane % 4) + i % 2;
    y[m * m_step + n * n_step] = promote ? total[i] : d[i];
  }
}

/// The same by mma.sync, one warp for 16 x 8 results.
template <bool kFp8>
__global__ void mma_way(const std::uint8_t* m_side, const std::uint8_t* n_side, int row_bytes,
                        float* y, int m_step, int n_step, bool promote) {
  const int lane = threadIdx.x;
  const int m0 = 16 * blockIdx.x, n0 = 8 * blockIdx.y;
  float d[4] = {}, total[4] = {};
  for (int byte = 0; byte < row_bytes; byte += 32) {
    std::uint32_t a[4];
    load_fragment(a, m_side, row_bytes, m0, byte);
    const std::uint32_t b[2] = {word(n_side, row_bytes, n0 + lane / 4, byte + 4 * (lane % 4)),
                                word(n_side, row_bytes, n0 + lane / 4, byte + 4 * (lane % 4) + 16)};
    if constexpr (kFp8) {
      mma_e4m3(d, a, b);
    } else {
      mma_bf16(d, a, b);
    }
    if (promote && byte % 128 == 96) {
      for (int i = 0; i < 4; ++i) {
        total[i] = __fadd_rn(total[i], d[i]);
        d[i] = 0.0f;
      }
    }
  }
  for (int i = 0; i < 4; ++i) {
    const int m = m0 + lane / 4 + 8 * (i / 2), n = n0 + 2 * (lane % 4) + i % 2;
    y[m * m_step + n * n_step] = promote ? total[i] : d[i];
  }
}

// ---- data

using Bytes = std::vector<std::uint8_t>;

struct Kind {
  const char* name;
  std::uint16_t (*bf16)(std::mt19937&, int k);
};

std::uint16_t bf16_of(float v) {
  return f32_to_bf16(v);
}
float normal(std::mt19937& rng) {
  return std::normal_distribution<float>()(rng);
}

const Kind kKinds[] = {
    {"normal", [](std::mt19937& rng, int) { return bf16_of(normal(rng)); }},
    {"magnitudes 2^-20..2^20",
     [](std::mt19937& rng, int) {
       return bf16_of(std::ldexp(normal(rng), static_cast<int>(rng() % 41) - 20));
     }},
    {"cancelling",  // pairs of large opposite values with small ones between
     [](std::mt19937& rng, int k) {
       return k % 4 == 0   ? bf16_of(1024.0f)
              : k % 4 == 2 ? bf16_of(-1024.0f)
                           : bf16_of(normal(rng) * 0x1p-10f);
     }},
    {"subnormal",
     [](std::mt19937& rng, int) {
       const std::uint32_t r = rng();
       if (r % 2) return static_cast<std::uint16_t>((r >> 8) & 0x807f);  // subnormal
       return bf16_of(std::ldexp(normal(rng), static_cast<int>(r >> 8) % 12 - 66));
     }},
    {"infinities and NaN",
     [](std::mt19937& rng, int) {
       const std::uint32_t r = rng();
       if (r % 1500 == 0) return std::uint16_t{0x7f80};
       if (r % 1500 == 1) return std::uint16_t{0xff80};
       if (r % 9000 == 2) return std::uint16_t{0x7fc1};
       if (r % 50 == 3) return std::uint16_t{0x8000};
       return bf16_of(normal(rng) * (r % 40 == 4 ? 0x1p120f : 1.0f));
     }},
    {"any bits, exponents -63..56",
     [](std::mt19937& rng, int) {
       const std::uint32_t r = rng();
       return static_cast<std::uint16_t>((r & 0x807f) | (64 + (r >> 20) % 120) << 7);
     }},
};

Bytes make_bf16(const Kind& kind, std::uint32_t seed) {
  std::mt19937 rng(seed);
  std::vector<std::uint16_t> v(kRows * kDepth);
  for (int i = 0; i < kRows * kDepth; ++i) v[i] = kind.bf16(rng, i % kDepth);
  Bytes bytes(v.size() * 2);
  std::memcpy(bytes.data(), v.data(), bytes.size());
  return bytes;
}

// All 254 finite codes, or the small ones alone, or with NaN here and there.
Bytes make_e4m3(int kind, std::uint32_t seed) {
  std::mt19937 rng(seed);
  Bytes v(kRows * kDepth);
  for (auto& code : v) {
    const std::uint32_t r = rng();
    code = static_cast<std::uint8_t>(kind == 1 ? r & 0x87 : r);
    if ((code & 0x7f) == 0x7f && !(kind == 2 && r >> 24 == 0)) code ^= 1;
  }
  return v;
}

Bytes rotate_rows(const Bytes& m, int row_bytes, int by) {
  Bytes out(m.size());
  for (int r = 0; r < kRows; ++r) {
    std::memcpy(&out[static_cast<std::size_t>((r + by) % kRows) * row_bytes],
                &m[static_cast<std::size_t>(r) * row_bytes], row_bytes);
  }
  return out;
}

// ---- comparing

struct Case {
  const Stream& stream;
  DeviceBuffer<std::uint8_t> w, x;
  int row_bytes;
  bool promote;
};

using Result = std::vector<std::uint32_t>;

template <typename Launch>
Result run(const Case& c, Launch launch) {
  auto y = poisoned<std::uint32_t>(kRows * kRows, c.stream);
  launch(reinterpret_cast<float*>(y.data()), static_cast<cudaStream_t>(c.stream.handle()));
  check_device(cudaGetLastError(), "launching a way");
  return download(y, c.stream);
}

template <int N, bool kFp8, Way kWay>
Result by_wgmma(const Case& c, bool swap) {
  return run(c, [&](float* y, cudaStream_t s) {
    wgmma_way<N, kFp8, kWay><<<dim3(kRows / 64, kRows / N), 128, 0, s>>>(
        swap ? c.x.data() : c.w.data(), swap ? c.w.data() : c.x.data(), c.row_bytes, y,
        swap ? 1 : kRows, swap ? kRows : 1, c.promote);
  });
}

template <bool kFp8>
Result by_mma(const Case& c, bool swap) {
  return run(c, [&](float* y, cudaStream_t s) {
    mma_way<kFp8><<<dim3(kRows / 16, kRows / 8), 32, 0, s>>>(
        swap ? c.x.data() : c.w.data(), swap ? c.w.data() : c.x.data(), c.row_bytes, y,
        swap ? 1 : kRows, swap ? kRows : 1, c.promote);
  });
}

int differing(const Result& a, const Result& b) {
  int count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += a[i] != b[i];
  return count;
}

std::string first_difference(const Result& a, const Result& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    float u, v;
    std::memcpy(&u, &a[i], 4);
    std::memcpy(&v, &b[i], 4);
    char text[120];
    std::snprintf(text, sizeof text, "[%zu][%zu] %a (%08x) against %a (%08x)", i / kRows, i % kRows,
                  static_cast<double>(u), a[i], static_cast<double>(v), b[i]);
    return text;
  }
  return "none";
}

void expect_equal(const Result& want, const Result& got, const std::string& way) {
  EXPECT_EQ(differing(want, got), 0) << way << ": " << first_difference(want, got);
}

template <int N, bool kFp8>
void expect_width(const Case& c, const Result& want, const std::string& kind) {
  const std::string name = kind + ", n " + std::to_string(N);
  expect_equal(want, by_wgmma<N, kFp8, Way::kShared>(c, false), name);
  expect_equal(want, by_wgmma<N, kFp8, Way::kShared>(c, true), name + " swapped");
  expect_equal(want, by_wgmma<N, kFp8, Way::kRegisters>(c, false), name + " A in registers");
}

// Whoever makes only NaN, zeros or infinities proves nothing.
void expect_telling(const Result& y, const std::string& kind) {
  int finite = 0;
  for (const std::uint32_t bits : y) {
    finite += (bits & 0x7fffffff) != 0 && (bits & 0x7f800000) != 0x7f800000;
  }
  EXPECT_GT(finite, kRows * kRows / 10) << kind;
}

template <bool kFp8>
void expect_all_widths(const Case& c, const Result& want, const std::string& kind) {
  expect_width<8, kFp8>(c, want, kind);
  expect_width<16, kFp8>(c, want, kind);
  expect_width<32, kFp8>(c, want, kind);
  expect_width<64, kFp8>(c, want, kind);
  expect_width<128, kFp8>(c, want, kind);
  expect_width<256, kFp8>(c, want, kind);
}

// y of operands whose rows were moved, put back where they belong.
Result unrotate(const Result& y, int w_by, int x_by) {
  Result out(y.size());
  for (int w = 0; w < kRows; ++w) {
    for (int x = 0; x < kRows; ++x) {
      out[w * kRows + x] = y[(w + w_by) % kRows * kRows + (x + x_by) % kRows];
    }
  }
  return out;
}

TEST(TensorCores, Bf16BitsDependOnTheTwoRowsAlone) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  constexpr int kRowBytes = kDepth * 2;
  for (const Kind& kind : kKinds) {
    const Bytes w = make_bf16(kind, 1), x = make_bf16(kind, 2);
    const Case c{stream, upload(w, stream), upload(x, stream), kRowBytes, false};
    const Result want = by_wgmma<256, false, Way::kShared>(c, false);
    expect_telling(want, kind.name);
    expect_all_widths<false>(c, want, kind.name);
    const Case moved{stream, upload(rotate_rows(w, kRowBytes, 37), stream),
                     upload(rotate_rows(x, kRowBytes, 101), stream), kRowBytes, false};
    expect_equal(want, unrotate(by_wgmma<64, false, Way::kShared>(moved, false), 37, 101),
                 std::string(kind.name) + ", rows moved");
    expect_equal(want, unrotate(by_wgmma<8, false, Way::kShared>(moved, true), 37, 101),
                 std::string(kind.name) + ", rows moved, swapped");
    std::printf("bf16 %-28s mma.sync m16n8k16: %d of %d differ, swapped %d\n", kind.name,
                differing(want, by_mma<false>(c, false)), kRows * kRows,
                differing(want, by_mma<false>(c, true)));
  }
}

TEST(TensorCores, E4m3BitsDependOnTheTwoRowsAlone) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  for (const bool promote : {true, false}) {
    for (int k = 0; k < 3; ++k) {
      const std::string kind = std::string("e4m3 ") +
                               (k == 0   ? "all finite codes"
                                : k == 1 ? "subnormal codes"
                                         : "with NaN") +
                               (promote ? ", promoted every 128" : ", one accumulator");
      const Bytes w = make_e4m3(k, 3), x = make_e4m3(k, 4);
      const Case c{stream, upload(w, stream), upload(x, stream), kDepth, promote};
      const Result want = by_wgmma<256, true, Way::kShared>(c, false);
      expect_telling(want, kind);
      expect_all_widths<true>(c, want, kind);
      const Case moved{stream, upload(rotate_rows(w, kDepth, 37), stream),
                       upload(rotate_rows(x, kDepth, 101), stream), kDepth, promote};
      expect_equal(want, unrotate(by_wgmma<64, true, Way::kShared>(moved, true), 37, 101),
                   kind + ", rows moved");
      std::printf("%-40s mma.sync m16n8k32: %d of %d differ, swapped %d\n", kind.c_str(),
                  differing(want, by_mma<true>(c, false)), kRows * kRows,
                  differing(want, by_mma<true>(c, true)));
    }
  }
}

// How a step rounds, to say it in the README: a single 2^24 beside small addends shows which
// bits of the others survive inside one instruction and in the accumulator.
TEST(TensorCores, PrecisionInsideAStep) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  constexpr int kRowBytes = kDepth * 2;
  for (int shift = 20; shift <= 30; ++shift) {
    std::vector<std::uint16_t> w(kRows * kDepth, 0), x(kRows * kDepth, bf16_of(1.0f));
    for (int row = 0; row < kRows; ++row) {
      w[row * kDepth] = bf16_of(std::ldexp(1.0f, shift));
      w[row * kDepth + 1] = bf16_of(1.5f);  // beside it in one step
      w[row * kDepth + 2] = bf16_of(-std::ldexp(1.0f, shift));
      if (row == 1)
        w[row * kDepth + 2] = 0, w[row * kDepth + 32] = bf16_of(-std::ldexp(1.0f, shift));
    }
    Bytes wb(w.size() * 2), xb(x.size() * 2);
    std::memcpy(wb.data(), w.data(), wb.size());
    std::memcpy(xb.data(), x.data(), xb.size());
    const Case c{stream, upload(wb, stream), upload(xb, stream), kRowBytes, false};
    const Result y = by_wgmma<256, false, Way::kShared>(c, false);
    float same, later;
    std::memcpy(&same, &y[0], 4);
    std::memcpy(&later, &y[kRows], 4);
    std::printf("bf16: 1.5 beside +-2^%d in one step leaves %g; cancelled two steps later %g\n",
                shift, static_cast<double>(same), static_cast<double>(later));
    EXPECT_GE(same, 0.0f);
    EXPECT_LE(same, 1.5f);
  }
}

}  // namespace
}  // namespace moebius::kernels
