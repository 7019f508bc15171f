// Matrix products on Intel AMX: bf16 tiles, one TDPBF16PS per canonical block.
//
// A tile holds weights as they lie in the checkpoint (16 outputs x 32 k), B the packed
// activations (16 pairs of k x 16 columns), C 16 outputs x 16 columns. A task copies
// 32 outputs x kDepth of weights into tiles once (widening fp8, padding edges with
// zeros) and walks them over all its columns: two A and two B tiles feed four
// products. The split of float32 rows into three bf16 columns makes a batch
// of one fill three columns of one tile: no extra pass over the weights.
#include "kernels/gemm/gemm_core.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#define MOEBIUS_AMX \
  __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")))

namespace moebius::kernels {
namespace {

constexpr std::int64_t kTile = 16;  // rows and columns of an accumulator
constexpr std::int64_t kTileBytes = 1024;
constexpr std::int64_t kDepth = 512;  // k per pass: 32 x 512 bf16 weights stay in L1
constexpr std::int64_t kSteps = kDepth / kStep;
constexpr std::int64_t kScaleSteps = kScaleBlock / kStep;

struct TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t bytes_per_row[16] = {};
  std::uint8_t rows[16] = {};
};

MOEBIUS_AMX void configure_tiles() {
  thread_local bool configured = false;
  if (configured) return;
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.bytes_per_row[tile] = 64;
    config.rows[tile] = 16;
  }
  _tile_loadconfig(&config);
  configured = true;
}

std::int64_t panels_of(std::int64_t rows, int pieces) {
  const std::int64_t full = rows / kBlockRows * pieces;
  return full + (rows % kBlockRows * pieces + kTile - 1) / kTile;
}

std::int64_t panel_bytes(std::int64_t k) {
  return round_up(k, kStep) * kTile * 2;
}

std::size_t packed_bytes(std::int64_t k, std::int64_t rows, GemmPacking packing) {
  return static_cast<std::size_t>(panels_of(rows, packing.pieces) * panel_bytes(k));
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

MOEBIUS_AMX inline __m512i round_bf16(__m512 x) {
  const __m512i bits = quiet_nan(x);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i bias = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));
  const __mmask16 number = _mm512_cmp_ps_mask(x, x, _CMP_ORD_Q);
  return _mm512_mask_add_epi32(bits, number, bits, bias);
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

// Columns of one block of rows: column = piece * rows + row, 16 to a panel.
MOEBIUS_AMX void pack(const GemmProblem& p, std::int64_t row0, std::int64_t rows,
                      GemmPacking packing, std::byte* dst) {
  const std::int64_t k = p.w.cols;
  const std::int64_t columns = rows * packing.pieces;
  const std::int64_t panels = (columns + kTile - 1) / kTile;
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
      std::byte* tile = dst + panel * panel_bytes(k) + k0 * kTile * 2;
      for (int j = 0; j < 16; ++j) _mm512_store_si512(tile + j * 64, column[panel * kTile + j]);
    }
  }
}

// ---- weights into tiles ----

MOEBIUS_AMX inline void copy_bf16_row(const std::uint16_t* row, std::int64_t count,
                                      std::byte* tile) {
  for (std::int64_t i = 0; i < count; i += kStep, tile += kTileBytes) {
    const std::int64_t left = count - i;
    const __mmask32 mask = left >= 32 ? ~0U : (1U << left) - 1;
    _mm512_store_si512(tile, _mm512_maskz_loadu_epi16(mask, row + i));
  }
}

