// The device's RMSNorm against double, its quantisation against a search over all of e4m3, and
// a row alone against the same row in company.
#include "kernels/rms_norm/rms_norm_cuda.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "kernels/device/test_support.h"
#include "tests/support/close.h"
#include "tests/support/random.h"

namespace moebius::kernels {
namespace {

using tests::close;

constexpr float kEps = 1e-6F;
constexpr std::int64_t kSlots = 9;

enum class Input { kResidual, kAdd, kResidualAdd, kResidualSum, kSum };

std::int64_t padded(std::int64_t columns) {
  return (columns + 15) / 16 * 16;
}

/// Random operands of a launch, on both sides; narrow ones are already rounded.
struct Operands {
  Operands(Input input, Dtype type, std::int64_t row_count, std::int64_t columns,
           std::uint64_t seed)
      : kind(input), dtype(type), rows(row_count), dim(columns) {
    tests::Random random(seed);
    residual = random.normals(rows * dim);
    weight = random.normals(dim);
    const std::int64_t rows_in =
        input == Input::kSum || input == Input::kResidualSum ? rows * kSlots : rows;
    in = random.normals(rows_in * padded(dim));
    if (dtype == Dtype::kBF16) {
      for (float& x : in) x = bf16_to_f32(f32_to_bf16(x));
    }
    weights = random.normals(rows * kSlots);
    slots.resize(rows * kSlots);
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = static_cast<std::int32_t>(i);
    random.shuffle(slots);
  }

  bool has_residual() const { return kind != Input::kAdd && kind != Input::kSum; }
  bool sums() const { return kind == Input::kSum || kind == Input::kResidualSum; }
  bool adds() const { return kind == Input::kAdd || kind == Input::kResidualAdd; }

  /// What the residual becomes: exact, the same operations in float32.
  std::vector<float> sum() const {
    std::vector<float> v(rows * dim);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t i = 0; i < dim; ++i) {
        float more = 0;
        if (adds()) more = in[r * padded(dim) + i];
        for (std::int64_t k = 0; sums() && k < kSlots; ++k) {
          const float x = in[slots[r * kSlots + k] * padded(dim) + i];
          more = std::fma(weights[r * kSlots + k], x, more);
        }
        v[r * dim + i] = (has_residual() ? residual[r * dim + i] : 0.0F) + more;
      }
    }
    return v;
  }

  Input kind;
  Dtype dtype;
  std::int64_t rows, dim;
  std::vector<float> residual, weight, in, weights;
  std::vector<std::int32_t> slots;
};

struct Result {
  std::vector<float> residual, y;
  std::vector<std::uint16_t> y_bf16;
  std::vector<std::uint8_t> quantized;
  std::vector<float> scale;  // [groups, scale_ld]
  std::int64_t scale_ld = 0;
};

/// One launch over rows [first, first + count) of the operands.
Result run(const Operands& o, std::int64_t first, std::int64_t count, Dtype y_dtype,
           bool quantize) {
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const auto residual = upload(std::vector<float>(o.residual.begin() + first * o.dim,
                                                  o.residual.begin() + (first + count) * o.dim),
                               stream);
  const auto weight = upload(o.weight, stream);
  const auto in_f32 = upload(o.in, stream);
  const auto in_bf16 = upload_bf16(o.in, stream);
  const auto slots = upload(o.slots, stream);
  const auto weights = upload(o.weights, stream);
  const std::int64_t ld = padded(o.dim), groups = (o.dim + 127) / 128;
  Result result;
  result.scale_ld = (count + 3) / 4 * 4;
  const auto y = poisoned<float>(count * ld, stream);
  const auto quantized = poisoned<std::uint8_t>(count * ld, stream);
  const auto scale = poisoned<float>(groups * result.scale_ld, stream);
  Rows in{.data = o.dtype == Dtype::kF32 ? static_cast<void*>(in_f32.data())
                                         : static_cast<void*>(in_bf16.data()),
          .dtype = o.dtype,
          .ld = ld};
  RmsNormCudaArgs args{.residual = o.has_residual() ? residual.data() : nullptr,
                       .weight = weight.data(),
                       .y = {.data = y.data(), .dtype = y_dtype, .ld = ld},
                       .rows = count,
                       .dim = o.dim,
                       .eps = kEps};
  if (o.sums()) {
    args.sum = {.expert_out = in,
                .slots = slots.data() + first * kSlots,
                .weights = weights.data() + first * kSlots,
                .slot_count = kSlots};
  } else if (o.adds()) {
    args.add = in;
    args.add.data = static_cast<std::byte*>(in.data) +
                    first * ld * static_cast<std::int64_t>(dtype_bytes(o.dtype));
  }
  if (quantize) {
    args.quantized = {.data = quantized.data(),
                      .dtype = Dtype::kF8E4M3,
                      .ld = ld,
                      .scale = scale.data(),
                      .scale_ld = result.scale_ld};
  }
  rms_norm_cuda(args, stream);
  result.residual = download(residual, stream);
  const auto raw = download(y, stream);
  for (std::int64_t r = 0; r < count; ++r) {
    for (std::int64_t i = 0; i < o.dim; ++i) {
      if (y_dtype == Dtype::kF32) {
        result.y.push_back(raw[r * ld + i]);
      } else {
        const auto* bits = reinterpret_cast<const std::uint16_t*>(raw.data());
        result.y_bf16.push_back(bits[r * ld + i]);
        result.y.push_back(bf16_to_f32(bits[r * ld + i]));
      }
    }
  }
  result.quantized = download(quantized, stream);
  result.scale = download(scale, stream);
  return result;
}

