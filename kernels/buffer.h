// Memory that kernels work on, owned: allocated once, in one place.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>

#include "kernels/stream.h"

namespace moebius::kernels {

/// `size` elements of T in one place, 64-byte aligned; move-only; contents start
/// undefined. Throws std::bad_alloc.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) : size_(size), data_(allocate(size)) {}

  T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::span<T> span() const { return {data(), size_}; }
  T& operator[](std::size_t i) const { return data_.get()[i]; }

 private:
  struct Free {
    void operator()(T* p) const noexcept { ::operator delete (p, std::align_val_t{64}); }
  };
  static T* allocate(std::size_t size) {
    if (size > static_cast<std::size_t>(-1) / 2 / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(::operator new (size * sizeof(T), std::align_val_t{64}));
  }
  std::size_t size_ = 0;
  std::unique_ptr<T[], Free> data_;
};

}  // namespace moebius::kernels
