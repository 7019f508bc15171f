// Warpgroup matrix instructions of sm_90a: operand descriptors, fences and the products
// themselves. PTX ISA 9, "Asynchronous Warpgroup Level Matrix Instructions".
//
// Fragment of D [64, N], thread t of the warpgroup (warp w = t / 32, lane l): d[4 j + 0, + 1] are
// row 16 w + l / 4, columns 8 j + 2 (l % 4), + 1; d[4 j + 2, + 3] the same of row + 8.
// Fragment of A [64, 16] in registers (bf16): a[0] row 16 w + l / 4, k 2 (l % 4), + 1; a[1] row
// + 8; a[2] k + 8; a[3] both. For e4m3 each register holds four k, the second half at k + 16.
#pragma once

#include <cstdint>

#include "kernels/device/barrier.cuh"

namespace moebius::kernels {

/// Matrix of K-major rows of 128 bytes (64 bf16, 128 e4m3) in shared memory, 128-byte swizzle as
/// the copy engine writes it: byte 16 c of row r lies at 128 r + 16 (c ^ (r % 8)). Rows in groups
/// of eight form one 1024-byte atom, which must be 1024-byte aligned. A step of one instruction's K
/// (32 bytes) adds kDescriptorStepK.
constexpr std::uint64_t kDescriptorStepK = 2;
__device__ __forceinline__ std::uint64_t descriptor_k128(const void* matrix) {
  return static_cast<std::uint64_t>((shared_address(matrix) & 0x3ffff) >> 4) |
         std::uint64_t{1} << 16 | std::uint64_t{1024 >> 4} << 32 | std::uint64_t{1} << 62;
}
/// Any other layout under a 128-byte swizzle: the two offsets of the matrix descriptor, bytes.
/// For an MN-major operand (kTrans): atoms are 64 elements along M or N by 8 along k;
/// leading = from one atom to the next along M or N, stride = along k.
__device__ __forceinline__ std::uint64_t descriptor_128(const void* matrix,
                                                        std::uint32_t leading_bytes,
                                                        std::uint32_t stride_bytes) {
  return static_cast<std::uint64_t>((shared_address(matrix) & 0x3ffff) >> 4) |
         static_cast<std::uint64_t>(leading_bytes >> 4) << 16 |
         static_cast<std::uint64_t>(stride_bytes >> 4) << 32 | std::uint64_t{1} << 62;
}

/// Before the first product, and after touching d or a register operand.
__device__ __forceinline__ void wgmma_arrive() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
/// Until at most kPending committed groups are unfinished.
template <int kPending>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}
/// Keeps the compiler from moving uses of d across this point: around the products and waits.
template <int R>
__device__ __forceinline__ void wgmma_pin(float (&d)[R]) {
#pragma unroll
  for (int i = 0; i < R; ++i) asm volatile("" : "+f"(d[i])::"memory");
}

