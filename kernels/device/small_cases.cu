// The memory-bound kernels at the shapes of DeepSeek-V3, V2-Lite and Qwen3-30B-A3B.
#include <algorithm>
#include <memory>
#include <utility>

#include "kernels/device/cases.h"
#include "kernels/device/device.h"
#include "kernels/device/vectors.cuh"
#include "kernels/embedding/embedding_cuda.h"
#include "kernels/lm_head/lm_head_cuda.h"
#include "kernels/rms_norm/rms_norm_cuda.h"
#include "kernels/rope/rope_cuda.h"
#include "kernels/router/router_cuda.h"

namespace moebius::kernels {
namespace {

using Launcher = std::function<void(const Stream&)>;

constexpr std::int64_t kCacheBytes = std::int64_t{100} << 20;  // twice the L2

struct Model {
  const char* name;
  std::int64_t dim, vocab;
  std::int64_t experts, top_k, shared, groups, top_groups;
  bool sigmoid;
  std::int64_t heads, kv_heads, head_dim;  // kv_heads 0: MLA
};
constexpr Model kModels[] = {
    {"V3", 7168, 129280, 256, 8, 1, 8, 4, true, 128, 0, 0},
    {"V2-Lite", 2048, 102400, 64, 6, 2, 1, 1, false, 16, 0, 0},
    {"Qwen3", 2048, 151936, 128, 8, 0, 1, 1, false, 32, 4, 128},
};

/// Hashes of the index: as floats in [-1, 1), as bf16, as ids below `limit`, or as sums of four
/// such floats times 3, which lie as logits do.
enum class Fill { kF32, kBF16, kId, kLogits };
__global__ void fill_kernel(void* data, std::int64_t count, Fill fill, std::int64_t limit,
                            std::uint64_t seed) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= count) return;
  std::uint64_t z = (static_cast<std::uint64_t>(i) + seed) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z ^= z >> 27;
  const float x = static_cast<float>(z >> 40) * 0x1p-23F - 1;
  if (fill == Fill::kF32) static_cast<float*>(data)[i] = x;
  if (fill == Fill::kBF16) static_cast<Bf16*>(data)[i] = __float2bfloat16_rn(x);
  if (fill == Fill::kLogits) {
    const auto part = [z](int at) { return static_cast<float>(z >> at & 0x7FFF) * 0x1p-14F - 1; };
    static_cast<float*>(data)[i] = 3 * (part(0) + part(15) + part(30) + part(45));
  }
  if (fill == Fill::kId) {
    static_cast<std::int32_t*>(data)[i] =
        static_cast<std::int32_t>(z % static_cast<std::uint64_t>(limit));
  }
}

/// The device memory of one case.
class Memory {
 public:
  float* f32(std::int64_t count) { return take<float>(count, Fill::kF32, 0); }
  float* logits(std::int64_t count) { return take<float>(count, Fill::kLogits, 0); }
  void* bf16(std::int64_t count) { return take<Bf16>(count, Fill::kBF16, 0); }
  std::int32_t* ids(std::int64_t count, std::int64_t limit) {
    return take<std::int32_t>(count, Fill::kId, limit);
  }
  template <class T>
  T* raw(std::int64_t count) {
    held_.emplace_back(static_cast<std::size_t>(count) * sizeof(T));
    return static_cast<T*>(held_.back().data());
  }
  std::int32_t* upload(const std::vector<std::int32_t>& values) {
    auto* data = raw<std::int32_t>(std::ssize(values));
    const DeviceStream owner;
    device_copy(data, values.data(), values.size() * 4, owner.stream());
    device_wait(owner.stream());
    return data;
  }

 private:
  template <class T>
  T* take(std::int64_t count, Fill fill, std::int64_t limit) {
    T* data = raw<T>(count);
    const auto blocks = static_cast<unsigned>(ceil_div(count, 256));
    fill_kernel<<<blocks, 256>>>(data, count, fill, limit, ++seed_ << 40);
    check_device(cudaDeviceSynchronize(), "filling a case's memory");
    return data;
  }
  std::vector<DeviceMemory> held_;
  std::uint64_t seed_ = 0;
};

