// For tests of device products: random operands on host and device, and what the product of
// any one output is made of.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "kernels/device/test_support.h"
#include "kernels/gemm/gemm_cuda.h"
#include "kernels/gemm/gemm_groups.cuh"

namespace moebius::kernels {

struct GemmSpec {
  Dtype x = Dtype::kF32, w = Dtype::kF32, y = Dtype::kF32;
  std::int64_t rows = 1, n = 16, k = 16;
  bool pairs = false, bias = false;
  std::int64_t heads = 1;                     // x and y columns of heads lie one after the other
  std::vector<std::int32_t> group_rows = {};  // grouped if not empty; their sum is `rows`
  unsigned seed = 1;
};

/// Elements of one dtype with their scales, as values and as they lie in memory.
struct GemmOperand {
  std::vector<float> value;  // [lines, columns], without scales
  std::vector<float> scale;
  std::vector<std::byte> bytes;  // lines `ld` elements apart; NaN between them
  std::int64_t columns = 0, ld = 0;

  GemmOperand(Dtype dtype, std::int64_t lines, std::int64_t line_columns, std::mt19937& random)
      : value(lines * line_columns), columns(line_columns), ld((line_columns + 15) / 16 * 16 + 16) {
    const std::size_t size = dtype_bytes(dtype);
    bytes.assign(lines * ld * size, std::byte{0xff});
    std::normal_distribution<float> normal;
    for (std::int64_t i = 0; i < lines * columns; ++i) {
      std::uint8_t f8 = static_cast<std::uint8_t>(random() & 255);
      if ((f8 & 127) == 127) --f8;  // NaN
      const float drawn = normal(random);
      const std::uint16_t b16 = f32_to_bf16(drawn);
      const void* from = dtype == Dtype::kF32 ? static_cast<const void*>(&drawn) : &b16;
      if (dtype == Dtype::kF8E4M3) from = &f8;
      value[i] = dtype == Dtype::kF32    ? drawn
                 : dtype == Dtype::kBF16 ? bf16_to_f32(b16)
                                         : e4m3_to_f32(f8);
      std::memcpy(bytes.data() + (i / columns * ld + i % columns) * size, from, size);
    }
  }

  void draw_scales(std::int64_t count, std::mt19937& random) {
    std::uniform_real_distribution<float> uniform(0.001F, 0.01F);
    scale.resize(count);
    for (float& s : scale) s = uniform(random);
  }
};

/// One product, ready to run; y is poisoned.
class GemmProblem {
 public:
  GemmProblem(GemmSpec with, const Stream& on)
      : spec(std::move(with)),
        stream(on),
        random(spec.seed),
        matrices(spec.group_rows.empty() ? spec.heads
                                         : static_cast<std::int64_t>(spec.group_rows.size())),
        x(spec.x, spec.rows, spec.k * (spec.group_rows.empty() ? spec.heads : 1), random),
        w(spec.w, matrices * spec.n, spec.k, random) {
    offsets.push_back(0);
    for (const std::int32_t r : spec.group_rows) offsets.push_back(offsets.back() + r);
    scale_ld = (spec.rows + 3) / 4 * 4 + 4;
    k_blocks = (spec.k + 127) / 128;
    if (spec.x == Dtype::kF8E4M3) x.draw_scales((x.columns + 127) / 128 * scale_ld, random);
    if (spec.w == Dtype::kF8E4M3) w.draw_scales(scale_lines() * k_blocks, random);
    std::normal_distribution<float> normal;
    bias.resize(spec.bias ? spec.n : 0);
    for (float& b : bias) b = normal(random);
    upload_all();
  }

  /// Outputs of one row.
  std::int64_t columns() const { return spec.heads * (spec.pairs ? spec.n / 2 : spec.n); }

