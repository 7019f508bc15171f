// A device that is really lost, on demand: for tests of what the process does then.
#pragma once

#include "kernels/stream.h"

namespace moebius::kernels {

/// Launches a kernel that executes `trap`. The next wait, and every later call that uses the
/// device, throws DeviceError, as after a wild address or an uncorrectable memory error; only a new
/// process can use the device again.
void fault_cuda(const Stream& stream);

}  // namespace moebius::kernels
