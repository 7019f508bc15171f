// Matrix products with vector instructions: the canonical order of gemm.h, lanes
// along the outputs. Serves every dtype, and processors without a matrix unit.
#include <algorithm>
#include <bit>
#include <cstdint>

#include "kernels/gemm/gemm_core.h"
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gemm/gemm_simd.cc"
#include "hwy/foreach_target.h"
// Highway after foreach_target, always.
#include "hwy/highway.h"
#include "kernels/gemm/gemm_widen.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::int64_t kLanes = 16;   // outputs per weight tile
constexpr std::int64_t kDepth = 512;  // k per pass over the columns
constexpr std::int64_t kColumns = 4;  // columns whose chains run side by side
using Floats = hn::CappedTag<float, kLanes>;
using Words = hn::RebindToUnsigned<Floats>;
using Ints = hn::RebindToSigned<Floats>;

// Lane i reads the dword at base + i * stride.
HWY_INLINE hn::Vec<Words> gather(const std::byte* base, std::int64_t stride) {
  const Ints di;
  const auto offsets = hn::Mul(hn::Iota(di, 0), hn::Set(di, static_cast<std::int32_t>(stride)));
  return hn::BitCast(Words(),
                     hn::GatherOffset(di, reinterpret_cast<const std::int32_t*>(base), offsets));
}

HWY_INLINE void put(hn::Vec<Words> bits, float* to) {
  hn::StoreU(hn::BitCast(Floats(), bits), Floats(), to);
}

// One step of 32 k: tile [32 k][16 outputs], from 16 rows `stride` bytes apart.
HWY_INLINE void widen_bf16(const std::byte* row, std::int64_t stride, float* tile) {
  for (std::int64_t pair = 0; pair < kStep / 2; ++pair) {
    for (std::size_t lane = 0; lane < kLanes; lane += hn::Lanes(Floats())) {
      const auto both = gather(row + static_cast<std::int64_t>(lane) * stride + pair * 4, stride);
      put(hn::ShiftLeft<16>(both), tile + 2 * pair * kLanes + lane);
      put(hn::And(both, hn::Set(Words(), 0xffff0000U)), tile + (2 * pair + 1) * kLanes + lane);
    }
  }
}

HWY_INLINE void widen_f32(const std::byte* row, std::int64_t stride, float* tile) {
  for (std::int64_t k = 0; k < kStep; ++k) {
    for (std::size_t lane = 0; lane < kLanes; lane += hn::Lanes(Floats())) {
      put(gather(row + static_cast<std::int64_t>(lane) * stride + k * 4, stride),
          tile + k * kLanes + lane);
    }
  }
}

HWY_INLINE void widen_fp8(const std::byte* row, std::int64_t stride, float* tile) {
  const auto* table = e4m3_table();
  for (std::int64_t quad = 0; quad < kStep / 4; ++quad) {
    for (std::size_t lane = 0; lane < kLanes; lane += hn::Lanes(Floats())) {
      auto bytes = gather(row + static_cast<std::int64_t>(lane) * stride + quad * 4, stride);
      for (int i = 0; i < 4; ++i) {
        const auto index = hn::BitCast(Ints(), hn::And(bytes, hn::Set(Words(), 0xffU)));
        hn::StoreU(hn::GatherIndex(Floats(), table, index), Floats(),
                   tile + (4 * quad + i) * kLanes + lane);
        bytes = hn::ShiftRight<8>(bytes);
      }
    }
  }
}

// bf16(values * scales), to nearest even; NaN has no bits that rounding could carry into.
HWY_INLINE void put_scaled(hn::Vec<Floats> values, const float* scales, float* to) {
  const Words du;
  const auto bits = hn::BitCast(du, hn::Mul(values, hn::LoadU(Floats(), scales)));
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1U));
  put(hn::And(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fffU))), hn::Set(du, 0xffff0000U)), to);
}

// Codes of kBits bits, kI8 or kI4, with the scales of their 16 rows.
template <int kBits>
HWY_INLINE void widen_codes(const std::byte* row, std::int64_t stride, const float* scales,
                            float* tile) {
  constexpr int kCodes = 32 / kBits;
  const auto mask = hn::Set(Words(), (1U << kBits) - 1);
  const auto zero = hn::Set(Ints(), 1 << (kBits - 1));
  for (std::int64_t word = 0; word < kStep / kCodes; ++word) {
    for (std::size_t lane = 0; lane < kLanes; lane += hn::Lanes(Floats())) {
      auto codes = gather(row + static_cast<std::int64_t>(lane) * stride + word * 4, stride);
      for (int i = 0; i < kCodes; ++i) {
        const auto value = hn::Sub(hn::BitCast(Ints(), hn::And(codes, mask)), zero);
        put_scaled(hn::ConvertTo(Floats(), value), scales + lane,
                   tile + (kCodes * word + i) * kLanes + lane);
        codes = hn::ShiftRight<kBits>(codes);
      }
    }
  }
}

