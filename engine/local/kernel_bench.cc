// bench_kernels: on whichever device.
#include "engine/local/steppers.h"
#include "kernels/bench/host_bench.h"

namespace moebius::engine {
namespace {

KernelTiming timing_of(const kernels::KernelCase& kernel_case, const kernels::Stream& stream) {
  KernelTiming timing;
  timing.kernel = kernel_case.kernel;
  timing.shape = kernel_case.shape;
  const kernels::HostTiming time = kernels::time_host_case(kernel_case, stream);
  timing.ns = time.time.ns;
  timing.spread = time.time.spread;
  timing.bytes = time.declared.bytes;
  timing.flops = time.declared.flops;
  return timing;
}

}  // namespace

std::string device_name(const LocalOptions& options) {
  return runs_on_device(options) ? gpu_name() : "cpu";
}

void bench_kernels(const LocalOptions& options,
                   const std::function<bool(const std::string&)>& wanted,
                   const std::function<void(const KernelTiming&)>& done) {
  kernels::require_supported_cpu();
  if (runs_on_device(options)) return bench_device_kernels(wanted, done);
  kernels::ThreadPool pool(options.threads);
  for (const kernels::KernelCase& each : kernels::host_cases()) {
    if (wanted(each.kernel + " " + each.shape)) {
      done(timing_of(each, kernels::Stream::host(pool)));
    }
  }
}

}  // namespace moebius::engine
