// A run of launches recorded once and replayed as one: what decoding steps are made of.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kernels/launch_log.h"
#include "kernels/stream.h"

namespace moebius::kernels {

/// A CUDA graph; move-only. It replays the same kernels with the same arguments, so whatever
/// changes between replays must lie in device memory.
class DeviceGraph {
 public:
  DeviceGraph() = default;
  /// Records what `launches` puts on `stream`, which must not wait, allocate or read back.
  /// Nothing runs. Throws DeviceError; what `launches` throws passes through.
  DeviceGraph(const Stream& stream, const std::function<void(const Stream&)>& launches);

  bool empty() const { return graph_ == nullptr; }
  /// Throws DeviceError. The recorded launches go to the stream's log each time.
  void launch(const Stream& stream) const;

 private:
  struct Destroy {
    void operator()(void* p) const noexcept;
  };
  std::unique_ptr<void, Destroy> graph_;
  std::vector<Launch> launches_;
};

}  // namespace moebius::kernels
