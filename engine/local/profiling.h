// What keeps figures of an engine's kernels: a launch log on the CPU, the device profiler on GPUs.
#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"
#include "kernels/profile/profile.h"

namespace moebius::engine {

class Profiling {
 public:
  virtual ~Profiling() = default;

  /// What the streams of a CPU engine tell their launches; null for GPUs.
  virtual kernels::LaunchLog* host_log() { return nullptr; }
  /// On an engine's thread, after a step of it.
  virtual void between_steps() {}
  /// Since the last call. Nothing may be running. Throws Error.
  virtual KernelProfile take() = 0;
};

std::unique_ptr<Profiling> profile_host();

/// Of everything this process runs on devices 0 .. devices - 1; steps of several are all recorded,
/// of one as many as cost little. Throws Error.
std::unique_ptr<Profiling> profile_devices(int devices);

KernelProfile named(kernels::Profile profile, std::string device);

}  // namespace moebius::engine
