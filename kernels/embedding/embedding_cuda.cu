// Embedding on the device: a warp copies and widens a piece of a row.
#include "kernels/device/barrier.cuh"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"
#include "kernels/device/vectors.cuh"
#include "kernels/embedding/embedding_cuda.h"

namespace moebius::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kSteps = 4;  // loads in flight per lane

template <class T, int kCount>
__global__ void __launch_bounds__(kThreads)
    embedding_kernel(const __grid_constant__ EmbeddingCudaArgs a, std::int64_t pieces) {
  follow_previous_kernel();
  const std::int64_t warp = std::int64_t{blockIdx.x} * (kThreads / kWarp) + threadIdx.x / kWarp;
  const std::int64_t row = warp / pieces;
  if (row >= a.rows) return;
  const T* x = static_cast<const T*>(a.table.data) + a.ids[row] * a.table.ld;
  float* y = a.y + row * a.table.cols;
  const std::int64_t first =
      (warp % pieces * kSteps * kWarp + static_cast<int>(threadIdx.x) % kWarp) * kCount;
  Floats<kCount> values[kSteps];
#pragma unroll
  for (int i = 0; i < kSteps; ++i) {
    const std::int64_t at = first + i * kWarp * kCount;
    if (at < a.table.cols) values[i] = load<kCount>(x + at);
  }
#pragma unroll
  for (int i = 0; i < kSteps; ++i) {
    const std::int64_t at = first + i * kWarp * kCount;
    if (at < a.table.cols) store<kCount>(y + at, values[i]);
  }
}

template <class T, int kCount>
void start(const EmbeddingCudaArgs& a, const Stream& stream) {
  const std::int64_t pieces = ceil_div(a.table.cols, std::int64_t{kWarp} * kSteps * kCount);
  const std::int64_t blocks = ceil_div(a.rows * pieces, kThreads / kWarp);
  // Not early: a step's first, behind a copy.
  launch_kernel(embedding_kernel<T, kCount>,
                {.grid = static_cast<unsigned>(blocks), .block = kThreads}, stream, a, pieces);
}

}  // namespace

void embedding_cuda(const EmbeddingCudaArgs& args, const Stream& stream) {
  require(args.rows >= 0, "embedding_cuda: rows < 0");
  require(args.table.data && args.table.rows >= 1 && args.table.cols >= 1,
          "embedding_cuda: the table is empty");
  require(is_float(args.table.dtype), "embedding_cuda: the table is neither f32 nor bf16");
  require(args.table.ld >= args.table.cols, "embedding_cuda: ld < cols");
  if (args.rows == 0) return;
  require(args.ids && args.y, "embedding_cuda: ids or y is null");
  const auto element = static_cast<std::int64_t>(dtype_bytes(args.table.dtype));
  const DeviceLaunch launch(stream, "embedding", args.rows * (args.table.cols * (element + 4) + 4),
                            0);
  with_element(args.table.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    if (args.table.cols % 4 == 0 && args.table.ld % 4 == 0) {
      start<T, 4>(args, stream);
    } else {
      start<T, 1>(args, stream);
    }
  });
  launch.launched();
}

}  // namespace moebius::kernels
