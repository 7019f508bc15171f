// What the two halves of the AMX path share: the shape of tiles and where packed
// activations lie.
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/gemm/gemm_core.h"

#define MOEBIUS_AMX \
  __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx2,bmi2,fma")))

namespace moebius::kernels::amx {

inline constexpr std::int64_t kTile = 16;  // rows and columns of an accumulator
inline constexpr std::int64_t kTileBytes = 1024;
// k per pass. Many columns: their slice stays in L2. Few: whole rows of weights, since
// reading those from memory is then all the work.
inline constexpr std::int64_t kDepth = 1024;
inline constexpr std::int64_t kLongDepth = 4096;
inline constexpr std::int64_t kFewPanels = 4;

inline std::int64_t panels_of(std::int64_t rows, int pieces) {
  const std::int64_t full = rows / kBlockRows * pieces;
  return full + (rows % kBlockRows * pieces + kTile - 1) / kTile;
}

inline std::int64_t panel_bytes(std::int64_t k) {
  return round_up(k, kStep) * kTile * 2;
}

// k per slice of a problem with so many panels.
inline std::int64_t slice_depth(std::int64_t panels) {
  return panels <= kFewPanels ? kLongDepth : kDepth;
}

// Packed activations: [slices][panels][steps] tiles, so that what one slice
// of weights meets lies together and spreads evenly over the sets of the cache.
inline std::byte* packed_tile(const GemmProblem& p, std::int64_t panels, std::int64_t panel,
                              std::int64_t k) {
  const std::int64_t most = slice_depth(panels);
  const std::int64_t slice = k / most * most;
  const std::int64_t left = round_up(p.w.cols, kStep) - slice;
  const std::int64_t depth = left < most ? left : most;
  return p.packed + (panels * slice + panel * depth + (k - slice)) * kTile * 2;
}

// Rows become columns: dword (row i, pair j) goes to (j, i).
MOEBIUS_AMX inline void transpose16(__m512i r[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 8; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
  }
}

// The upper halves of 32 dwords as 32 bf16 in order.
MOEBIUS_AMX inline __m512i upper_halves(__m512i low, __m512i high) {
  const __m256i a = _mm512_cvtepi32_epi16(_mm512_srli_epi32(low, 16));
  const __m256i b = _mm512_cvtepi32_epi16(_mm512_srli_epi32(high, 16));
  return _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
}

MOEBIUS_AMX inline __m512i quiet_nan(__m512 x) {
  const __m512i bits = _mm512_castps_si512(x);
  const __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
  return _mm512_mask_or_epi32(bits, nan, bits, _mm512_set1_epi32(0x00400000));
}

// The nearest bf16, ties to even, in the upper half of each dword; the lower is left over.
MOEBIUS_AMX inline __m512i round_bf16(__m512 x) {
  const __m512i bits = quiet_nan(x);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i bias = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));
  const __mmask16 number = _mm512_cmp_ps_mask(x, x, _CMP_ORD_Q);
  return _mm512_mask_add_epi32(bits, number, bits, bias);
}

std::size_t packed_bytes(std::int64_t k, std::int64_t rows, GemmPacking packing);

/// GemmPath::pack: rows become columns of bf16, column = piece * rows + row, 16 to a panel.
void pack(const GemmProblem& problem, std::int64_t row0, std::int64_t rows, GemmPacking packing);

}  // namespace moebius::kernels::amx

#endif
