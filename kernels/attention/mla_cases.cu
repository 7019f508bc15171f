// MLA attention at the shapes of DeepSeek-V3 (128 heads) and V2-Lite (16): decode, prefill and
// decode behind a shared prompt.
#include <cuda_bf16.h>

#include <memory>
#include <string>
#include <vector>

#include "kernels/attention/attention_path.h"
#include "kernels/attention/mla_plan.h"
#include "kernels/device/cases.h"
#include "kernels/device/device.h"
#include "kernels/kv_write/fp8_cache.h"

namespace moebius::kernels {
namespace {

/// Uniform in [-1, 1), a function of the index.
__global__ void fill_random(__nv_bfloat16* to, std::int64_t count, std::uint32_t seed) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
    std::uint32_t x = static_cast<std::uint32_t>(i) * 0x9E3779B9U + seed;
    x = (x ^ (x >> 16)) * 0x85EBCA6BU;
    x = (x ^ (x >> 13)) * 0xC2B2AE35U;
    x ^= x >> 16;
    to[i] = __float2bfloat16_rn(static_cast<float>(x >> 8) * 0x1p-23F - 1.0F);
  }
}

DeviceBuffer<__nv_bfloat16> random_values(std::int64_t count, std::uint32_t seed) {
  DeviceBuffer<__nv_bfloat16> buffer(count);
  fill_random<<<1024, 256>>>(buffer.data(), count, seed);
  check_device(cudaDeviceSynchronize(), "filling with random values");
  return buffer;
}

/// `sequences` of `tokens` new rows each, behind `context` keys in all, of which the first
/// `shared` are the same pages.
struct MlaCase {
  const char* model;
  std::int64_t heads, sequences, tokens, context, shared = 0;
  bool fp8 = false;

  /// A layer of the cache, without its memory.
  KvLayer kv(std::int64_t pages) const {
    KvLayer layer{.dtype = Dtype::kBF16, .pages = pages, .width = kMlaQkDim};
    if (fp8) {
      layer.dtype = Dtype::kF8E4M3;
      layer.block = 128, layer.plain = kMlaQkDim - kMlaVDim;
    }
    return layer;
  }

  AttentionShape shape() const {
    return {.heads = heads,
            .kv_heads = 1,
            .qk_dim = kMlaQkDim,
            .v_dim = kMlaVDim,
            .scale = 0.1F,
            .kv_dtype = fp8 ? Dtype::kF8E4M3 : Dtype::kBF16};
  }
  std::int64_t rows() const { return sequences * tokens; }
  std::int64_t first() const { return context - tokens; }
  /// Keys that rows see, over all rows.
  std::int64_t visible() const {
    return sequences * (tokens * first() + tokens * (tokens + 1) / 2);
  }
  std::int64_t flops() const { return 2 * heads * (kMlaQkDim + kMlaVDim) * visible(); }
  std::int64_t bytes() const {
    const std::int64_t keys = shared + sequences * (context - shared);
    return keys * (kv_page_bytes(kv(1)) / kPageTokens) +
           2 * rows() * heads * (kMlaQkDim + kMlaVDim);
  }
  std::string name() const {
    std::string text = std::string(model) + (tokens == 1 ? " decode " : " prefill ") +
                       std::to_string(sequences) + " x " +
                       std::to_string(tokens == 1 ? context : tokens);
    if (shared) text += ", " + std::to_string(shared) + " shared";
    return text;
  }
};

/// The batch's arrays on the host, and a plan of them.
struct MlaHost {
  std::vector<std::int32_t> row_begin{0}, position_begin, pages;
  std::int64_t cache_pages = 0, max_pages = 0;

  explicit MlaHost(const MlaCase& c) {
    max_pages = (c.context + kPageTokens - 1) / kPageTokens;
    const std::int64_t shared = c.shared / kPageTokens;
    cache_pages = shared;
    for (std::int64_t s = 0; s < c.sequences; ++s) {
      row_begin.push_back(row_begin.back() + static_cast<std::int32_t>(c.tokens));
      position_begin.push_back(static_cast<std::int32_t>(c.first()));
      for (std::int64_t p = 0; p < max_pages; ++p) {
        pages.push_back(static_cast<std::int32_t>(p < shared ? p : cache_pages++));
      }
    }
  }
  Ragged ragged(const MlaCase& c) const {
    return {.sequences = c.sequences,
            .rows = c.rows(),
            .row_begin = row_begin.data(),
            .position_begin = position_begin.data(),
            .pages = pages.data(),
            .max_pages = max_pages};
  }
  std::vector<std::byte> plan(const MlaCase& c) const {
    std::vector<std::byte> plan(
        kMlaAttention.plan_bytes(c.shape(), {c.rows(), c.sequences, c.context}));
    plan.resize(kMlaAttention.plan(c.shape(), ragged(c), plan.data(), plan.size()));
    return plan;
  }
};

