// Known large shapes with made-up weights, for measuring speed without a download.
#pragma once

#include <string>

#include "engine/local/model_files.h"

namespace moebius::engine {

/// The first `layers` layers (0: all) of `shape`, bf16 weights drawn from a fixed
/// generator. Throws Error naming the known shapes, or if memory does not suffice.
Checkpoint made_up_checkpoint(const std::string& shape, int layers);

}  // namespace moebius::engine
