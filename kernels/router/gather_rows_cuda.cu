// Rows in the experts' order on the device: a warp copies a piece of a row; of fp8 rows, further
// blocks copy the scales, which lie column by column.
#include "kernels/device/barrier.cuh"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"
#include "kernels/device/vectors.cuh"
#include "kernels/router/router_cuda.h"

namespace moebius::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kSteps = 4;  // loads of 16 bytes in flight per lane
constexpr std::int64_t kPieceBytes = std::int64_t{kSteps} * kWarp * 16;

struct Shape {
  std::int64_t bytes;   // of a row
  std::int64_t pieces;  // per row
  std::int64_t copy_blocks;
};

__device__ __forceinline__ void copy_piece(const std::byte* x, std::byte* y, std::int64_t first,
                                           std::int64_t bytes) {
  const std::int64_t lane = threadIdx.x % kWarp;
  uint4 packets[kSteps];
#pragma unroll
  for (int i = 0; i < kSteps; ++i) {
    const std::int64_t at = first + (i * kWarp + lane) * 16;
    if (at + 16 <= bytes) packets[i] = *reinterpret_cast<const uint4*>(x + at);
  }
#pragma unroll
  for (int i = 0; i < kSteps; ++i) {
    const std::int64_t at = first + (i * kWarp + lane) * 16;
    if (at + 16 <= bytes) *reinterpret_cast<uint4*>(y + at) = packets[i];
  }
  // What is left of the row is less than a packet; what follows it is not ours.
  const std::int64_t rest = bytes / 16 * 16 + lane;
  if (rest >= first && rest < first + kPieceBytes && rest < bytes) y[rest] = x[rest];
}

__device__ __forceinline__ void copy_scales(const GatherRowsArgs& a, std::int64_t i) {
  const std::int64_t columns = (a.width + kScaleBlock - 1) / kScaleBlock;
  const std::int64_t row = i % a.rows, column = i / a.rows;
  if (column >= columns) return;
  a.y.scale[column * a.y.scale_ld + row] = a.x.scale[column * a.x.scale_ld + a.source_rows[row]];
}

__global__ void __launch_bounds__(kThreads)
    gather_rows_kernel(const __grid_constant__ GatherRowsArgs a, Shape shape) {
  follow_previous_kernel();
  if (blockIdx.x >= shape.copy_blocks) {
    copy_scales(a, (blockIdx.x - shape.copy_blocks) * kThreads + threadIdx.x);
    return;
  }
  const std::int64_t warp = std::int64_t{blockIdx.x} * (kThreads / kWarp) + threadIdx.x / kWarp;
  const std::int64_t row = warp / shape.pieces;
  if (row >= a.rows) return;
  const std::int64_t element = shape.bytes / a.width;
  copy_piece(static_cast<const std::byte*>(a.x.data) + a.source_rows[row] * a.x.ld * element,
             static_cast<std::byte*>(a.y.data) + row * a.y.ld * element,
             warp % shape.pieces * kPieceBytes, shape.bytes);
}

void check(const GatherRowsArgs& a) {
  require(a.rows >= 0, "gather_rows_cuda: rows < 0");
  require(a.width >= 1, "gather_rows_cuda: width < 1");
  if (a.rows == 0) return;
  require(a.x.data && a.y.data && a.source_rows, "gather_rows_cuda: a null pointer");
  require(a.x.dtype == a.y.dtype, "gather_rows_cuda: x and y differ in dtype");
  require(a.x.ld >= a.width && a.y.ld >= a.width, "gather_rows_cuda: ld < width");
  require(aligned(a.x) && aligned(a.y), "gather_rows_cuda: unaligned rows");
  require(a.x.dtype != Dtype::kF8E4M3 || (a.x.scale && a.y.scale && a.y.scale_ld >= a.rows),
          "gather_rows_cuda: fp8 rows without scales");
}

}  // namespace

void gather_rows_cuda(const GatherRowsArgs& args, const Stream& stream) {
  check(args);
  if (args.rows == 0) return;
  Shape shape = {};
  shape.bytes = args.width * static_cast<std::int64_t>(dtype_bytes(args.x.dtype));
  shape.pieces = ceil_div(shape.bytes, kPieceBytes);
  shape.copy_blocks = ceil_div(args.rows * shape.pieces, kThreads / kWarp);
  const bool scaled = args.x.dtype == Dtype::kF8E4M3;
  const std::int64_t scales = scaled ? args.rows * ceil_div(args.width, kScaleBlock) : 0;
  const DeviceLaunch launch(stream, "gather_rows",
                            2 * args.rows * shape.bytes + 8 * scales + 4 * args.rows, 0);
  const std::int64_t blocks = shape.copy_blocks + ceil_div(scales, kThreads);
  launch_kernel(gather_rows_kernel,
                {.grid = static_cast<unsigned>(blocks), .block = kThreads, .early = true}, stream,
                args, shape);
  launch.launched();
}

}  // namespace moebius::kernels
