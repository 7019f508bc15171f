// Builds without a CUDA compiler have no GPU engine.
#include "engine/local/profiling.h"
#include "engine/local/steppers.h"

namespace moebius::engine {
namespace {

[[noreturn]] void refuse() {
  throw Error(
      "GPU engine: this build has none (no CUDA compiler was there), expected device auto "
      "or cpu, found cuda");
}

}  // namespace

bool runs_on_device(const LocalOptions& options) {
  if (options.device == Device::kCuda) refuse();
  return false;
}

std::vector<std::unique_ptr<ModelStepper>> device_steppers(const Checkpoint&, const LocalOptions&) {
  refuse();
}

EngineLimits measure_device() {
  refuse();
}

std::string gpu_name() {
  refuse();
}

void bench_device_kernels(const std::function<bool(const std::string&)>&,
                          const std::function<void(const KernelTiming&)>&) {
  refuse();
}

std::unique_ptr<Profiling> profile_devices(int) {
  refuse();
}

}  // namespace moebius::engine
