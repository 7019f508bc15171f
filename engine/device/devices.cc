// Which GPUs can serve.
#include "engine/device/device_forward.h"

namespace moebius::engine {
namespace {

bool serves(const kernels::DeviceInfo& info) {
  return info.major == 9 && info.minor == 0;  // what the kernels are compiled for
}

}  // namespace

std::optional<std::string> device_obstacle() {
  if (kernels::device_count() == 0) {
    return "GPU engine: expected a GPU with its driver, found none";
  }
  try {
    const kernels::DeviceInfo info = kernels::device_info(0);
    if (serves(info)) return {};
    return "GPU engine: " + info.name + ": expected compute capability 9.0, found " +
           std::to_string(info.major) + "." + std::to_string(info.minor);
  } catch (const kernels::DeviceError& error) {
    return error.what();
  }
}

int require_devices() {
  if (const auto obstacle = device_obstacle()) throw Error(*obstacle);
  int serving = 1;
  while (serving < kernels::device_count() && serves(kernels::device_info(serving))) ++serving;
  kernels::use_device(0);
  return serving;
}

}  // namespace moebius::engine
