// Around every device launch: its declared cost goes to the log, its error to the caller.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/stream.h"

namespace moebius::kernels {

/// Declare before launching, then `launched()` right after the <<<>>>. `kernel` is a string literal
/// that names the operation ("gemm_bf16"); bytes and flops as in Launch.
class DeviceLaunch {
 public:
  DeviceLaunch(const Stream& stream, std::string_view kernel, std::int64_t bytes,
               std::int64_t flops);
  ~DeviceLaunch();
  DeviceLaunch(const DeviceLaunch&) = delete;
  DeviceLaunch& operator=(const DeviceLaunch&) = delete;

  /// Throws DeviceError naming the kernel if the launch was refused.
  void launched() const;

 private:
  const Stream& stream_;
  std::string_view kernel_;
};

}  // namespace moebius::kernels