Result run(const Operands& o, Dtype y_dtype, bool quantize) {
  return run(o, 0, o.rows, y_dtype, quantize);
}

std::vector<float> normalized(const Operands& o, const std::vector<float>& v) {
  std::vector<float> y(v.size());
  for (std::int64_t r = 0; r < o.rows; ++r) {
    double squares = 0;
    for (std::int64_t i = 0; i < o.dim; ++i) squares += double{v[r * o.dim + i]} * v[r * o.dim + i];
    const double factor = 1 / std::sqrt(squares / static_cast<double>(o.dim) + double{kEps});
    for (std::int64_t i = 0; i < o.dim; ++i) {
      y[r * o.dim + i] = static_cast<float>(o.weight[i] * (v[r * o.dim + i] * factor));
    }
  }
  return y;
}

/// A sum of squares passes through at most 32 steps of a chain, 5 of a tree and 16 of warps,
/// each off by 2^-24 of it; its root by half; then six roundings.
constexpr float kNormError = (53 / 2 + 6) * 0x1p-24F;

/// The e4m3 nearest to x, ties to the even code; saturating.
std::uint8_t nearest_e4m3(float x) {
  if (std::isnan(x)) return 0x7F;
  const std::uint8_t sign = std::signbit(x) ? 0x80 : 0;
  const double magnitude = std::min(std::fabs(double{x}), 448.0);
  std::uint8_t best = 0;
  for (std::uint8_t code = 1; code <= 0x7E; ++code) {
    const double gain = std::fabs(magnitude - double{e4m3_to_f32(best)}) -
                        std::fabs(magnitude - double{e4m3_to_f32(code)});
    if (gain > 0 || (gain == 0 && code % 2 == 0)) best = code;
  }
  return sign | best;
}

/// Checks quantised rows against their float32 values, bit by bit.
void expect_quantized(const std::vector<float>& y, std::int64_t rows, std::int64_t dim,
                      const std::vector<std::uint8_t>& quantized, const std::vector<float>& scale,
                      std::int64_t scale_ld) {
  int wrong = 0;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < dim; c += 128) {
      const std::int64_t end = std::min(dim, c + 128);
      float most = 0;
      for (std::int64_t i = c; i < end; ++i) most = std::max(most, std::fabs(y[r * dim + i]));
      const float s = std::max(most, 1e-4F) / 448.0F;
      ASSERT_EQ(scale[c / 128 * scale_ld + r], s) << "row " << r << " column " << c;
      for (std::int64_t i = c; i < end; ++i) {
        wrong += quantized[r * padded(dim) + i] != nearest_e4m3(y[r * dim + i] / s);
      }
    }
  }
  EXPECT_EQ(wrong, 0);
}

void expect_norm(const Operands& o) {
  SCOPED_TRACE(testing::Message() << o.rows << " x " << o.dim << " input "
                                  << static_cast<int>(o.kind) << " " << dtype_name(o.dtype));
  const std::vector<float> v = o.sum();
  const std::vector<float> want = normalized(o, v);
  const bool quantize = o.dim % 4 == 0;
  const Result f32 = run(o, Dtype::kF32, quantize);
  EXPECT_TRUE(close(f32.y, want, {.rel = kNormError}));
  if (o.has_residual()) {
    EXPECT_TRUE(close(f32.residual, v, {}));
  }
  if (quantize) {
    expect_quantized(f32.y, o.rows, o.dim, f32.quantized, f32.scale, f32.scale_ld);
  }
  const Result bf16 = run(o, Dtype::kBF16, false);
  for (std::size_t i = 0; i < f32.y.size(); ++i) {
    ASSERT_EQ(bf16.y_bf16[i], f32_to_bf16(f32.y[i])) << i;
  }
}

TEST(RmsNormCuda, SmallShapes) {
  MOEBIUS_NEEDS_GPU();
  std::uint64_t seed = tests::seed_or(21);
  for (const Input input :
       {Input::kResidual, Input::kAdd, Input::kResidualAdd, Input::kResidualSum, Input::kSum}) {
    for (const std::int64_t dim : {1, 33, 100, 128, 512, 2048}) {
      for (const Dtype dtype : {Dtype::kF32, Dtype::kBF16}) {
        expect_norm(Operands(input, dtype, 7, dim, ++seed));
      }
    }
  }
}

