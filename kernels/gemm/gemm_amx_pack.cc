// Activations for the AMX path: float32 rows split or rounded into columns of bf16 tiles.
#include "kernels/gemm/gemm_amx.h"

#if defined(__x86_64__)

namespace moebius::kernels::amx {
namespace {

// 32 floats of a row, zeros past its end.
struct Floats32 {
  __m512 low, high;
};
MOEBIUS_AMX inline Floats32 load32(const float* x, std::int64_t left) {
  if (left >= 32) return {_mm512_loadu_ps(x), _mm512_loadu_ps(x + 16)};
  const std::uint32_t mask = left <= 0 ? 0 : (1U << left) - 1;
  return {_mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), x),
          _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), x + 16)};
}

// Takes the next bf16 piece off `x` by truncation: three of them add up to any float.
MOEBIUS_AMX inline __m512i next_piece(__m512& x) {
  const __m512i mask = _mm512_set1_epi32(static_cast<int>(0xffff0000U));
  const __m512i piece = _mm512_and_si512(quiet_nan(x), mask);
  const __m512 rest = _mm512_sub_ps(x, _mm512_castsi512_ps(piece));
  const __mmask16 finite =
      _mm512_cmp_ps_mask(_mm512_abs_ps(_mm512_castsi512_ps(piece)),
                         _mm512_castsi512_ps(_mm512_set1_epi32(0x7f800000)), _CMP_LT_OQ);
  x = _mm512_maskz_mov_ps(finite, rest);
  return piece;
}

}  // namespace

std::size_t packed_bytes(std::int64_t k, std::int64_t rows, GemmPacking packing) {
  return static_cast<std::size_t>(panels_of(rows, packing.pieces) * panel_bytes(k));
}

MOEBIUS_AMX void pack(const GemmProblem& p, std::int64_t row0, std::int64_t rows,
                      GemmPacking packing) {
  const std::int64_t k = p.w.cols;
  const std::int64_t columns = rows * packing.pieces;
  const std::int64_t panels = (columns + kTile - 1) / kTile;
  const std::int64_t all = panels_of(p.rows, packing.pieces);
  const std::int64_t first = row0 / kBlockRows * packing.pieces;
  for (std::int64_t k0 = 0; k0 < k; k0 += kStep) {
    __m512i column[3 * kBlockRows];
    for (std::int64_t i = columns; i < panels * kTile; ++i) column[i] = _mm512_setzero_si512();
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t source = p.x_rows ? p.x_rows[row0 + r] : row0 + r;
      Floats32 x = load32(p.x + source * p.ldx + k0, k - k0);
      for (int piece = 0; piece < packing.pieces; ++piece) {
        const __m512i low = packing.round_bf16 ? round_bf16(x.low) : next_piece(x.low);
        const __m512i high = packing.round_bf16 ? round_bf16(x.high) : next_piece(x.high);
        column[piece * rows + r] = upper_halves(low, high);
      }
    }
    for (std::int64_t panel = 0; panel < panels; ++panel) {
      transpose16(column + panel * kTile);
      std::byte* tile = packed_tile(p, all, first + panel, k0);
      for (int j = 0; j < 16; ++j) _mm512_store_si512(tile + j * 64, column[panel * kTile + j]);
    }
  }
}

}  // namespace moebius::kernels::amx

#endif
