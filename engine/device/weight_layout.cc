#include "engine/device/weight_layout.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "engine/device/weight_rows.h"

namespace moebius::engine {
namespace {

using kernels::DeviceMatrix;
using kernels::Dtype;
using kernels::kScaleBlock;
using kernels::Matrix;

constexpr std::size_t kAlign = 256;

std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

std::int64_t blocks(std::int64_t value) {
  return (value + kScaleBlock - 1) / kScaleBlock;
}

// Elements of 16 bytes: what leading dimensions and tensor-core depths are multiples of.
std::int64_t unit(Dtype dtype) {
  return 16 / static_cast<std::int64_t>(kernels::dtype_bytes(dtype));
}

void require_multiple(const char* name, std::int64_t value, std::int64_t of) {
  if (value % of == 0) return;
  throw Error("GPU engine: " + std::string(name) + ": expected a multiple of " +
              std::to_string(of) + ", found " + std::to_string(value) +
              " (--device cpu serves it)");
}

}  // namespace

/// Puts one part after the other.
class WeightPlacer {
 public:
  using RowMap = std::function<RowFrom(std::int64_t row)>;

  WeightPlacer(WeightLayout& layout, const Config& config, Arithmetic arithmetic, std::byte* base)
      : layout_(layout), c_(config), narrow_(arithmetic == Arithmetic::kBF16), base_(base) {}

  const float* vector(const Vector& v);
  DeviceMatrix matrix(const Matrix& m);
  void layer(const LayerWeights& w, DeviceLayer& out);

 private:
  /// One of the MLPs of a stack: columns and rows [first, first + width) of these.
  struct Expert {
    const Matrix* gate = nullptr;
    const Matrix* up = nullptr;
    const Matrix* down = nullptr;
    std::int64_t first = 0;
  };

  /// Codes under group scales stand for bf16 values, which is what products take on the CPU, too.
  Dtype stored(const Matrix& m) const {
    if (m.group_scale) return Dtype::kBF16;
    const Dtype dtype = m.dtype;
    if (dtype == Dtype::kF8E4M3 || (!narrow_ && dtype == Dtype::kBF16)) return dtype;
    return narrow_ ? Dtype::kBF16 : Dtype::kF32;
  }
  std::byte* place(WeightPart part);
  /// `used` columns of `cols` come from the map, the rest are zeros.
  DeviceMatrix rows(Dtype dtype, std::int64_t rows, std::int64_t cols, std::int64_t used,
                    RowMap map);
  const float* scales(std::int64_t rows, std::int64_t cols, std::int64_t depth, RowMap map);
  DeviceMatrix stack(const std::vector<const Matrix*>& matrices);
  void project(const std::vector<std::pair<const Matrix*, Vector>>& products, DeviceLayer& out);
  void absorb(const Matrix& kv_b, DeviceLayer& out);
  DeviceMlp mlp(const std::vector<Expert>& experts, std::int64_t width);
  DeviceMatrix gate_up(const std::vector<Expert>& experts, std::int64_t width, std::int64_t padded);
  DeviceMatrix down(const std::vector<Expert>& experts, std::int64_t width, std::int64_t padded);
  void experts(const LayerWeights& w, DeviceLayer& out);