TEST(RmsNormCuda, ModelShapes) {
  MOEBIUS_NEEDS_GPU();
  std::uint64_t seed = tests::seed_or(22);
  for (const std::int64_t dim : {576, 1536, 4096, 5120, 7168, 16384, 16383}) {
    for (const Input input : {Input::kResidualAdd, Input::kResidualSum}) {
      expect_norm(Operands(input, Dtype::kBF16, 5, dim, ++seed));
    }
  }
  expect_norm(Operands(Input::kResidualAdd, Dtype::kBF16, 1000, 2048, ++seed));
  expect_norm(Operands(Input::kResidual, Dtype::kBF16, 0, 2048, ++seed));
}

TEST(RmsNormCuda, ARowAloneHasTheBitsItHasInCompany) {
  MOEBIUS_NEEDS_GPU();
  const std::uint64_t seed = tests::seed_or(23);
  for (const std::int64_t dim : {512, 2048, 7168}) {
    const Operands o(Input::kResidualSum, Dtype::kBF16, 64, dim, seed);
    const Result all = run(o, Dtype::kF32, true);
    for (const std::int64_t row : {0, 13, 63}) {
      const Result one = run(o, row, 1, Dtype::kF32, true);
      const std::vector<float> want(all.y.begin() + row * dim, all.y.begin() + (row + 1) * dim);
      EXPECT_TRUE(close(one.y, want, {}));
      EXPECT_TRUE(std::equal(one.quantized.begin(), one.quantized.end(),
                             all.quantized.begin() + row * padded(dim)));
    }
  }
}

TEST(RmsNormCuda, ReadsTheRowsItIsTold) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const Operands o(Input::kResidual, Dtype::kF32, 64, 2048, tests::seed_or(24));
  const Result all = run(o, Dtype::kF32, false);
  const std::vector<std::int32_t> chosen{63, 0, 17, 17};
  const auto residual = upload(o.residual, stream);
  const auto weight = upload(o.weight, stream);
  const auto rows = upload(chosen, stream);
  const auto y = poisoned<float>(chosen.size() * o.dim, stream);
  rms_norm_cuda({.residual = residual.data(),
                 .residual_rows = rows.data(),
                 .weight = weight.data(),
                 .y = {.data = y.data(), .dtype = Dtype::kF32, .ld = o.dim},
                 .rows = std::ssize(chosen),
                 .dim = o.dim,
                 .eps = kEps},
                stream);
  std::vector<float> want;
  for (const std::int32_t r : chosen) {
    want.insert(want.end(), all.y.begin() + r * o.dim, all.y.begin() + (r + 1) * o.dim);
  }
  EXPECT_TRUE(close(download(y, stream), want, {}));
  EXPECT_TRUE(close(download(residual, stream), o.residual, {}));
}

TEST(RmsNormCuda, WithoutAWeightTheSumAlone) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const Operands o(Input::kResidualAdd, Dtype::kF32, 3, 2048, tests::seed_or(25));
  const auto residual = upload(o.residual, stream);
  const auto add = upload(o.in, stream);
  rms_norm_cuda({.residual = residual.data(),
                 .add = {.data = add.data(), .dtype = Dtype::kF32, .ld = o.dim},
                 .rows = o.rows,
                 .dim = o.dim},
                stream);
  EXPECT_TRUE(close(download(residual, stream), o.sum(), {}));
}

TEST(QuantizeCuda, BitsOfTheDefinition) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  tests::Random random(tests::seed_or(26));
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBF16}) {
    for (const std::int64_t dim : {128, 1408, 576, 2048, 18432, 100}) {
      for (const std::int64_t rows : {1, 7, 64}) {
        SCOPED_TRACE(testing::Message() << rows << " x " << dim << " " << dtype_name(dtype));
        std::vector<float> x = random.normals(rows * padded(dim));
        // A group of zeros, and one whose scale is the least.
        for (std::int64_t i = 0; i < std::min<std::int64_t>(dim, 128); ++i) x[i] = 0;
        if (dim >= 256) {
          for (std::int64_t i = 128; i < 256; ++i) x[i] *= 1e-6F;
        }
        const auto f32 = upload(x, stream);
        const auto bf16 = upload_bf16(x, stream);
        const std::int64_t ld = padded(dim), scale_ld = (rows + 3) / 4 * 4;
        const auto y = poisoned<std::uint8_t>(rows * ld, stream);
        const auto scale = poisoned<float>((dim + 127) / 128 * scale_ld, stream);
        quantize_cuda({.x = {.data = dtype == Dtype::kF32 ? static_cast<void*>(f32.data())
                                                          : static_cast<void*>(bf16.data()),
                             .dtype = dtype,
                             .ld = ld},
                       .y = {.data = y.data(),
                             .dtype = Dtype::kF8E4M3,
                             .ld = ld,
                             .scale = scale.data(),
                             .scale_ld = scale_ld},
                       .rows = rows,
                       .dim = dim},
                      stream);
        std::vector<float> values;
        for (std::int64_t r = 0; r < rows; ++r) {
          for (std::int64_t i = 0; i < dim; ++i) {
            const float value = x[r * ld + i];
            values.push_back(dtype == Dtype::kF32 ? value : bf16_to_f32(f32_to_bf16(value)));
          }
        }
        expect_quantized(values, rows, dim, download(y, stream), download(scale, stream), scale_ld);
      }
    }
  }
}

}  // namespace
}  // namespace moebius::kernels
