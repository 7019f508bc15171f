// One block of memory cut into arrays: with a null base it only counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace moebius::engine {

class Arena {
 public:
  explicit Arena(std::byte* base) : base_(base) {}

  /// `count` elements, 256-byte aligned.
  template <typename T>
  T* take(std::int64_t count) {
    std::byte* at = base_ + bytes_;
    bytes_ += (static_cast<std::size_t>(count) * sizeof(T) + 255) / 256 * 256;
    return reinterpret_cast<T*>(at);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* base_;
  std::size_t bytes_ = 0;
};

/// Two blocks of equal layout, one on the host and one on the device: what is written into one
/// reaches the other in a single copy.
class TwinBlock {
 public:
  template <typename T>
  struct Array {
    T* host = nullptr;
    T* device = nullptr;
  };

  TwinBlock() = default;
  TwinBlock(std::byte* host, std::byte* device, std::size_t capacity)
      : host_(host), device_(device), capacity_(capacity) {}

  static constexpr std::size_t padded(std::size_t bytes) { return (bytes + 15) / 16 * 16; }

  /// 16-byte aligned. std::logic_error beyond the capacity.
  template <typename T>
  Array<T> take(std::int64_t count) {
    const std::size_t bytes = padded(static_cast<std::size_t>(count) * sizeof(T));
    if (bytes > capacity_ - used_) throw std::logic_error("TwinBlock: a step beyond its limits");
    const Array<T> array{reinterpret_cast<T*>(host_ + used_),
                         reinterpret_cast<T*>(device_ + used_)};
    used_ += bytes;
    return array;
  }
  void reset() { used_ = 0; }

  std::byte* host() const { return host_; }
  std::byte* device() const { return device_; }
  std::size_t used() const { return used_; }
  std::size_t left() const { return capacity_ - used_; }

 private:
  std::byte* host_ = nullptr;
  std::byte* device_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
};

}  // namespace moebius::engine