  WeightLayout& layout_;
  const Config& c_;
  bool narrow_;
  std::byte* base_;
};

std::byte* WeightPlacer::place(WeightPart part) {
  part.data = base_ + layout_.bytes_;
  layout_.bytes_ += (part.bytes() + kAlign - 1) / kAlign * kAlign;
  layout_.parts_.push_back(std::move(part));
  return layout_.parts_.back().data;
}

const float* WeightPlacer::vector(const Vector& v) {
  if (v.data == nullptr) return nullptr;
  WeightPart part{.dtype = Dtype::kF32, .rows = 1, .ld = v.size};
  part.fill = [v](std::int64_t, std::int64_t, std::byte* to) {
    std::copy_n(reinterpret_cast<const std::byte*>(v.data),
                static_cast<std::size_t>(v.size) * sizeof(float), to);
  };
  return reinterpret_cast<const float*>(place(std::move(part)));
}

DeviceMatrix WeightPlacer::rows(Dtype dtype, std::int64_t rows, std::int64_t cols,
                                std::int64_t used, RowMap map) {
  WeightPart part{.dtype = dtype, .rows = rows, .ld = round_up(cols, unit(dtype))};
  part.made_up_scale = 0.5F / std::sqrt(static_cast<float>(cols));
  part.fill = [map = std::move(map), used, dtype, ld = part.ld, size = part.row_bytes()](
                  std::int64_t begin, std::int64_t end, std::byte* to) {
    for (std::int64_t r = begin; r < end; ++r, to += size) copy_row(map(r), used, dtype, ld, to);
  };
  DeviceMatrix m{.dtype = dtype, .rows = rows, .cols = cols, .ld = part.ld};
  m.data = place(std::move(part));
  return m;
}

// `depth`: the columns of the matrix itself, for what made-up scales multiply.
const float* WeightPlacer::scales(std::int64_t rows, std::int64_t cols, std::int64_t depth,
                                  RowMap map) {
  WeightPart part{.dtype = Dtype::kF32, .rows = rows, .ld = cols};
  part.made_up_scale = 0.5F / std::sqrt(static_cast<float>(depth));
  part.positive = true;
  part.fill = [map = std::move(map), cols](std::int64_t begin, std::int64_t end, std::byte* to) {
    for (std::int64_t r = begin; r < end; ++r, to += cols * 4) copy_scales(map(r), cols, cols, to);
  };
  return reinterpret_cast<const float*>(place(std::move(part)));
}

DeviceMatrix WeightPlacer::matrix(const Matrix& m) {
  return m.empty() ? DeviceMatrix{} : stack({&m});
}

// All of one depth and one dtype; fp8: all but the last of whole scale blocks.
DeviceMatrix WeightPlacer::stack(const std::vector<const Matrix*>& matrices) {
  const auto find = [matrices](std::int64_t row, std::int64_t unit_rows) {
    for (const Matrix* m : matrices) {
      const std::int64_t own = (m->rows + unit_rows - 1) / unit_rows;
      if (row < own) return RowFrom{m, row, 0};
      row -= own;
    }
    return RowFrom{};
  };
  std::int64_t total = 0, scale_rows = 0;
  for (const Matrix* m : matrices) {
    total += m->rows;
    scale_rows += blocks(m->rows);
  }
  const Matrix& first = *matrices.front();
  if (narrow_ && stored(first) == Dtype::kF8E4M3) require_multiple("fp8 columns", first.cols, 16);
  DeviceMatrix out = rows(stored(first), total, first.cols, first.cols,
                          [find](std::int64_t row) { return find(row, 1); });
  if (out.dtype == Dtype::kF8E4M3) {
    out.scale = scales(scale_rows, blocks(first.cols), first.cols,
                       [find](std::int64_t row) { return find(row, kScaleBlock); });
  }
  return out;
}

// One product where all agree; otherwise one each, side by side in the output all the same.
void WeightPlacer::project(const std::vector<std::pair<const Matrix*, Vector>>& products,
                           DeviceLayer& out) {
  bool together = true;
  for (std::size_t i = 0; i < products.size(); ++i) {
    const Matrix& m = *products[i].first;
    together =
        together && stored(m) == stored(*products[0].first) && products[i].second.data == nullptr &&
        (stored(m) != Dtype::kF8E4M3 || m.rows % kScaleBlock == 0 || i + 1 == products.size());
  }
  if (together) {
    std::vector<const Matrix*> matrices;
    for (const auto& product : products) matrices.push_back(product.first);
    out.in.push_back({.w = stack(matrices)});
    return;
  }
  std::int64_t column = 0;
  for (const auto& [m, bias] : products) {
    out.in.push_back({.w = matrix(*m), .bias = vector(bias), .column = column});
    column += m->rows;
  }
}

// kv_b's rows of head h: qk_nope that make keys, then v_dim that make values.
void WeightPlacer::absorb(const Matrix& kv_b, DeviceLayer& out) {
  const std::int64_t head = c_.qk_nope + c_.v_dim;
  const bool short_floats = narrow_ || stored(kv_b) == Dtype::kBF16;
  const Dtype dtype = short_floats ? Dtype::kBF16 : Dtype::kF32;
  out.values = rows(dtype, c_.heads * c_.v_dim, c_.kv_lora, c_.kv_lora,
                    [&kv_b, head, v = c_.v_dim, nope = c_.qk_nope](std::int64_t row) {
                      return RowFrom{&kv_b, row / v * head + nope + row % v, 0};
                    });
  out.keys = rows(dtype, c_.heads * c_.kv_lora, c_.qk_nope, c_.qk_nope, {});
  WeightPart& part = layout_.parts_.back();
  part.fill = [&kv_b, head, lora = c_.kv_lora, nope = c_.qk_nope, dtype, ld = part.ld,
               size = part.row_bytes()](std::int64_t begin, std::int64_t end, std::byte* to) {
    std::vector<float> column(static_cast<std::size_t>(nope));
    const Matrix transposed{column.data(), Dtype::kF32, 1, nope, nullptr};
    for (std::int64_t r = begin; r < end; ++r, to += size) {
      for (std::int64_t i = 0; i < nope; ++i) {
        column[i] = element(kv_b, r / lora * head + i, r % lora);
      }
      copy_row({&transposed, 0, 0}, nope, dtype, ld, to);
    }
  };
}

DeviceMatrix WeightPlacer::gate_up(const std::vector<Expert>& experts, std::int64_t width,
                                   std::int64_t padded) {
  const std::int64_t count = std::ssize(experts);
  const Matrix& first = *experts[0].gate;
  const auto pair = [experts, width, padded](std::int64_t row) {
    const Expert& e = experts[row / (2 * padded)];
    const std::int64_t at = row % (2 * padded);
    const std::int64_t from = at / 16 * 8 + at % 8;
    if (from >= width) return RowFrom{};
    return RowFrom{at % 16 < 8 ? e.gate : e.up, e.first + from, 0};
  };
  DeviceMatrix m = rows(stored(first), count * 2 * padded, first.cols, first.cols, pair);
  if (m.dtype != Dtype::kF8E4M3) return m;
  const std::int64_t each = blocks(width);
  m.scale =
      scales(count * 2 * each, blocks(first.cols), first.cols, [experts, each](std::int64_t row) {
        const Expert& e = experts[row / (2 * each)];
        const std::int64_t at = row % (2 * each);
        return RowFrom{at < each ? e.gate : e.up, e.first / kScaleBlock + at % each, 0};
      });
  return m;
}

DeviceMatrix WeightPlacer::down(const std::vector<Expert>& experts, std::int64_t width,
                                std::int64_t padded) {
  const std::int64_t count = std::ssize(experts);
  const std::int64_t hidden = experts[0].down->rows;
  DeviceMatrix m = rows(stored(*experts[0].down), count * hidden, padded, width,
                        [experts, hidden](std::int64_t row) {
                          const Expert& e = experts[row / hidden];
                          return RowFrom{e.down, row % hidden, e.first};
                        });
  if (m.dtype != Dtype::kF8E4M3) return m;
  const std::int64_t each = blocks(hidden);
  m.scale = scales(count * each, blocks(width), width, [experts, each](std::int64_t row) {
    const Expert& e = experts[row / each];
    return RowFrom{e.down, row % each, e.first / kScaleBlock};
  });
  return m;
}

DeviceMlp WeightPlacer::mlp(const std::vector<Expert>& experts, std::int64_t width) {
  const bool fp8 = stored(*experts[0].down) == Dtype::kF8E4M3;
  DeviceMlp out;
  out.width = round_up(width, fp8 ? 16 : 8);
  out.gate_up = gate_up(experts, width, out.width);
  out.down = down(experts, width, out.width);
  return out;
}

// The shared expert is cut into parts of the others' width, which then serve every row.
void WeightPlacer::experts(const LayerWeights& w, DeviceLayer& out) {
  std::vector<Expert> all;
  for (std::size_t e = 0; e < w.gates.size(); ++e) {
    all.push_back({&w.gates[e], &w.ups[e], &w.downs[e]});
  }
  const MlpWeights& s = w.shared;
  const auto alike = [&](const Matrix& a, const Matrix& b) { return stored(a) == stored(b); };
  if (!s.gate.empty()) {
    const std::int64_t parts = c_.shared_width / c_.expert_width;
    const bool blocks_fit =
        stored(s.gate) != Dtype::kF8E4M3 || parts == 1 || c_.expert_width % kScaleBlock == 0;
    if (c_.shared_width % c_.expert_width == 0 && blocks_fit && s.down_bias.data == nullptr &&
        alike(s.gate, w.gates[0]) && alike(s.up, w.ups[0]) && alike(s.down, w.downs[0])) {
      out.shared_parts = parts;
      for (std::int64_t i = 0; i < parts; ++i) {
        all.push_back({&s.gate, &s.up, &s.down, i * c_.expert_width});
      }
    } else {
      out.shared = mlp({{&s.gate, &s.up, &s.down}}, c_.shared_width);
      out.shared.down_bias = vector(s.down_bias);
    }
  }
  out.experts = mlp(all, c_.expert_width);
  out.router = matrix(w.router);
  out.router_bias = vector(w.router_bias);
}

void WeightPlacer::layer(const LayerWeights& w, DeviceLayer& out) {
  out.attention_norm = vector(w.attention_norm);
  out.ffn_norm = vector(w.ffn_norm);
  if (c_.attention == AttentionKind::kMla) {
    const bool low_rank = c_.q_lora > 0;
    project({{low_rank ? &w.q_a : &w.q, low_rank ? w.q_a_bias : Vector{}}, {&w.kv_a, w.kv_a_bias}},
            out);
    out.q_a_norm = vector(w.q_a_norm);
    out.kv_a_norm = vector(w.kv_a_norm);
    out.q_b = matrix(w.q_b);
    absorb(w.kv_b, out);
  } else {
    project({{&w.q, w.q_bias}, {&w.k, w.k_bias}, {&w.v, w.v_bias}}, out);
    out.q_norm = vector(w.q_norm);
    out.k_norm = vector(w.k_norm);
  }
  out.o = matrix(w.o);
  out.o_bias = vector(w.o_bias);
  if (!w.gates.empty()) {
    experts(w, out);
  } else {
    out.dense = mlp({{&w.dense.gate, &w.dense.up, &w.dense.down}}, c_.dense_width);
    out.dense.down_bias = vector(w.dense.down_bias);
  }
}

namespace {

// What the kernels' tiles and 16-byte accesses ask of the dimensions.
void require_served(const Config& c, Arithmetic arithmetic) {
  const std::int64_t of = arithmetic == Arithmetic::kBF16 ? 8 : 4;
  if (c.mlp_bias) {
    throw Error("GPU engine: mlp_bias: expected no biases, found some (--device cpu serves them)");
  }
  require_multiple("hidden_size", c.hidden, of);
  require_multiple("vocab_size", c.vocab, 4);
  require_multiple("number of experts", c.experts, 4);
  if (c.attention == AttentionKind::kMla) {
    require_multiple("q_lora_rank", c.q_lora, 8);
    require_multiple("kv_lora_rank", c.kv_lora, 8);
    require_multiple("qk_nope_head_dim", c.qk_nope, 8);
    require_multiple("qk_rope_head_dim", c.qk_rope, of);
    require_multiple("v_head_dim", c.v_dim, 8);
  } else {
    require_multiple("head_dim", c.head_dim, 8);
  }
}

}  // namespace

WeightLayout::WeightLayout(const Config& config, const ModelWeights& weights, Arithmetic arithmetic,
                           std::byte* base) {
  require_served(config, arithmetic);
  WeightPlacer placer(*this, config, arithmetic, base);
  model_.embedding = placer.matrix(weights.embedding);
  model_.inv_freq = placer.vector({config.rope.inv_freq.data(), std::ssize(config.rope.inv_freq)});
  for (const LayerWeights& layer : weights.layers) {
    placer.layer(layer, model_.layers.emplace_back());
  }
  model_.final_norm = placer.vector(weights.final_norm);
  model_.head = config.tied_head ? model_.embedding : placer.matrix(weights.head);
}

}  // namespace moebius::engine