/// One launch after another over several sets of operands.
template <class Args>
Launcher in_turn(std::shared_ptr<Memory> memory, std::vector<Args> sets,
                 void (*launch)(const Args&, const Stream&)) {
  auto next = std::make_shared<std::size_t>(0);
  return [memory, sets, launch, next](const Stream& stream) {
    launch(sets[*next], stream);
    *next = (*next + 1) % sets.size();
  };
}

/// A case whose arguments `build` makes from memory, as often as fills the cache twice.
template <class Args, class Build>
KernelCase small_case(std::string kernel, const Model& model, const std::string& what,
                      std::int64_t rows, std::int64_t bytes,
                      void (*launch)(const Args&, const Stream&), const Build& build) {
  KernelCase c;
  c.kernel = std::move(kernel);
  c.shape = std::string(model.name) + " " + what + " " + std::to_string(rows) + " rows";
  c.bytes = bytes;
  c.make = [=]() -> Launcher {
    auto memory = std::make_shared<Memory>();
    const std::int64_t sets = std::clamp<std::int64_t>(kCacheBytes / bytes + 1, 1, 32);
    std::vector<Args> all;
    for (std::int64_t i = 0; i < sets; ++i) all.push_back(build(*memory));
    return in_turn(memory, std::move(all), launch);
  };
  return c;
}

Rows rows_of(void* data, std::int64_t ld) {
  return {.data = data, .dtype = Dtype::kBF16, .ld = ld};
}

Rows fp8_rows(Memory& memory, std::int64_t rows, std::int64_t dim) {
  const std::int64_t ld = (rows + 3) / 4 * 4;
  return {.data = memory.raw<std::uint8_t>(rows * dim),
          .dtype = Dtype::kF8E4M3,
          .ld = dim,
          .scale = memory.raw<float>(ceil_div(dim, 128) * ld),
          .scale_ld = ld};
}

KernelCase embedding_case(const Model& m, std::int64_t rows) {
  return small_case(
      "embedding", m, "", rows, rows * (m.dim * 6 + 4), embedding_cuda, [=](Memory& memory) {
        constexpr std::int64_t kIds = 32768;
        return EmbeddingCudaArgs{
            .ids = memory.ids(rows, kIds),
            .rows = rows,
            .table = {.data = memory.bf16(kIds * m.dim), .rows = kIds, .cols = m.dim, .ld = m.dim},
            .y = memory.raw<float>(rows * m.dim)};
      });
}

KernelCase norm_case(const Model& m, std::int64_t rows) {
  return small_case("rms_norm", m, "residual + bf16", rows, rows * m.dim * 12, rms_norm_cuda,
                    [=](Memory& memory) {
                      return RmsNormCudaArgs{.residual = memory.f32(rows * m.dim),
                                             .add = rows_of(memory.bf16(rows * m.dim), m.dim),
                                             .weight = memory.f32(m.dim),
                                             .y = rows_of(memory.raw<Bf16>(rows * m.dim), m.dim),
                                             .rows = rows,
                                             .dim = m.dim,
                                             .eps = 1e-6F};
                    });
}

KernelCase expert_norm_case(const Model& m, std::int64_t rows) {
  const std::int64_t slots = m.top_k + m.shared;
  return small_case("rms_norm", m, "experts, fp8", rows, rows * m.dim * (8 + 2 * slots + 1),
                    rms_norm_cuda, [=](Memory& memory) {
                      return RmsNormCudaArgs{
                          .residual = memory.f32(rows * m.dim),
                          .sum = {.expert_out = rows_of(memory.bf16(rows * slots * m.dim), m.dim),
                                  .slots = memory.ids(rows * slots, rows * slots),
                                  .weights = memory.f32(rows * slots),
                                  .slot_count = slots},
                          .weight = memory.f32(m.dim),
                          .quantized = fp8_rows(memory, rows, m.dim),
                          .rows = rows,
                          .dim = m.dim,
                          .eps = 1e-6F};
                    });
}

KernelCase quantize_case(const Model& m, std::int64_t rows) {
  return small_case("quantize", m, "bf16", rows, rows * m.dim * 3, quantize_cuda,
                    [=](Memory& memory) {
                      return QuantizeCudaArgs{.x = rows_of(memory.bf16(rows * m.dim), m.dim),
                                              .y = fp8_rows(memory, rows, m.dim),
                                              .rows = rows,
                                              .dim = m.dim};
                    });
}

