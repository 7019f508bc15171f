// CUPTI behind kernels/device/profiler.h: callbacks note which launch and which graph node belongs
// to which declaration, activity records say when each ran.
#include "kernels/device/profiler.h"

#include <cuda_runtime.h>
#include <cupti.h>
#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>

#include "kernels/device/device.h"
#include "kernels/device/launch.h"
#include "kernels/profile/device_records.h"

namespace moebius::kernels {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;  // some five thousand records
constexpr std::align_val_t kBufferAlign{8};
constexpr std::uint32_t kFlushMs = 50;  // how old a finished record may get

// What recording costs: on an H200 a recorded kernel of a graph takes 0.8 to 0.95 us longer, and
// the flush of a pause 0.7 to 1 ms (2026-11-22). Recording goes on until it has cost kSlackNs more
// than its share. What no pause saves: a library that is there makes each launch of a graph
// 0.2 us a node longer.
constexpr double kRecordNs = 900;
constexpr double kPauseNs = 1e6;
constexpr double kShare = 0.004;
constexpr double kSlackNs = 5e6;

constexpr CUpti_ActivityKind kKinds[] = {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL,
                                         CUPTI_ACTIVITY_KIND_MEMCPY, CUPTI_ACTIVITY_KIND_MEMSET};

// Every way in which the runtime launches one kernel.
constexpr CUpti_CallbackId kLaunchCalls[] = {
    CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernel_v7000,
    CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernel_ptsz_v7000,
    CUPTI_RUNTIME_TRACE_CBID_cudaLaunchCooperativeKernel_v9000,
    CUPTI_RUNTIME_TRACE_CBID_cudaLaunchCooperativeKernel_ptsz_v9000,
    CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernelExC_v11060,
    CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernelExC_ptsz_v11060,
    CUPTI_RUNTIME_TRACE_CBID___cudaLaunchKernel_v13000,
    CUPTI_RUNTIME_TRACE_CBID___cudaLaunchKernel_ptsz_v13000,
};

constexpr CUpti_CallbackId kNodeEvents[] = {
    CUPTI_CBID_RESOURCE_GRAPHNODE_CREATED,
    CUPTI_CBID_RESOURCE_GRAPHNODE_CLONED,
    CUPTI_CBID_RESOURCE_GRAPHNODE_DESTROY_STARTING,
};

/// The functions of libcupti that are used.
struct Cupti {
// One a line; the formatter never settles on how to break it.
// clang-format off
#define MOEBIUS_CUPTI_FUNCTIONS(X)     \
  X(cuptiActivityDisable)              \
  X(cuptiActivityEnable)               \
  X(cuptiActivityFlushAll)             \
  X(cuptiActivityFlushPeriod)          \
  X(cuptiActivityGetNextRecord)        \
  X(cuptiActivityGetNumDroppedRecords) \
  X(cuptiActivityRegisterCallbacks)    \
  X(cuptiEnableCallback)               \
  X(cuptiGetGraphNodeId)               \
  X(cuptiGetResultString)              \
  X(cuptiGetVersion)                   \
  X(cuptiSubscribe)                    \
  X(cuptiUnsubscribe)
// clang-format on
#define X(name) decltype(&::name) name = nullptr;
  MOEBIUS_CUPTI_FUNCTIONS(X)
#undef X

