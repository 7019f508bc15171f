// Causal attention of a ragged batch over the paged KV cache: MLA in its
// absorbed form and grouped-query attention share one contract.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/ragged.h"
#include "kernels/stream.h"

namespace moebius::kernels {

/// Positions whose scores share one softmax maximum. Chunks start at absolute
/// positions that are multiples of it, so they do not move with the batch. Other values are for
/// attention_chunk_bench alone.
#ifdef MOEBIUS_ATTENTION_CHUNK
inline constexpr std::int64_t kAttentionChunk = MOEBIUS_ATTENTION_CHUNK;
#else
inline constexpr std::int64_t kAttentionChunk = 512;
#endif

struct AttentionArgs {
  const float* q = nullptr;  // [rows, heads, qk_dim]
  float* out = nullptr;      // out [rows, heads, v_dim]
  Ragged batch;
  KvLayer kv;                 // holds the batch's own rows already (kv_write)
  std::int64_t heads = 0;     // a multiple of kv_heads
  std::int64_t kv_heads = 0;  // MLA: 1
  std::int64_t qk_dim = 0;    // MLA: latent + rope, 576 in DeepSeek-V3
  std::int64_t v_dim = 0;     // MLA: latent, 512 in DeepSeek-V3
  std::int64_t k_offset = 0;  // in an entry: keys of KV head h at k_offset + h * qk_dim
  std::int64_t v_offset = 0;  // values of KV head h at v_offset + h * v_dim; MLA: 0
  float scale = 0;            // of the scores, > 0
  void* workspace = nullptr;  // attention_workspace_bytes(args, stream)
};

/// out[r, h] = sum_j p[j] v[j], p = softmax over j <= position(r) of
/// scale * q[r, h] . k[j].
///
/// Canonical order: a score is one chain of fused multiply-adds over ascending
/// dimensions, times scale. Keys are taken in chunks of kAttentionChunk absolute
/// positions: m = max of the chunk's scores, weights e = exp(s - m), l = the chain
/// of e over ascending j, o[d] = the chain of fma(e, v[d], o[d]) over ascending j.
/// Chunks are merged in ascending order: M = max(m_a, m_b), l = l_a exp(m_a - M) +
/// l_b exp(m_b - M) and likewise o, each as fma(b, exp_b, a * exp_a). At the end
/// o / l. Bits depend on the row's query and its prefix alone.
///
/// Source   DeepSeek-V3 inference/model.py, class MLA, attn_impl "absorb"; Llama,
///          Qwen and Mixtral: transformers, eager_attention_forward.
/// Dtypes   q, out float32; cache float32 or bfloat16, widened before use.
/// Memory   No allocation. q and out may not overlap.
/// Cost     2 * (qk_dim + v_dim) FLOPs per row, head and visible position.
/// Errors   std::invalid_argument if a limit above is broken.
void attention(const AttentionArgs& args, const Stream& stream);

std::size_t attention_workspace_bytes(const AttentionArgs& args, const Stream& stream);

/// The same contract, serial, one std::fma at a time.
void attention_reference(const AttentionArgs& args);

}  // namespace moebius::kernels
