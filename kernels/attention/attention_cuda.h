// Causal attention on the device over the paged cache: MLA in its absorbed form and
// grouped-query attention share one contract, as on the host.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/attention.h"
#include "kernels/device/rows.h"
#include "kernels/stream.h"

namespace moebius::kernels {

/// What decides which kernel serves, the same for every layer of a model.
struct AttentionShape {
  std::int64_t heads = 0;     // a multiple of kv_heads
  std::int64_t kv_heads = 0;  // MLA: 1
  std::int64_t qk_dim = 0;    // MLA: latent + rope
  std::int64_t v_dim = 0;
  std::int64_t k_offset = 0;  // as in AttentionArgs
  std::int64_t v_offset = 0;  // MLA: 0, values are the keys' first columns
  float scale = 0;
  Dtype kv_dtype = Dtype::kBF16;  // kF32, kBF16: q and out have the same; kF8E4M3: they are kBF16
};

/// Whether attention_cuda() has a kernel: for every shape if the cache is float32 or bf16; over an
/// fp8 cache for head_dim 64 and 128, and for MLA's 512 + 64.
bool attention_serves(const AttentionShape& shape);

/// What a step's attention launches walk (tiles, chunks, where partial results go), made by
/// the host once a step and used by every layer. `batch` holds host arrays.
/// `plan` gets attention_plan_bytes() at most; the caller copies it to the device.
/// Returns the bytes written.
///
/// Limits: the most rows, sequences and positions that any step has.
struct AttentionLimits {
  std::int64_t rows = 0;
  std::int64_t sequences = 0;
  std::int64_t positions = 0;
};
std::size_t attention_plan_bytes(const AttentionShape& shape, const AttentionLimits& limits);
std::size_t attention_plan(const AttentionShape& shape, const Ragged& batch, void* plan,
                           std::size_t bytes);
/// Device memory for partial results, of any step within the limits.
std::size_t attention_cuda_workspace_bytes(const AttentionShape& shape,
                                           const AttentionLimits& limits);

struct AttentionCudaArgs {
  AttentionShape shape;
  Rows q;    // [rows, heads, qk_dim]: head h at column h * qk_dim
  Rows out;  // out [rows, heads, v_dim]: head h at column h * v_dim
  DeviceBatch batch;
  KvLayer kv;                  // holds the batch's own rows already; kv.data is device memory
  const void* plan = nullptr;  // device copy of what attention_plan() wrote
  void* workspace = nullptr;
};

/// out[r, h] = sum_j p[j] v[j], p = softmax over j <= position(r) of scale * q . k[j].
///
/// Canonical order: keys in chunks of kAttentionChunk absolute positions (MLA: of
/// mla_chunk_positions(heads)); inside, tiles of 64 ascending with a running maximum; every chunk
/// ends as (max, sum, unnormalised out) in float32; chunks merge in ascending order, M = max(a, b),
/// each term fma(b, exp(m_b - M), a * exp(m_a - M)); out / sum at the end. Masked keys change
/// nothing. Bits depend on the row's query and its prefix alone: not on batch, chunking, what
/// shares a tile, or prefill or decode. Errors   std::invalid_argument on a broken limit;
/// DeviceError.
void attention_cuda(const AttentionCudaArgs& args, const Stream& stream);

}  // namespace moebius::kernels
