// Tables of angles on the device, and copies of cache pages.
#include "kernels/device/barrier.cuh"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"
#include "kernels/device/vectors.cuh"
#include "kernels/kv_write/fp8_cache.h"
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

// A layer to each blockIdx.y. `units` of 16 bytes, then `rest` of 2.
__global__ void __launch_bounds__(kThreads)
    copy_page_kernel(const std::byte* from, std::byte* to, std::int64_t layer_bytes,
                     std::int64_t units, std::int64_t rest) {
  from += blockIdx.y * layer_bytes;
  to += blockIdx.y * layer_bytes;
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < units) {
    reinterpret_cast<uint4*>(to)[i] = reinterpret_cast<const uint4*>(from)[i];
  } else if (i < units + rest) {
    const std::int64_t at = units * 8 + i - units;
    reinterpret_cast<std::uint16_t*>(to)[at] = reinterpret_cast<const std::uint16_t*>(from)[at];
  }
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

void copy_page_cuda(const CopyPageArgs& args, const Stream& stream) {
  const KvLayer& kv = args.first;
  require(args.layers >= 0 && args.layers <= 65535, "copy_page_cuda: layers outside 0..65535");
  require(args.tokens >= 0 && args.tokens <= kPageTokens, "copy_page_cuda: tokens outside 0..64");
  require(args.from >= 0 && args.from < kv.pages && args.to >= 0 && args.to < kv.pages,
          "copy_page_cuda: a page outside the cache");
  if (args.layers == 0 || args.tokens == 0 || args.from == args.to) return;
  require(kv.data, "copy_page_cuda: the cache is null");
  require(args.layers == 1 || args.layer_bytes % 16 == 0,
          "copy_page_cuda: layer_bytes is no multiple of 16");
  // Of fp8 the whole page: its entries are not contiguous, and nobody reads those behind `tokens`
  // before they are written.
  const std::int64_t page = kv_page_bytes(kv);
  const std::int64_t bytes = kv.dtype == Dtype::kF8E4M3 ? page : page / kPageTokens * args.tokens;
  const DeviceLaunch launch(stream, "copy_page", 2 * args.layers * bytes, 0);
  auto* data = static_cast<std::byte*>(kv.data);
  const std::int64_t units = bytes / 16, rest = bytes % 16 / 2;
  const dim3 grid(static_cast<unsigned>(ceil_div(units + rest, kThreads)),
                  static_cast<unsigned>(args.layers));
  copy_page_kernel<<<grid, kThreads, 0, static_cast<cudaStream_t>(stream.handle())>>>(
      data + args.from * page, data + args.to * page, args.layer_bytes, units, rest);
  launch.launched();
}

}  // namespace moebius::kernels