// clang-format off
// Operand lists of the inline assembly, grown by four registers (eight columns) at a time.
#define MOEBIUS_D8 "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
#define MOEBIUS_D16 MOEBIUS_D8, "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7])
#define MOEBIUS_D24 MOEBIUS_D16, "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11])
#define MOEBIUS_D32 MOEBIUS_D24, "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
#define MOEBIUS_D40 MOEBIUS_D32, "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19])
#define MOEBIUS_D48 MOEBIUS_D40, "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23])
#define MOEBIUS_D56 MOEBIUS_D48, "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27])
#define MOEBIUS_D64 MOEBIUS_D56, "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
#define MOEBIUS_D72 MOEBIUS_D64, "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35])
#define MOEBIUS_D80 MOEBIUS_D72, "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39])
#define MOEBIUS_D88 MOEBIUS_D80, "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43])
#define MOEBIUS_D96 MOEBIUS_D88, "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47])
#define MOEBIUS_D104 MOEBIUS_D96, "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51])
#define MOEBIUS_D112 MOEBIUS_D104, "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55])
#define MOEBIUS_D120 MOEBIUS_D112, "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59])
#define MOEBIUS_D128 MOEBIUS_D120, "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
#define MOEBIUS_D136 MOEBIUS_D128, "+f"(d[64]), "+f"(d[65]), "+f"(d[66]), "+f"(d[67])
#define MOEBIUS_D144 MOEBIUS_D136, "+f"(d[68]), "+f"(d[69]), "+f"(d[70]), "+f"(d[71])
#define MOEBIUS_D152 MOEBIUS_D144, "+f"(d[72]), "+f"(d[73]), "+f"(d[74]), "+f"(d[75])
#define MOEBIUS_D160 MOEBIUS_D152, "+f"(d[76]), "+f"(d[77]), "+f"(d[78]), "+f"(d[79])
#define MOEBIUS_D168 MOEBIUS_D160, "+f"(d[80]), "+f"(d[81]), "+f"(d[82]), "+f"(d[83])
#define MOEBIUS_D176 MOEBIUS_D168, "+f"(d[84]), "+f"(d[85]), "+f"(d[86]), "+f"(d[87])
#define MOEBIUS_D184 MOEBIUS_D176, "+f"(d[88]), "+f"(d[89]), "+f"(d[90]), "+f"(d[91])
#define MOEBIUS_D192 MOEBIUS_D184, "+f"(d[92]), "+f"(d[93]), "+f"(d[94]), "+f"(d[95])
#define MOEBIUS_D200 MOEBIUS_D192, "+f"(d[96]), "+f"(d[97]), "+f"(d[98]), "+f"(d[99])
#define MOEBIUS_D208 MOEBIUS_D200, "+f"(d[100]), "+f"(d[101]), "+f"(d[102]), "+f"(d[103])
#define MOEBIUS_D216 MOEBIUS_D208, "+f"(d[104]), "+f"(d[105]), "+f"(d[106]), "+f"(d[107])
#define MOEBIUS_D224 MOEBIUS_D216, "+f"(d[108]), "+f"(d[109]), "+f"(d[110]), "+f"(d[111])
#define MOEBIUS_D232 MOEBIUS_D224, "+f"(d[112]), "+f"(d[113]), "+f"(d[114]), "+f"(d[115])
#define MOEBIUS_D240 MOEBIUS_D232, "+f"(d[116]), "+f"(d[117]), "+f"(d[118]), "+f"(d[119])
#define MOEBIUS_D248 MOEBIUS_D240, "+f"(d[120]), "+f"(d[121]), "+f"(d[122]), "+f"(d[123])
#define MOEBIUS_D256 MOEBIUS_D248, "+f"(d[124]), "+f"(d[125]), "+f"(d[126]), "+f"(d[127])
#define MOEBIUS_R8 "%0,%1,%2,%3"
#define MOEBIUS_R16 MOEBIUS_R8 ",%4,%5,%6,%7"
#define MOEBIUS_R24 MOEBIUS_R16 ",%8,%9,%10,%11"
#define MOEBIUS_R32 MOEBIUS_R24 ",%12,%13,%14,%15"
#define MOEBIUS_R40 MOEBIUS_R32 ",%16,%17,%18,%19"
#define MOEBIUS_R48 MOEBIUS_R40 ",%20,%21,%22,%23"
#define MOEBIUS_R56 MOEBIUS_R48 ",%24,%25,%26,%27"
#define MOEBIUS_R64 MOEBIUS_R56 ",%28,%29,%30,%31"
#define MOEBIUS_R72 MOEBIUS_R64 ",%32,%33,%34,%35"
#define MOEBIUS_R80 MOEBIUS_R72 ",%36,%37,%38,%39"
#define MOEBIUS_R88 MOEBIUS_R80 ",%40,%41,%42,%43"
#define MOEBIUS_R96 MOEBIUS_R88 ",%44,%45,%46,%47"
#define MOEBIUS_R104 MOEBIUS_R96 ",%48,%49,%50,%51"
#define MOEBIUS_R112 MOEBIUS_R104 ",%52,%53,%54,%55"
#define MOEBIUS_R120 MOEBIUS_R112 ",%56,%57,%58,%59"
#define MOEBIUS_R128 MOEBIUS_R120 ",%60,%61,%62,%63"
#define MOEBIUS_R136 MOEBIUS_R128 ",%64,%65,%66,%67"
#define MOEBIUS_R144 MOEBIUS_R136 ",%68,%69,%70,%71"
#define MOEBIUS_R152 MOEBIUS_R144 ",%72,%73,%74,%75"
#define MOEBIUS_R160 MOEBIUS_R152 ",%76,%77,%78,%79"
#define MOEBIUS_R168 MOEBIUS_R160 ",%80,%81,%82,%83"
#define MOEBIUS_R176 MOEBIUS_R168 ",%84,%85,%86,%87"
#define MOEBIUS_R184 MOEBIUS_R176 ",%88,%89,%90,%91"
#define MOEBIUS_R192 MOEBIUS_R184 ",%92,%93,%94,%95"
#define MOEBIUS_R200 MOEBIUS_R192 ",%96,%97,%98,%99"
#define MOEBIUS_R208 MOEBIUS_R200 ",%100,%101,%102,%103"
#define MOEBIUS_R216 MOEBIUS_R208 ",%104,%105,%106,%107"
#define MOEBIUS_R224 MOEBIUS_R216 ",%108,%109,%110,%111"
#define MOEBIUS_R232 MOEBIUS_R224 ",%112,%113,%114,%115"
#define MOEBIUS_R240 MOEBIUS_R232 ",%116,%117,%118,%119"
#define MOEBIUS_R248 MOEBIUS_R240 ",%120,%121,%122,%123"
#define MOEBIUS_R256 MOEBIUS_R248 ",%124,%125,%126,%127"