  void check(CUptiResult result, const char* what) const {
    if (result == CUPTI_SUCCESS) return;
    const char* text = nullptr;
    cuptiGetResultString(result, &text);
    throw DeviceError(std::string("profiler: ") + what + ": " +
                      (text != nullptr ? text : std::to_string(result)));
  }
};

void* open_cupti() {
  const char* given = std::getenv("MOEBIUS_CUPTI");
  if (given != nullptr && *given != '\0') {
    void* library = dlopen(given, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      throw DeviceError(std::string("profiler: $MOEBIUS_CUPTI: ") + dlerror());
    }
    return library;
  }
  const std::string major = std::to_string(CUPTI_API_VERSION / 10000);
  const std::string names[] = {
      "libcupti.so." + major,
      "libcupti.so",
      "/usr/local/cuda/extras/CUPTI/lib64/libcupti.so",
      "/usr/local/cuda-" + major + "/extras/CUPTI/lib64/libcupti.so",
      "/usr/local/cuda/lib64/libcupti.so",
  };
  for (const std::string& name : names) {
    if (void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
  }
  throw DeviceError("profiler: libcupti.so." + major +
                    " is neither on the loader's path nor in /usr/local/cuda: install CUDA's "
                    "CUPTI or name the file in MOEBIUS_CUPTI");
}

Cupti load_cupti() {
  void* library = open_cupti();  // stays loaded: its threads live as long as the process
  Cupti cupti;
#define X(function)                                                                       \
  cupti.function = reinterpret_cast<decltype(cupti.function)>(dlsym(library, #function)); \
  if (cupti.function == nullptr) throw DeviceError("profiler: libcupti has no " #function);
  MOEBIUS_CUPTI_FUNCTIONS(X)
#undef X
  std::uint32_t version = 0;
  cupti.check(cupti.cuptiGetVersion(&version), "asking its version");
  if (version / 10000 != CUPTI_API_VERSION / 10000) {
    throw DeviceError("profiler: libcupti: API version " + std::to_string(version) +
                      " found, expected " + std::to_string(CUPTI_API_VERSION / 10000) + "xxxx");
  }
  return cupti;
}

const Cupti& cupti() {
  static const Cupti loaded = load_cupti();
  return loaded;
}

// Where CUPTI's threads bring records; null while nobody profiles. They carry no user data.
std::atomic<DeviceRecords*> receiver{nullptr};

// What the launch in progress on this thread declared: its graph node is made inside the call.
thread_local Declared in_progress;
thread_local bool is_declared = false;

void CUPTIAPI give_buffer(std::uint8_t** buffer, std::size_t* size, std::size_t* max_records) {
  *buffer = static_cast<std::uint8_t*>(::operator new(kBufferBytes, kBufferAlign, std::nothrow));
  *size = *buffer != nullptr ? kBufferBytes : 0;
  *max_records = 0;  // as many as fit
}

const char* copy_name(std::uint8_t kind) {
  switch (kind) {
    case CUPTI_ACTIVITY_MEMCPY_KIND_HTOD:
      return "copy host to device";
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOH:
      return "copy device to host";
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOD:
      return "copy within the device";
    case CUPTI_ACTIVITY_MEMCPY_KIND_PTOP:
      return "copy between devices";
    default:
      return "copy";
  }
}

void take_record(const CUpti_Activity* record, DeviceRecords& records) {
  const auto ns = [](std::uint64_t time) { return static_cast<std::int64_t>(time); };
  if (record->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) {
    const auto& kernel = *reinterpret_cast<const CUpti_ActivityKernel10*>(record);
    records.add(KernelRecord{.device = kernel.deviceId,
                             .correlation = kernel.correlationId,
                             .node = kernel.graphNodeId,
                             .start_ns = ns(kernel.start),
                             .end_ns = ns(kernel.end),
                             .symbol = kernel.name != nullptr ? kernel.name : ""});
  } else if (record->kind == CUPTI_ACTIVITY_KIND_MEMCPY) {
    const auto& copy = *reinterpret_cast<const CUpti_ActivityMemcpy6*>(record);
    const bool twice = copy.copyKind == CUPTI_ACTIVITY_MEMCPY_KIND_DTOD;
    records.add(TransferRecord{.device = copy.deviceId,
                               .start_ns = ns(copy.start),
                               .end_ns = ns(copy.end),
                               .name = copy_name(copy.copyKind),
                               .bytes = static_cast<std::int64_t>(copy.bytes) * (twice ? 2 : 1)});
  } else if (record->kind == CUPTI_ACTIVITY_KIND_MEMSET) {
    const auto& fill = *reinterpret_cast<const CUpti_ActivityMemset4*>(record);
    records.add(TransferRecord{.device = fill.deviceId,
                               .start_ns = ns(fill.start),
                               .end_ns = ns(fill.end),
                               .name = "fill",
                               .bytes = static_cast<std::int64_t>(fill.bytes)});
  }
}

void CUPTIAPI take_buffer(CUcontext context, std::uint32_t stream, std::uint8_t* buffer,
                          std::size_t /*size*/, std::size_t valid) {
  if (DeviceRecords* records = receiver.load()) {
    CUpti_Activity* record = nullptr;
    while (cupti().cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
      take_record(record, *records);
    }
    std::size_t dropped = 0;
    if (cupti().cuptiActivityGetNumDroppedRecords(context, stream, &dropped) == CUPTI_SUCCESS) {
      records->add_lost(static_cast<std::int64_t>(dropped));
    }
  }
  ::operator delete(buffer, kBufferAlign);
}

/// The first launch under a declaration stands for all of it.
void begin_launch(std::uint32_t correlation, DeviceRecords& records) {
  Declaration* declaration = current_declaration();
  is_declared = declaration != nullptr;
  if (!is_declared) return;
  in_progress = {.kernel = declaration->kernel};
  if (declaration->launches++ == 0) {
    in_progress.calls = 1;
    in_progress.bytes = declaration->bytes;
    in_progress.flops = declaration->flops;
  }
  records.launched(correlation, in_progress);
}

void on_node(CUpti_CallbackId event, const CUpti_GraphData& data, DeviceRecords& records) {
  if (data.nodeType != CU_GRAPH_NODE_TYPE_KERNEL) return;
  std::uint64_t node = 0;
  if (cupti().cuptiGetGraphNodeId(data.node, &node) != CUPTI_SUCCESS) return;
  if (event == CUPTI_CBID_RESOURCE_GRAPHNODE_CREATED) {
    if (is_declared) records.node_created(node, in_progress);
  } else if (event == CUPTI_CBID_RESOURCE_GRAPHNODE_CLONED) {
    std::uint64_t original = 0;
    if (cupti().cuptiGetGraphNodeId(data.originalNode, &original) != CUPTI_SUCCESS) return;
    records.node_cloned(node, original);
  } else {
    records.node_destroyed(node);
  }
}

/// Runs inside calls of the CUDA runtime, which cannot pass an exception on.
void CUPTIAPI on_event(void* user, CUpti_CallbackDomain domain, CUpti_CallbackId event,
                       const void* data) noexcept {
  auto& records = *static_cast<DeviceRecords*>(user);
  if (domain == CUPTI_CB_DOMAIN_RUNTIME_API) {
    const auto& call = *static_cast<const CUpti_CallbackData*>(data);
    if (call.callbackSite == CUPTI_API_ENTER) return begin_launch(call.correlationId, records);
    is_declared = false;
  } else if (domain == CUPTI_CB_DOMAIN_RESOURCE) {
    const auto& resource = *static_cast<const CUpti_ResourceData*>(data);
    on_node(event, *static_cast<const CUpti_GraphData*>(resource.resourceDescriptor), records);
  }
}

class CuptiProfiler final : public DeviceProfiler {
 public:
  CuptiProfiler() {
    const Cupti& api = cupti();
    DeviceRecords* none = nullptr;
    if (!receiver.compare_exchange_strong(none, &records_)) {
      throw DeviceError("profiler: one is running already");
    }
    try {
      begin(api);
    } catch (...) {
      end(api);
      throw;
    }
  }

  ~CuptiProfiler() override {
    (void)cupti().cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
    end(cupti());
  }
  CuptiProfiler(const CuptiProfiler&) = delete;
  CuptiProfiler& operator=(const CuptiProfiler&) = delete;

  void between_steps() override {
    ++(recording_ ? seen_ : missed_);
    const auto elapsed = static_cast<double>(steady_ns() - start_ns_);
    const double spent = kRecordNs * static_cast<double>(records_.seen()) + kPauseNs * pauses_;
    if (recording_ && spent > kShare * elapsed + kSlackNs) return pause();
    if (recording_ || spent > kShare * elapsed) return;
    records_.take();  // nothing; its clock starts anew
    switch_kinds(true);
  }

  Profile take() override {
    if (recording_) end_window();
    return profile_.take(std::exchange(missed_, 0), steady_ns());
  }

 private:
  void begin(const Cupti& api) {
    api.check(api.cuptiSubscribe(&subscriber_, on_event, &records_), "subscribing");
    for (const CUpti_CallbackId call : kLaunchCalls) {
      api.check(api.cuptiEnableCallback(1, subscriber_, CUPTI_CB_DOMAIN_RUNTIME_API, call),
                "watching launches");
    }
    for (const CUpti_CallbackId event : kNodeEvents) {
      api.check(api.cuptiEnableCallback(1, subscriber_, CUPTI_CB_DOMAIN_RESOURCE, event),
                "watching graphs");
    }
    api.check(api.cuptiActivityRegisterCallbacks(give_buffer, take_buffer), "offering buffers");
    for (const CUpti_ActivityKind kind : kKinds) {
      api.check(api.cuptiActivityEnable(kind), "switching records on");
    }
    api.check(api.cuptiActivityFlushPeriod(kFlushMs), "setting its flush period");
  }

  void pause() {
    end_window();
    switch_kinds(false);
    ++pauses_;
  }

  /// Records that are not flushed before their kind is switched off come with wrong times.
  void end_window() {
    check_device(cudaDeviceSynchronize(), "waiting for what is profiled");
    cupti().check(cupti().cuptiActivityFlushAll(0), "flushing its records");
    profile_.add(records_.take(), std::exchange(seen_, 0), std::exchange(missed_, 0));
  }

  void switch_kinds(bool on) {
    for (const CUpti_ActivityKind kind : kKinds) {
      cupti().check(on ? cupti().cuptiActivityEnable(kind) : cupti().cuptiActivityDisable(kind),
                    "switching records on or off");
    }
    recording_ = on;
  }

  void end(const Cupti& api) {
    for (const CUpti_ActivityKind kind : kKinds) (void)api.cuptiActivityDisable(kind);
    if (subscriber_ != nullptr) (void)api.cuptiUnsubscribe(subscriber_);
    receiver.store(nullptr);
  }

  const std::int64_t start_ns_ = steady_ns();
  std::int64_t seen_ = 0;    // steps of the window being recorded
  std::int64_t missed_ = 0;  // steps since the last window
  SampledProfile profile_{start_ns_};
  bool recording_ = true;
  double pauses_ = 0;
  DeviceRecords records_;
  CUpti_SubscriberHandle subscriber_ = nullptr;
};

}  // namespace

std::unique_ptr<DeviceProfiler> DeviceProfiler::start() {
  return std::make_unique<CuptiProfiler>();
}

}  // namespace moebius::kernels