HWY_INLINE void scale_fp8(const float* scales, float* tile) {
  for (std::int64_t k = 0; k < kStep; ++k) {
    for (std::size_t lane = 0; lane < kLanes; lane += hn::Lanes(Floats())) {
      float* at = tile + k * kLanes + lane;
      put_scaled(hn::LoadU(Floats(), at), scales + lane, at);
    }
  }
}

// One step of 32 k of 16 whole rows with group scales.
void widen_grouped(const Matrix& w, std::int64_t n, std::int64_t k, const std::byte* at,
                   std::int64_t stride, float* tile) {
  float scales[kLanes];
  for (std::int64_t lane = 0; lane < kLanes; ++lane) scales[lane] = group_scale(w, n + lane, k);
  if (w.dtype == Dtype::kI4) return widen_codes<4>(at, stride, scales, tile);
  if (w.dtype == Dtype::kI8) return widen_codes<8>(at, stride, scales, tile);
  widen_fp8(at, stride, tile);
  scale_fp8(scales, tile);
}

// Tiles [steps][32 k][16 outputs] of 16 outputs from n; rows past the matrix repeat its last.
void load_tile(const Matrix& w, std::int64_t n, std::int64_t k0, std::int64_t depth, float* tile) {
  const auto stride = static_cast<std::int64_t>(w.row_bytes());
  const auto* rows = static_cast<const std::byte*>(w.data) + n * stride;
  const bool gathers =
      w.rows - n >= kLanes && w.dtype != Dtype::kF16 && stride * kLanes < (1 << 30);
  for (std::int64_t k = 0; k < depth; k += kStep, tile += kStep * kLanes) {
    const std::byte* at = rows + (k0 + k) * dtype_bits(w.dtype) / 8;
    if (!gathers || depth - k < kStep) {
      widen_edge(w, n, k0 + k, std::min(kStep, depth - k), tile);
    } else if (w.group_scale) {
      widen_grouped(w, n, k0 + k, at, stride, tile);
    } else if (w.dtype == Dtype::kBF16) {
      widen_bf16(at, stride, tile);
    } else if (w.dtype == Dtype::kF32) {
      widen_f32(at, stride, tile);
    } else {
      widen_fp8(at, stride, tile);
    }
  }
}

// acc[column][16] += even chain + odd chain, over `steps` blocks.
template <int kCount>
HWY_INLINE void multiply(const float* tile, const float* const* x, std::int64_t steps,
                         float* const* acc) {
  const Floats d;
  constexpr int kParts = kLanes / HWY_MAX(1, HWY_MIN(kLanes, HWY_LANES(float)));
  for (int part = 0; part < kParts; ++part) {
    const std::size_t lane = part * hn::Lanes(d);
    hn::Vec<Floats> sum[kCount];
    for (int c = 0; c < kCount; ++c) sum[c] = hn::LoadU(d, acc[c] + lane);
    for (std::int64_t s = 0; s < steps; ++s) {
      const float* w = tile + s * kStep * kLanes + lane;
      hn::Vec<Floats> even[kCount];
      hn::Vec<Floats> odd[kCount];
      for (int c = 0; c < kCount; ++c) even[c] = odd[c] = hn::Zero(d);
      for (std::int64_t k = 0; k < kStep; k += 2) {
        const auto w0 = hn::LoadU(d, w + k * kLanes);
        const auto w1 = hn::LoadU(d, w + (k + 1) * kLanes);
        for (int c = 0; c < kCount; ++c) {
          even[c] = hn::MulAdd(w0, hn::Set(d, x[c][s * kStep + k]), even[c]);
          odd[c] = hn::MulAdd(w1, hn::Set(d, x[c][s * kStep + k + 1]), odd[c]);
        }
      }
      for (int c = 0; c < kCount; ++c) sum[c] = hn::Add(sum[c], hn::Add(even[c], odd[c]));
    }
    for (int c = 0; c < kCount; ++c) hn::StoreU(sum[c], d, acc[c] + lane);
  }
}

void multiply_columns(const float* tile, const float* x, std::int64_t ldx, std::int64_t columns,
                      std::int64_t steps, float* acc) {
  std::int64_t c = 0;
  for (; c + kColumns <= columns; c += kColumns) {
    const float* xs[kColumns];
    float* accs[kColumns];
    for (int i = 0; i < kColumns; ++i) {
      xs[i] = x + (c + i) * ldx;
      accs[i] = acc + (c + i) * kBlockOuts;
    }
    multiply<kColumns>(tile, xs, steps, accs);
  }
  for (; c < columns; ++c) {
    const float* one = x + c * ldx;
    float* to = acc + c * kBlockOuts;
    multiply<1>(tile, &one, steps, &to);
  }
}

