// Every element on the device is the checkpoint's element that its place stands for.
#include "engine/device/weight_layout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <list>
#include <string>

#include "kernels/gemm/weight_value.h"
#include "kernels/simd/convert.h"
#include "tests/support/random.h"

namespace moebius::engine {
namespace {

using kernels::DeviceMatrix;
using kernels::Dtype;
using kernels::Matrix;

constexpr std::int64_t kHidden = 48;

/// Matrices of random bits that are finite numbers.
class Weights {
 public:
  Matrix matrix(Dtype dtype, std::int64_t rows, std::int64_t cols) {
    if (kernels::is_packed(dtype)) return codes(dtype, rows, cols);
    bytes_.emplace_back(static_cast<std::size_t>(rows * cols) * kernels::dtype_bytes(dtype));
    std::vector<std::byte>& bytes = bytes_.back();
    for (std::size_t i = 0; i < bytes.size(); i += kernels::dtype_bytes(dtype)) {
      const float value = random_.normal();
      const std::uint16_t bits = kernels::f32_to_bf16(value);
      const auto eight = static_cast<std::uint8_t>(random_.next() & 0xBF);
      if (dtype == Dtype::kF32) std::memcpy(&bytes[i], &value, 4);
      if (dtype == Dtype::kBF16) std::memcpy(&bytes[i], &bits, 2);
      if (dtype == Dtype::kF8E4M3) std::memcpy(&bytes[i], &eight, 1);
    }
    Matrix m{bytes.data(), dtype, rows, cols, nullptr};
    if (dtype != Dtype::kF8E4M3) return m;
    const auto count = static_cast<std::size_t>((rows + 127) / 128 * ((cols + 127) / 128));
    scales_.push_back(random_.normals(count));
    m.scale = scales_.back().data();
    return m;
  }
  /// Random codes in groups of 32.
  Matrix codes(Dtype dtype, std::int64_t rows, std::int64_t cols) {
    Matrix m{.dtype = dtype, .rows = rows, .cols = cols, .group = 32};
    std::vector<std::byte>& bytes = bytes_.emplace_back(m.bytes());
    for (std::byte& b : bytes) b = static_cast<std::byte>(random_.next());
    std::vector<std::uint16_t>& scales = group_scales_.emplace_back();
    for (std::int64_t i = 0; i < rows * ((cols + 31) / 32); ++i) {
      scales.push_back(kernels::f32_to_bf16(std::abs(random_.normal()) + 0.01F));
    }
    m.data = bytes.data();
    m.group_scale = scales.data();
    return m;
  }
  Vector vector(std::int64_t size) {
    scales_.push_back(random_.normals(static_cast<std::size_t>(size)));
    return {scales_.back().data(), size};
  }
  MlpWeights mlp(Dtype dtype, std::int64_t width) {
    return {matrix(dtype, width, kHidden), matrix(dtype, width, kHidden),
            matrix(dtype, kHidden, width)};
  }

 private:
  tests::Random random_{7};
  std::list<std::vector<std::byte>> bytes_;
  std::list<std::vector<float>> scales_;
  std::list<std::vector<std::uint16_t>> group_scales_;
};

float value_of(const std::byte* at, Dtype dtype) {
  std::uint16_t bits = 0;
  float value = 0;
  if (dtype == Dtype::kF32) std::memcpy(&value, at, 4);
  if (dtype == Dtype::kBF16) std::memcpy(&bits, at, 2), value = kernels::bf16_to_f32(bits);
  if (dtype == Dtype::kF8E4M3) value = kernels::e4m3_to_f32(static_cast<std::uint8_t>(*at));
  return value;
}

/// As the checkpoint means it, scale included.
float want_of(const Matrix& m, std::int64_t row, std::int64_t col) {
  if (m.group_scale) return kernels::weight_value(m, row, col);
  const auto* at = static_cast<const std::byte*>(m.data) +
                   (row * m.cols + col) * static_cast<std::int64_t>(kernels::dtype_bytes(m.dtype));
  const float value = value_of(at, m.dtype);
  return m.scale ? value * m.scale[row / 128 * ((m.cols + 127) / 128) + col / 128] : value;
}

/// A layout filled into host memory, so that a device pointer can be looked through.
class Filled {
 public:
  Filled(const Config& config, const ModelWeights& weights, Arithmetic arithmetic)
      : memory_(WeightLayout(config, weights, arithmetic, nullptr).bytes() + 256, std::byte{0xff}),
        layout_(config, weights, arithmetic, base()) {
    for (const WeightPart& part : layout_.parts()) {
      // In pieces of three rows, to see that pieces do not matter.
      for (std::int64_t r = 0; r < part.rows; r += 3) {
        const std::int64_t end = std::min(part.rows, r + 3);
        part.fill(r, end, part.data + r * static_cast<std::int64_t>(part.row_bytes()));
      }
    }
  }
  const DeviceModel& model() const { return layout_.model(); }

