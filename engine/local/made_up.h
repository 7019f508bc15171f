// Known large shapes with made-up weights, for measuring speed without a download.
#pragma once

#include <string>

#include "engine/engine.h"
#include "engine/local/model_files.h"

namespace moebius::engine {

/// The layers of `shape`, weights drawn from a fixed generator; without `values` matrices have
/// shapes alone (Checkpoint::made_up). Throws Error naming the known shapes, or if memory does not
/// suffice.
Checkpoint made_up_checkpoint(const Shape& shape, bool values);

/// The same of any model: `config` is its config.json without "num_hidden_layers" and
/// "quantization_config", as the fields of an object without the braces.
Checkpoint made_up_checkpoint(const std::string& path, const std::string& config, int layers,
                              WeightDtype dtype, bool values);

}  // namespace moebius::engine
