#include "runner/roofline.h"

#include <fmt/format.h>

#include <algorithm>

namespace moebius::runner {
namespace {

// Launch, first loads and the last block's tail of a kernel on an H200.
constexpr double kLatencyNs = 5000;

double compute_limit(std::string_view kernel, const reports::MachineLimits& limits) {
  const auto says = [&](std::string_view part) {
    return kernel.find(part) != std::string_view::npos;
  };
  if (says("fp8") && limits.fp8_tflops > 0) return limits.fp8_tflops;
  if (says("f32") && limits.f32_tflops > 0) return limits.f32_tflops;
  return limits.matrix_tflops;
}

}  // namespace

const char* bound_name(Bound bound) {
  switch (bound) {
    case Bound::kMemory:
      return "memory";
    case Bound::kCompute:
      return "compute";
    case Bound::kLatency:
      return "latency";
    case Bound::kNone:
      break;
  }
  return "-";
}

Roof roof_of(std::string_view kernel, double ns, double bytes, double flops,
             const reports::MachineLimits& limits) {
  Roof roof{.gb_s = bytes / ns, .tflops = flops / ns * 1e-3};
  const double memory = std::max(limits.read_gb_s, limits.copy_gb_s);
  const double compute = compute_limit(kernel, limits);
  if (memory <= 0 || compute <= 0 || (bytes <= 0 && flops <= 0)) return roof;
  const double memory_ns = bytes / memory;
  const double compute_ns = flops / compute * 1e-3;
  const double shortest_ns = std::max(memory_ns, compute_ns);
  roof.percent = 100 * shortest_ns / ns;
  roof.bound = memory_ns >= compute_ns ? Bound::kMemory : Bound::kCompute;
  if (*roof.percent < 50 && shortest_ns < kLatencyNs) roof.bound = Bound::kLatency;
  return roof;
}

std::string limits_text(const reports::MachineLimits& limits) {
  std::string text = fmt::format("{:.1f} GB/s read", limits.read_gb_s);
  if (limits.copy_gb_s > 0) text += fmt::format(", {:.1f} GB/s copied", limits.copy_gb_s);
  text += fmt::format(", {:.2f} TFLOP/s ({})", limits.matrix_tflops, limits.matrix_path);
  if (limits.fp8_tflops > 0) text += fmt::format(", {:.2f} in fp8", limits.fp8_tflops);
  if (limits.f32_tflops > 0) text += fmt::format(", {:.2f} in f32", limits.f32_tflops);
  return text;
}

Json limits_json(const reports::MachineLimits& limits) {
  return {{"read_gb_s", limits.read_gb_s},         {"copy_gb_s", limits.copy_gb_s},
          {"matrix_tflops", limits.matrix_tflops}, {"matrix_path", limits.matrix_path},
          {"fp8_tflops", limits.fp8_tflops},       {"f32_tflops", limits.f32_tflops}};
}

}  // namespace moebius::runner
