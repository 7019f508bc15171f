// Attention blocks on the device: MLA in its absorbed form, and grouped-query attention.
#include "engine/device/device_layers.h"
#include "engine/device/device_products.h"
#include "kernels/attention/attention_cuda.h"
#include "kernels/gemm/gemm_cuda.h"
#include "kernels/rms_norm/rms_norm_cuda.h"
#include "kernels/rope/rope_cuda.h"

namespace moebius::engine {
namespace {

using kernels::Rows;

kernels::RopeAngles angles(const DevicePass& p) {
  return {.cos = p.work.cos,
          .sin = p.work.sin,
          .half = p.config.rope.half,
          .pairs = p.config.rope.pairs};
}

// All products of the normalised residual, side by side in work.projected.
void project(const DevicePass& p, const DeviceLayer& w, const Pending& pending) {
  NormFor needs;
  for (const DeviceProjection& in : w.in) {
    (takes_fp8(p, in.w) ? needs.quantized : needs.plain) = true;
  }
  norm(p, pending, w.attention_norm, needs);
  for (const DeviceProjection& in : w.in) {
    kernels::gemm_cuda({.x = takes_fp8(p, in.w) ? p.work.x8 : p.work.x,
                        .w = in.w,
                        .bias = in.bias,
                        .y = columns_from(p.work.projected, in.column),
                        .rows = p.step.rows,
                        .n = in.w.rows},
                       p.stream);
  }
}

// Queries before rotation: the first columns of what was projected, or a second product of them.
Rows mla_queries(const DevicePass& p, const DeviceLayer& w) {
  if (w.q_b.empty()) return p.work.projected;
  const bool fp8 = takes_fp8(p, w.q_b);
  const Rows narrow = fp8 ? p.work.quantized(p.step.rows, p.config.q_lora) : p.work.q_a;
  kernels::rms_norm_cuda({.add = p.work.projected,
                          .weight = w.q_a_norm,
                          .y = fp8 ? Rows{} : narrow,
                          .quantized = fp8 ? narrow : Rows{},
                          .rows = p.step.rows,
                          .dim = p.config.q_lora,
                          .eps = p.config.latent_norm_eps},
                         p.stream);
  kernels::gemm_cuda({.x = narrow, .w = w.q_b, .y = p.work.q, .rows = p.step.rows, .n = w.q_b.rows},
                     p.stream);
  return p.work.q;
}

void attend(const DevicePass& p, const Rows& q, const Rows& out, const kernels::KvLayer& kv) {
  kernels::attention_cuda({.shape = p.attention,
                           .q = q,
                           .out = out,
                           .batch = p.step.batch,
                           .kv = kv,
                           .plan = p.step.plan,
                           .workspace = p.work.attention},
                          p.stream);
}

void mla(const DevicePass& p, const DeviceLayer& w, const kernels::KvLayer& kv) {
  const Config& c = p.config;
  const DeviceWorkspace& m = p.work;
  const Rows q = mla_queries(p, w);
  const std::int64_t head = c.qk_nope + c.qk_rope;
  const std::int64_t latent = c.q_lora > 0 ? c.q_lora : c.heads * head;
  kernels::mla_prepare_cuda({.q = q,
                             .latent = columns_from(m.projected, latent),
                             .norm = w.kv_a_norm,
                             .eps = c.latent_norm_eps,
                             .rope = angles(p),
                             .q_latent = m.q_latent,
                             .batch = p.step.batch,
                             .kv = kv,
                             .heads = c.heads,
                             .qk_nope = c.qk_nope,
                             .kv_lora = c.kv_lora},
                            p.stream);
  kernels::gemm_cuda({.x = q,
                      .w = w.keys,
                      .y = m.q_latent,
                      .rows = p.step.rows,
                      .n = c.kv_lora,
                      .heads = c.heads,
                      .x_head = head,
                      .w_head = c.kv_lora,
                      .y_head = c.kv_lora + c.qk_rope},
                     p.stream);
  attend(p, m.q_latent, m.o_latent, kv);
  kernels::gemm_cuda({.x = m.o_latent,
                      .w = w.values,
                      .y = m.heads,
                      .rows = p.step.rows,
                      .n = c.v_dim,
                      .heads = c.heads,
                      .x_head = c.kv_lora,
                      .w_head = c.v_dim,
                      .y_head = c.v_dim},
                     p.stream);
}

void gqa(const DevicePass& p, const DeviceLayer& w, const kernels::KvLayer& kv) {
  const Config& c = p.config;
  const auto norm_kind = c.qk_norm == QkNorm::kPerHead ? kernels::HeadNorm::kPerHead
                         : c.qk_norm == QkNorm::kFull  ? kernels::HeadNorm::kFull
                                                       : kernels::HeadNorm::kNone;
  kernels::gqa_prepare_cuda({.qkv = p.work.projected,
                             .head_norm = norm_kind,
                             .q_norm = w.q_norm,
                             .k_norm = w.k_norm,
                             .eps = c.norm_eps,
                             .clip = c.clip_qkv,
                             .rope = angles(p),
                             .q = p.work.q,
                             .batch = p.step.batch,
                             .kv = kv,
                             .heads = c.heads,
                             .kv_heads = c.kv_heads,
                             .head_dim = c.head_dim},
                            p.stream);
  attend(p, p.work.q, p.work.heads, kv);
}

}  // namespace

Pending attention_layer(const DevicePass& p, const DeviceLayer& w, const kernels::KvLayer& kv,
                        const Pending& pending) {
  project(p, w, pending);
  if (p.config.attention == AttentionKind::kMla) {
    mla(p, w, kv);
  } else {
    gqa(p, w, kv);
  }
  product(p, p.work.heads, w.o, w.o_bias, p.work.out);
  return {.add = p.work.out};
}

}  // namespace moebius::engine
