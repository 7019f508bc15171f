#include "engine/device/device_workspace.h"

#include <algorithm>

#include "kernels/lm_head/lm_head_cuda.h"
#include "kernels/router/router_cuda.h"

namespace moebius::engine {
namespace {

using kernels::Dtype;
using kernels::Rows;

constexpr std::int64_t kLogitsBytes = std::int64_t{1} << 30;
constexpr std::int64_t kMaxTop = 1024;
constexpr std::int64_t kUsualTop = 32;  // this many alternatives never make logits come in smaller
                                        // pieces

std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

// Values, then scales from the next multiple of 256 bytes on.
std::int64_t scales_at(std::int64_t rows, std::int64_t cols) {
  return round_up(rows * round_up(cols, 16), 256);
}

std::size_t quantized_bytes(std::int64_t rows, std::int64_t cols) {
  const std::int64_t blocks = round_up(cols, kernels::kScaleBlock) / kernels::kScaleBlock;
  return static_cast<std::size_t>(scales_at(rows, cols) + blocks * round_up(rows, 4) * 4);
}

/// Rows of one dtype out of an arena.
class RowsFrom {
 public:
  RowsFrom(Arena& arena, Dtype dtype) : arena_(arena), dtype_(dtype) {}

  Rows operator()(std::int64_t rows, std::int64_t cols) const {
    const auto size = static_cast<std::int64_t>(kernels::dtype_bytes(dtype_));
    const std::int64_t ld = round_up(cols, 16 / size);
    Rows out{.dtype = dtype_, .ld = ld};
    out.data = arena_.take<std::byte>(rows * ld * size);
    if (dtype_ != Dtype::kF8E4M3) return out;
    out.scale_ld = round_up(rows, 4);
    out.scale = arena_.take<float>(round_up(cols, kernels::kScaleBlock) / kernels::kScaleBlock *
                                   out.scale_ld);
    return out;
  }

