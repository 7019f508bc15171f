// Figures per kernel: calls, time, bytes and FLOPs, summed as they come in bounded memory.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kernels/launch_log.h"

namespace moebius::kernels {

/// All launches of one kernel together. Bytes and FLOPs as declared; both zero if it was not.
/// FLOPs of a day are beyond 64 bits: summed as doubles.
struct KernelTotals {
  std::string kernel;
  std::int64_t calls = 0;
  std::int64_t ns = 0;
  std::int64_t bytes = 0;
  double flops = 0;
};

struct Profile {
  std::vector<KernelTotals> kernels;  // most time first
  std::int64_t busy_ns = 0;           // at least one was running; every device counts for itself
  std::int64_t wall_ns = 0;           // what the profile covers
  std::int64_t seen_ns = 0;           // of that was recorded; the rest is estimated from it
  std::int64_t lost = 0;              // launches that ran, but of which no figures arrived
};

/// Length of a union of intervals that arrive nearly in order: one that begins before the end of
/// what was settled 64 Ki intervals ago counts from that end on.
class BusyTime {
 public:
  void add(std::int64_t start_ns, std::int64_t end_ns);  // ignored unless start < end
  std::int64_t take();                                   // since the last take
 private:
  void settle(std::size_t count);  // the first ones of the sorted pending

  std::vector<std::pair<std::int64_t, std::int64_t>> pending_;
  std::int64_t covered_ = INT64_MIN;  // everything before it is in total_
  std::int64_t total_ = 0;
};

/// Totals by name. Not thread-safe.
class ProfileTable {
 public:
  /// Stable for the table's life.
  std::size_t index_of(std::string_view kernel);
  void add(std::size_t index, std::int64_t calls, std::int64_t ns, std::int64_t bytes,
           double flops);
  std::vector<KernelTotals> take();  // kernels that ran since the last take, most time first

 private:
  std::unordered_map<std::string, std::size_t> indices_;
  std::vector<KernelTotals> totals_;
};

/// A profile made of windows that recorded some of a run's steps: each stands for the steps since
/// the one before as well, its figures multiplied accordingly. Steps, not time: what is recorded
/// runs slower. Windows without gaps are summed as they are.
class SampledProfile {
 public:
  explicit SampledProfile(std::int64_t now_ns) : since_ns_(now_ns) {}

  /// `window` saw `seen` steps; `missed` before them were not recorded. seen = 0: nothing can be
  /// said of the missed ones.
  void add(const Profile& window, std::int64_t seen, std::int64_t missed);
  /// Since the last take. The `missed` steps after the last window are taken to be like all that
  /// was seen.
  Profile take(std::int64_t missed, std::int64_t now_ns);

 private:
  struct Sums {
    double calls = 0, ns = 0, bytes = 0, flops = 0;
  };
  std::map<std::string, Sums> sums_;
  double busy_ns_ = 0;
  std::int64_t seen_ns_ = 0;
  std::int64_t lost_ = 0;
  std::int64_t steps_ = 0;  // that the sums stand for
  std::int64_t since_ns_;   // the last take
};

/// A launch log that keeps sums alone: host kernels of a run of any length. What device
/// launches declare has no duration and is left to the device's records.
class ProfileLog final : public LaunchLog {
 public:
  ProfileLog();
  void add(const Launch& launch) override;
  Profile take_profile();

 private:
  std::mutex mutex_;  // guards all below
  ProfileTable table_;
  BusyTime busy_;
  std::int64_t since_ns_;
};

/// Nanoseconds of std::chrono::steady_clock.
std::int64_t steady_ns();

}  // namespace moebius::kernels