// Block scales: a fresh accumulator for every block, promoted to the total.
void multiply_scaled(const GemmBlock& b, std::int64_t half, std::int64_t k0, const float* tile,
                     const float* x, std::int64_t ldx, std::int64_t columns, std::int64_t steps,
                     float* acc, float* part) {
  constexpr std::int64_t kScaleSteps = kScaleBlock / kStep;
  for (std::int64_t s = 0; s < steps; s += kScaleSteps) {
    std::fill_n(part, columns * kBlockOuts, 0.0F);
    multiply_columns(tile + s * kStep * kLanes, x + s * kStep, ldx, columns,
                     std::min(kScaleSteps, steps - s), part);
    float scale[kLanes];
    block_scales(b, half * kLanes, k0 + s * kStep, scale);
    const Floats d;
    for (std::int64_t c = 0; c < columns; ++c) {
      for (std::size_t lane = 0; lane < kLanes; lane += hn::Lanes(d)) {
        float* to = acc + c * kBlockOuts + lane;
        const auto add = hn::LoadU(d, part + c * kBlockOuts + lane);
        hn::StoreU(hn::MulAdd(add, hn::LoadU(d, scale + lane), hn::LoadU(d, to)), d, to);
      }
    }
  }
}

// Up to kBlockOuts outputs.
void narrow_block(const GemmBlock& b) {
  const GemmProblem& p = *b.problem;
  const int pieces = b.packing.pieces;
  const std::int64_t k = p.w.cols;
  const std::int64_t ldx = round_up(k, kStep);
  const std::int64_t row0 = b.block0 * kBlockRows;
  const std::int64_t rows = std::min(p.rows, b.block1 * kBlockRows) - row0;
  const std::int64_t columns = rows * pieces;
  const auto* x = reinterpret_cast<const float*>(p.packed) + row0 * pieces * ldx;
  auto* tile = reinterpret_cast<float*>(b.scratch);
  float* acc = tile + kDepth * kLanes;
  float* part = acc + columns * kBlockOuts;
  std::fill_n(acc, columns * kBlockOuts, 0.0F);

  for (std::int64_t k0 = 0; k0 < k; k0 += kDepth) {
    const std::int64_t depth = std::min(kDepth, k - k0);
    const std::int64_t steps = round_up(depth, kStep) / kStep;
    for (std::int64_t half = 0; half * kLanes < b.outs; ++half) {
      load_tile(*b.w, b.n0 + half * kLanes, k0, depth, tile);
      float* to = acc + half * kLanes;
      if (b.w->scale) {
        multiply_scaled(b, half, k0, tile, x + k0, ldx, columns, steps, to, part);
      } else {
        multiply_columns(tile, x + k0, ldx, columns, steps, to);
      }
    }
  }
  add_pieces(b, rows, acc);
}

void block(const GemmBlock& b) {
  for (std::int64_t n = 0; n < b.outs; n += kBlockOuts) {
    GemmBlock narrow = b;
    narrow.n0 += n;
    narrow.outs = std::min(kBlockOuts, b.outs - n);
    narrow.out += n;
    if (b.bias) narrow.bias += n;
    narrow_block(narrow);
  }
}

void silu_mul_lanes(const float* gate, const float* up, float* y, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Mul(silu(d, hn::LoadU(d, gate + i)), hn::LoadU(d, up + i)), d, y + i);
  }
  for (; i < count; ++i) y[i] = silu_scalar(gate[i]) * up[i];
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {
namespace {

HWY_EXPORT(block);
HWY_EXPORT(silu_mul_lanes);

std::size_t packed_bytes(std::int64_t k, std::int64_t rows, GemmPacking packing) {
  return static_cast<std::size_t>(rows * packing.pieces * round_up(k, kStep)) * sizeof(float);
}

// Columns [pieces][rows] of a block of rows, each k floats and zeros up to a whole step.
void pack(const GemmProblem& p, std::int64_t row0, std::int64_t rows, GemmPacking packing) {
  const std::int64_t k = p.w.cols;
  const std::int64_t ldx = round_up(k, kStep);
  auto* to = reinterpret_cast<float*>(p.packed) + row0 * packing.pieces * ldx;
  std::fill_n(to, rows * packing.pieces * ldx, 0.0F);
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* x = p.x + (p.x_rows ? p.x_rows[row0 + r] : row0 + r) * p.ldx;
    for (std::int64_t i = 0; i < k; ++i) {
      if (packing.pieces == 1) {
        to[r * ldx + i] = packing.round_bf16 ? round_to_bf16(x[i]) : x[i];
        continue;
      }
      const Pieces pieces = cut_bf16(x[i]);
      for (int piece = 0; piece < 3; ++piece)
        to[(piece * rows + r) * ldx + i] = pieces.value[piece];
    }
  }
}

std::size_t scratch_bytes(std::int64_t row_blocks, std::int64_t, GemmPacking packing) {
  const std::int64_t columns = row_blocks * kBlockRows * packing.pieces;
  return static_cast<std::size_t>(512 * 16 + 2 * columns * kBlockOuts) * sizeof(float);
}

void block(const GemmBlock& b) {
  HWY_DYNAMIC_DISPATCH(block)(b);
}

}  // namespace

void silu_mul_row(const float* gate, const float* up, float* y, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(silu_mul_lanes)(gate, up, y, count);
}

const GemmPath* simd_gemm_path() {
  static const GemmPath path{"simd", packed_bytes, pack, scratch_bytes, block};
  return &path;
}

}  // namespace moebius::kernels
#endif  // HWY_ONCE
