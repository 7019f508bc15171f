// The join of device records and declarations: by correlation id on streams, by node in graphs.
#include "kernels/profile/device_records.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace moebius::kernels {
namespace {

// Calls of the runtime between a launch and its record: a stream takes about a thousand launches
// ahead, and a buffer of records holds some five thousand. 10 MiB.
constexpr std::size_t kLaunches = std::size_t{1} << 18;

// Destroyed nodes that are remembered.
constexpr std::size_t kDestroyed = std::size_t{1} << 16;

void remove_all(std::string& text, std::string_view part) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at)) {
    text.erase(at, part.size());
  }
}

}  // namespace

std::string short_symbol(std::string_view symbol) {
  std::string text(symbol);
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(
      abi::__cxa_demangle(text.c_str(), nullptr, nullptr, &status), &std::free);
  if (status == 0 && plain) text = plain.get();
  remove_all(text, "(anonymous namespace)::");
  text.erase(std::min(text.find_first_of("<("), text.size()));
  const std::size_t blank = text.rfind(' ');
  if (blank != std::string::npos) text.erase(0, blank + 1);
  return text.empty() ? "unnamed kernel" : text;
}

DeviceRecords::DeviceRecords() : launches_(kLaunches), since_ns_(steady_ns()) {}

DeviceRecords::Tag DeviceRecords::tag_of(const Declared& declared) {
  return {.kernel = static_cast<std::uint32_t>(table_.index_of(declared.kernel)),
          .calls = declared.calls,
          .bytes = declared.bytes,
          .flops = declared.flops};
}

void DeviceRecords::launched(std::uint32_t correlation, const Declared& declared) {
  const std::lock_guard lock(mutex_);
  Tag& tag = launches_[correlation % kLaunches];
  tag = tag_of(declared);
  tag.correlation = correlation;
}

void DeviceRecords::node_created(std::uint64_t node, const Declared& declared) {
  const std::lock_guard lock(mutex_);
  nodes_[node] = tag_of(declared);
}

void DeviceRecords::node_cloned(std::uint64_t node, std::uint64_t original) {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(original);
  if (found == nodes_.end()) return;
  const Tag tag = found->second;  // the insertion may move the other
  nodes_[node] = tag;
}

void DeviceRecords::node_destroyed(std::uint64_t node) {
  const std::lock_guard lock(mutex_);
  if (nodes_.count(node) == 0) return;
  destroyed_.push_back(node);
  if (destroyed_.size() <= kDestroyed) return;
  nodes_.erase(destroyed_.front());
  destroyed_.pop_front();
}

const DeviceRecords::Tag* DeviceRecords::find(const KernelRecord& record) const {
  if (record.node != 0) {
    const auto found = nodes_.find(record.node);
    return found != nodes_.end() ? &found->second : nullptr;
  }
  const Tag& tag = launches_[record.correlation % kLaunches];
  return record.correlation != 0 && tag.correlation == record.correlation ? &tag : nullptr;
}

std::size_t DeviceRecords::symbol_index(std::string_view symbol) {
  const auto [found, fresh] = symbols_.try_emplace(std::string(symbol), 0);
  if (fresh) found->second = table_.index_of(short_symbol(symbol));
  return found->second;
}

void DeviceRecords::add(const KernelRecord& record) {
  seen_.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  if (record.end_ns < record.start_ns || record.end_ns == 0) {
    ++lost_;
    return;
  }
  const std::int64_t ns = record.end_ns - record.start_ns;
  busy_[record.device].add(record.start_ns, record.end_ns);
  if (const Tag* tag = find(record)) {
    table_.add(tag->kernel, tag->calls, ns, tag->bytes, static_cast<double>(tag->flops));
  } else {
    table_.add(symbol_index(record.symbol), 1, ns, 0, 0);
  }
}

void DeviceRecords::add(const TransferRecord& record) {
  const std::lock_guard lock(mutex_);
  busy_[record.device].add(record.start_ns, record.end_ns);
  table_.add(table_.index_of(record.name), 1, record.end_ns - record.start_ns, record.bytes, 0);
}

void DeviceRecords::add_lost(std::int64_t records) {
  const std::lock_guard lock(mutex_);
  lost_ += records;
}

Profile DeviceRecords::take() {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = steady_ns();
  Profile profile{.kernels = table_.take()};
  for (auto& [device, busy] : busy_) profile.busy_ns += busy.take();
  profile.wall_ns = profile.seen_ns = now - std::exchange(since_ns_, now);
  profile.lost = std::exchange(lost_, 0);
  return profile;
}

}  // namespace moebius::kernels