// e4m3 to bf16, exactly: the exponent moves from bias 7 to 127; subnormals (m * 2^-9) by way of
// a float subtraction; 0x7f and 0xff are NaN.
MOEBIUS_AMX inline __m512i widen_e4m3(__m256i bytes) {
  const __m512i v = _mm512_cvtepu8_epi16(bytes);
  const __m512i sign = _mm512_slli_epi16(_mm512_and_si512(v, _mm512_set1_epi16(0x80)), 8);
  const __m512i magnitude = _mm512_and_si512(v, _mm512_set1_epi16(0x7f));
  const __m512i shifted = _mm512_slli_epi16(magnitude, 4);
  __m512i out = _mm512_add_epi16(shifted, _mm512_set1_epi16(120 << 7));
  // m * 2^-9 for m = 0 .. 7 in bf16
  const __m512i table =
      _mm512_set_epi16(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                       0x3c60, 0x3c40, 0x3c20, 0x3c00, 0x3bc0, 0x3b80, 0x3b00, 0x0000);
  const __mmask32 subnormal = _mm512_cmplt_epu16_mask(magnitude, _mm512_set1_epi16(8));
  out = _mm512_mask_mov_epi16(out, subnormal, _mm512_permutexvar_epi16(magnitude, table));
  const __mmask32 nan = _mm512_cmpeq_epi16_mask(magnitude, _mm512_set1_epi16(0x7f));
  out = _mm512_mask_mov_epi16(out, nan, _mm512_set1_epi16(0x7fc0));
  return _mm512_or_si512(out, sign);
}

MOEBIUS_AMX inline void copy_fp8_row(const std::uint8_t* row, std::int64_t count, std::byte* tile) {
  for (std::int64_t i = 0; i < count; i += kStep, tile += kTileBytes) {
    const std::int64_t left = count - i;
    const __mmask32 mask = left >= 32 ? ~0U : (1U << left) - 1;
    _mm512_store_si512(tile, widen_e4m3(_mm256_maskz_loadu_epi8(mask, row + i)));
  }
}

// Tiles [2][steps][16 outputs][32 k] of weights [n0 + 32, k0 + depth).
MOEBIUS_AMX void load_weights(const GemmBlock& b, std::int64_t k0, std::int64_t depth,
                              std::byte* tiles) {
  const Matrix& w = *b.w;
  const std::int64_t steps = round_up(depth, kStep) / kStep;
  for (std::int64_t n = 0; n < kBlockOuts; ++n) {
    std::byte* tile = tiles + (n / kTile * steps) * kTileBytes + n % kTile * 64;
    if (n >= b.outs) {
      for (std::int64_t s = 0; s < steps; ++s) {
        _mm512_store_si512(tile + s * kTileBytes, _mm512_setzero_si512());
      }
      continue;
    }
    const std::int64_t at = (b.n0 + n) * w.cols + k0;
    if (w.dtype == Dtype::kBF16) {
      copy_bf16_row(static_cast<const std::uint16_t*>(w.data) + at, depth, tile);
    } else {
      copy_fp8_row(static_cast<const std::uint8_t*>(w.data) + at, depth, tile);
    }
  }
}

// ---- products ----

