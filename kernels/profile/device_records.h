// Joins what a profiler saw run on the device with what each launch had declared.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kernels/profile/profile.h"

namespace moebius::kernels {

/// What one launch stands for. The first launch under a declaration carries all of it, further
/// ones its name and their time alone.
struct Declared {
  std::string_view kernel;
  std::int64_t calls = 0;
  std::int64_t bytes = 0;
  std::int64_t flops = 0;
};

/// One kernel that ran.
struct KernelRecord {
  std::uint32_t device = 0;
  std::uint32_t correlation = 0;  // of the launch; all kernels of a graph launch share one
  std::uint64_t node = 0;         // of the graph that was launched; 0: not from a graph
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;  // 0: the time is not known
  std::string_view symbol;  // the function, mangled
};

/// One copy or fill.
struct TransferRecord {
  std::uint32_t device = 0;
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;
  std::string_view name;   // "copy host to device"
  std::int64_t bytes = 0;  // read and written in device memory together
};

/// Thread-safe. Memory is bounded by the nodes of the graphs that exist and by the number of
/// kernels there are, not by the number of launches.
class DeviceRecords {
 public:
  DeviceRecords();

  /// On the launching thread, in order. A launch that is never declared shows under its symbol.
  void launched(std::uint32_t correlation, const Declared& declared);
  void node_created(std::uint64_t node, const Declared& declared);
  void node_cloned(std::uint64_t node, std::uint64_t original);
  void node_destroyed(std::uint64_t node);

  /// Later, in any order, from any thread.
  void add(const KernelRecord& record);
  void add(const TransferRecord& record);
  void add_lost(std::int64_t records);

  /// Records of kernels so far.
  std::int64_t seen() const { return seen_.load(std::memory_order_relaxed); }

  /// Since the last take, or since construction.
  Profile take();

 private:
  struct Tag {
    std::uint32_t correlation = 0;
    std::uint32_t kernel = 0;  // in table_
    std::int64_t calls = 0;
    std::int64_t bytes = 0;
    std::int64_t flops = 0;
  };
  Tag tag_of(const Declared& declared);
  const Tag* find(const KernelRecord& record) const;
  std::size_t symbol_index(std::string_view symbol);

  std::mutex mutex_;  // guards all below
  ProfileTable table_;
  std::map<std::uint32_t, BusyTime> busy_;  // by device
  std::vector<Tag> launches_;               // a launch lies at correlation % size
  std::unordered_map<std::uint64_t, Tag> nodes_;
  std::deque<std::uint64_t> destroyed_;  // nodes whose last records may still be on their way
  std::unordered_map<std::string, std::size_t> symbols_;
  std::int64_t lost_ = 0;
  std::int64_t since_ns_;
  std::atomic<std::int64_t> seen_{0};
};

/// "void a::(anonymous namespace)::f<int>(float*)", mangled or not, as "a::f".
std::string short_symbol(std::string_view symbol);

}  // namespace moebius::kernels