  /// Element of the stored matrix; `matrix_rows` of each matrix of a stack share scale rows.
  static float got(const DeviceMatrix& m, std::int64_t row, std::int64_t col,
                   std::int64_t scale_row) {
    const auto* at = static_cast<const std::byte*>(m.data) +
                     (row * m.ld + col) * static_cast<std::int64_t>(kernels::dtype_bytes(m.dtype));
    const float value = value_of(at, m.dtype);
    return m.scale ? value * m.scale[scale_row * ((m.cols + 127) / 128) + col / 128] : value;
  }

 private:
  std::byte* base() {
    return reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(memory_.data()) + 255) /
                                        256 * 256);
  }
  std::vector<std::byte> memory_;
  WeightLayout layout_;
};

Config moe_config(std::int64_t width, std::int64_t shared_parts) {
  Config c;
  c.vocab = 32;
  c.hidden = kHidden;
  c.layers = 1;
  c.attention = AttentionKind::kMla;
  c.heads = 3;
  c.q_lora = 128;
  c.kv_lora = 40;
  c.qk_nope = 16;
  c.qk_rope = 8;
  c.v_dim = 32;
  c.rope.half = 4;
  c.rope.inv_freq = {1, 0.5F, 0.25F, 0.125F};
  c.moe_layer = {true};
  c.experts = 4;
  c.top_k = 2;
  c.expert_width = width;
  c.shared_width = shared_parts * width;
  return c;
}

ModelWeights moe_weights(const Config& c, Dtype dtype, Weights& from) {
  LayerWeights w;
  w.attention_norm = from.vector(kHidden);
  w.ffn_norm = from.vector(kHidden);
  w.q_a = from.matrix(dtype, c.q_lora, kHidden);
  w.q_a_norm = from.vector(c.q_lora);
  w.q_b = from.matrix(dtype, c.heads * (c.qk_nope + c.qk_rope), c.q_lora);
  w.kv_a = from.matrix(dtype, c.kv_lora + c.qk_rope, kHidden);
  w.kv_a_norm = from.vector(c.kv_lora);
  w.kv_b = from.matrix(dtype, c.heads * (c.qk_nope + c.v_dim), c.kv_lora);
  w.o = from.matrix(dtype, kHidden, c.heads * c.v_dim);
  w.router = from.matrix(Dtype::kBF16, c.experts, kHidden);
  for (std::int64_t e = 0; e < c.experts; ++e) {
    const MlpWeights expert = from.mlp(dtype, c.expert_width);
    w.gates.push_back(expert.gate);
    w.ups.push_back(expert.up);
    w.downs.push_back(expert.down);
  }
  w.shared = from.mlp(dtype, c.shared_width);
  ModelWeights weights;
  weights.embedding = from.matrix(Dtype::kBF16, c.vocab, kHidden);
  weights.layers.push_back(std::move(w));
  weights.final_norm = from.vector(kHidden);
  weights.head = from.matrix(Dtype::kBF16, c.vocab, kHidden);
  return weights;
}

// Where rows.h says gate (0) and up (1) row i of a pair-packed matrix lie.
std::int64_t pair_row(std::int64_t i, int half) {
  return i / 8 * 16 + half * 8 + i % 8;
}

class Experts : public testing::TestWithParam<std::tuple<Dtype, std::int64_t>> {};

