// Matrix products on Intel AMX: bf16 tiles, one TDPBF16PS per canonical block.
//
// A tile holds weights as they lie in the checkpoint (16 outputs x 32 k), B the packed
// activations (16 pairs of k x 16 columns), C 16 outputs x 16 columns. For each slice of k
// a task copies 32 outputs at a time into tiles (widening what is narrower, padding edges with
// zeros) and walks them over all its columns, copying the next 32 in between:
// two A and two B tiles feed four products. The split of float32 rows into three bf16
// columns makes a batch of one fill three columns of one tile: no extra pass over the weights.
#include "kernels/gemm/gemm_amx.h"
#include "kernels/gemm/gemm_core.h"
#include "kernels/gemm/gemm_widen.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <utility>

namespace moebius::kernels {
namespace {

using namespace amx;

constexpr std::int64_t kTilesBytes = 2 * kLongDepth / kStep * kTileBytes;  // of one slice, at most
constexpr std::int64_t kRowsAhead = 4;  // rows of weights that are asked for before their turn
constexpr std::int64_t kScaleSteps = kScaleBlock / kStep;

struct TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

static_assert(sizeof(TileConfig) == 64);

// In static memory: to GCC 12 _tile_loadconfig reads eight bytes only, and it drops the
// stores that would fill the rest of a local variable.
const TileConfig tile_config;

MOEBIUS_AMX void configure_tiles() {
  thread_local bool configured = false;
  if (configured) return;
  _tile_loadconfig(&tile_config);
  configured = true;
}

// ---- weights into tiles ----

// e4m3 to bf16, exactly: the exponent moves from bias 7 to 127; subnormals (m * 2^-9) come
// from a table; 0x7f and 0xff are NaN.
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

// 32 codes of 4 bits, in order, to bytes.
MOEBIUS_AMX inline __m256i spread_codes(__m128i codes) {
  const __m256i v = _mm256_cvtepu8_epi16(codes);
  return _mm256_and_si256(_mm256_or_si256(v, _mm256_slli_epi16(v, 4)), _mm256_set1_epi8(15));
}

MOEBIUS_AMX inline __m512i bf16_product(__m512 low, __m512 high, float scale) {
  const __m512 by = _mm512_set1_ps(scale);
  return upper_halves(round_bf16(_mm512_mul_ps(low, by)), round_bf16(_mm512_mul_ps(high, by)));
}

// Codes c of kI8 or kI4, one to a byte, to bf16((c - zero) * scale).
MOEBIUS_AMX inline __m512i scale_codes(__m256i codes, char zero, float scale) {
  const __m256i v = _mm256_sub_epi8(codes, _mm256_set1_epi8(zero));
  const __m512i low = _mm512_cvtepi8_epi32(_mm256_castsi256_si128(v));
  const __m512i high = _mm512_cvtepi8_epi32(_mm256_extracti128_si256(v, 1));
  return bf16_product(_mm512_cvtepi32_ps(low), _mm512_cvtepi32_ps(high), scale);
}

MOEBIUS_AMX inline __m512i scale_bf16(__m512i v, float scale) {
  const __m512i low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(v));
  const __m512i high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(v, 1));
  return bf16_product(_mm512_castsi512_ps(_mm512_slli_epi32(low, 16)),
                      _mm512_castsi512_ps(_mm512_slli_epi32(high, 16)), scale);
}

// 32 outputs of weights, a slice of k deep.
struct Slice {
  std::int64_t n = 0;  // from b.n0
  std::int64_t k = 0;
  std::int64_t outs = 0;  // 1 .. 32
  std::int64_t depth = 0;
  std::int64_t most = 0;  // depth of all slices but the last
};

Slice slice_at(const GemmBlock& b, std::int64_t n, std::int64_t k, std::int64_t most) {
  const std::int64_t outs = b.outs - n;
  const std::int64_t depth = b.w->cols - k;
  return {n, k, outs < kBlockOuts ? outs : kBlockOuts, depth < most ? depth : most, most};
}

