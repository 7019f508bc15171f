// Tables of angles on the device.
#include "kernels/device/barrier.cuh"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"
#include "kernels/device/vectors.cuh"
#include "kernels/rope/rope_cuda.h"

namespace moebius::kernels {
namespace {

constexpr int kThreads = 128;

// Double precision, as on the host: the float32 result is then nearly always the nearest.
__global__ void __launch_bounds__(kThreads)
    rope_table_kernel(const __grid_constant__ RopeTableCudaArgs a) {
  follow_previous_kernel();
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= a.rows * a.half) return;
  const float angle = static_cast<float>(a.row_position[i / a.half]) * a.inv_freq[i % a.half];
  double sine = 0, cosine = 0;
  sincos(static_cast<double>(angle), &sine, &cosine);
  a.cos[i] = static_cast<float>(cosine) * a.scale;
  a.sin[i] = static_cast<float>(sine) * a.scale;
}

}  // namespace

void rope_table_cuda(const RopeTableCudaArgs& args, const Stream& stream) {
  require(args.half >= 1, "rope_table_cuda: half < 1");
  require(args.rows >= 0, "rope_table_cuda: rows < 0");
  if (args.rows == 0) return;
  require(args.inv_freq && args.row_position && args.cos && args.sin,
          "rope_table_cuda: inv_freq, row_position, cos or sin is null");
  const std::int64_t elements = args.rows * args.half;
  const DeviceLaunch launch(stream, "rope_table", (2 * elements + args.half + args.rows) * 4,
                            3 * elements);
  launch_kernel(rope_table_kernel,
                {.grid = static_cast<unsigned>(ceil_div(elements, kThreads)),
                 .block = kThreads,
                 .early = true},
                stream, args);
  launch.launched();
}

}  // namespace moebius::kernels
