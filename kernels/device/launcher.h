// What a launch needs to know of the current device, and the launch itself, which may begin beside
// the end of the kernel before it. For device sources.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <utility>

#include "kernels/stream.h"

namespace moebius::kernels {

/// Multiprocessors of the calling thread's device. Asked once for each device; any thread.
/// Throws DeviceError.
int multiprocessors();
/// The same, or `otherwise` where there is no device to ask.
int multiprocessors_or(int otherwise);

/// Lets blocks of `kernel` (a __global__ function) have up to `bytes` of dynamic shared memory on
/// the calling thread's device: a property of each device, asked for once on each. Any thread,
/// before a launch, also while a graph is recorded. Throws DeviceError.
void allow_shared_bytes(const void* kernel, std::size_t bytes);
template <class... Parameters>
void allow_shared_bytes(void (*kernel)(Parameters...), std::size_t bytes) {
  allow_shared_bytes(reinterpret_cast<const void*>(kernel), bytes);
}

/// Whether launches may begin early; see LaunchShape. False if the environment variable MOEBIUS_PDL
/// is 0 when this is first asked: for comparisons, results are the same.
bool early_launches();

struct LaunchShape {
  dim3 grid = {1, 1, 1};
  dim3 block = {1, 1, 1};
  std::size_t shared_bytes = 0;  // dynamic; more than 48 KiB by allow_shared_bytes()
  unsigned cluster = 0;          // blocks of a cluster, along x; 0: no clusters
  /// Programmatic dependent launch. The kernel's blocks may move in while the kernel ahead of it
  /// runs, once each of its blocks has called allow_next_kernel() or ended. So at least one thread
  /// of each grid calls wait_for_previous_kernel(), and before that returns, no thread reads what
  /// any kernel wrote nor writes at all. kernels/README.md, "Early launches", has the reasons.
  bool early = false;
};

/// Throws DeviceError, with the innermost DeviceLaunch's name, unless `status` is cudaSuccess.
void check_launch(cudaError_t status);

/// kernel<<<>>>(arguments...) on a device stream.
template <class... Parameters, class... Arguments>
void launch_kernel(void (*kernel)(Parameters...), const LaunchShape& shape, const Stream& stream,
                   Arguments&&... arguments) {
  cudaLaunchAttribute attributes[2]{};
  unsigned count = 0;
  if (shape.cluster > 0) {
    attributes[count].id = cudaLaunchAttributeClusterDimension;
    attributes[count++].val.clusterDim = {shape.cluster, 1, 1};
  }
  if (shape.early && early_launches()) {
    attributes[count].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[count++].val.programmaticStreamSerializationAllowed = 1;
  }
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = static_cast<cudaStream_t>(stream.handle());
  config.attrs = attributes;
  config.numAttrs = count;
  check_launch(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...));
}

}  // namespace moebius::kernels
