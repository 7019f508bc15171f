// measure_limits: what this machine's memory and matrix unit can do.
#include "kernels/limits/limits.h"
#include "engine/engine.h"

namespace moebius::engine {

EngineLimits measure_limits(int threads) {
  kernels::require_supported_cpu();
  kernels::ThreadPool pool(threads);
  const kernels::Stream stream = kernels::Stream::host(pool);
  const kernels::MatrixPeak peak = kernels::measure_matrix_peak(stream);
  return {.read_gb_s = kernels::measure_read_bandwidth(stream) * 1e-9,
          .matrix_tflops = peak.flops_per_second * 1e-12,
          .matrix_path = peak.path};
}

}  // namespace moebius::engine
