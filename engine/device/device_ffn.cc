// Feed-forward blocks on the device: dense MLP and mixture of experts; and the norms between
// blocks.
#include "engine/device/device_layers.h"
#include "engine/device/device_products.h"
#include "kernels/router/router_cuda.h"

namespace moebius::engine {
namespace {

using kernels::Rows;

// silu(x gate^T) * (x up^T), then down, over the step's rows.
void mlp(const DevicePass& p, const DeviceMlp& w, const Rows& y) {
  const Rows wide = packed(p.work.wide, w.width);
  kernels::gemm_cuda({.x = takes_fp8(p, w.gate_up) ? p.work.x8 : p.work.x,
                      .w = w.gate_up,
                      .y = wide,
                      .rows = p.step.rows,
                      .n = w.gate_up.rows,
                      .pairs = true},
                     p.stream);
  product(p, wide, w.down, w.down_bias, y);
}

// Whether the router's product is beyond what tensor cores serve: then it is made of float32 rows.
bool wide_router(const DevicePass& p) {
  return p.narrow && !p.work.x32.empty();
}

void route(const DevicePass& p, const DeviceLayer& w, std::int64_t* loads) {
  const Config& c = p.config;
  const DeviceWorkspace& m = p.work;
  kernels::gemm_cuda(
      {.x = wide_router(p) ? m.x32 : m.x,
       .w = w.router,
       .y = {.data = m.router_logits, .dtype = kernels::Dtype::kF32, .ld = c.experts},
       .rows = p.step.rows,
       .n = c.experts},
      p.stream);
  kernels::router_cuda({.router = {.logits = m.router_logits,
                                   .bias = w.router_bias,
                                   .expert_ids = m.expert_ids,
                                   .expert_weights = m.expert_weights,
                                   .rows = p.step.rows,
                                   .experts = c.experts,
                                   .top_k = c.top_k,
                                   .score = c.router_score,
                                   .groups = c.groups,
                                   .top_groups = c.top_groups,
                                   .group_score = c.group_score,
                                   .normalize = c.router_normalize,
                                   .scale = c.router_scale},
                        .shared = w.shared_parts,
                        .offsets = m.offsets,
                        .source_rows = m.source_rows,
                        .slots = m.slots,
                        .loads = loads,
                        .workspace = m.router},
                       p.stream);
}

// The step's rows in the experts' order; of a single bf16 row no copies are made.
Rows expert_inputs(const DevicePass& p, const DeviceMlp& e, std::int64_t rows, bool one_row) {
  const DeviceWorkspace& m = p.work;
  if (one_row) return m.x;
  const bool fp8 = takes_fp8(p, e.gate_up);
  const Rows gathered = fp8 ? m.gathered8 : m.gathered;
  kernels::gather_rows_cuda({.x = fp8 ? m.x8 : m.x,
                             .source_rows = m.source_rows,
                             .y = gathered,
                             .rows = rows,
                             .width = p.config.hidden},
                            p.stream);
  return gathered;
}

void run_experts(const DevicePass& p, const DeviceLayer& w) {
  const Config& c = p.config;
  const DeviceWorkspace& m = p.work;
  const DeviceMlp& e = w.experts;
  const std::int64_t rows = p.step.rows * (c.top_k + w.shared_parts);
  const std::int64_t groups = c.experts + w.shared_parts;
  const bool one_row =
      p.step.rows == 1 && m.x.dtype == kernels::Dtype::kBF16 && !takes_fp8(p, e.gate_up);
  const Rows x = expert_inputs(p, e, rows, one_row);
  const Rows wide = packed(m.wide, e.width);
  kernels::gemm_cuda({.x = x,
                      .w = e.gate_up,
                      .y = wide,
                      .rows = rows,
                      .n = 2 * e.width,
                      .pairs = true,
                      .groups = groups,
                      .offsets = m.offsets,
                      .full_groups = w.shared_parts,
                      .full_rows = w.shared_parts > 0 ? p.step.rows : 0,
                      .one_row = one_row},
                     p.stream);
  kernels::gemm_cuda({.x = operand(p, wide, e.down, rows),
                      .w = e.down,
                      .y = m.expert_out,
                      .rows = rows,
                      .n = c.hidden,
                      .groups = groups,
                      .offsets = m.offsets,
                      .full_groups = w.shared_parts,
                      .full_rows = w.shared_parts > 0 ? p.step.rows : 0},
                     p.stream);
}

Pending moe(const DevicePass& p, const DeviceLayer& w, const Pending& pending,
            std::int64_t* loads) {
  // The router's product is of plain rows always.
  const bool fp8 =
      takes_fp8(p, w.experts.gate_up) || (!w.shared.empty() && takes_fp8(p, w.shared.gate_up));
  norm(p, pending, w.ffn_norm, {.plain = true, .quantized = fp8});
  if (wide_router(p)) {
    kernels::rms_norm_cuda({.residual = p.work.residual,
                            .weight = w.ffn_norm,
                            .y = p.work.x32,
                            .rows = p.step.rows,
                            .dim = p.config.hidden,
                            .eps = p.config.norm_eps},
                           p.stream);
  }
  route(p, w, loads);
  if (!w.shared.empty()) {
    mlp(p, w.shared, p.work.shared_out);
    settle(p, {.add = p.work.shared_out});
  }
  run_experts(p, w);
  return {.sum = {.expert_out = p.work.expert_out,
                  .slots = p.work.slots,
                  .weights = p.work.expert_weights,
                  .slot_count = p.config.top_k + w.shared_parts}};
}

}  // namespace

void norm(const DevicePass& p, const Pending& pending, const float* weight, const NormFor& needs) {
  kernels::rms_norm_cuda({.residual = p.work.residual,
                          .add = pending.add,
                          .sum = pending.sum,
                          .weight = weight,
                          .y = needs.plain ? p.work.x : Rows{},
                          .quantized = needs.quantized ? p.work.x8 : Rows{},
                          .rows = p.step.rows,
                          .dim = p.config.hidden,
                          .eps = p.config.norm_eps},
                         p.stream);
}

void settle(const DevicePass& p, const Pending& pending) {
  norm(p, pending, nullptr, {});
}

Pending ffn_layer(const DevicePass& p, const DeviceLayer& w, const Pending& pending,
                  std::int64_t* loads) {
  if (!w.experts.empty()) return moe(p, w, pending, loads);
  const bool fp8 = takes_fp8(p, w.dense.gate_up);
  norm(p, pending, w.ffn_norm, {.plain = !fp8, .quantized = fp8});
  mlp(p, w.dense, p.work.out);
  return {.add = p.work.out};
}

}  // namespace moebius::engine
