// A ragged batch, tensors and angles on the device: for tests of the kernels that write the cache.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/device/test_support.h"
#include "kernels/rope/rope_cuda.h"

namespace moebius::kernels {

inline constexpr float kEps = 1e-6F;
inline constexpr std::int64_t kPages = 9;

/// As in kernels/kv_write/kv_write_test.cc: sequences begin in mid-page, are empty, cross pages.
struct Batch {
  std::vector<std::int32_t> row_begin = {0, 70, 70, 71, 201};
  std::vector<std::int32_t> position_begin = {60, 9, 191, 0};
  std::vector<std::int32_t> pages = {3, 1, 5, -1, -1, -1, -1, -1, 0, 6, 2, 4};
  std::vector<std::int32_t> row_position, row_sequence;
  std::int64_t rows = 201;

  Batch() {
    for (std::int32_t s = 0; s < 4; ++s) {
      for (std::int32_t row = row_begin[s]; row < row_begin[s + 1]; ++row) {
        row_position.push_back(position_begin[s] + row - row_begin[s]);
        row_sequence.push_back(s);
      }
    }
  }
  std::int64_t entry(std::int64_t row) const {
    const std::int64_t position = row_position[row];
    return pages[row_sequence[row] * 3 + position / 64] * 64 + position % 64;
  }
};

struct OnDevice {
  explicit OnDevice(const Batch& b, const Stream& stream)
      : pages(upload(b.pages, stream)),
        positions(upload(b.row_position, stream)),
        sequences(upload(b.row_sequence, stream)) {
    batch = {.ragged = {.sequences = 4, .rows = b.rows, .pages = pages.data(), .max_pages = 3},
             .row_position = positions.data(),
             .row_sequence = sequences.data(),
             .max_positions = 192};
  }
  DeviceBuffer<std::int32_t> pages, positions, sequences;
  DeviceBatch batch;
};

/// A device tensor of either dtype, and what it holds in float32.
struct Tensor {
  Tensor(std::vector<float> host, Dtype type, const Stream& stream)
      : values(std::move(host)), dtype(type) {
    if (dtype == Dtype::kBF16) {
      for (float& x : values) x = bf16_to_f32(f32_to_bf16(x));
      bf16 = upload_bf16(values, stream);
    } else {
      f32 = upload(values, stream);
    }
  }
  Tensor(std::size_t size, Dtype type, const Stream& stream) : dtype(type) {
    if (dtype == Dtype::kBF16) {
      bf16 = poisoned<std::uint16_t>(size, stream);
    } else {
      f32 = poisoned<float>(size, stream);
    }
  }
  void* data() const {
    return dtype == Dtype::kBF16 ? static_cast<void*>(bf16.data()) : f32.data();
  }
  std::vector<float> get(const Stream& stream) const {
    if (dtype == Dtype::kF32) return download(f32, stream);
    std::vector<float> out;
    for (const std::uint16_t bits : download(bf16, stream)) out.push_back(bf16_to_f32(bits));
    return out;
  }

  std::vector<float> values;
  Dtype dtype;
  DeviceBuffer<float> f32;
  DeviceBuffer<std::uint16_t> bf16;
};

inline float rounded(float x, Dtype dtype) {
  return dtype == Dtype::kF32 ? x : bf16_to_f32(f32_to_bf16(x));
}

/// Wanted elements; NaN where nothing may be written.
struct Wanted {
  explicit Wanted(std::size_t size) : values(size, std::nanf("")) {}
  std::vector<float> values;
};

struct Angles {
  template <class Random>
  Angles(std::int64_t rows, std::int64_t half_count, RopePairs kind, Random random,
         const Stream& stream)
      : half(half_count), pairs(kind) {
    cos = random.normals(rows * half, 0.7F);  // any numbers will do
    sin = random.normals(rows * half, 0.7F);
    device_cos = upload(cos, stream);
    device_sin = upload(sin, stream);
  }
  RopeAngles angles() const { return {device_cos.data(), device_sin.data(), half, pairs}; }
  /// In place, by the host's kernel.
  void rotate(float* x, std::int64_t row) const {
    ThreadPool pool(1);
    rope({.x = x,
          .ldx = 2 * half,
          .heads = 1,
          .head_stride = 2 * half,
          .cos = &cos[row * half],
          .sin = &sin[row * half],
          .half = half,
          .rows = 1,
          .pairs = pairs},
         Stream::host(pool));
  }
  std::int64_t half;
  RopePairs pairs;
  std::vector<float> cos, sin;
  DeviceBuffer<float> device_cos, device_sin;
};

}  // namespace moebius::kernels
