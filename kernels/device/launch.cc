#include "kernels/device/launch.h"

#include <cuda_runtime.h>

#include <string>

#include "kernels/device/device.h"

namespace moebius::kernels {

DeviceLaunch::DeviceLaunch(const Stream& stream, std::string_view kernel, std::int64_t bytes,
                           std::int64_t flops)
    : stream_(stream), kernel_(kernel) {
  require(stream.place() == Place::kDevice, "launch: a device stream expected");
  if (stream_.log()) stream_.log()->add({kernel, bytes, flops, 0});
}

DeviceLaunch::~DeviceLaunch() = default;

void DeviceLaunch::launched() const {
  check_device(cudaGetLastError(), std::string("launching ").append(kernel_).c_str());
}

}  // namespace moebius::kernels
