// The forward passes that a local engine can run on: one on the CPU, or one for each GPU.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/forward/model_stepper.h"
#include "engine/local/model_files.h"
#include "kernels/launch_log.h"

namespace moebius::engine {

/// Whether `options` choose a GPU on this machine. Throws Error where they insist on one that
/// cannot serve, or on more than there are.
bool runs_on_device(const LocalOptions& options);

/// Borrows the checkpoint and the log, which may be null. Throws Error.
std::unique_ptr<ModelStepper> cpu_stepper(const Checkpoint& checkpoint, const LocalOptions& options,
                                          kernels::LaunchLog* log);

/// One for each of options.devices, from device 0 on. Only where runs_on_device(). Borrows
/// the checkpoint's config. Throws Error.
std::vector<std::unique_ptr<ModelStepper>> device_steppers(const Checkpoint& checkpoint,
                                                           const LocalOptions& options);

/// Limits of device 0. Only where runs_on_device(). Throws Error.
EngineLimits measure_device();

/// engine.h's, where runs_on_device(). Throw Error.
std::string gpu_name();
void bench_device_kernels(const std::function<bool(const std::string&)>& wanted,
                          const std::function<void(const KernelTiming&)>& done);

}  // namespace moebius::engine
