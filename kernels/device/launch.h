// Around every device launch: its declared cost goes to the log and to the profiler, its error to
// the caller.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/stream.h"

namespace moebius::kernels {

/// What a DeviceLaunch declared, and how many launches have been made under it.
struct Declaration {
  std::string_view kernel;
  std::int64_t bytes = 0;
  std::int64_t flops = 0;
  std::int64_t launches = 0;  // counted by the profiler
};

/// The calling thread's innermost DeviceLaunch; null outside of any.
Declaration* current_declaration();

/// Declare before launching, then `launched()` right after the <<<>>>. `kernel` is a string literal
/// that names the operation ("gemm_bf16"); bytes and flops as in Launch, an expected value where
/// they depend on what only the device knows. Several launches may be made under one: the figures
/// are those of all together. Lives on the stack of the launching thread.
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
  Declaration declaration_;
  Declaration* outer_;
};

}  // namespace moebius::kernels
