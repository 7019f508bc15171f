#include "kernels/device/device.h"

#include <cuda_runtime.h>

#include <string>

namespace moebius::kernels {
namespace {

// The calling thread's device. Not asked of CUDA, which after a fault answers nothing but that.
thread_local int in_use = 0;

cudaStream_t handle_of(const Stream& stream) {
  require(stream.place() == Place::kDevice, "device: a device stream expected");
  return static_cast<cudaStream_t>(stream.handle());
}

}  // namespace

void check_device(int status, const char* what) {
  const auto error = static_cast<cudaError_t>(status);
  if (error == cudaSuccess) return;
  throw DeviceError("GPU " + std::to_string(in_use) + ": " + what + ": " +
                    cudaGetErrorString(error) + " (" + cudaGetErrorName(error) + ")");
}

int device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

DeviceInfo device_info(int device) {
  cudaDeviceProp properties;
  check_device(cudaGetDeviceProperties(&properties, device), "reading its properties");
  std::size_t free = 0, total = 0;
  use_device(device);
  check_device(cudaMemGetInfo(&free, &total), "reading how much memory is free");
  return {.name = properties.name,
          .major = properties.major,
          .minor = properties.minor,
          .multiprocessors = properties.multiProcessorCount,
          .total_bytes = static_cast<std::int64_t>(total),
          .free_bytes = static_cast<std::int64_t>(free)};
}

void use_device(int device) {
  in_use = device;
  check_device(cudaSetDevice(device), "choosing the device");
}

int current_device() {
  int device = 0;
  check_device(cudaGetDevice(&device), "asking which device is in use");
  return device;
}

DeviceMemory::DeviceMemory(std::size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  void* data = nullptr;
  const std::string what = "allocating " + std::to_string(bytes) + " bytes";
  check_device(cudaMalloc(&data, bytes), what.c_str());
  data_.reset(data);
}

// An error here belongs to an earlier launch; whoever waits for that hears of it.
void DeviceMemory::Free::operator()(void* p) const noexcept {
  (void)cudaFree(p);
}

PinnedMemory::PinnedMemory(std::size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  void* data = nullptr;
  const std::string what = "allocating " + std::to_string(bytes) + " bytes of pinned memory";
  check_device(cudaMallocHost(&data, bytes), what.c_str());
  data_.reset(static_cast<std::byte*>(data));
}

void PinnedMemory::Free::operator()(std::byte* p) const noexcept {
  (void)cudaFreeHost(p);
}

DeviceStream::DeviceStream() {
  cudaStream_t stream = nullptr;
  check_device(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "creating a stream");
  handle_.reset(stream);
}

void DeviceStream::Destroy::operator()(void* p) const noexcept {
  (void)cudaStreamDestroy(static_cast<cudaStream_t>(p));
}

void device_copy(void* to, const void* from, std::size_t bytes, const Stream& stream) {
  if (bytes == 0) return;
  check_device(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, handle_of(stream)), "copying");
}

void device_fill(void* to, int byte, std::size_t bytes, const Stream& stream) {
  if (bytes == 0) return;
  check_device(cudaMemsetAsync(to, byte, bytes, handle_of(stream)), "filling memory");
}

void device_wait(const Stream& stream) {
  check_device(cudaStreamSynchronize(handle_of(stream)), "waiting for its work");
}

}  // namespace moebius::kernels
