// The canonical order of gemm.h, one fused multiply-add at a time.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_core.h"
#include "kernels/gemm/gemm_widen.h"

namespace moebius::kernels {
namespace {

float block_sum(const std::vector<float>& x, const std::vector<float>& w, std::int64_t k) {
  float even = 0;
  float odd = 0;
  for (std::int64_t i = k; i < k + kStep; i += 2) {
    even = std::fma(w[i], x[i], even);
    odd = std::fma(w[i + 1], x[i + 1], odd);
  }
  return even + odd;
}

float dot(const std::vector<float>& x, const std::vector<float>& w) {
  float sum = 0;
  for (std::int64_t k = 0; k < std::ssize(x); k += kStep) sum += block_sum(x, w, k);
  return sum;
}

float scaled_dot(const std::vector<float>& x, const std::vector<float>& w, const float* scale) {
  float total = 0;
  for (std::int64_t k0 = 0; k0 < std::ssize(x); k0 += kScaleBlock) {
    float sum = 0;
    const std::int64_t end = std::min<std::int64_t>(std::ssize(x), k0 + kScaleBlock);
    for (std::int64_t k = k0; k < end; k += kStep) sum += block_sum(x, w, k);
    total = std::fma(sum, scale[k0 / kScaleBlock], total);
  }
  return total;
}

void reference(const GemmArgs& a) {
  const std::int64_t k = a.w.cols;
  const std::int64_t padded = round_up(k, kStep);
  const std::int64_t scale_cols = round_up(k, kScaleBlock) / kScaleBlock;
  const bool narrow = a.w.dtype != Dtype::kF32 && a.w.dtype != Dtype::kF16;
  const int pieces = a.precision == Precision::kF32 && narrow ? 3 : 1;
  for (std::int64_t row = 0; row < a.rows; ++row) {
    std::vector<std::vector<float>> x(pieces, std::vector<float>(padded));
    for (std::int64_t i = 0; i < k; ++i) {
      const float value = a.x[row * a.ldx + i];
      const Pieces split = cut_bf16(value);
      for (int piece = 0; piece < pieces; ++piece) x[piece][i] = split.value[piece];
      if (pieces == 1) x[0][i] = a.precision == Precision::kBF16 ? round_to_bf16(value) : value;
    }
    for (std::int64_t n = 0; n < a.w.rows; ++n) {
      std::vector<float> w(padded);
      for (std::int64_t i = 0; i < k; ++i) w[i] = widen_weight(a.w, n, i);
      float y = 0;
      for (int piece = 0; piece < pieces; ++piece) {
        const float part = a.w.scale
                               ? scaled_dot(x[piece], w, a.w.scale + n / kScaleBlock * scale_cols)
                               : dot(x[piece], w);
        y = piece == 0 ? part : y + part;
      }
      a.y[row * a.ldy + n] = a.bias ? y + a.bias[n] : y;
    }
  }
}

}  // namespace

void gemm_reference(const GemmArgs& args) {
  ThreadPool pool(1);  // whose tasks count subnormals as zero, as gemm's do
  pool.run(1, [&](std::int64_t, int) { reference(args); });
}

}  // namespace moebius::kernels
