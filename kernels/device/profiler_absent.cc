// kernels/device/profiler.h where the CUDA toolkit that this was built with has no CUPTI.
#include "kernels/device/device.h"
#include "kernels/device/profiler.h"

namespace moebius::kernels {

std::unique_ptr<DeviceProfiler> DeviceProfiler::start() {
  throw DeviceError("profiler: this binary was built without cupti.h of the CUDA toolkit");
}

}  // namespace moebius::kernels
