// Times kernels on the device: the figures of `moebius bench kernels`.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/device/cases.h"

namespace moebius::kernels {

/// Every kernel that has cases, in the order of their files.
std::vector<KernelCase> all_cases();

struct CaseTiming {
  double ns = 0;              // of one launch: the median over batches
  double spread = 0;          // (slowest - fastest batch) / median
  std::int64_t launches = 0;  // timed, all batches together
};

/// Launches the case over and over through a CUDA graph of many launches, so that the host's
/// launch cost is not in the time; about a tenth of a second. Throws DeviceError.
CaseTiming time_case(const KernelCase& kernel_case, const Stream& stream);

}  // namespace moebius::kernels
