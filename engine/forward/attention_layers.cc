// Attention blocks: MLA in its absorbed form, and grouped-query attention.
#include "engine/forward/workspace.h"
#include "kernels/attention/attention.h"
#include "kernels/gemm/gemm.h"
#include "kernels/kv_write/kv_write.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rope/rope.h"
#include "kernels/vector/vector.h"

namespace moebius::engine {
namespace {

using kernels::Matrix;

void project(const Pass& p, const float* x, std::int64_t ldx, const Matrix& w, const Vector& bias,
             float* y) {
  kernels::gemm({.x = x,
                 .ldx = ldx,
                 .w = w,
                 .bias = bias.data,
                 .y = y,
                 .ldy = w.rows,
                 .rows = p.batch.rows,
                 .precision = p.precision},
                p.stream);
}

void normalise(const Pass& p, float* x, std::int64_t rows, std::int64_t dim, std::int64_t stride,
               const Vector& weight, float eps) {
  kernels::rms_norm({.x = x,
                     .ldx = stride,
                     .weight = weight.data,
                     .y = x,
                     .ldy = stride,
                     .rows = rows,
                     .dim = dim,
                     .eps = eps},
                    p.stream);
}

void rotate(const Pass& p, float* x, std::int64_t ldx, std::int64_t heads, std::int64_t stride) {
  kernels::rope({.x = x,
                 .ldx = ldx,
                 .heads = heads,
                 .head_stride = stride,
                 .cos = p.work.cos.data(),
                 .sin = p.work.sin.data(),
                 .half = p.config.rope.half,
                 .rows = p.batch.rows,
                 .pairs = p.config.rope.pairs},
                p.stream);
}

void write_kv(const Pass& p, const float* x, std::int64_t width, std::int64_t offset) {
  kernels::kv_write(
      {.x = x, .ldx = width, .width = width, .offset = offset, .batch = p.batch, .kv = p.kv},
      p.stream);
}

void attend(const Pass& p, kernels::AttentionArgs args) {
  args.batch = p.batch;
  args.kv = p.kv;
  args.heads = p.config.heads;
  args.kv_heads = p.config.kv_heads;
  args.scale = p.config.softmax_scale;
  args.workspace = grow(p.work.attention, kernels::attention_workspace_bytes(args, p.stream));
  kernels::attention(args, p.stream);
}

// Queries of all heads, [rows, heads, qk_nope + qk_rope], rotary half rotated.
void mla_queries(const Pass& p, const LayerWeights& w) {
  const Config& c = p.config;
  Workspace& m = p.work;
  if (c.q_lora > 0) {
    project(p, m.x.data(), c.hidden, w.q_a, w.q_a_bias, m.q_a.data());
    normalise(p, m.q_a.data(), p.batch.rows, c.q_lora, c.q_lora, w.q_a_norm, c.latent_norm_eps);
    project(p, m.q_a.data(), c.q_lora, w.q_b, {}, m.q.data());
  } else {
    project(p, m.x.data(), c.hidden, w.q, {}, m.q.data());
  }
  const std::int64_t head = c.qk_nope + c.qk_rope;
  rotate(p, m.q.data() + c.qk_nope, c.heads * head, c.heads, head);
}

// The token's cache entry: normalised latent, rotated shared key.
void mla_entry(const Pass& p, const LayerWeights& w) {
  const Config& c = p.config;
  float* latent = p.work.latent.data();
  const std::int64_t entry = c.kv_lora + c.qk_rope;
  project(p, p.work.x.data(), c.hidden, w.kv_a, w.kv_a_bias, latent);
  normalise(p, latent, p.batch.rows, c.kv_lora, entry, w.kv_a_norm, c.latent_norm_eps);
  rotate(p, latent + c.kv_lora, entry, 1, entry);
  write_kv(p, latent, entry, 0);
}

// Queries moved into the latent space: q_nope by kv_b's keys, q_rope as it is.
void mla_absorb(const Pass& p, const Matrix& keys) {
  const Config& c = p.config;
  Workspace& m = p.work;
  const std::int64_t head = c.qk_nope + c.qk_rope;
  const std::int64_t entry = c.kv_lora + c.qk_rope;
  kernels::head_gemm({.x = m.q.data(),
                      .ldx = c.heads * head,
                      .x_head = head,
                      .w = keys,
                      .n = c.kv_lora,
                      .w_head = c.kv_lora,
                      .heads = c.heads,
                      .y = m.q_latent.data(),
                      .ldy = c.heads * entry,
                      .y_head = entry,
                      .rows = p.batch.rows,
                      .precision = p.precision},
                     p.stream);
  kernels::copy_rows({.x = m.q.data() + c.qk_nope,
                      .ldx = head,
                      .y = m.q_latent.data() + c.kv_lora,
                      .ldy = entry,
                      .rows = p.batch.rows * c.heads,
                      .width = c.qk_rope},
                     p.stream);
}

}  // namespace

void mla_layer(const Pass& p, const LayerWeights& w, const Matrix& keys) {
  const Config& c = p.config;
  Workspace& m = p.work;
  mla_queries(p, w);
  mla_entry(p, w);
  mla_absorb(p, keys);
  attend(p, {.q = m.q_latent.data(),
             .out = m.o_latent.data(),
             .qk_dim = c.kv_lora + c.qk_rope,
             .v_dim = c.kv_lora});
  kernels::head_gemm({.x = m.o_latent.data(),
                      .ldx = c.heads * c.kv_lora,
                      .x_head = c.kv_lora,
                      .w = w.kv_b,
                      .n = c.v_dim,
                      .w_first = c.qk_nope,
                      .w_head = c.qk_nope + c.v_dim,
                      .heads = c.heads,
                      .y = m.heads.data(),
                      .ldy = c.heads * c.v_dim,
                      .y_head = c.v_dim,
                      .rows = p.batch.rows,
                      .precision = p.precision},
                     p.stream);
  project(p, m.heads.data(), c.heads * c.v_dim, w.o, w.o_bias, m.out.data());
}

void gqa_layer(const Pass& p, const LayerWeights& w) {
  const Config& c = p.config;
  Workspace& m = p.work;
  const std::int64_t rows = p.batch.rows;
  const std::int64_t q = c.heads * c.head_dim;
  const std::int64_t kv = c.kv_heads * c.head_dim;
  project(p, m.x.data(), c.hidden, w.q, w.q_bias, m.q.data());
  project(p, m.x.data(), c.hidden, w.k, w.k_bias, m.k.data());
  project(p, m.x.data(), c.hidden, w.v, w.v_bias, m.v.data());
  if (c.qk_norm == QkNorm::kPerHead) {
    normalise(p, m.q.data(), rows * c.heads, c.head_dim, c.head_dim, w.q_norm, c.norm_eps);
    normalise(p, m.k.data(), rows * c.kv_heads, c.head_dim, c.head_dim, w.k_norm, c.norm_eps);
  } else if (c.qk_norm == QkNorm::kFull) {
    normalise(p, m.q.data(), rows, q, q, w.q_norm, c.norm_eps);
    normalise(p, m.k.data(), rows, kv, kv, w.k_norm, c.norm_eps);
  }
  if (c.clip_qkv > 0) {
    kernels::clip(m.q.data(), rows * q, c.clip_qkv, p.stream);
    kernels::clip(m.k.data(), rows * kv, c.clip_qkv, p.stream);
    kernels::clip(m.v.data(), rows * kv, c.clip_qkv, p.stream);
  }
  rotate(p, m.q.data(), q, c.heads, c.head_dim);
  rotate(p, m.k.data(), kv, c.kv_heads, c.head_dim);
  write_kv(p, m.k.data(), kv, 0);
  write_kv(p, m.v.data(), kv, kv);
  attend(p, {.q = m.q.data(),
             .out = m.heads.data(),
             .qk_dim = c.head_dim,
             .v_dim = c.head_dim,
             .v_offset = kv});
  project(p, m.heads.data(), q, w.o, w.o_bias, m.out.data());
}

}  // namespace moebius::engine
