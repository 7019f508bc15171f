#include "kernels/device/fault.h"

#include "kernels/device/launch.h"

namespace moebius::kernels {
namespace {

__global__ void fault_kernel() {
  asm volatile("trap;");
}

}  // namespace

void fault_cuda(const Stream& stream) {
  const DeviceLaunch launch(stream, "fault", 0, 0);
  fault_kernel<<<1, 1, 0, static_cast<cudaStream_t>(stream.handle())>>>();
  launch.launched();
}

}  // namespace moebius::kernels