 private:
  Arena& arena_;
  Dtype dtype_;
};

std::int64_t projected_width(const Config& c) {
  if (c.attention == AttentionKind::kGqa) return (c.heads + 2 * c.kv_heads) * c.head_dim;
  const std::int64_t q = c.q_lora > 0 ? c.q_lora : c.heads * (c.qk_nope + c.qk_rope);
  return q + c.kv_lora + c.qk_rope;
}

kernels::AttentionLimits attention_limits(const StepLimits& limits) {
  return {.rows = limits.rows,
          .sequences = limits.sequences,
          .positions = round_up(limits.context, kernels::kPageTokens)};
}

std::size_t in_block_bytes(const Config& c, Dtype kv_dtype, const StepLimits& limits) {
  const kernels::AttentionLimits most = attention_limits(limits);
  const std::int64_t ints = 8 * limits.rows + 2 * limits.sequences +
                            limits.sequences * most.positions / kernels::kPageTokens +
                            3 * kRoundTargets;
  const auto heads = static_cast<std::size_t>(limits.rows) * (sizeof(kernels::Draw) + 1);
  constexpr std::size_t kPadding = 4096;
  return static_cast<std::size_t>(4 * ints) + heads + kPadding +
         kernels::attention_plan_bytes(attention_shape(c, kv_dtype), most);
}

}  // namespace

kernels::AttentionShape attention_shape(const Config& c, Dtype kv_dtype) {
  kernels::AttentionShape shape{
      .heads = c.heads, .kv_heads = c.kv_heads, .scale = c.softmax_scale, .kv_dtype = kv_dtype};
  if (c.attention == AttentionKind::kMla) {
    shape.kv_heads = 1;
    shape.qk_dim = c.kv_lora + c.qk_rope;
    shape.v_dim = c.kv_lora;
  } else {
    shape.qk_dim = shape.v_dim = c.head_dim;
    shape.v_offset = c.kv_heads * c.head_dim;
  }
  return shape;
}

kernels::KvLayer cache_layout(const Config& c, Dtype kv_dtype) {
  kernels::KvLayer kv{.dtype = kv_dtype, .width = c.kv_width()};
  if (kv_dtype == Dtype::kF8E4M3) kv.block = c.kv_block(), kv.plain = c.kv_plain();
  return kv;
}

std::int64_t logits_rows(const Config& config, std::int64_t max_rows) {
  return std::clamp<std::int64_t>(kLogitsBytes / (4 * config.vocab), 1, max_rows);
}

DeviceWorkspace::DeviceWorkspace(const Config& c, Arithmetic arithmetic, Dtype kv_dtype, bool fp8,
                                 const StepLimits& limits, std::int64_t shared_parts,
                                 std::byte* base) {
  Arena arena(base);
  const Dtype dtype = arithmetic == Arithmetic::kBF16 ? Dtype::kBF16 : Dtype::kF32;
  const RowsFrom act(arena, dtype);
  const RowsFrom fp8_rows(arena, Dtype::kF8E4M3);
  const RowsFrom full(arena, Dtype::kF32);
  const std::int64_t rows = limits.rows;
  const std::int64_t slot_count = c.experts > 0 ? c.top_k + shared_parts : 0;
  const bool mla = c.attention == AttentionKind::kMla;

  residual = arena.take<float>(rows * c.hidden);
  x = act(rows, c.hidden);
  out = act(rows, c.hidden);
  cos = arena.take<float>(rows * c.rope.half);
  sin = arena.take<float>(rows * c.rope.half);
  projected = act(rows, projected_width(c));
  const std::int64_t values = c.heads * (mla ? c.v_dim : c.head_dim);
  heads = act(rows, values);
  if (mla) {
    if (c.q_lora > 0) {
      q_a = act(rows, c.q_lora);
      q = act(rows, c.heads * (c.qk_nope + c.qk_rope));
    }
    q_latent = act(rows, c.heads * (c.kv_lora + c.qk_rope));
    o_latent = act(rows, c.heads * c.kv_lora);
  } else {
    q = act(rows, values);
  }
  const kernels::AttentionShape shape = attention_shape(c, kv_dtype);
  attention = arena.take<std::byte>(static_cast<std::int64_t>(
      kernels::attention_cuda_workspace_bytes(shape, attention_limits(limits))));

  const std::int64_t expert_rows = rows * slot_count;
  const auto padded = [](std::int64_t width) { return round_up(width, 16); };
  const std::int64_t single = std::max(padded(c.dense_width), padded(c.shared_width));
  const std::int64_t wide_ld =
      std::max(single, padded(c.expert_width) * std::max<std::int64_t>(slot_count, 1));
  wide = act(rows, wide_ld);
  if (fp8) {
    x8 = fp8_rows(rows, c.hidden);
    std::size_t most = 0;
    for (std::int64_t width : {c.q_lora, values, single}) {
      most = std::max(most, quantized_bytes(rows, width));
    }
    most = std::max(most, quantized_bytes(expert_rows, padded(c.expert_width)));
    scratch8 = arena.take<std::byte>(static_cast<std::int64_t>(most));
    if (slot_count > 0) gathered8 = fp8_rows(expert_rows, c.hidden);
  }
  if (slot_count > 0) {
    gathered = act(expert_rows, c.hidden);
    expert_out = act(expert_rows, c.hidden);
    shared_out = act(rows, c.hidden);
    if (c.experts % 8 != 0) x32 = full(rows, c.hidden);
    router_logits = arena.take<float>(rows * c.experts);
    expert_weights = arena.take<float>(expert_rows);
    expert_ids = arena.take<std::int32_t>(expert_rows);
    offsets = arena.take<std::int32_t>(c.experts + shared_parts + 1);
    source_rows = arena.take<std::int32_t>(expert_rows);
    slots = arena.take<std::int32_t>(expert_rows);
    loads = arena.take<std::int64_t>(c.layers * c.experts);
    router = arena.take<std::byte>(static_cast<std::int64_t>(
        kernels::router_cuda_workspace_bytes(rows, c.experts, slot_count)));
  }

  const std::int64_t block = logits_rows(c, rows);
  head_x = c.vocab % 8 == 0 ? act(block, c.hidden) : full(block, c.hidden);
  logits = arena.take<float>(block * c.vocab);
  logits_scratch_bytes =
      std::max(kernels::logits_cuda_workspace_bytes(block, c.vocab, std::min(kUsualTop, c.vocab)),
               kernels::logits_cuda_workspace_bytes(1, c.vocab, std::min(kMaxTop, c.vocab)));
  logits_scratch = arena.take<std::byte>(static_cast<std::int64_t>(logits_scratch_bytes));

  in_bytes = in_block_bytes(c, kv_dtype, limits);
  out_bytes = static_cast<std::size_t>(rows * (24 + 8 * kUsualTop) + 4 * kRoundTargets +
                                       8 * kMaxTop + 4096);
  in = arena.take<std::byte>(static_cast<std::int64_t>(in_bytes));
  out_block = arena.take<std::byte>(static_cast<std::int64_t>(out_bytes));
  bytes = arena.bytes();
}

Rows DeviceWorkspace::quantized(std::int64_t rows, std::int64_t cols) const {
  return {.data = scratch8,
          .dtype = Dtype::kF8E4M3,
          .ld = round_up(cols, 16),
          .scale = reinterpret_cast<float*>(scratch8 + scales_at(rows, cols)),
          .scale_ld = round_up(rows, 4)};
}

}  // namespace moebius::engine
