// A model's weights on the device: allocated at once, then streamed there.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/device/weight_layout.h"
#include "kernels/device/device.h"

namespace moebius::engine {

struct WeightStreaming {
  int threads = 0;       // that read and convert; 0: one per usable core, 16 at most
  bool made_up = false;  // matrices are written by the device itself, the checkpoint has none
  std::function<void(std::int64_t done, std::int64_t total)> progress;  // bytes; may be empty
};

class DeviceWeights {
 public:
  /// Several threads fill pinned buffers from the checkpoint, two each, so that reading goes on
  /// while the device copies. `config` and `weights` are needed for the time of the call only.
  /// Uses the calling thread's device. Throws Error or DeviceError.
  DeviceWeights(const Config& config, const ModelWeights& weights, Arithmetic arithmetic,
                const WeightStreaming& streaming);

  const DeviceModel& model() const { return model_; }
  std::size_t bytes() const { return memory_.bytes(); }

 private:
  kernels::DeviceMemory memory_;
  DeviceModel model_;
};

}  // namespace moebius::engine
