#include "kernels/device/launch.h"

#include <cuda_runtime.h>

#include <string>
#include <utility>

#include "kernels/device/device.h"

namespace moebius::kernels {
namespace {

thread_local Declaration* innermost = nullptr;

}  // namespace

Declaration* current_declaration() {
  return innermost;
}

DeviceLaunch::DeviceLaunch(const Stream& stream, std::string_view kernel, std::int64_t bytes,
                           std::int64_t flops)
    : declaration_{kernel, bytes, flops}, outer_(innermost) {
  require(stream.place() == Place::kDevice, "launch: a device stream expected");
  if (stream.log()) stream.log()->add({kernel, bytes, flops, 0});
  innermost = &declaration_;
}

DeviceLaunch::~DeviceLaunch() {
  innermost = outer_;
}

void DeviceLaunch::launched() const {
  check_device(cudaGetLastError(), std::string("launching ").append(declaration_.kernel).c_str());
}

}  // namespace moebius::kernels
