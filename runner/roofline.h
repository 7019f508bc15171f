// What a kernel's time means: rates, and how near it is to what bounds it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "reports/store.h"
#include "runner/output.h"

namespace moebius::runner {

enum class Bound : unsigned char {
  kNone,     // nothing was declared, or no limit measured
  kMemory,   // its bytes take longer than its FLOPs
  kCompute,  // its FLOPs take longer than its bytes
  kLatency,  // so little work that getting started is most of the time
};
const char* bound_name(Bound bound);  // "-", "memory", "compute", "latency"

struct Roof {
  double gb_s = 0;
  double tflops = 0;
  std::optional<double> percent;  // of the limit that bounds it: shortest possible time / time
  Bound bound = Bound::kNone;
};

/// One launch of `ns` (> 0) on average. The matrix limit is that of fp8 or f32 if the kernel's name
/// says so and it was measured. Latency: less than half of the limit, and work that the limits
/// allow in under 5 us.
Roof roof_of(std::string_view kernel, double ns, double bytes, double flops,
             const reports::MachineLimits& limits);

/// "4245.0 GB/s read, 860.30 TFLOP/s (wgmma_bf16)" and whatever else was measured.
std::string limits_text(const reports::MachineLimits& limits);
Json limits_json(const reports::MachineLimits& limits);

}  // namespace moebius::runner