MOEBIUS_AMX inline void products_2x2(const std::byte* a0, const std::byte* a1, const std::byte* b0,
                                     const std::byte* b1, std::int64_t steps) {
  for (std::int64_t s = 0; s < steps; ++s) {
    _tile_loadd(4, a0 + s * kTileBytes, 64);
    _tile_loadd(6, b0 + s * kTileBytes, 64);
    _tile_loadd(5, a1 + s * kTileBytes, 64);
    _tile_loadd(7, b1 + s * kTileBytes, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 5, 6);
    _tile_dpbf16ps(2, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
  }
}

MOEBIUS_AMX inline void products_2x1(const std::byte* a0, const std::byte* a1, const std::byte* b0,
                                     std::int64_t steps) {
  for (std::int64_t s = 0; s < steps; ++s) {
    _tile_loadd(4, a0 + s * kTileBytes, 64);
    _tile_loadd(6, b0 + s * kTileBytes, 64);
    _tile_loadd(5, a1 + s * kTileBytes, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 5, 6);
  }
}

// Accumulators of a panel: [2][16 outputs][16 columns] floats.
constexpr std::int64_t kPanelFloats = kBlockOuts * kTile;

struct Panels {
  const std::byte* b0;
  const std::byte* b1;  // null when the number of panels is odd
  float* c0;
  float* c1;
};

MOEBIUS_AMX inline void zero_accumulators() {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

MOEBIUS_AMX inline void multiply(const std::byte* a, std::int64_t steps, std::int64_t stride,
                                 const Panels& p) {
  if (p.b1) {
    products_2x2(a, a + stride * kTileBytes, p.b0, p.b1, steps);
  } else {
    products_2x1(a, a + stride * kTileBytes, p.b0, steps);
  }
}

MOEBIUS_AMX inline void store_accumulators(float* c0, float* c1) {
  _tile_stored(0, c0, 64);
  _tile_stored(1, c0 + kPanelFloats / 2, 64);
  if (!c1) return;
  _tile_stored(2, c1, 64);
  _tile_stored(3, c1 + kPanelFloats / 2, 64);
}

MOEBIUS_AMX void accumulate_bf16(const std::byte* a, std::int64_t steps, bool first,
                                 const Panels& p) {
  if (first) {
    zero_accumulators();
  } else {
    _tile_loadd(0, p.c0, 64);
    _tile_loadd(1, p.c0 + kPanelFloats / 2, 64);
    if (p.b1) {
      _tile_loadd(2, p.c1, 64);
      _tile_loadd(3, p.c1 + kPanelFloats / 2, 64);
    }
  }
  multiply(a, steps, steps, p);
  store_accumulators(p.c0, p.b1 ? p.c1 : nullptr);
}

MOEBIUS_AMX inline void add_scaled(float* total, const float* part, const float* scale) {
  for (int n = 0; n < kBlockOuts; ++n) {
    const __m512 old = _mm512_load_ps(total + n * kTile);
    const __m512 add = _mm512_load_ps(part + n * kTile);
    _mm512_store_ps(total + n * kTile, _mm512_fmadd_ps(add, _mm512_set1_ps(scale[n]), old));
  }
}

// fp8: a fresh accumulator for every scale block, promoted to the total.
MOEBIUS_AMX void accumulate_fp8(const GemmBlock& b, const std::byte* a, std::int64_t k0,
                                std::int64_t steps, const Panels& p) {
  alignas(64) float part[2 * kPanelFloats];
  alignas(64) float scale[kBlockOuts] = {};
  const std::int64_t scale_cols = round_up(b.w->cols, kScaleBlock) / kScaleBlock;
  for (std::int64_t s = 0; s < steps; s += kScaleSteps) {
    const std::int64_t column = (k0 + s * kStep) / kScaleBlock;
    for (std::int64_t n = 0; n < b.outs; ++n) {
      const std::int64_t row = (b.problem->w_row + b.n0 + n) / kScaleBlock;
      scale[n] = b.w->scale[row * scale_cols + column];
    }
    const std::int64_t count = steps - s < kScaleSteps ? steps - s : kScaleSteps;
    zero_accumulators();
    const Panels at{p.b0 + s * kTileBytes, p.b1 ? p.b1 + s * kTileBytes : nullptr, p.c0, p.c1};
    multiply(a + s * kTileBytes, count, steps, at);
    store_accumulators(part, p.b1 ? part + kPanelFloats : nullptr);
    add_scaled(p.c0, part, scale);
    if (p.b1) add_scaled(p.c1, part + kPanelFloats, scale);
  }
}

// ---- results ----

// Full blocks: whole vectors of 16 rows.
MOEBIUS_AMX void finish_full(const float* c, int pieces, float* out) {
  for (int half = 0; half < 2; ++half) {
    __m512i value[16];
    for (int n = 0; n < 16; ++n) {
      const float* at = c + (half * kTile + n) * kTile;
      __m512 sum = _mm512_load_ps(at);
      for (int piece = 1; piece < pieces; ++piece) {
        sum = _mm512_add_ps(sum, _mm512_load_ps(at + piece * kPanelFloats));
      }
      value[n] = _mm512_castps_si512(sum);
    }
    transpose16(value);
    for (int row = 0; row < 16; ++row) {
      _mm512_storeu_si512(out + row * kBlockOuts + half * kTile, value[row]);
    }
  }
}

void finish_tail(const float* c, int pieces, std::int64_t rows, float* out) {
  const auto at = [&](std::int64_t column, std::int64_t n) {
    return c[column / kTile * kPanelFloats + n * kTile + column % kTile];
  };
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t n = 0; n < kBlockOuts; ++n) {
      float sum = at(row, n);
      for (int piece = 1; piece < pieces; ++piece) sum += at(piece * rows + row, n);
      out[row * kBlockOuts + n] = sum;
    }
  }
}