// The slice that a task takes after this one; outs 0 at its end.
Slice slice_after(const GemmBlock& b, const Slice& s) {
  if (s.n + kBlockOuts < b.outs) return slice_at(b, s.n + kBlockOuts, s.k, s.most);
  if (s.k + s.most < b.w->cols) return slice_at(b, 0, s.k + s.most, s.most);
  return {};
}

// Brings a slice of weights into tiles, [2][steps][16 outputs][32 k], a few rows of
// tiles at a time: the products of one slice carry the next one in, so that its way from
// memory costs no time of its own.
class SliceLoader {
 public:
  SliceLoader(const GemmBlock& b, const Slice& s, std::byte* tiles) : w_(b.w), tiles_(tiles) {
    if (s.outs == 0) return;
    step_bytes_ = kStep * dtype_bits(w_->dtype) / 8;
    stride_ = static_cast<std::int64_t>(w_->row_bytes());
    n0_ = b.n0 + s.n;
    k0_ = s.k;
    row_ = static_cast<const std::byte*>(w_->data) + n0_ * stride_ + s.k / kStep * step_bytes_;
    outs_ = s.outs;
    depth_ = s.depth;
    steps_ = round_up(s.depth, kStep) / kStep;
    left_ = kBlockOuts * steps_;
  }

  /// Has load_share(), called once per step of work, bring everything in.
  void spread_over(std::int64_t work) { share_ = (left_ + work - 1) / work; }
  MOEBIUS_AMX void load_share() { load(share_); }
  MOEBIUS_AMX void load_all() { load(left_); }

 private:
  MOEBIUS_AMX void load(std::int64_t count) {
    for (; count > 0 && left_ > 0; --count, --left_) {
      std::byte* to = tiles_ + (n_ / kTile * steps_ + step_) * kTileBytes + n_ % kTile * 64;
      _mm512_store_si512(to, n_ < outs_ ? tile_row() : _mm512_setzero_si512());
      if (n_ + kRowsAhead < outs_) {
        const std::byte* ahead = row_ + kRowsAhead * stride_ + step_ * step_bytes_;
        _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T0);
      }
      if (++step_ < steps_) continue;
      step_ = 0;
      ++n_;
      row_ += stride_;
    }
  }

  MOEBIUS_AMX __m512i tile_row() const {
    const std::int64_t k = step_ * kStep;
    const std::int64_t left = depth_ - k;
    const __mmask32 mask = left >= kStep ? ~0U : (1U << left) - 1;
    const std::byte* at = row_ + step_ * step_bytes_;
    if (w_->group_scale) return _mm512_maskz_mov_epi16(mask, grouped_row(mask, at));
    if (w_->dtype == Dtype::kBF16) return _mm512_maskz_loadu_epi16(mask, at);
    return widen_e4m3(_mm256_maskz_loadu_epi8(mask, at));
  }

  // What lies behind the row's end may be anything.
  MOEBIUS_AMX __m512i grouped_row(__mmask32 mask, const std::byte* at) const {
    const float scale = group_scale(*w_, n0_ + n_, k0_ + step_ * kStep);
    if (w_->dtype == Dtype::kI4) {
      const auto bytes = static_cast<__mmask16>(_pext_u32(mask, 0x55555555U));
      return scale_codes(spread_codes(_mm_maskz_loadu_epi8(bytes, at)), 8, scale);
    }
    const __m256i codes = _mm256_maskz_loadu_epi8(mask, at);
    if (w_->dtype == Dtype::kI8) return scale_codes(codes, -128, scale);
    return scale_bf16(widen_e4m3(codes), scale);
  }

  const Matrix* w_;
  std::byte* tiles_;
  const std::byte* row_ = nullptr;
  std::int64_t step_bytes_ = 0, stride_ = 0, outs_ = 0, depth_ = 0, steps_ = 0;
  std::int64_t n0_ = 0, k0_ = 0;  // where the slice begins
  std::int64_t n_ = 0, step_ = 0, left_ = 0, share_ = 0;
};

// ---- products ----

