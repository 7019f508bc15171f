// Grouped-query attention at the shapes of Qwen3-30B-A3B and Llama-3.1-8B, to be timed.
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "kernels/attention/attention_path.h"
#include "kernels/device/cases.h"
#include "kernels/device/device.h"
#include "kernels/kv_write/fp8_cache.h"

namespace moebius::kernels {
namespace {

/// `sequences` that each add `tokens` rows, the last of them at position `context` - 1; all have
/// their first `shared` positions in the same pages.
struct Step {
  const char* model;
  std::int64_t heads, kv_heads, head_dim;
  std::int64_t sequences, tokens, context, shared = 0;
  bool fp8 = false;

  /// A layer of the cache, without its memory.
  KvLayer kv(std::int64_t pages) const {
    KvLayer layer{.dtype = Dtype::kBF16, .pages = pages, .width = 2 * kv_heads * head_dim};
    if (fp8) layer.dtype = Dtype::kF8E4M3, layer.block = head_dim;
    return layer;
  }
};

constexpr Step kSteps[] = {
    {"Qwen3-30B-A3B", 32, 4, 128, 1, 4096, 4096},
    {"Qwen3-30B-A3B", 32, 4, 128, 8, 1024, 1024},
    {"Qwen3-30B-A3B", 32, 4, 128, 1, 1, 4096},
    {"Qwen3-30B-A3B", 32, 4, 128, 32, 1, 4096},
    {"Qwen3-30B-A3B", 32, 4, 128, 128, 1, 4096},
    {"Qwen3-30B-A3B", 32, 4, 128, 256, 1, 1024},
    {"Llama-3.1-8B", 32, 8, 128, 1, 4096, 4096},
    {"Llama-3.1-8B", 32, 8, 128, 1, 1, 4096},
    {"Llama-3.1-8B", 32, 8, 128, 128, 1, 4096},
    {"Qwen3-30B-A3B", 32, 4, 128, 64, 1, 4096, 3072},
    {"Qwen3-30B-A3B", 32, 4, 128, 256, 1, 2048, 1024},
    {"Qwen3-30B-A3B", 32, 4, 128, 1, 4096, 4096, 0, true},
    {"Qwen3-30B-A3B", 32, 4, 128, 1, 1, 4096, 0, true},
    {"Qwen3-30B-A3B", 32, 4, 128, 128, 1, 4096, 0, true},
    {"Qwen3-30B-A3B", 32, 4, 128, 128, 1, 16384, 0, true},
    {"Qwen3-30B-A3B", 32, 4, 128, 128, 1, 16384},
};

// Uniform in [-1, 1), two to a word.
__global__ void fill_random(std::uint32_t* words, std::int64_t count, std::uint32_t seed) {
  const auto element = [](std::uint32_t x) {
    const float value = static_cast<float>(x & 0xffff) * 0x1p-15F - 1.0F;
    return __float_as_uint(value) >> 16;
  };
  std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (; i < count; i += std::int64_t{gridDim.x} * blockDim.x) {
    std::uint32_t x = static_cast<std::uint32_t>(i) * 0x9e3779b9U + seed;
    x = (x ^ x >> 16) * 0x85ebca6bU;
    x = (x ^ x >> 13) * 0xc2b2ae35U;
    x ^= x >> 16;
    words[i] = element(x) | element(x >> 16) << 16;
  }
}

DeviceMemory random_elements(std::int64_t count, std::uint32_t seed) {
  DeviceMemory memory(static_cast<std::size_t>(count) * 2);
  fill_random<<<1024, 256>>>(static_cast<std::uint32_t*>(memory.data()), count / 2, seed);
  check_device(cudaDeviceSynchronize(), "filling memory");
  return memory;
}

template <typename T>
DeviceMemory copied(const std::vector<T>& values) {
  DeviceMemory memory(values.size() * sizeof(T));
  check_device(cudaMemcpy(memory.data(), values.data(), memory.bytes(), cudaMemcpyDefault),
               "copying");
  return memory;
}

/// A step's arrays, and the launch over them.
class Launcher {
 public:
  explicit Launcher(const Step& step) {
    const std::int64_t max_pages = (step.context + kPageTokens - 1) / kPageTokens;
    std::vector<std::int32_t> row_begin(step.sequences + 1), position_begin(step.sequences),
        pages(step.sequences * max_pages);
    for (std::int64_t s = 0; s < step.sequences; ++s) {
      row_begin[s + 1] = static_cast<std::int32_t>((s + 1) * step.tokens);
      position_begin[s] = static_cast<std::int32_t>(step.context - step.tokens);
    }
    std::iota(pages.begin(), pages.end(), 0);
    std::shuffle(pages.begin(), pages.end(), std::mt19937(1));
    for (std::int64_t s = 1; s < step.sequences; ++s) {
      std::copy_n(pages.begin(), step.shared / kPageTokens, pages.begin() + s * max_pages);
    }
    const Ragged host{.sequences = step.sequences,
                      .rows = step.sequences * step.tokens,
                      .row_begin = row_begin.data(),
                      .position_begin = position_begin.data(),
                      .pages = pages.data(),
                      .max_pages = max_pages};
    args_.shape = {.heads = step.heads,
                   .kv_heads = step.kv_heads,
                   .qk_dim = step.head_dim,
                   .v_dim = step.head_dim,
                   .k_offset = 0,
                   .v_offset = step.kv_heads * step.head_dim,
                   .scale = 1.0F / std::sqrt(static_cast<float>(step.head_dim)),
                   .kv_dtype = step.fp8 ? Dtype::kF8E4M3 : Dtype::kBF16};
    const AttentionLimits limits{host.rows, host.sequences, step.context};
    std::vector<std::byte> plan(kGqaAttention.plan_bytes(args_.shape, limits));
    plan.resize(kGqaAttention.plan(args_.shape, host, plan.data(), plan.size()));

    const std::int64_t columns = step.heads * step.head_dim;
    args_.q = {.data = keep(random_elements(host.rows * columns, 1)), .ld = columns};
    args_.out = {.data = keep(random_elements(host.rows * columns, 2)), .ld = columns};
    args_.batch.ragged = host;
    args_.batch.ragged.row_begin = static_cast<std::int32_t*>(keep(copied(row_begin)));
    args_.batch.ragged.position_begin = static_cast<std::int32_t*>(keep(copied(position_begin)));
    args_.batch.ragged.pages = static_cast<std::int32_t*>(keep(copied(pages)));
    args_.batch.max_positions = step.context;
    // Of fp8, too: words of bf16 numbers make codes and scales that are as good as any.
    args_.kv = step.kv(std::ssize(pages));
    args_.kv.data = keep(random_elements(std::ssize(pages) * kv_page_bytes(args_.kv) / 2, 3));
    args_.plan = keep(copied(plan));
    args_.workspace = keep(DeviceMemory(kGqaAttention.workspace_bytes(args_.shape, limits)));
  }

