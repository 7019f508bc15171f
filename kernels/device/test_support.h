// For tests and benchmarks of device kernels: a stream, uploads, downloads, rounded inputs.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "kernels/device/device.h"
#include "kernels/device/rows.h"

namespace moebius::kernels {

/// Skips the test where there is no GPU; says so.
#define MOEBIUS_NEEDS_GPU() \
  if (::moebius::kernels::device_count() == 0) GTEST_SKIP() << "no GPU here"

/// bf16 bits, to nearest even; finite inputs.
inline std::uint16_t bf16_bits(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}
inline float bf16_value(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

template <typename T>
DeviceBuffer<T> upload(const std::vector<T>& values, const Stream& stream) {
  DeviceBuffer<T> buffer(values.size());
  device_copy(buffer.data(), values.data(), values.size() * sizeof(T), stream);
  device_wait(stream);
  return buffer;
}

inline DeviceBuffer<std::uint16_t> upload_bf16(const std::vector<float>& values,
                                               const Stream& stream) {
  std::vector<std::uint16_t> bits(values.size());
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = bf16_bits(values[i]);
  return upload(bits, stream);
}

template <typename T>
std::vector<T> download(const DeviceBuffer<T>& buffer, const Stream& stream) {
  std::vector<T> values(buffer.size());
  device_copy(values.data(), buffer.data(), values.size() * sizeof(T), stream);
  device_wait(stream);
  return values;
}

/// Every byte 0xff: NaN in each float type, -1 in each integer type.
template <typename T>
DeviceBuffer<T> poisoned(std::size_t size, const Stream& stream) {
  DeviceBuffer<T> buffer(size);
  device_fill(buffer.data(), 0xff, size * sizeof(T), stream);
  return buffer;
}

}  // namespace moebius::kernels
