// Builds without a CUDA compiler have no GPU engine.
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

}  // namespace moebius::engine
