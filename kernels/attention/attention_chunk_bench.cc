// What it costs that chunks of keys lie at fixed positions: times attention as it is and, built
// with another MOEBIUS_ATTENTION_CHUNK, as it would be if every batch could choose. One line a
// case.
#include <cstdio>
#include <exception>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/device/bench.h"
#include "kernels/device/device.h"

namespace moebius::kernels {
namespace {

void time_all(const std::vector<KernelCase>& cases, const Stream& stream) {
  for (const KernelCase& each : cases) {
    const CaseTiming timing = time_case(each, stream);
    std::printf("{\"chunk\":%lld,\"kernel\":\"%s\",\"shape\":\"%s\",\"ns\":%.0f}\n",
                static_cast<long long>(kAttentionChunk), each.kernel.c_str(), each.shape.c_str(),
                timing.ns);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace moebius::kernels

int main() {
  using namespace moebius::kernels;
  try {
    const DeviceStream stream;
    time_all(attention_mla_cases(), stream.stream());
    time_all(attention_gqa_cases(), stream.stream());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "attention_chunk_bench: %s\n", error.what());
    return 1;
  }
}