template <typename T>
DeviceBuffer<T> to_device(const std::vector<T>& values) {
  DeviceBuffer<T> buffer(values.size());
  check_device(
      cudaMemcpy(buffer.data(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice),
      "copying a benchmark's inputs");
  return buffer;
}

/// Owns a launch's memory.
struct MlaLaunch {
  DeviceBuffer<__nv_bfloat16> q, out, cache;
  DeviceBuffer<std::int32_t> pages;
  DeviceBuffer<std::byte> plan, workspace;
  AttentionCudaArgs args;

  explicit MlaLaunch(const MlaCase& c) {
    const MlaHost host(c);
    q = random_values(c.rows() * c.heads * kMlaQkDim, 1);
    out = random_values(c.rows() * c.heads * kMlaVDim, 2);
    KvLayer kv = c.kv(host.cache_pages);
    // Of fp8, too: bf16 numbers make codes and scales that are as good as any.
    cache = random_values(host.cache_pages * kv_page_bytes(kv) / 2, 3);
    kv.data = cache.data();
    pages = to_device(host.pages);
    plan = to_device(host.plan(c));
    workspace = DeviceBuffer<std::byte>(
        kMlaAttention.workspace_bytes(c.shape(), {c.rows(), c.sequences, c.context}));
    Ragged ragged = host.ragged(c);
    ragged.pages = pages.data();
    ragged.row_begin = ragged.position_begin = nullptr;
    args = {.shape = c.shape(),
            .q = {.data = q.data(), .dtype = Dtype::kBF16, .ld = c.heads * kMlaQkDim},
            .out = {.data = out.data(), .dtype = Dtype::kBF16, .ld = c.heads * kMlaVDim},
            .batch = {.ragged = ragged, .max_positions = c.context},
            .kv = kv,
            .plan = plan.data(),
            .workspace = workspace.data()};
  }
};

KernelCase kernel_case(const MlaCase& c) {
  return {.kernel = c.fp8 ? "attention_mla_fp8" : "attention_mla",
          .shape = c.name(),
          .bytes = c.bytes(),
          .flops = c.flops(),
          .make = [c]() -> std::function<void(const Stream&)> {
            const auto launch = std::make_shared<MlaLaunch>(c);
            return [launch](const Stream& stream) { kMlaAttention.launch(launch->args, stream); };
          }};
}

}  // namespace

std::vector<KernelCase> attention_mla_cases() {
  const MlaCase cases[] = {
      {"V2-Lite", 16, 1, 1, 256},
      {"V2-Lite", 16, 1, 1, 4096},
      {"V2-Lite", 16, 32, 1, 2048},
      {"V2-Lite", 16, 128, 1, 256},
      {"V2-Lite", 16, 128, 1, 4096},
      {"V2-Lite", 16, 128, 1, 16384},
      {"V2-Lite", 16, 200, 1, 4096},
      {"V2-Lite", 16, 512, 1, 1024},
      {"V2-Lite", 16, 128, 1, 9216, 8192},
      {"V2-Lite", 16, 1, 4096, 4096},
      {"V2-Lite", 16, 16, 512, 512},
      {"V3", 128, 1, 1, 4096},
      {"V3", 128, 16, 1, 4096},
      {"V3", 128, 128, 1, 1024},
      {"V3", 128, 128, 1, 4096},
      {"V3", 128, 32, 1, 16384},
      {"V3", 128, 1, 4096, 4096},
      {"V2-Lite", 16, 128, 1, 4096, 0, true},
      {"V2-Lite", 16, 128, 1, 16384, 0, true},
      {"V2-Lite", 16, 1, 4096, 4096, 0, true},
      {"V3", 128, 128, 1, 4096, 0, true},
  };
  std::vector<KernelCase> result;
  for (const MlaCase& c : cases) result.push_back(kernel_case(c));
  return result;
}

}  // namespace moebius::kernels