// The N there are, each with the numbers of the operands after d.
#define MOEBIUS_WGMMA_SHAPES(X) \
  X(8, 4, 5, 6, 7, 8, 9, 10) \
  X(16, 8, 9, 10, 11, 12, 13, 14) \
  X(24, 12, 13, 14, 15, 16, 17, 18) \
  X(32, 16, 17, 18, 19, 20, 21, 22) \
  X(40, 20, 21, 22, 23, 24, 25, 26) \
  X(48, 24, 25, 26, 27, 28, 29, 30) \
  X(56, 28, 29, 30, 31, 32, 33, 34) \
  X(64, 32, 33, 34, 35, 36, 37, 38) \
  X(72, 36, 37, 38, 39, 40, 41, 42) \
  X(80, 40, 41, 42, 43, 44, 45, 46) \
  X(88, 44, 45, 46, 47, 48, 49, 50) \
  X(96, 48, 49, 50, 51, 52, 53, 54) \
  X(104, 52, 53, 54, 55, 56, 57, 58) \
  X(112, 56, 57, 58, 59, 60, 61, 62) \
  X(120, 60, 61, 62, 63, 64, 65, 66) \
  X(128, 64, 65, 66, 67, 68, 69, 70) \
  X(144, 72, 73, 74, 75, 76, 77, 78) \
  X(160, 80, 81, 82, 83, 84, 85, 86) \
  X(176, 88, 89, 90, 91, 92, 93, 94) \
  X(192, 96, 97, 98, 99, 100, 101, 102) \
  X(208, 104, 105, 106, 107, 108, 109, 110) \
  X(224, 112, 113, 114, 115, 116, 117, 118) \
  X(240, 120, 121, 122, 123, 124, 125, 126) \
  X(256, 128, 129, 130, 131, 132, 133, 134)
// clang-format on

template <int N>
constexpr bool kWgmmaHasShape = N >= 8 && N <= 256 && N % (N <= 128 ? 8 : 16) == 0;

