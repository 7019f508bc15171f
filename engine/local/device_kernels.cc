// Figures of kernels on GPUs: of a run, and of every case there is.
#include <mutex>
#include <utility>

#include "engine/local/profiling.h"
#include "engine/local/steppers.h"
#include "kernels/device/bench.h"
#include "kernels/device/device.h"
#include "kernels/device/profiler.h"

namespace moebius::engine {
namespace {

class DeviceProfiling final : public Profiling {
 public:
  explicit DeviceProfiling(int devices)
      : devices_(devices), profiler_(kernels::DeviceProfiler::start()) {}

  // Several devices are never all between steps, so nothing can be paused.
  void between_steps() override {
    if (devices_ > 1) return;
    const std::lock_guard lock(mutex_);
    profiler_->between_steps();
  }

  KernelProfile take() override {
    const std::lock_guard lock(mutex_);
    try {
      // Steps have waited for their device: nothing of them is running.
      return named(profiler_->take(), gpu_name());
    } catch (const kernels::DeviceError& error) {
      throw Error(error.what());
    }
  }

 private:
  const int devices_;
  std::mutex mutex_;
  std::unique_ptr<kernels::DeviceProfiler> profiler_;
};

KernelTiming timing_of(const kernels::KernelCase& kernel_case, const kernels::Stream& stream) {
  KernelTiming timing;
  timing.kernel = kernel_case.kernel;
  timing.shape = kernel_case.shape;
  timing.bytes = kernel_case.bytes;
  timing.flops = kernel_case.flops;
  try {
    const kernels::CaseTiming time = kernels::time_case(kernel_case, stream);
    timing.ns = time.ns;
    timing.spread = time.spread;
  } catch (const kernels::DeviceError&) {
    throw;  // the device may be lost
  } catch (const std::exception& error) {
    timing.error = error.what();
  }
  return timing;
}

}  // namespace

std::string gpu_name() {
  try {
    return kernels::device_info(0).name;
  } catch (const kernels::DeviceError& error) {
    throw Error(error.what());
  }
}

std::unique_ptr<Profiling> profile_devices(int devices) {
  try {
    return std::make_unique<DeviceProfiling>(devices);
  } catch (const kernels::DeviceError& error) {
    throw Error(error.what());
  }
}

void bench_device_kernels(const std::function<bool(const std::string&)>& wanted,
                          const std::function<void(const KernelTiming&)>& done) {
  try {
    kernels::use_device(0);
    const kernels::DeviceStream stream;
    for (const kernels::KernelCase& each : kernels::all_cases()) {
      if (wanted(each.kernel + " " + each.shape)) done(timing_of(each, stream.stream()));
    }
  } catch (const kernels::DeviceError& error) {
    throw Error(error.what());
  }
}

}  // namespace moebius::engine