MOEBIUS_AMX inline void products_2x2(const std::byte* a0, const std::byte* a1, const std::byte* b0,
                                     const std::byte* b1, std::int64_t steps, SliceLoader& next) {
  for (std::int64_t s = 0; s < steps; ++s) {
    next.load_share();
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
                                     std::int64_t steps, SliceLoader& next) {
  for (std::int64_t s = 0; s < steps; ++s) {
    next.load_share();
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
                                 const Panels& p, SliceLoader& next) {
  if (p.b1) {
    products_2x2(a, a + stride * kTileBytes, p.b0, p.b1, steps, next);
  } else {
    products_2x1(a, a + stride * kTileBytes, p.b0, steps, next);
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
                                 const Panels& p, SliceLoader& next) {
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
  multiply(a, steps, steps, p, next);
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
MOEBIUS_AMX void accumulate_fp8(const GemmBlock& b, const Slice& slice, const std::byte* a,
                                std::int64_t steps, const Panels& p, SliceLoader& next) {
  alignas(64) float part[2 * kPanelFloats];
  alignas(64) float scale[kBlockOuts] = {};
  const std::int64_t scale_cols = round_up(b.w->cols, kScaleBlock) / kScaleBlock;
  for (std::int64_t s = 0; s < steps; s += kScaleSteps) {
    const std::int64_t column = (slice.k + s * kStep) / kScaleBlock;
    for (std::int64_t n = 0; n < slice.outs; ++n) {
      const std::int64_t row = (b.problem->w_row + b.n0 + slice.n + n) / kScaleBlock;
      scale[n] = b.w->scale[row * scale_cols + column];
    }
    const std::int64_t count = steps - s < kScaleSteps ? steps - s : kScaleSteps;
    zero_accumulators();
    const Panels at{p.b0 + s * kTileBytes, p.b1 ? p.b1 + s * kTileBytes : nullptr, p.c0, p.c1};
    multiply(a + s * kTileBytes, count, steps, at, next);
    store_accumulators(part, p.b1 ? part + kPanelFloats : nullptr);
    add_scaled(p.c0, part, scale);
    if (p.b1) add_scaled(p.c1, part + kPanelFloats, scale);
  }
}

// ---- results ----

// Up to 16 rows of 32 outputs from the panels of one block of rows.
struct Result {
  const float* c;
  int pieces;
  std::int64_t rows;
  std::int64_t outs;
  const float* bias;  // [outs] or null
  float* out;
  std::int64_t ldo;
};

// columns[i] = outputs [16 half, 16 half + 16) of column i, pieces of whole panels added first.
MOEBIUS_AMX inline void load_columns(const Result& r, int half, __m512i* columns) {
  const bool whole = r.rows == kBlockRows;
  const std::int64_t panels = whole ? 1 : (r.rows * r.pieces + kTile - 1) / kTile;
  for (std::int64_t panel = 0; panel < panels; ++panel) {
    for (int n = 0; n < 16; ++n) {
      const float* at = r.c + panel * kPanelFloats + (half * kTile + n) * kTile;
      __m512 sum = _mm512_load_ps(at);
      for (int piece = 1; whole && piece < r.pieces; ++piece) {
        sum = _mm512_add_ps(sum, _mm512_load_ps(at + piece * kPanelFloats));
      }
      columns[panel * kTile + n] = _mm512_castps_si512(sum);
    }
    transpose16(columns + panel * kTile);
  }
}

MOEBIUS_AMX void finish(const Result& r) {
  const int pieces = r.rows == kBlockRows ? 1 : r.pieces;
  for (int half = 0; half * kTile < r.outs; ++half) {
    __m512i columns[3 * kBlockRows];
    load_columns(r, half, columns);
    const std::int64_t left = r.outs - half * kTile;
    const auto mask = static_cast<__mmask16>(left >= kTile ? 0xffff : (1 << left) - 1);
    const __m512 bias =
        r.bias ? _mm512_maskz_loadu_ps(mask, r.bias + half * kTile) : _mm512_setzero_ps();
    for (std::int64_t row = 0; row < r.rows; ++row) {
      __m512 sum = _mm512_castsi512_ps(columns[row]);
      for (int piece = 1; piece < pieces; ++piece) {
        sum = _mm512_add_ps(sum, _mm512_castsi512_ps(columns[piece * r.rows + row]));
      }
      if (r.bias) sum = _mm512_add_ps(sum, bias);
      _mm512_mask_storeu_ps(r.out + row * r.ldo + half * kTile, mask, sum);
    }
  }
}

// Scratch: the tiles of two slices, then accumulators [outputs / 32][panels].
std::size_t scratch_bytes(std::int64_t row_blocks, std::int64_t outs, GemmPacking packing) {
  const std::int64_t panels =
      row_blocks * packing.pieces * (round_up(outs, kBlockOuts) / kBlockOuts);
  return static_cast<std::size_t>(2 * kTilesBytes +
                                  panels * kPanelFloats * static_cast<std::int64_t>(sizeof(float)));
}

/// The panels of a block, among all of its problem.
struct Columns {
  std::int64_t first;
  std::int64_t panels;
  std::int64_t all;
};

// One slice of weights, already in tiles, times all columns; brings in the next.
MOEBIUS_AMX void multiply_slice(const GemmBlock& b, const Slice& s, const Columns& columns,
                                const std::byte* tiles, float* c, SliceLoader& next) {
  const std::int64_t steps = round_up(s.depth, kStep) / kStep;
  next.spread_over(steps * ((columns.panels + 1) / 2));
  for (std::int64_t j = 0; j < columns.panels; j += 2) {
    const std::byte* b0 = packed_tile(*b.problem, columns.all, columns.first + j, s.k);
    const bool pair = j + 1 < columns.panels;
    const Panels at{b0, pair ? b0 + steps * kTileBytes : nullptr, c + j * kPanelFloats,
                    c + (j + 1) * kPanelFloats};
    if (b.w->scale) {
      accumulate_fp8(b, s, tiles, steps, at, next);
    } else {
      accumulate_bf16(tiles, steps, s.k == 0, at, next);
    }
  }
}

void finish_rows(const GemmBlock& b, std::int64_t rows, std::int64_t n, const float* c) {
  for (std::int64_t row = 0; row < rows; row += kBlockRows) {
    finish({.c = c + row / kBlockRows * b.packing.pieces * kPanelFloats,
            .pieces = b.packing.pieces,
            .rows = rows - row < kBlockRows ? rows - row : kBlockRows,
            .outs = b.outs - n < kBlockOuts ? b.outs - n : kBlockOuts,
            .bias = b.bias ? b.bias + n : nullptr,
            .out = b.out + row * b.ldo + n,
            .ldo = b.ldo});
  }
}

void block(const GemmBlock& b) {
  configure_tiles();
  const GemmProblem& p = *b.problem;
  const std::int64_t row0 = b.block0 * kBlockRows;
  const std::int64_t row1 = b.block1 * kBlockRows < p.rows ? b.block1 * kBlockRows : p.rows;
  const int pieces = b.packing.pieces;
  const Columns columns{b.block0 * pieces, panels_of(row1 - row0, pieces),
                        panels_of(p.rows, pieces)};
  auto* c = reinterpret_cast<float*>(b.scratch + 2 * kTilesBytes);
  const std::int64_t c_stride = columns.panels * kPanelFloats;
  if (b.w->scale) {
    const std::int64_t count = round_up(b.outs, kBlockOuts) / kBlockOuts * c_stride;
    std::memset(c, 0, static_cast<std::size_t>(count) * sizeof(float));
  }
  std::byte* tiles = b.scratch;
  std::byte* spare = b.scratch + kTilesBytes;
  const Slice first = slice_at(b, 0, 0, slice_depth(columns.all));
  SliceLoader(b, first, tiles).load_all();
  for (Slice s = first; s.outs > 0; s = slice_after(b, s)) {
    SliceLoader next(b, slice_after(b, s), spare);
    multiply_slice(b, s, columns, tiles, c + s.n / kBlockOuts * c_stride, next);
    next.load_all();
    std::swap(tiles, spare);
  }
  for (std::int64_t n = 0; n < b.outs; n += kBlockOuts) {
    finish_rows(b, row1 - row0, n, c + n / kBlockOuts * c_stride);
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
