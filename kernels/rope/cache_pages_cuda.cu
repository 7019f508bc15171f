// Pages of the cache on the device before rows are written into them: cleared, or copied in part.
// Attention reads whole pages and gives what lies behind a row no weight; but 0 * NaN is NaN, so
// nothing that another sequence left there may stay.
#include <algorithm>

#include "kernels/device/launch.h"
#include "kernels/device/vectors.cuh"
#include "kernels/kv_write/fp8_cache.h"
#include "kernels/rope/rope_cuda.h"

namespace moebius::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kUnit = 16;  // bytes that a thread moves at once, eight halves

/// How many of a unit's halves belong to the first `tokens` entries of a page: those come first in
/// every unit.
struct PagePrefix {
  std::int64_t bytes;                // of the page
  std::int64_t tokens;               // of its entries
  std::int64_t entry_bytes;          // 0: the page is an Fp8Page
  std::int64_t scales_at, plain_at;  // of that, as there
  std::int64_t block, plain;

  __device__ int halves(std::int64_t at) const {
    if (entry_bytes > 0) return clamped((tokens * entry_bytes - at) / 2);
    if (at < scales_at) return at / block % kPageTokens < tokens ? kUnit / 2 : 0;
    if (at < plain_at) return clamped(tokens - (at - scales_at) / 2 % kPageTokens);
    return (at - plain_at) / (2 * plain) < tokens ? kUnit / 2 : 0;
  }
  __device__ static int clamped(std::int64_t halves) {
    return static_cast<int>(max(std::int64_t{0}, min(std::int64_t{kUnit / 2}, halves)));
  }
};

PagePrefix prefix_of(const KvLayer& kv, std::int64_t tokens) {
  const std::int64_t bytes = kv_page_bytes(kv);
  if (kv.dtype != Dtype::kF8E4M3) return {bytes, tokens, bytes / kPageTokens, 0, 0, 1, 1};
  const Fp8Page page(kv);
  return {bytes,
          tokens,
          0,
          page.scales_at,
          page.plain_at,
          kv.block,
          std::max<std::int64_t>(1, kv.plain)};
}

/// A layer to each blockIdx.y.
__global__ void __launch_bounds__(kThreads)
    copy_page_kernel(const std::byte* from, std::byte* to, std::int64_t layer_bytes,
                     const __grid_constant__ PagePrefix prefix) {
  const std::int64_t at = (std::int64_t{blockIdx.x} * kThreads + threadIdx.x) * kUnit;
  if (at >= prefix.bytes) return;
  from += blockIdx.y * layer_bytes + at;
  to += blockIdx.y * layer_bytes + at;
  const int halves = prefix.halves(at);
  uint4 unit = {0, 0, 0, 0};
  if (halves == kUnit / 2) {
    unit = *reinterpret_cast<const uint4*>(from);
  } else if (halves > 0) {
    auto* half = reinterpret_cast<std::uint16_t*>(&unit);
    for (int i = 0; i < halves; ++i) half[i] = reinterpret_cast<const std::uint16_t*>(from)[i];
  }
  *reinterpret_cast<uint4*>(to) = unit;
}

/// kPageTokens rows to each blockIdx.x: at most one page of a sequence begins among them. A layer
/// to each blockIdx.y.
__global__ void __launch_bounds__(kThreads)
    clear_pages_kernel(const __grid_constant__ DeviceBatch batch, std::byte* cache,
                       std::int64_t layer_bytes, std::int64_t page_bytes) {
  cache += blockIdx.y * layer_bytes;
  const std::int64_t first = blockIdx.x * kPageTokens;
  const std::int64_t end = min(first + kPageTokens, batch.ragged.rows);
  for (std::int64_t row = first; row < end; ++row) {
    const std::int64_t position = batch.row_position[row];
    if (position % kPageTokens != 0) continue;
    const std::int64_t table = batch.row_sequence[row] * batch.ragged.max_pages;
    const std::int64_t page = batch.ragged.pages[table + position / kPageTokens];
    auto* units = reinterpret_cast<uint4*>(cache + page * page_bytes);
    for (std::int64_t i = threadIdx.x; i < page_bytes / kUnit; i += kThreads) {
      units[i] = {0, 0, 0, 0};
    }
  }
}

void check_layers(const KvLayer& first, std::int64_t layers, std::int64_t layer_bytes) {
  require(layers >= 0 && layers <= 65535, "cache pages: layers outside 0..65535");
  require(first.data, "cache pages: the cache is null");
  require(layers <= 1 || layer_bytes % kUnit == 0, "cache pages: layer_bytes is no multiple of 16");
}

}  // namespace

void copy_page_cuda(const CopyPageArgs& args, const Stream& stream) {
  const KvLayer& kv = args.first;
  check_layers(kv, args.layers, args.layer_bytes);
  require(args.tokens >= 0 && args.tokens <= kPageTokens, "copy_page_cuda: tokens outside 0..64");
  require(args.from >= 0 && args.from < kv.pages && args.to >= 0 && args.to < kv.pages,
          "copy_page_cuda: a page outside the cache");
  require(args.from != args.to, "copy_page_cuda: a page onto itself");
  if (args.layers == 0) return;
  const PagePrefix prefix = prefix_of(kv, args.tokens);
  const std::int64_t read = prefix.bytes / kPageTokens * args.tokens;
  const DeviceLaunch launch(stream, "copy_page", args.layers * (read + prefix.bytes), 0);
  auto* data = static_cast<std::byte*>(kv.data);
  const dim3 grid(static_cast<unsigned>(ceil_div(prefix.bytes / kUnit, kThreads)),
                  static_cast<unsigned>(args.layers));
  copy_page_kernel<<<grid, kThreads, 0, static_cast<cudaStream_t>(stream.handle())>>>(
      data + args.from * prefix.bytes, data + args.to * prefix.bytes, args.layer_bytes, prefix);
  launch.launched();
}

void clear_pages_cuda(const ClearPagesArgs& args, const Stream& stream) {
  check_layers(args.first, args.layers, args.layer_bytes);
  const Ragged& ragged = args.batch.ragged;
  require(ragged.rows >= 0 && args.pages >= 0, "clear_pages_cuda: rows or pages < 0");
  if (args.layers == 0 || ragged.rows == 0 || args.pages == 0) return;
  require(ragged.pages && args.batch.row_position && args.batch.row_sequence,
          "clear_pages_cuda: malformed batch");
  const std::int64_t bytes = kv_page_bytes(args.first);
  const DeviceLaunch launch(stream, "clear_pages", args.layers * args.pages * bytes, 0);
  const dim3 grid(static_cast<unsigned>(ceil_div(ragged.rows, kPageTokens)),
                  static_cast<unsigned>(args.layers));
  clear_pages_kernel<<<grid, kThreads, 0, static_cast<cudaStream_t>(stream.handle())>>>(
      args.batch, static_cast<std::byte*>(args.first.data), args.layer_bytes, bytes);
  launch.launched();
}

}  // namespace moebius::kernels
