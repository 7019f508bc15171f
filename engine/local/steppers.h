// The forward passes that a local engine can run on: one on the CPU, or one for each GPU.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine.h"
#include "engine/forward/model_stepper.h"
#include "engine/local/model_files.h"

namespace moebius::engine {

/// Whether `options` choose a GPU on this machine. Throws Error where they insist on one that
/// cannot serve, or on more than there are.
bool runs_on_device(const LocalOptions& options);

/// Borrows the checkpoint. Throws Error.
std::unique_ptr<ModelStepper> cpu_stepper(const Checkpoint& checkpoint,
                                          const LocalOptions& options);

/// One for each of options.devices, from device 0 on. Only where runs_on_device(). Borrows
/// the checkpoint's config. Throws Error.
std::vector<std::unique_ptr<ModelStepper>> device_steppers(const Checkpoint& checkpoint,
                                                           const LocalOptions& options);

/// Limits of device 0. Only where runs_on_device(). Throws Error.
EngineLimits measure_device();

}  // namespace moebius::engine
