#include "engine/local/profiling.h"

#include <utility>

namespace moebius::engine {
namespace {

class HostProfiling final : public Profiling {
 public:
  kernels::LaunchLog* host_log() override { return &log_; }
  KernelProfile take() override { return named(log_.take_profile(), "cpu"); }

 private:
  kernels::ProfileLog log_;
};

}  // namespace

std::unique_ptr<Profiling> profile_host() {
  return std::make_unique<HostProfiling>();
}

KernelProfile named(kernels::Profile profile, std::string device) {
  KernelProfile named;
  named.device = std::move(device);
  for (kernels::KernelTotals& each : profile.kernels) {
    named.kernels.push_back({std::move(each.kernel), each.calls, each.ns, each.bytes, each.flops});
  }
  named.busy_ns = profile.busy_ns;
  named.wall_ns = profile.wall_ns;
  named.seen_ns = profile.seen_ns;
  named.lost = profile.lost;
  return named;
}

}  // namespace moebius::engine