  /// Which row of w output `out` (before pairing) of row `row` meets.
  std::int64_t w_row(std::int64_t row, std::int64_t head, std::int64_t out) const {
    return (offsets.size() == 1 ? head : group_of(row)) * spec.n + out;
  }
  float x_scale(std::int64_t row, std::int64_t column) const {
    return x.scale.empty() ? 1.0F : x.scale[column / 128 * scale_ld + row];
  }
  float w_scale(std::int64_t line, std::int64_t k) const {
    if (w.scale.empty()) return 1.0F;
    const auto n = static_cast<std::int32_t>(spec.n);
    const auto in = static_cast<std::int32_t>(line % spec.n);
    const std::int64_t at = offsets.size() == 1
                                ? weight_scale_row(static_cast<std::int32_t>(line), n, spec.pairs)
                                : line / spec.n * weight_scale_rows(n, spec.pairs) +
                                      weight_scale_row(in, n, spec.pairs);
    return w.scale[at * k_blocks + k / 128];
  }
  float x_at(std::int64_t row, std::int64_t head, std::int64_t k) const {
    return x.value[row * x.columns + head * spec.k + k];
  }
  float w_at(std::int64_t line, std::int64_t k) const { return w.value[line * spec.k + k]; }

  void poison() { y_device = poisoned<std::byte>(spec.rows * y_ld() * y_size(), stream); }

  /// [rows, columns()], widened; what lies between rows must still be poison.
  std::vector<float> result() const {
    const std::vector<std::byte> bytes = download(y_device, stream);
    std::vector<float> values;
    for (std::int64_t i = 0; i < spec.rows * y_ld(); ++i) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, bytes.data() + i * y_size(), y_size());
      if (i % y_ld() < columns()) {
        values.push_back(std::bit_cast<float>(y_size() == 4 ? bits : bits << 16));
      } else if (bits != (y_size() == 4 ? 0xffffffffU : 0xffffU)) {
        ADD_FAILURE() << "written beyond the columns, at element " << i;
        break;
      }
    }
    return values;
  }

  GemmCudaArgs args() const {
    GemmCudaArgs a;
    a.x = {const_cast<std::byte*>(x_device.data()), spec.x, x.ld,
           x.scale.empty() ? nullptr : const_cast<float*>(x_scales.data()), scale_ld};
    a.w = {w_device.data(), spec.w, matrices * spec.n,
           spec.k,          w.ld,   w.scale.empty() ? nullptr : w_scales.data()};
    a.bias = spec.bias ? bias_device.data() : nullptr;
    a.y = {const_cast<std::byte*>(y_device.data()), spec.y, y_ld(), nullptr, 0};
    a.rows = spec.rows;
    a.n = spec.n;
    a.pairs = spec.pairs;
    a.heads = spec.heads;
    a.x_head = spec.k;
    a.w_head = spec.n;
    a.y_head = spec.n;
    if (offsets.size() > 1) {
      a.groups = matrices;
      a.offsets = offsets_device.data();
    }
    return a;
  }

  GemmSpec spec;

 private:
  std::int64_t y_ld() const { return (columns() + 7) / 8 * 8 + 8; }
  std::size_t y_size() const { return dtype_bytes(spec.y); }
  std::int64_t group_of(std::int64_t row) const {
    return std::upper_bound(offsets.begin(), offsets.end(), row) - offsets.begin() - 1;
  }
  std::int64_t scale_lines() const {
    const auto n = static_cast<std::int32_t>(spec.n);
    return offsets.size() == 1 && !spec.pairs ? (matrices * spec.n + 127) / 128
                                              : matrices * weight_scale_rows(n, spec.pairs);
  }
  void upload_all() {
    x_device = upload(x.bytes, stream);
    w_device = upload(w.bytes, stream);
    x_scales = upload(x.scale, stream);
    w_scales = upload(w.scale, stream);
    bias_device = upload(bias, stream);
    offsets_device = upload(offsets, stream);
    poison();
  }

  const Stream& stream;
  std::mt19937 random;
  std::int64_t matrices;

 public:
  GemmOperand x, w;
  std::vector<float> bias;
  std::vector<std::int32_t> offsets;
  std::int64_t scale_ld = 0, k_blocks = 0;

 private:
  DeviceBuffer<std::byte> x_device, w_device, y_device;
  DeviceBuffer<float> x_scales, w_scales, bias_device;
  DeviceBuffer<std::int32_t> offsets_device;
};

}  // namespace moebius::kernels
