// Sums of figures per kernel, and the union of the times when any of them ran.
#include "kernels/profile/profile.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace moebius::kernels {
namespace {

// Intervals kept until they are settled: 2 MiB, and far more than are ever out of order.
constexpr std::size_t kPending = std::size_t{1} << 17;

void sort_by_time(std::vector<KernelTotals>& kernels) {
  std::sort(kernels.begin(), kernels.end(), [](const KernelTotals& a, const KernelTotals& b) {
    return a.ns != b.ns ? a.ns > b.ns : a.kernel < b.kernel;
  });
}

}  // namespace

void BusyTime::add(std::int64_t start_ns, std::int64_t end_ns) {
  if (start_ns >= end_ns) return;
  pending_.emplace_back(start_ns, end_ns);
  if (pending_.size() < kPending) return;
  settle(kPending / 2);
}

void BusyTime::settle(std::size_t count) {
  std::sort(pending_.begin(), pending_.end());
  for (std::size_t i = 0; i < count; ++i) {
    const auto [start, end] = pending_[i];
    if (end <= covered_) continue;
    total_ += end - std::max(start, covered_);
    covered_ = end;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
}

std::int64_t BusyTime::take() {
  settle(pending_.size());
  return std::exchange(total_, 0);
}

std::size_t ProfileTable::index_of(std::string_view kernel) {
  const auto [found, fresh] = indices_.try_emplace(std::string(kernel), totals_.size());
  if (fresh) totals_.push_back({.kernel = found->first});
  return found->second;
}

void ProfileTable::add(std::size_t index, std::int64_t calls, std::int64_t ns, std::int64_t bytes,
                       double flops) {
  KernelTotals& totals = totals_[index];
  totals.calls += calls;
  totals.ns += ns;
  totals.bytes += bytes;
  totals.flops += flops;
}

std::vector<KernelTotals> ProfileTable::take() {
  std::vector<KernelTotals> taken;
  for (KernelTotals& totals : totals_) {
    if (totals.calls > 0 || totals.ns > 0) taken.push_back(totals);
    totals = {.kernel = totals.kernel};
  }
  sort_by_time(taken);
  return taken;
}

void SampledProfile::add(const Profile& window, std::int64_t seen, std::int64_t missed) {
  const double weight =
      seen > 0 ? static_cast<double>(seen + missed) / static_cast<double>(seen) : 1;
  for (const KernelTotals& each : window.kernels) {
    Sums& sums = sums_[each.kernel];
    sums.calls += weight * static_cast<double>(each.calls);
    sums.ns += weight * static_cast<double>(each.ns);
    sums.bytes += weight * static_cast<double>(each.bytes);
    sums.flops += weight * each.flops;
  }
  busy_ns_ += weight * static_cast<double>(window.busy_ns);
  seen_ns_ += window.seen_ns;
  lost_ += window.lost;
  steps_ += seen > 0 ? seen + missed : 0;
}

Profile SampledProfile::take(std::int64_t missed, std::int64_t now_ns) {
  const double scale =
      steps_ > 0 ? static_cast<double>(steps_ + missed) / static_cast<double>(steps_) : 1;
  Profile profile{.busy_ns = std::llround(scale * busy_ns_),
                  .wall_ns = now_ns - since_ns_,
                  .seen_ns = seen_ns_,
                  .lost = lost_};
  for (const auto& [kernel, sums] : sums_) {
    profile.kernels.push_back({.kernel = kernel,
                               .calls = std::llround(scale * sums.calls),
                               .ns = std::llround(scale * sums.ns),
                               .bytes = std::llround(scale * sums.bytes),
                               .flops = scale * sums.flops});
  }
  sort_by_time(profile.kernels);
  *this = SampledProfile(now_ns);
  return profile;
}

std::int64_t steady_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

ProfileLog::ProfileLog() : since_ns_(steady_ns()) {}

void ProfileLog::add(const Launch& launch) {
  if (launch.duration_ns <= 0) return;
  const std::int64_t now = steady_ns();
  const std::lock_guard lock(mutex_);
  table_.add(table_.index_of(launch.kernel), 1, launch.duration_ns, launch.bytes,
             static_cast<double>(launch.flops));
  busy_.add(now - launch.duration_ns, now);
}

Profile ProfileLog::take_profile() {
  const std::int64_t now = steady_ns();
  const std::lock_guard lock(mutex_);
  Profile profile{.kernels = table_.take(), .busy_ns = busy_.take()};
  profile.wall_ns = profile.seen_ns = now - std::exchange(since_ns_, now);
  return profile;
}

}  // namespace moebius::kernels
