// What this device can do at most, measured: the denominators of every "percent of the limit".
#pragma once

#include "kernels/stream.h"

namespace moebius::kernels {

/// Bytes and operations a second; multiply-adds count twice.
struct DeviceLimits {
  double read_bytes = 0;  // reading 4 GiB once
  double copy_bytes = 0;  // copying 2 GiB: read and written together
  double bf16_flops = 0;  // wgmma on random operands that stay in shared memory
  double fp8_flops = 0;   // the same in e4m3
  double f32_flops = 0;   // fused multiply-adds of the vector units

  /// Products of 8192 x 8192 x 8192 by cuBLASLt, if libcublasLt can be loaded ($MOEBIUS_CUBLASLT or
  /// the loader's path), else 0: what a tuned library reaches with operands in memory.
  double library_bf16_flops = 0;
  double library_fp8_flops = 0;
};

/// About half a second; needs 8 GiB of device memory. Throws DeviceError.
DeviceLimits measure_device_limits(const Stream& stream);

/// The library_ fields. 0 and 0 without the library.
struct LibraryPeak {
  double bf16_flops = 0;
  double fp8_flops = 0;
};
LibraryPeak measure_library_peak(const Stream& stream);

}  // namespace moebius::kernels
