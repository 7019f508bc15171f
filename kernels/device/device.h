// The GPU as the rest of the house sees it: which there are, memory, streams, copies.
// Includes no CUDA header. Built only where MOEBIUS_CUDA is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "kernels/stream.h"

namespace moebius::kernels {

/// The device or its driver failed, or memory ran out; what() is one line that names the device,
/// the call and CUDA's own words. After one, the context may be lost: nothing more is to be asked
/// of the device.
struct DeviceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct DeviceInfo {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  std::int64_t total_bytes = 0;
  std::int64_t free_bytes = 0;  // now
};

/// 0 where there is no driver or no device; never throws.
int device_count();
DeviceInfo device_info(int device);
/// Makes `device` the calling thread's. Streams and memory belong to the device current when
/// they were made.
void use_device(int device);
int current_device();

/// Throws DeviceError with `what` and the calling thread's device unless `status`, a cudaError_t,
/// is success.
void check_device(int status, const char* what);

/// `bytes` of device memory, 256-byte aligned; move-only. Throws DeviceError.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  explicit DeviceMemory(std::size_t bytes);
  void* data() const { return data_.get(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(void* p) const noexcept;
  };
  std::size_t bytes_ = 0;
  std::unique_ptr<void, Free> data_;
};

/// `size` elements of T on the device.
template <typename T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  explicit DeviceBuffer(std::size_t size) : size_(size), memory_(size * sizeof(T)) {}
  T* data() const { return static_cast<T*>(memory_.data()); }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
  DeviceMemory memory_;
};

/// Page-locked host memory: what copies that overlap with kernels come from and go to.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  explicit PinnedMemory(std::size_t bytes);
  std::byte* data() const { return data_.get(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(std::byte* p) const noexcept;
  };
  std::size_t bytes_ = 0;
  std::unique_ptr<std::byte, Free> data_;
};

/// Owns a device stream that does not wait for the default one.
class DeviceStream {
 public:
  DeviceStream();
  Stream stream() const { return Stream::device(handle_.get()); }

 private:
  struct Destroy {
    void operator()(void* p) const noexcept;
  };
  std::unique_ptr<void, Destroy> handle_;
};

/// Copies between host and device (either way, or within), in stream order. The host side
/// must be pinned to overlap with other work.
void device_copy(void* to, const void* from, std::size_t bytes, const Stream& stream);
void device_fill(void* to, int byte, std::size_t bytes, const Stream& stream);
/// Waits for everything on the stream; throws DeviceError with what any of it ran into.
void device_wait(const Stream& stream);

}  // namespace moebius::kernels
