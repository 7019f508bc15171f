// Known large shapes with made-up weights, for measuring speed without a download.
#pragma once

#include <string>

#include "engine/local/model_files.h"

namespace moebius::engine {

/// The first `layers` layers of `shape` (0: all, of the largest shapes a few), weights drawn
/// from a fixed generator; without `values` matrices have shapes alone (Checkpoint::made_up).
/// Throws Error naming the known shapes, or if memory does not suffice.
Checkpoint made_up_checkpoint(const std::string& shape, int layers, bool values);

}  // namespace moebius::engine
