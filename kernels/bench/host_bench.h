// Times host kernels at real model shapes: the figures of `moebius bench kernels` on a CPU.
#pragma once

#include <vector>

#include "kernels/device/bench.h"
#include "kernels/device/cases.h"
#include "kernels/launch_log.h"

namespace moebius::kernels {

/// Bytes and FLOPs are left to the launch itself: see time_host_case.
std::vector<KernelCase> host_cases();

struct HostTiming {
  CaseTiming time;
  Launch declared;  // what one launch told the log
};

/// Launches for about a fifth of a second.
HostTiming time_host_case(const KernelCase& kernel_case, Stream stream);

}  // namespace moebius::kernels