KernelCase router_case(const Model& m, std::int64_t rows) {
  const std::int64_t slots = m.top_k + m.shared;
  return small_case(
      "router", m, "", rows, 4 * rows * (m.experts + 4 * slots), router_cuda, [=](Memory& memory) {
        RouterCudaArgs a;
        a.router = {.logits = memory.f32(rows * m.experts),
                    .bias = m.sigmoid ? memory.f32(m.experts) : nullptr,
                    .expert_ids = memory.raw<std::int32_t>(rows * slots),
                    .expert_weights = memory.raw<float>(rows * slots),
                    .rows = rows,
                    .experts = m.experts,
                    .top_k = m.top_k,
                    .score = m.sigmoid ? RouterScore::kSigmoid : RouterScore::kSoftmax,
                    .groups = m.groups,
                    .top_groups = m.top_groups,
                    .group_score = GroupScore::kTop2Sum,
                    .normalize = true};
        a.shared = m.shared;
        a.offsets = memory.raw<std::int32_t>(m.experts + m.shared + 1);
        a.source_rows = memory.raw<std::int32_t>(rows * slots);
        a.slots = memory.raw<std::int32_t>(rows * slots);
        a.workspace = memory.raw<std::byte>(
            static_cast<std::int64_t>(router_cuda_workspace_bytes(rows, m.experts, slots)));
        return a;
      });
}

KernelCase gather_case(const Model& m, std::int64_t tokens, bool fp8) {
  const std::int64_t rows = tokens * (m.top_k + m.shared);
  const std::int64_t each = fp8 ? m.dim + ceil_div(m.dim, 128) * 4 : m.dim * 2;
  return small_case("gather_rows", m, fp8 ? "fp8" : "bf16", rows, 2 * rows * each, gather_rows_cuda,
                    [=](Memory& memory) {
                      return GatherRowsArgs{
                          .x = fp8 ? fp8_rows(memory, tokens, m.dim)
                                   : rows_of(memory.bf16(tokens * m.dim), m.dim),
                          .source_rows = memory.ids(rows, tokens),
                          .y = fp8 ? fp8_rows(memory, rows, m.dim)
                                   : rows_of(memory.raw<Bf16>(rows * m.dim), m.dim),
                          .rows = rows,
                          .width = m.dim};
                    });
}

/// Every row a sequence of its own, at some position of its own page.
DeviceBatch batch_of(Memory& memory, std::int64_t rows) {
  std::vector<std::int32_t> index(rows);
  for (std::int64_t r = 0; r < rows; ++r) index[r] = static_cast<std::int32_t>(r);
  DeviceBatch batch;
  batch.ragged = {.sequences = rows, .rows = rows, .pages = memory.upload(index), .max_pages = 1};
  batch.row_position = memory.ids(rows, kPageTokens);
  batch.row_sequence = batch.ragged.pages;
  batch.max_positions = kPageTokens;
  return batch;
}

RopeAngles angles_of(Memory& memory, std::int64_t rows, std::int64_t half, RopePairs pairs) {
  return {memory.f32(rows * half), memory.f32(rows * half), half, pairs};
}

KernelCase mla_case(const Model& m, std::int64_t rows) {
  constexpr std::int64_t kLatent = 512, kRope = 64, kNope = 128, kWidth = kLatent + kRope;
  return small_case(
      "mla_prepare", m, "", rows, rows * (4 * m.heads * kRope + 4 * kWidth + 4 * kRope),
      mla_prepare_cuda, [=](Memory& memory) {
        return MlaPrepareArgs{
            .q = rows_of(memory.bf16(rows * m.heads * (kNope + kRope)), m.heads * (kNope + kRope)),
            .latent = rows_of(memory.bf16(rows * kWidth), kWidth),
            .norm = memory.f32(kLatent),
            .eps = 1e-6F,
            .rope = angles_of(memory, rows, kRope / 2, RopePairs::kInterleaved),
            .q_latent = rows_of(memory.raw<Bf16>(rows * m.heads * kWidth), m.heads * kWidth),
            .batch = batch_of(memory, rows),
            .kv = {.data = memory.raw<Bf16>(rows * kPageTokens * kWidth),
                   .dtype = Dtype::kBF16,
                   .pages = rows,
                   .width = kWidth},
            .heads = m.heads,
            .qk_nope = kNope,
            .kv_lora = kLatent};
      });
}