/// d [64, N] (+)= A [64, 16] B [N, 16]^T, bf16 into float32; without `accumulate` d is replaced.
/// kTransA, kTransB: that operand is MN-major. R may be larger than N / 2.
template <int N, bool kTransA = false, bool kTransB = false, int R>
__device__ __forceinline__ void wgmma_bf16(float (&d)[R], std::uint64_t a, std::uint64_t b,
                                           bool accumulate) {
  static_assert(kWgmmaHasShape<N> && R >= N / 2);
  const int scale_d = accumulate;
#define MOEBIUS_X(n, i0, i1, i2, i3, i4, i5, i6)                                                 \
  if constexpr (N == n) {                                                                        \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #i2                                        \
                 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #n "k16.f32.bf16.bf16 {" MOEBIUS_R##n \
                 "}, %" #i0 ", %" #i1 ", p, 1, 1, %" #i3 ", %" #i4 ";\n}\n"                      \
                 : MOEBIUS_D##n                                                                  \
                 : "l"(a), "l"(b), "r"(scale_d), "n"(int{kTransA}), "n"(int{kTransB}));          \
  }
  MOEBIUS_WGMMA_SHAPES(MOEBIUS_X)
#undef MOEBIUS_X
}

/// The same with A in registers.
template <int N, bool kTransB = false, int R>
__device__ __forceinline__ void wgmma_bf16(float (&d)[R], const std::uint32_t (&a)[4],
                                           std::uint64_t b, bool accumulate) {
  static_assert(kWgmmaHasShape<N> && R >= N / 2);
  const int scale_d = accumulate;
#define MOEBIUS_X(n, i0, i1, i2, i3, i4, i5, i6)                                                  \
  if constexpr (N == n) {                                                                         \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #i5                                         \
                 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #n "k16.f32.bf16.bf16 {" MOEBIUS_R##n  \
                 "}, {%" #i0 ", %" #i1 ", %" #i2 ", %" #i3 "}, %" #i4 ", p, 1, 1, %" #i6 ";\n}\n" \
                 : MOEBIUS_D##n                                                                   \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(scale_d),              \
                   "n"(int{kTransB}));                                                            \
  }
  MOEBIUS_WGMMA_SHAPES(MOEBIUS_X)
#undef MOEBIUS_X
}

/// d [64, N] (+)= A [64, 32] B [N, 32]^T, float8 e4m3, both K-major, into float32 (of reduced
/// precision inside a step).
template <int N, int R>
__device__ __forceinline__ void wgmma_e4m3(float (&d)[R], std::uint64_t a, std::uint64_t b,
                                           bool accumulate) {
  static_assert(kWgmmaHasShape<N> && R >= N / 2);
  const int scale_d = accumulate;
#define MOEBIUS_X(n, i0, i1, i2, i3, i4, i5, i6)                                                 \
  if constexpr (N == n) {                                                                        \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #i2                                        \
                 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #n "k32.f32.e4m3.e4m3 {" MOEBIUS_R##n \
                 "}, %" #i0 ", %" #i1 ", p, 1, 1;\n}\n"                                          \
                 : MOEBIUS_D##n                                                                  \
                 : "l"(a), "l"(b), "r"(scale_d));                                                \
  }
  MOEBIUS_WGMMA_SHAPES(MOEBIUS_X)
#undef MOEBIUS_X
}

/// The same with A in registers.
template <int N, int R>
__device__ __forceinline__ void wgmma_e4m3(float (&d)[R], const std::uint32_t (&a)[4],
                                           std::uint64_t b, bool accumulate) {
  static_assert(kWgmmaHasShape<N> && R >= N / 2);
  const int scale_d = accumulate;
#define MOEBIUS_X(n, i0, i1, i2, i3, i4, i5, i6)                                                 \
  if constexpr (N == n) {                                                                        \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #i5                                        \
                 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #n "k32.f32.e4m3.e4m3 {" MOEBIUS_R##n \
                 "}, {%" #i0 ", %" #i1 ", %" #i2 ", %" #i3 "}, %" #i4 ", p, 1, 1;\n}\n"          \
                 : MOEBIUS_D##n                                                                  \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(scale_d));            \
  }
  MOEBIUS_WGMMA_SHAPES(MOEBIUS_X)
#undef MOEBIUS_X
}

}  // namespace moebius::kernels
