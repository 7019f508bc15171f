// Forward passes on GPUs.
#include <algorithm>

#include "engine/device/device_forward.h"
#include "engine/local/steppers.h"
#include "kernels/limits/limits_cuda.h"

namespace moebius::engine {
namespace {

const char* name_of(KvCache cache) {
  return cache == KvCache::kF32 ? "f32" : cache == KvCache::kBF16 ? "bf16" : "fp8";
}

// What an fp8 cache expects of a model that it does not serve, and what was found.
std::string fp8_refusal(const Config& config) {
  if (config.attention == AttentionKind::kGqa) {
    return "heads of 64 or 128 columns, found " + std::to_string(config.head_dim);
  }
  return "latents of 512 and 64 columns and heads in sixteens, found " +
         std::to_string(config.kv_lora) + " and " + std::to_string(config.qk_rope) + ", " +
         std::to_string(config.heads) + " heads";
}

kernels::Dtype cache_dtype(const Config& config, Arithmetic arithmetic,
                           std::optional<KvCache> asked) {
  const bool narrow = arithmetic == Arithmetic::kBF16;
  const KvCache own = narrow ? KvCache::kBF16 : KvCache::kF32;
  const KvCache cache = asked.value_or(own);
  if (cache == own) return narrow ? kernels::Dtype::kBF16 : kernels::Dtype::kF32;
  if (cache != KvCache::kFp8 || !narrow) {
    throw Error(std::string("KV cache: on a GPU under ") + (narrow ? "bf16" : "f32") +
                " arithmetic expected " + (narrow ? "bf16 or fp8" : "f32") + ", found " +
                name_of(cache));
  }
  if (!kernels::attention_serves(attention_shape(config, kernels::Dtype::kF8E4M3))) {
    throw Error("KV cache: fp8 on a GPU expected " + fp8_refusal(config));
  }
  return kernels::Dtype::kF8E4M3;
}

DeviceForwardOptions device_options(const Checkpoint& checkpoint, const LocalOptions& options) {
  DeviceForwardOptions out;
  out.plan.arithmetic = options.arithmetic.value_or(Arithmetic::kBF16);
  out.plan.kv_dtype = cache_dtype(checkpoint.config, out.plan.arithmetic, options.kv_cache);
  if (options.max_batch_rows < 0) throw Error("max_batch_rows: expected at least 1");
  out.plan.max_rows = options.max_batch_rows;
  out.plan.max_context = checkpoint.config.context;
  if (options.max_context > 0) {
    out.plan.max_context = std::min<std::int64_t>(out.plan.max_context, options.max_context);
  }
  out.plan.kv_bytes = options.kv_bytes;
  out.plan.max_kv_tokens = options.max_kv_tokens;
  out.streaming = {
      .threads = options.threads, .made_up = checkpoint.made_up, .progress = options.progress};
  out.graphs = options.graphs;
  return out;
}

}  // namespace

bool runs_on_device(const LocalOptions& options) {
  if (options.device == Device::kCpu) return false;
  if (options.device == Device::kAuto && device_obstacle().has_value()) return false;
  const int count = require_devices();
  if (options.devices < 1 || options.devices > count) {
    throw Error("GPU engine: expected 1 .. " + std::to_string(count) + " devices, found " +
                std::to_string(options.devices));
  }
  return true;
}

std::vector<std::unique_ptr<ModelStepper>> device_steppers(const Checkpoint& checkpoint,
                                                           const LocalOptions& options) {
  DeviceForwardOptions device = device_options(checkpoint, options);
  std::vector<std::unique_ptr<ModelStepper>> steppers;
  try {
    for (device.device = 0; device.device < options.devices; ++device.device) {
      steppers.push_back(
          std::make_unique<DeviceForward>(checkpoint.config, checkpoint.weights, device));
    }
  } catch (const kernels::DeviceError& error) {
    throw Error(error.what());
  }
  return steppers;
}

EngineLimits measure_device() {
  try {
    kernels::use_device(0);
    const kernels::DeviceStream stream;
    const kernels::DeviceLimits limits = kernels::measure_device_limits(stream.stream());
    return {.read_gb_s = limits.read_bytes * 1e-9,
            .copy_gb_s = limits.copy_bytes * 1e-9,
            .matrix_tflops = limits.bf16_flops * 1e-12,
            .fp8_tflops = limits.fp8_flops * 1e-12,
            .f32_tflops = limits.f32_flops * 1e-12,
            .matrix_path = "wgmma_bf16"};
  } catch (const kernels::DeviceError& error) {
    throw Error(error.what());
  }
}

}  // namespace moebius::engine