KernelCase gqa_case(const Model& m, std::int64_t rows) {
  const std::int64_t q = m.heads * m.head_dim, width = 2 * m.kv_heads * m.head_dim;
  return small_case("gqa_prepare", m, "", rows, rows * (4 * (q + width) + 4 * m.head_dim),
                    gqa_prepare_cuda, [=](Memory& memory) {
                      return GqaPrepareArgs{
                          .qkv = rows_of(memory.bf16(rows * (q + width)), q + width),
                          .head_norm = HeadNorm::kPerHead,
                          .q_norm = memory.f32(m.head_dim),
                          .k_norm = memory.f32(m.head_dim),
                          .eps = 1e-6F,
                          .rope = angles_of(memory, rows, m.head_dim / 2, RopePairs::kHalves),
                          .q = rows_of(memory.raw<Bf16>(rows * q), q),
                          .batch = batch_of(memory, rows),
                          .kv = {.data = memory.raw<Bf16>(rows * kPageTokens * width),
                                 .dtype = Dtype::kBF16,
                                 .pages = rows,
                                 .width = width},
                          .heads = m.heads,
                          .kv_heads = m.kv_heads,
                          .head_dim = m.head_dim};
                    });
}

/// kind as LogitsCudaArgs::draw_kind has it: 0 for scoring alone.
KernelCase logits_case(const Model& m, std::int64_t rows, int kind, std::int64_t top_k) {
  const char* what = kind == 0 ? "score" : kind == 1 ? "greedy" : "sample";
  return small_case(
      "logits", m, std::string(what) + " top " + std::to_string(top_k), rows,
      rows * (4 * m.vocab + 8 * top_k), logits_cuda, [=](Memory& memory) {
        LogitsCudaArgs a;
        a.logits = memory.logits(rows * m.vocab);
        a.rows = rows;
        a.vocab = m.vocab;
        a.logsumexp = memory.raw<float>(rows);
        a.top_k = top_k;
        a.top_ids = memory.raw<std::int32_t>(rows * std::max<std::int64_t>(1, top_k));
        a.top_logits = memory.raw<float>(rows * std::max<std::int64_t>(1, top_k));
        a.workspace = memory.raw<std::byte>(
            static_cast<std::int64_t>(logits_cuda_workspace_bytes(rows, m.vocab, top_k)));
        if (kind == 0) return a;
        const DeviceStream owner;
        const std::vector<Draw> draws(rows, Draw{.temperature = 0.6F, .top_p = 0.95F});
        auto* device_draws = memory.raw<Draw>(rows);
        auto* kinds = memory.raw<std::uint8_t>(rows);
        device_copy(device_draws, draws.data(), draws.size() * sizeof(Draw), owner.stream());
        device_fill(kinds, kind, static_cast<std::size_t>(rows), owner.stream());
        device_wait(owner.stream());
        a.draws = device_draws;
        a.draw_kind = kinds;
        a.tokens = memory.raw<std::int32_t>(rows);
        a.token_logits = memory.raw<float>(rows);
        return a;
      });
}

}  // namespace

std::vector<KernelCase> small_kernel_cases() {
  std::vector<KernelCase> cases;
  for (const Model& m : kModels) {
    for (const std::int64_t rows : {1, 128, 4096}) {
      cases.push_back(embedding_case(m, rows));
      cases.push_back(norm_case(m, rows));
      cases.push_back(expert_norm_case(m, rows));
      cases.push_back(quantize_case(m, rows));
      cases.push_back(router_case(m, rows));
      cases.push_back(gather_case(m, rows, false));
      cases.push_back(gather_case(m, rows, true));
      cases.push_back(m.kv_heads == 0 ? mla_case(m, rows) : gqa_case(m, rows));
      cases.push_back(logits_case(m, rows, 0, 0));
      if (rows == 4096) continue;
      cases.push_back(logits_case(m, rows, 1, 0));
      cases.push_back(logits_case(m, rows, 2, 0));
      cases.push_back(logits_case(m, rows, 1, 5));
    }
  }
  return cases;
}

}  // namespace moebius::kernels
