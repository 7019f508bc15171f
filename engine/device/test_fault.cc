#include "engine/device/test_fault.h"

#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/engine.h"

namespace moebius::engine {
namespace {

std::int64_t faulty_step() {
  const char* given = std::getenv("MOEBIUS_TEST_DEVICE_FAULT");
  if (given == nullptr || *given == '\0') return 0;
  const std::string_view text(given);
  std::int64_t step = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
  if (error == std::errc() && end == text.data() + text.size() && step >= 1) return step;
  throw Error("MOEBIUS_TEST_DEVICE_FAULT: expected a number of a step, at least 1, found '" +
              std::string(text) + "'");
}

}  // namespace

bool fault_wanted() {
  static const std::int64_t wanted = faulty_step();
  static std::atomic<std::int64_t> steps{0};
  return wanted > 0 && ++steps == wanted;
}

}  // namespace moebius::engine
