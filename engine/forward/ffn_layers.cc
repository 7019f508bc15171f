// Feed-forward blocks: dense MLP and mixture of experts.
#include <array>
#include <span>

#include "engine/forward/workspace.h"
#include "kernels/gemm/gemm.h"
#include "kernels/permute/permute.h"
#include "kernels/router/router.h"
#include "kernels/vector/vector.h"

namespace moebius::engine {
namespace {

void product(const Pass& p, const float* x, const kernels::Matrix& w, const Vector& bias,
             kernels::Precision precision, float* y) {
  kernels::gemm({.x = x,
                 .ldx = w.cols,
                 .w = w,
                 .bias = bias.data,
                 .y = y,
                 .ldy = w.rows,
                 .rows = p.batch.rows,
                 .precision = precision},
                p.stream);
}

// silu(x gate^T) * (x up^T) to work.wide.
void gate_up(const Pass& p, const MlpWeights& w) {
  Workspace& m = p.work;
  if (w.gate_bias.data) {
    product(p, m.x.data(), w.gate, w.gate_bias, p.precision, m.wide.data());
    product(p, m.x.data(), w.up, w.up_bias, p.precision, m.wide_up.data());
    kernels::silu_mul(m.wide.data(), m.wide_up.data(), m.wide.data(), p.batch.rows * w.gate.rows,
                      p.stream);
    return;
  }
  const std::array<std::int32_t, 2> all{0, static_cast<std::int32_t>(p.batch.rows)};
  kernels::grouped_gemm({.x = m.x.data(),
                         .ldx = p.config.hidden,
                         .w = std::span(&w.gate, 1),
                         .up = std::span(&w.up, 1),
                         .offsets = all.data(),
                         .y = m.wide.data(),
                         .ldy = w.gate.rows,
                         .rows = p.batch.rows,
                         .precision = p.precision},
                        p.stream);
}

void mlp(const Pass& p, const MlpWeights& w, float* y) {
  gate_up(p, w);
  product(p, p.work.wide.data(), w.down, w.down_bias, p.precision, y);
}

// Which experts, with what weights. Logits are float32 in every mode: near ties
// would otherwise route to other experts than the reference.
void route(const Pass& p, const LayerWeights& w) {
  const Config& c = p.config;
  Workspace& m = p.work;
  product(p, m.x.data(), w.router, {}, kernels::Precision::kF32, m.router_logits.data());
  kernels::router({.logits = m.router_logits.data(),
                   .bias = w.router_bias.data,
                   .expert_ids = m.expert_ids.data(),
                   .expert_weights = m.expert_weights.data(),
                   .rows = p.batch.rows,
                   .experts = c.experts,
                   .top_k = c.top_k,
                   .score = c.router_score,
                   .groups = c.groups,
                   .top_groups = c.top_groups,
                   .group_score = c.group_score,
                   .normalize = c.router_normalize,
                   .scale = c.router_scale},
                  p.stream);
  kernels::permute({.expert_ids = m.expert_ids.data(),
                    .rows = p.batch.rows,
                    .top_k = c.top_k,
                    .experts = c.experts,
                    .offsets = m.offsets.data(),
                    .source_rows = m.source_rows.data(),
                    .slots = m.slots.data()},
                   p.stream);
}

void run_experts(const Pass& p, const LayerWeights& w) {
  const Config& c = p.config;
  Workspace& m = p.work;
  const std::int64_t rows = p.batch.rows * c.top_k;
  kernels::grouped_gemm({.x = m.x.data(),
                         .ldx = c.hidden,
                         .x_rows = m.source_rows.data(),
                         .w = w.gates,
                         .up = w.ups,
                         .offsets = m.offsets.data(),
                         .y = m.wide.data(),
                         .ldy = c.expert_width,
                         .rows = rows,
                         .precision = p.precision},
                        p.stream);
  kernels::grouped_gemm({.x = m.wide.data(),
                         .ldx = c.expert_width,
                         .w = w.downs,
                         .offsets = m.offsets.data(),
                         .y = m.expert_out.data(),
                         .ldy = c.hidden,
                         .rows = rows,
                         .precision = p.precision},
                        p.stream);
}

}  // namespace

void dense_layer(const Pass& p, const LayerWeights& w) {
  mlp(p, w.dense, p.work.out.data());
}

void moe_layer(const Pass& p, const LayerWeights& w) {
  const Config& c = p.config;
  Workspace& m = p.work;
  route(p, w);
  run_experts(p, w);
  const bool shared = c.shared_width > 0;
  if (shared) mlp(p, w.shared, m.shared_out.data());
  kernels::combine({.expert_out = m.expert_out.data(),
                    .slots = m.slots.data(),
                    .weights = m.expert_weights.data(),
                    .shared = shared ? m.shared_out.data() : nullptr,
                    .y = m.out.data(),
                    .rows = p.batch.rows,
                    .top_k = c.top_k,
                    .dim = c.hidden},
                   p.stream);
}

}  // namespace moebius::engine