std::size_t scratch_bytes(std::int64_t row_blocks, GemmPacking packing) {
  const std::int64_t panels = row_blocks * packing.pieces;
  return static_cast<std::size_t>(2 * kSteps * kTileBytes +
                                  panels * kPanelFloats * static_cast<std::int64_t>(sizeof(float)));
}

MOEBIUS_AMX void block(const GemmBlock& b) {
  configure_tiles();
  const GemmProblem& p = *b.problem;
  const std::int64_t k = p.w.cols;
  const int pieces = b.packing.pieces;
  const std::int64_t row0 = b.block0 * kBlockRows;
  const std::int64_t row1 = b.block1 * kBlockRows < p.rows ? b.block1 * kBlockRows : p.rows;
  const std::int64_t panels = panels_of(row1 - row0, pieces);
  const std::byte* columns = p.packed + b.block0 * pieces * panel_bytes(k);
  std::byte* tiles = b.scratch;
  auto* c = reinterpret_cast<float*>(b.scratch + 2 * kSteps * kTileBytes);
  const bool fp8 = b.w->dtype == Dtype::kF8E4M3;
  if (fp8) std::memset(c, 0, static_cast<std::size_t>(panels * kPanelFloats) * sizeof(float));

  for (std::int64_t k0 = 0; k0 < k; k0 += kDepth) {
    const std::int64_t depth = k - k0 < kDepth ? k - k0 : kDepth;
    const std::int64_t steps = round_up(depth, kStep) / kStep;
    load_weights(b, k0, depth, tiles);
    for (std::int64_t j = 0; j < panels; j += 2) {
      const std::byte* b0 = columns + j * panel_bytes(k) + k0 * kTile * 2;
      const bool pair = j + 1 < panels;
      const Panels at{b0, pair ? b0 + panel_bytes(k) : nullptr, c + j * kPanelFloats,
                      c + (j + 1) * kPanelFloats};
      if (fp8) {
        accumulate_fp8(b, tiles, k0, steps, at);
      } else {
        accumulate_bf16(tiles, steps, k0 == 0, at);
      }
    }
  }

  for (std::int64_t row = row0; row < row1; row += kBlockRows) {
    const float* from = c + (row - row0) / kBlockRows * pieces * kPanelFloats;
    float* to = b.out + (row - row0) * kBlockOuts;
    if (row1 - row >= kBlockRows) {
      finish_full(from, pieces, to);
    } else {
      finish_tail(from, pieces, row1 - row, to);
    }
  }
}

// The kernel hands out the tile registers' 8 KiB of state only on request.
bool request_tiles() {
  constexpr int kRequestPermission = 0x1023;
  constexpr int kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

bool supported() {
  unsigned eax = 7;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  const bool amx = (edx & (1U << 22)) != 0 && (edx & (1U << 24)) != 0;
  return amx && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && request_tiles();
}

}  // namespace

const GemmPath* amx_gemm_path() {
  static const GemmPath path{"amx", packed_bytes, pack, scratch_bytes, block};
  static const bool usable = supported();
  return usable ? &path : nullptr;
}

}  // namespace moebius::kernels

#else

namespace moebius::kernels {
const GemmPath* amx_gemm_path() {
  return nullptr;
}
}  // namespace moebius::kernels

#endif
