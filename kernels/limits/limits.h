// What this machine can do at most, measured: the denominators of every "percent of the limit".
#pragma once

#include "kernels/stream.h"

namespace moebius::kernels {

/// Bytes per second of reading 512 MiB once with all threads: the best of several passes.
double measure_read_bandwidth(const Stream& stream);

struct MatrixPeak {
  double flops_per_second = 0;  // multiply-adds counted twice, all threads together
  const char* path = "";        // "amx_bf16", "avx512_f32", "avx2_f32" or "neon_f32"
};

/// Products out of registers, with operands that never change: no load or store in
/// the loop. The best of several runs.
MatrixPeak measure_matrix_peak(const Stream& stream);

/// Runs `steps` x 4 tile products on this thread; 0 FLOPs without AMX.
double amx_products(long steps);

}  // namespace moebius::kernels
