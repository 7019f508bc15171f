#include "kernels/device/launcher.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

#include "kernels/device/device.h"
#include "kernels/device/launch.h"

namespace moebius::kernels {
namespace {

int count_multiprocessors(int device) {
  int count = 0;
  check_device(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device),
               "counting multiprocessors");
  return count;
}

// The largest grant of each kernel on each device.
struct Grants {
  std::shared_mutex mutex;
  std::map<std::pair<const void*, int>, std::size_t> bytes;

  bool covers(const std::pair<const void*, int>& key, std::size_t wanted) const {
    const auto found = bytes.find(key);
    return found != bytes.end() && found->second >= wanted;
  }
};

Grants& grants() {
  static Grants all;
  return all;
}

}  // namespace

int multiprocessors() {
  constexpr std::size_t kKept = 64;
  static std::array<std::atomic<int>, kKept> counts{};
  const int device = current_device();
  if (static_cast<std::size_t>(device) >= kKept) return count_multiprocessors(device);
  std::atomic<int>& count = counts[device];
  int known = count.load(std::memory_order_relaxed);
  if (known == 0) count.store(known = count_multiprocessors(device), std::memory_order_relaxed);
  return known;
}

int multiprocessors_or(int otherwise) {
  int device = 0, count = 0;
  if (cudaGetDevice(&device) == cudaSuccess &&
      cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device) == cudaSuccess) {
    return count;
  }
  (void)cudaGetLastError();  // or the next launch's check would find it
  return otherwise;
}

void allow_shared_bytes(const void* kernel, std::size_t bytes) {
  const std::pair key(kernel, current_device());
  Grants& all = grants();
  {
    const std::shared_lock reading(all.mutex);
    if (all.covers(key, bytes)) return;
  }
  const std::unique_lock writing(all.mutex);
  if (all.covers(key, bytes)) return;  // another thread was faster
  check_device(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(bytes)),
               "asking for shared memory");
  all.bytes[key] = bytes;
}

bool early_launches() {
  static const bool allowed = [] {
    const char* wish = std::getenv("MOEBIUS_PDL");
    return wish == nullptr || std::string_view(wish) != "0";
  }();
  return allowed;
}

void check_launch(cudaError_t status) {
  if (status == cudaSuccess) return;
  const Declaration* declared = current_declaration();
  check_device(status, std::string("launching ")
                           .append(declared == nullptr ? "a kernel" : declared->kernel)
                           .c_str());
}

}  // namespace moebius::kernels
