// Which of the compiled vector targets this processor runs: the functions that Highway's headers
// declare, defined here so that libhwy is not loaded. Highway is used from its headers alone;
// loading the library calibrates a timer, which took 9 of the 15 milliseconds that the binary
// needed to print its help (Debian's 1.0.3).
#include "kernels/simd/targets.h"

// Highway's headers, after targets.h.
#include <hwy/targets.h>

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace hwy {
namespace {

std::atomic<int64_t> for_test{0};
std::atomic<int64_t> disabled{0};

/// The baseline is there, or require_supported_cpu() has turned the processor away.
int64_t detect() {
  int64_t targets = HWY_STATIC_TARGET;
#if defined(__x86_64__)
  // What Highway's AVX3 may use; the compiler's runtime looks at the operating system's part too.
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi2")) {
    targets |= HWY_AVX3;
  }
#endif
  return targets;
}

}  // namespace

int64_t SupportedTargets() {
  static const int64_t detected = detect();
  const int64_t given = for_test.load();
  const int64_t targets = (given != 0 ? given : detected) & ~disabled.load();
  return targets != 0 ? targets : HWY_STATIC_TARGET;
}

ChosenTarget& GetChosenTarget() {
  static ChosenTarget chosen;
  return chosen;
}

void DisableTargets(int64_t targets) {
  disabled = targets;
  GetChosenTarget().DeInit();
}

void SetSupportedTargetsForTest(int64_t targets) {
  for_test = targets;
  GetChosenTarget().DeInit();
}

void Abort(const char* file, int line, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::fprintf(stderr, "%s:%d: ", file, line);
  std::vfprintf(stderr, format, arguments);
  std::fputc('\n', stderr);
  va_end(arguments);
  std::abort();
}

}  // namespace hwy
