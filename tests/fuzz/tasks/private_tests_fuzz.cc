// Fuzz target: any bytes as LiveCodeBench's test cases, at each layer of their packing. The first
// byte says which.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tasks/dataset.h"
#include "tasks/private_tests.h"

using namespace moebius::tasks;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr std::size_t kLimit = 1 << 20;
  try {
    switch (data[0] % 4) {
      case 0: {
        const std::string text = parse_string_pickle("f", bytes);
        if (!valid_utf8(text) || text.size() >= bytes.size()) std::abort();
        break;
      }
      case 1:
        if (decode_base64("f", bytes).size() > bytes.size()) std::abort();
        break;
      case 2:
        if (inflate_zlib("f", bytes, kLimit).size() > kLimit) std::abort();
        break;
      default:
        parse_tests("f", bytes, size % 2 == 0);
    }
  } catch (const moebius::tasks::Error&) {
  }
  return 0;
}
