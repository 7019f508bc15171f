// measure_limits: what this machine's memory and matrix unit can do.
#include "kernels/limits/limits.h"

#include "engine/engine.h"
#include "engine/local/steppers.h"

namespace moebius::engine {

EngineLimits measure_limits(const LocalOptions& options) {
  kernels::require_supported_cpu();
  if (runs_on_device(options)) return measure_device();
  kernels::ThreadPool pool(options.threads);
  const kernels::Stream stream = kernels::Stream::host(pool);
  const kernels::MatrixPeak peak = kernels::measure_matrix_peak(stream);
  return {.read_gb_s = kernels::measure_read_bandwidth(stream) * 1e-9,
          .matrix_tflops = peak.flops_per_second * 1e-12,
          .matrix_path = peak.path};
}

}  // namespace moebius::engine
