// For tests and benchmarks of device kernels: a stream, uploads, downloads, rounded inputs.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "kernels/device/device.h"
#include "kernels/device/rows.h"
#include "kernels/simd/convert.h"

namespace moebius::kernels {

/// Skips the test where there is no GPU; says so.
#define MOEBIUS_NEEDS_GPU() \
  if (::moebius::kernels::device_count() == 0) GTEST_SKIP() << "no GPU here"

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
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = f32_to_bf16(values[i]);
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
