// The device profiler: CUPTI's records of what ran, joined with what each launch declared.
#pragma once

#include <memory>

#include "kernels/profile/profile.h"

namespace moebius::kernels {

/// Records every kernel, copy and fill of this process from construction on, on every device.
/// At most one at a time. Graphs captured while it lives show their kernels as declared, others
/// by the kernels' own symbols.
///
/// libcupti is loaded when the first one is made: from $MOEBIUS_CUPTI (a file), the loader's path,
/// or the CUDA toolkit's folders. Nothing of it is used otherwise.
class DeviceProfiler {
 public:
  /// Throws DeviceError if there is no CUPTI, it is another major version than this was built
  /// with, it refuses, or there is a profiler already.
  static std::unique_ptr<DeviceProfiler> start();
  virtual ~DeviceProfiler() = default;

  /// Between steps of work, on the thread that launches and not while it captures: pauses
  /// recording and goes on with it, so that it costs at most 0.4 % of the time since the start
  /// however short the kernels are. Waits for the current device when it pauses. What is not
  /// recorded is estimated from what is; without these calls everything is recorded.
  virtual void between_steps() = 0;

  /// Figures since the last take, or since the start. Waits for the current device; whatever
  /// runs on others must have been waited for.
  virtual Profile take() = 0;
};

}  // namespace moebius::kernels
