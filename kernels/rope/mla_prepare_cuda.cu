// What stands between MLA's projections and its scores: a row's first block normalises and
// rotates the latent into the cache, the others rotate a piece of the query heads each.
#include <algorithm>

#include "kernels/device/barrier.cuh"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"
#include "kernels/device/vectors.cuh"
#include "kernels/rms_norm/rms_sum.cuh"
#include "kernels/rope/fp8_entry.cuh"
#include "kernels/rope/rotate.cuh"

namespace moebius::kernels {
namespace {

constexpr int kMinThreads = 128;
constexpr int kMaxThreads = 512;

constexpr std::int64_t kFp8Latent = 512;
constexpr std::int64_t kFp8Block = 128;

/// As write_latent() below into an fp8 cache: four columns a thread, a block of values a warp.
template <class T>
__device__ void quantize_latent(const MlaPrepareArgs& a, std::int64_t row, float* sums) {
  const T* x = row_of<const T>(a.latent, row);
  const int thread = static_cast<int>(threadIdx.x), column = thread * 4;
  const bool active = column < kFp8Latent;
  Floats<4> y = {};
  float squares = 0;
  if (active) {
    y = load<4>(x + column);
    squares = add_squares(y, squares);
  }
  const float factor = rms_factor(block_sum(squares, sums), kFp8Latent, a.eps);
  const Fp8Page layout(kFp8Latent / kFp8Block, kFp8Block, 2 * a.rope.half);
  const Fp8Entry entry = fp8_entry_of(a.kv, layout, a.batch, row);
  if (active) {  // whole warps
    const std::int64_t block = column / kFp8Block;
    store_block<4>(normalized(y, load<4>(a.norm + column), factor), entry.values(block, kFp8Block),
                   entry.scale(layout, block));
  }
  Bf16* plain = entry.plain(layout, 2 * a.rope.half);
  for (std::int64_t i = thread; i < a.rope.half; i += blockDim.x) {
    rotate<1>(a.rope, row, x + a.kv_lora, i, plain);
  }
}

template <class T, class K, int kWidth>
__device__ void write_latent(const MlaPrepareArgs& a, const RmsLayout& layout, std::int64_t row,
                             float* sums) {
  const T* x = row_of<const T>(a.latent, row);
  K* entry = entry_of<K>(a.kv, a.batch, row);
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t step = std::int64_t{layout.threads} * kWidth;
  const std::int64_t first = thread < layout.threads ? std::int64_t{thread} * kWidth : a.kv_lora;
  float squares = 0;
  for (std::int64_t c = first; c < a.kv_lora; c += step) {
    squares = add_squares(load<kWidth>(x + c), squares);
  }
  const float factor = rms_factor(block_sum(squares, sums), a.kv_lora, a.eps);
  for (std::int64_t c = first; c < a.kv_lora; c += step) {
    store<kWidth>(entry + c, normalized(load<kWidth>(x + c), load<kWidth>(a.norm + c), factor));
  }
  for (std::int64_t i = thread; i < a.rope.half; i += blockDim.x) {
    rotate<1>(a.rope, row, x + a.kv_lora, i, entry + a.kv_lora);
  }
}

template <class T, int kPairs>
__device__ void rotate_heads(const MlaPrepareArgs& a, std::int64_t row, std::int64_t piece) {
  const std::int64_t steps = a.rope.half / kPairs;  // per head
  const std::int64_t i = piece * blockDim.x + threadIdx.x;
  const std::int64_t head = i / steps;
  if (head >= a.heads) return;
  const T* x = row_of<const T>(a.q, row) + head * (a.qk_nope + 2 * a.rope.half) + a.qk_nope;
  T* y = row_of<T>(a.q_latent, row) + head * (a.kv_lora + 2 * a.rope.half) + a.kv_lora;
  rotate<kPairs>(a.rope, row, x, i % steps * kPairs, y);
}

template <class T, class K, int kWidth, int kPairs>
__global__ void __launch_bounds__(kMaxThreads)
    mla_prepare_kernel(const __grid_constant__ MlaPrepareArgs a, RmsLayout layout) {
  __shared__ float sums[kMaxThreads / kWarp];
  follow_previous_kernel();
  if (blockIdx.y == 0) {
    if constexpr (std::is_same_v<K, Fp8>) {
      quantize_latent<T>(a, blockIdx.x, sums);
    } else {
      write_latent<T, K, kWidth>(a, layout, blockIdx.x, sums);
    }
  } else {
    rotate_heads<T, kPairs>(a, blockIdx.x, blockIdx.y - 1);
  }
}

// The same pairs for all of a launch: what alignment allows.
bool in_quads(const MlaPrepareArgs& a) {
  return a.rope.half % 4 == 0 && a.qk_nope % 8 == 0 && a.kv_lora % 8 == 0;
}

template <class T, class K>
void start(const MlaPrepareArgs& a, const Stream& stream) {
  const RmsLayout layout(a.kv_lora);
  const int threads = std::max(kMinThreads, layout.threads);
  const bool quads = in_quads(a);
  const std::int64_t pieces = ceil_div(a.heads * (a.rope.half / (quads ? 4 : 1)), threads);
  const dim3 grid(static_cast<unsigned>(a.batch.ragged.rows), static_cast<unsigned>(1 + pieces));
  // The entry's width may leave packets of four unaligned.
  const bool wide = layout.width == 4 && a.kv.width % 4 == 0;
  const LaunchShape shape{.grid = grid, .block = static_cast<unsigned>(threads), .early = true};
  const auto launch = [&](auto kernel) { launch_kernel(kernel, shape, stream, a, layout); };
  if (layout.width == 4) {
    require(wide, "mla_prepare_cuda: kv_lora is a multiple of 4, but not the cache's width");
    launch(quads ? mla_prepare_kernel<T, K, 4, 4> : mla_prepare_kernel<T, K, 4, 1>);
  } else if constexpr (!std::is_same_v<K, Fp8>) {
    launch(mla_prepare_kernel<T, K, 1, 1>);
  }
}

void check(const MlaPrepareArgs& a) {
  require_batch(a.batch, "mla_prepare_cuda: malformed batch");
  const std::int64_t rope = 2 * a.rope.half;
  require(
      a.rope.half >= 1 && a.heads >= 1 && a.qk_nope >= 0 && a.kv_lora >= 1 && a.kv_lora <= 16384,
      "mla_prepare_cuda: half, heads, qk_nope or kv_lora out of range");
  require(is_float(a.q.dtype) && a.latent.dtype == a.q.dtype && a.q_latent.dtype == a.q.dtype,
          "mla_prepare_cuda: q, latent and q_latent are not all f32 or all bf16");
  require(a.q.ld >= a.heads * (a.qk_nope + rope) && a.latent.ld >= a.kv_lora + rope &&
              a.q_latent.ld >= a.heads * (a.kv_lora + rope),
          "mla_prepare_cuda: q, latent or q_latent is too narrow");
  require(aligned(a.q) && aligned(a.latent) && aligned(a.q_latent),
          "mla_prepare_cuda: unaligned rows");
  require(a.q.data && a.latent.data && a.norm && a.rope.cos && a.rope.sin && a.q_latent.data,
          "mla_prepare_cuda: a null pointer");
  require(a.kv.data && a.kv.width == a.kv_lora + rope &&
              (is_float(a.kv.dtype) || a.kv.dtype == Dtype::kF8E4M3),
          "mla_prepare_cuda: the cache is not f32, bf16 or fp8 of width kv_lora + 2 * half");
  require(is_float(a.kv.dtype) || (a.q.dtype == Dtype::kBF16 && a.kv_lora == kFp8Latent &&
                                   a.kv.block == kFp8Block && a.kv.plain == rope),
          "mla_prepare_cuda: an fp8 cache wants bf16 rows and 512 latents in blocks of 128");
}

}  // namespace

void mla_prepare_cuda(const MlaPrepareArgs& args, const Stream& stream) {
  if (args.batch.ragged.rows == 0) return;
  check(args);
  const std::int64_t rows = args.batch.ragged.rows;
  const auto element = static_cast<std::int64_t>(dtype_bytes(args.q.dtype));
  const std::int64_t cached = kv_page_bytes(args.kv) / kPageTokens;
  const std::int64_t turned = args.heads * 2 * args.rope.half;
  const DeviceLaunch launch(
      stream, "mla_prepare",
      rows * (2 * turned * element + args.kv.width * element + cached + 8 * args.rope.half),
      rows * (3 * turned + 4 * args.kv_lora));
  if (args.kv.dtype == Dtype::kF8E4M3) {
    start<Bf16, Fp8>(args, stream);
  } else {
    with_element(args.q.dtype, [&](auto* q) {
      with_element(args.kv.dtype, [&](auto* kv) {
        start<std::remove_pointer_t<decltype(q)>, std::remove_pointer_t<decltype(kv)>>(args,
                                                                                       stream);
      });
    });
  }
  launch.launched();
}

}  // namespace moebius::kernels