  void operator()(const Stream& stream) const { kGqaAttention.launch(args_, stream); }

 private:
  void* keep(DeviceMemory memory) {
    return memory_.emplace_back(std::make_shared<DeviceMemory>(std::move(memory)))->data();
  }

  AttentionCudaArgs args_;
  std::vector<std::shared_ptr<DeviceMemory>> memory_;
};

KernelCase case_of(const Step& step) {
  const std::int64_t first = step.context - step.tokens;
  const std::int64_t pairs =
      step.sequences * (step.tokens * first + step.tokens * (step.tokens + 1) / 2);
  const std::int64_t rows = step.sequences * step.tokens;
  const std::int64_t entries = step.sequences * (step.context - step.shared) + step.shared;
  const std::string kind = step.tokens > 1 ? " prefill " : " decode ";
  return {.kernel = step.fp8 ? "attention_gqa_fp8" : "attention_gqa",
          .shape = step.model + kind + std::to_string(step.sequences) + " x " +
                   std::to_string(step.tokens) + " at " + std::to_string(step.context) +
                   (step.shared > 0 ? " shared " + std::to_string(step.shared) : ""),
          .bytes = 4 * step.head_dim * rows * step.heads +
                   entries * (kv_page_bytes(step.kv(1)) / kPageTokens),
          .flops = 4 * pairs * step.heads * step.head_dim,
          .fp8 = false,
          .make = [step] { return Launcher(step); }};
}

}  // namespace

// One set of inputs each: a decode's cache is many times the L2 cache, a prefill's is read out of
// it in a model too.
std::vector<KernelCase> attention_gqa_cases() {
  std::vector<KernelCase> cases;
  for (const Step& step : kSteps) cases.push_back(case_of(step));
  return cases;
}

}  // namespace moebius::kernels
