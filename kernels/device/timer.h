// Times work on a device stream with events.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <vector>

#include "kernels/device/device.h"

namespace moebius::kernels {

/// An event that can be timed.
class DeviceEvent {
 public:
  DeviceEvent() { check_device(cudaEventCreate(&event_), "creating an event"); }
  ~DeviceEvent() { (void)cudaEventDestroy(event_); }
  DeviceEvent(const DeviceEvent&) = delete;
  DeviceEvent& operator=(const DeviceEvent&) = delete;

  void record(const Stream& stream) {
    check_device(cudaEventRecord(event_, static_cast<cudaStream_t>(stream.handle())),
                 "recording an event");
  }
  /// Waits for this one. Both must have been recorded.
  double ns_since(const DeviceEvent& start) const {
    check_device(cudaEventSynchronize(event_), "waiting for a kernel");
    float ms = 0;
    check_device(cudaEventElapsedTime(&ms, start.event_, event_), "timing");
    return 1e6 * static_cast<double>(ms);
  }

 private:
  cudaEvent_t event_ = nullptr;
};

/// Nanoseconds on the device of what `work()` put on the stream.
template <typename Work>
double timed_ns(const Stream& stream, Work work) {
  DeviceEvent start, end;
  start.record(stream);
  work();
  end.record(stream);
  return end.ns_since(start);
}

/// Median over `times` runs of it, after one that is not counted.
template <typename Work>
double median_ns(const Stream& stream, int times, Work work) {
  work();
  std::vector<double> all;
  for (int i = 0; i < times; ++i) all.push_back(timed_ns(stream, work));
  std::nth_element(all.begin(), all.begin() + times / 2, all.end());
  return all[times / 2];
}

}  // namespace moebius::kernels