TEST_P(Experts, LieAsTheKernelsReadThem) {
  const auto [dtype, width] = GetParam();
  const std::int64_t parts = 2;
  const Config c = moe_config(width, parts);
  Weights from;
  const ModelWeights weights = moe_weights(c, dtype, from);
  const Filled filled(c, weights, Arithmetic::kF32);
  const DeviceLayer& layer = filled.model().layers[0];
  const LayerWeights& w = weights.layers[0];
  const bool joined = dtype != Dtype::kF8E4M3 || width % 128 == 0;
  ASSERT_EQ(layer.shared_parts, joined ? parts : 0);
  const DeviceMlp& mlp = layer.experts;
  EXPECT_GE(mlp.width, width);
  EXPECT_EQ(mlp.gate_up.rows, (4 + layer.shared_parts) * 2 * mlp.width);
  EXPECT_EQ(mlp.down.cols, mlp.width);
  const std::int64_t blocks = (width + 127) / 128;
  for (std::int64_t e = 0; e < 4 + layer.shared_parts; ++e) {
    const bool shared = e >= 4;
    const std::int64_t first = shared ? (e - 4) * width : 0;
    for (std::int64_t i = 0; i < mlp.width; ++i) {
      for (int half : {0, 1}) {
        const Matrix& m =
            shared ? (half ? w.shared.up : w.shared.gate) : (half ? w.ups[e] : w.gates[e]);
        for (std::int64_t k = 0; k < kHidden; ++k) {
          const float want = i < width ? want_of(m, first + i, k) : 0;
          const float got = Filled::got(mlp.gate_up, e * 2 * mlp.width + pair_row(i, half), k,
                                        (2 * e + half) * blocks + i / 128);
          ASSERT_EQ(got, want) << "expert " << e << " row " << i << " half " << half;
        }
      }
      for (std::int64_t h = 0; h < kHidden; ++h) {
        const Matrix& m = shared ? w.shared.down : w.downs[e];
        const float want = i < width ? want_of(m, h, first + i) : 0;
        ASSERT_EQ(Filled::got(mlp.down, e * kHidden + h, i, e), want) << "expert " << e;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Widths, Experts,
                         testing::Combine(testing::Values(Dtype::kF32, Dtype::kBF16, Dtype::kF8E4M3,
                                                          Dtype::kI8, Dtype::kI4),
                                          testing::Values(8, 20, 48, 128, 256)));

TEST(WeightLayout, AbsorbsKeysAndKeepsValues) {
  const Config c = moe_config(16, 1);
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBF16, Dtype::kF8E4M3, Dtype::kI4}) {
    Weights from;
    const ModelWeights weights = moe_weights(c, dtype, from);
    const Filled filled(c, weights, Arithmetic::kF32);
    const DeviceLayer& layer = filled.model().layers[0];
    const Matrix& kv_b = weights.layers[0].kv_b;
    ASSERT_EQ(layer.keys.scale, nullptr);
    for (std::int64_t h = 0; h < c.heads; ++h) {
      for (std::int64_t k = 0; k < c.kv_lora; ++k) {
        for (std::int64_t i = 0; i < c.qk_nope; ++i) {
          ASSERT_EQ(Filled::got(layer.keys, h * c.kv_lora + k, i, 0),
                    want_of(kv_b, h * (c.qk_nope + c.v_dim) + i, k));
        }
        for (std::int64_t i = 0; i < c.v_dim; ++i) {
          ASSERT_EQ(Filled::got(layer.values, h * c.v_dim + i, k, 0),
                    want_of(kv_b, h * (c.qk_nope + c.v_dim) + c.qk_nope + i, k));
        }
      }
    }
  }
}

TEST(WeightLayout, StacksWhatReadsTheSameRows) {
  const Config c = moe_config(16, 1);
  Weights from;
  const ModelWeights weights = moe_weights(c, Dtype::kF8E4M3, from);
  const Filled filled(c, weights, Arithmetic::kBF16);
  const DeviceLayer& layer = filled.model().layers[0];
  ASSERT_EQ(layer.in.size(), 1U);
  const DeviceMatrix& in = layer.in[0].w;
  ASSERT_EQ(in.rows, c.q_lora + c.kv_lora + c.qk_rope);
  for (std::int64_t r = 0; r < in.rows; ++r) {
    const bool first = r < c.q_lora;
    const Matrix& m = first ? weights.layers[0].q_a : weights.layers[0].kv_a;
    for (std::int64_t k = 0; k < kHidden; ++k) {
      ASSERT_EQ(Filled::got(in, r, k, r / 128), want_of(m, first ? r : r - c.q_lora, k));
    }
  }
}

TEST(WeightLayout, KeepsUnlikeProjectionsApart) {
  const Config c = moe_config(16, 1);
  Weights from;
  ModelWeights weights = moe_weights(c, Dtype::kBF16, from);
  weights.layers[0].kv_a = from.matrix(Dtype::kF32, c.kv_lora + c.qk_rope, kHidden);
  const Filled filled(c, weights, Arithmetic::kF32);
  const DeviceLayer& layer = filled.model().layers[0];
  ASSERT_EQ(layer.in.size(), 2U);
  EXPECT_EQ(layer.in[1].column, c.q_lora);
  EXPECT_EQ(Filled::got(layer.in[1].w, 5, 6, 0), want_of(weights.layers[0].kv_a, 5, 6));
  // In bf16 both are bf16, and meet again.
  EXPECT_EQ(Filled(c, weights, Arithmetic::kBF16).model().layers[0].in.size(), 1U);
}

TEST(WeightLayout, RefusesWhatKernelsDoNotServe) {
  const auto refused = [](Config c, const std::string& part) {
    Weights from;
    const ModelWeights weights = moe_weights(c, Dtype::kBF16, from);
    try {
      const WeightLayout layout(c, weights, Arithmetic::kBF16, nullptr);
      ADD_FAILURE() << "laid out: " << part;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  Config c = moe_config(16, 1);
  c.qk_nope = 12;
  refused(c, "qk_nope_head_dim");
  c = moe_config(16, 1);
  c.mlp_bias = true;
  refused(c, "mlp_bias");
}

}  // namespace
}  // namespace moebius::engine
