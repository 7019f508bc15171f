#include "runner/eval_profile.h"

#include <utility>

namespace moebius::runner {

reports::MachineLimits stored_limits(const engine::EngineLimits& limits) {
  reports::MachineLimits stored;
  stored.read_gb_s = limits.read_gb_s;
  stored.copy_gb_s = limits.copy_gb_s;
  stored.matrix_tflops = limits.matrix_tflops;
  stored.matrix_path = limits.matrix_path;
  stored.fp8_tflops = limits.fp8_tflops;
  stored.f32_tflops = limits.f32_tflops;
  return stored;
}

ProfileKeeper::ProfileKeeper(const engine::LocalOptions& options) {
  if (options.profile) limits_ = stored_limits(engine::measure_limits(options));
}

void ProfileKeeper::keep(engine::LocalEngine& engine, reports::Store& store,
                         std::int64_t run) const {
  if (!limits_) return;
  engine::KernelProfile taken = engine.take_profile();
  reports::Profile profile;
  profile.device = std::move(taken.device);
  profile.busy_ns = taken.busy_ns;
  profile.wall_ns = taken.wall_ns;
  profile.seen_ns = taken.seen_ns;
  profile.lost = taken.lost;
  profile.limits = *limits_;
  for (engine::KernelFigures& each : taken.kernels) {
    profile.kernels.push_back(
        {std::move(each.kernel), each.calls, each.ns, each.bytes, each.flops});
  }
  store.add_profile(run, profile);
}

}  // namespace moebius::runner
