#include "kernels/stream.h"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace moebius::kernels {
namespace {

// Steps of a forward pass follow each other within microseconds, and waking a sleeping
// core costs up to a millisecond on a virtual machine: a worker spins about that
// long before it sleeps.
constexpr int kSpins = 20000;

void pause_briefly() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

int usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1U, std::thread::hardware_concurrency());
}

// Large scratch asks for huge pages: tiles that lie together then also spread evenly over
// the sets of a physically indexed cache.
std::byte* allocate_scratch(std::size_t bytes) {
  constexpr std::size_t kHugePage = 2 << 20;
  const std::size_t alignment = bytes >= kHugePage / 2 ? kHugePage : 64;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  if (alignment == kHugePage) (void)madvise(memory, rounded, MADV_HUGEPAGE);
  return static_cast<std::byte*>(memory);
}

// Subnormals count as zero in every product and sum (the matrix unit knows no
// other way); host kernels run with the processor set likewise.
class FlushSubnormals {
 public:
#if defined(__x86_64__)
  FlushSubnormals() : saved_(_mm_getcsr()) {
    _mm_setcsr(saved_ | 0x8040U);
  }
  ~FlushSubnormals() {
    _mm_setcsr(saved_);
  }
#elif defined(__aarch64__)
  FlushSubnormals() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" ::"r"(saved_ | (1UL << 24)));
  }
  ~FlushSubnormals() {
    asm volatile("msr fpcr, %0" ::"r"(saved_));
  }
#endif
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
#if defined(__x86_64__)
  unsigned saved_;
#elif defined(__aarch64__)
  unsigned long saved_;
#endif
};

}  // namespace

struct ThreadPool::State {
  std::atomic<std::uint64_t> round{0};  // raised once per run; workers wait on it
  std::atomic<std::int64_t> next{0};    // the task to hand out
  std::atomic<int> busy{0};             // workers that have not finished this round
  std::atomic<bool> stop{false};
  std::int64_t tasks = 0;
  const std::function<void(std::int64_t, int)>* task = nullptr;
  std::mutex error_mutex;
  std::exception_ptr error;
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  struct Scratch {
    std::unique_ptr<std::byte, Free> data;
    std::size_t bytes = 0;
  };
  std::vector<Scratch> scratch;  // [threads + 1]
  std::vector<std::jthread> workers;

  void work(int worker) {
    try {
      for (std::int64_t i = next.fetch_add(1); i < tasks; i = next.fetch_add(1)) {
        (*task)(i, worker);
      }
    } catch (...) {
      next.store(tasks);
      std::lock_guard lock(error_mutex);
      if (!error) error = std::current_exception();
    }
  }

  std::uint64_t await_round(std::uint64_t seen) const {
    for (int spin = 0; spin < kSpins; ++spin) {
      if (round.load(std::memory_order_acquire) != seen) break;
      pause_briefly();
    }
    round.wait(seen, std::memory_order_acquire);
    return round.load(std::memory_order_acquire);
  }

  void serve(int worker) {
    const FlushSubnormals flush;
    std::uint64_t seen = 0;
    for (;;) {
      seen = await_round(seen);
      if (stop.load()) return;
      work(worker);
      if (busy.fetch_sub(1, std::memory_order_acq_rel) == 1) busy.notify_one();
    }
  }

  void await_workers() {
    for (int spin = 0; spin < kSpins; ++spin) {
      if (busy.load(std::memory_order_acquire) == 0) return;
      pause_briefly();
    }
    for (int left = busy.load(); left != 0; left = busy.load()) busy.wait(left);
  }
};

ThreadPool::ThreadPool(int threads)
    : threads_(threads > 0 ? threads : usable_cores()), state_(std::make_unique<State>()) {
  state_->scratch.resize(threads_ + 1);
  for (int worker = 1; worker < threads_; ++worker) {
    state_->workers.emplace_back([state = state_.get(), worker] { state->serve(worker); });
  }
}

ThreadPool::~ThreadPool() {
  state_->stop.store(true);
  state_->round.fetch_add(1, std::memory_order_release);
  state_->round.notify_all();
}

void ThreadPool::run(std::int64_t tasks, const std::function<void(std::int64_t, int)>& task) {
  if (tasks <= 0) return;
  const FlushSubnormals flush;
  if (tasks == 1 || threads_ == 1) {
    for (std::int64_t i = 0; i < tasks; ++i) task(i, 0);
    return;
  }
  State& state = *state_;
  state.tasks = tasks;
  state.task = &task;
  state.error = nullptr;
  state.next.store(0);
  state.busy.store(threads_ - 1);
  state.round.fetch_add(1, std::memory_order_release);
  state.round.notify_all();
  state.work(0);
  state.await_workers();
  if (state.error) std::rethrow_exception(state.error);
}

std::byte* ThreadPool::scratch(int slot, std::size_t bytes) {
  State::Scratch& scratch = state_->scratch[slot];
  if (scratch.bytes < bytes) {
    scratch.data.reset();
    scratch.data.reset(allocate_scratch(bytes));
    scratch.bytes = bytes;
  }
  return scratch.data.get();
}

void require(bool ok, const char* what) {
  if (!ok) throw std::invalid_argument(what);
}

void require_supported_cpu() {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    throw std::runtime_error(
        "this processor lacks AVX2 or FMA: the host kernels need both (x86-64-v3)");
  }
#elif !defined(__aarch64__)
  throw std::runtime_error("the host kernels need an x86-64 or 64-bit Arm processor");
#endif
}

}  // namespace moebius::kernels
