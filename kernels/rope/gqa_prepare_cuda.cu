// What stands between grouped-query attention's projection and its scores: norm, clip, rotation
// and cache writes. A warp takes one head at a time, in shared memory between the steps; heads of
// 128 columns stay in registers.
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

constexpr int kThreads = 128;      // a head per warp
constexpr int kFullThreads = 512;  // a row per block: its norm spans all heads
constexpr std::int64_t kMaxHeadDim = 512;

/// Which of a row's heads, queries first, then keys, then values.
struct Head {
  std::int64_t index;  // among its kind
  bool query, value;
};

__device__ __forceinline__ Head head_at(const GqaPrepareArgs& a, std::int64_t i) {
  if (i < a.heads) return {i, true, false};
  if (i < a.heads + a.kv_heads) return {i - a.heads, false, false};
  return {i - a.heads - a.kv_heads, false, true};
}

__device__ __forceinline__ float clipped(float x, float clip) {
  // A NaN stays one: it compares false.
  return clip > 0 ? (x > clip ? clip : x < -clip ? -clip : x) : x;
}

/// Sum of squares of `dim` columns by the whole block.
template <class T, int kWidth>
__device__ float squares_of(const T* x, std::int64_t dim, float* sums) {
  const RmsLayout layout(dim);
  float squares = 0;
  if (static_cast<int>(threadIdx.x) < layout.threads) {
    const std::int64_t step = std::int64_t{layout.threads} * kWidth;
    for (std::int64_t c = std::int64_t{threadIdx.x} * kWidth; c < dim; c += step) {
      squares = add_squares(load<kWidth>(x + c), squares);
    }
  }
  const float sum = block_sum(squares, sums);
  __syncthreads();  // sums read by all before the next use
  return sum;
}

__device__ __forceinline__ Fp8Page page_of(const GqaPrepareArgs& a) {
  return {2 * a.kv_heads, a.head_dim, 0};
}

/// A head of 64 or 128 columns out of shared memory, as block `block` of the row's entry.
__device__ void quantize_head(const GqaPrepareArgs& a, std::int64_t row, std::int64_t block,
                              const float* x) {
  const Fp8Page layout = page_of(a);
  const Fp8Entry entry = fp8_entry_of(a.kv, layout, a.batch, row);
  std::uint8_t* codes = entry.values(block, a.head_dim);
  std::uint16_t* scale = entry.scale(layout, block);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  if (a.head_dim == 128) {
    store_block<4>(load<4>(x + 4 * lane), codes, scale);
  } else {
    store_block<2>(load<2>(x + 2 * lane), codes, scale);
  }
}

/// One head of one row, by one warp. `factor` serves HeadNorm::kFull. `staged`: a head's floats,
/// for an fp8 cache two.
template <class T, class K, int kWidth>
__device__ void prepare_head(const GqaPrepareArgs& a, std::int64_t row, std::int64_t i,
                             float factor, float* staged) {
  const Head head = head_at(a, i);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const T* x = row_of<const T>(a.qkv, row) + i * a.head_dim;
  const float* norm = head.value ? nullptr : head.query ? a.q_norm : a.k_norm;
  if (a.head_norm == HeadNorm::kNone) norm = nullptr;
  if (norm && a.head_norm == HeadNorm::kFull) norm += head.index * a.head_dim;
  if (norm && a.head_norm == HeadNorm::kPerHead) {
    float squares = 0;
    for (std::int64_t c = lane * kWidth; c < a.head_dim; c += kWarp * kWidth) {
      squares = add_squares(load<kWidth>(x + c), squares);
    }
    factor = rms_factor(warp_sum(squares), a.head_dim, a.eps);
  }
  T* q = head.query ? row_of<T>(a.q, row) + head.index * a.head_dim : nullptr;
  const std::int64_t block = (head.value ? a.kv_heads : 0) + head.index;
  constexpr bool kFp8 = std::is_same_v<K, Fp8>;
  std::conditional_t<kFp8, float, K>* entry;
  if constexpr (kFp8) {
    entry = staged + a.head_dim;  // its scale wants all of it
  } else {
    entry = entry_of<K>(a.kv, a.batch, row) + block * a.head_dim;
  }
  const std::int64_t turned = head.value ? 0 : 2 * a.rope.half;
  for (std::int64_t c = lane * kWidth; c < a.head_dim; c += kWarp * kWidth) {
    Floats<kWidth> y = load<kWidth>(x + c);
    if (norm) y = normalized(y, load<kWidth>(norm + c), factor);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) y[k] = clipped(y[k], a.clip);
    if (c < turned) {
      store<kWidth>(staged + c, y);
    } else if (head.query) {
      store<kWidth>(q + c, y);
    } else {
      store<kWidth>(entry + c, y);
    }
  }
  __syncwarp();  // staged written before other lanes read it
  for (std::int64_t p = lane * kWidth; p < turned / 2; p += kWarp * kWidth) {
    if (head.query) {
      rotate<kWidth>(a.rope, row, staged, p, q);
    } else {
      rotate<kWidth>(a.rope, row, staged, p, entry);
    }
  }
  __syncwarp();  // staged read before the next head overwrites it
  if constexpr (kFp8) {
    if (!head.query) quantize_head(a, row, block, entry);
    __syncwarp();  // read, too
  }
}

/// A warp's.
template <class K>
__host__ __device__ std::int64_t staged_floats(const GqaPrepareArgs& a) {
  return std::is_same_v<K, Fp8> ? 2 * a.head_dim : a.head_dim;
}

template <class T, class K, int kWidth>
__global__ void __launch_bounds__(kFullThreads)
    gqa_prepare_kernel(const __grid_constant__ GqaPrepareArgs a) {
  extern __shared__ __align__(16) float staging[];
  __shared__ float sums[kFullThreads / kWarp];
  follow_previous_kernel();
  const std::int64_t row = blockIdx.x;
  const std::int64_t heads = a.heads + 2 * a.kv_heads;
  const std::int64_t warps = blockDim.x / kWarp;
  const std::int64_t warp = threadIdx.x / kWarp;
  float q_factor = 0, k_factor = 0;
  if (a.head_norm == HeadNorm::kFull) {
    const T* x = row_of<const T>(a.qkv, row);
    const std::int64_t q_dim = a.heads * a.head_dim, k_dim = a.kv_heads * a.head_dim;
    q_factor = rms_factor(squares_of<T, kWidth>(x, q_dim, sums), q_dim, a.eps);
    k_factor = rms_factor(squares_of<T, kWidth>(x + q_dim, k_dim, sums), k_dim, a.eps);
  }
  for (std::int64_t i = blockIdx.y * warps + warp; i < heads; i += gridDim.y * warps) {
    prepare_head<T, K, kWidth>(a, row, i, i < a.heads ? q_factor : k_factor,
                               staging + warp * staged_floats<K>(a));
  }
}

/// Heads of 128 columns, all of them turned by halves: a lane holds four columns, and the lane
/// sixteen further on holds their partners, so a head never leaves the registers. A warp takes
/// kWideHeads heads at once: that many loads are in flight, and one pair of cos and sin serves all.
constexpr std::int64_t kWideDim = 128;
constexpr int kWideHeads = 4;

template <class T, class K>
__global__ void __launch_bounds__(kThreads)
    gqa_prepare_wide_kernel(const __grid_constant__ GqaPrepareArgs a) {
  follow_previous_kernel();
  const std::int64_t row = blockIdx.x;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int heads = static_cast<int>(a.heads), kv_heads = static_cast<int>(a.kv_heads);
  const int warp = static_cast<int>(blockIdx.y * (kThreads / kWarp) + threadIdx.x / kWarp);
  const int first = warp * kWideHeads, all = heads + 2 * kv_heads;
  if (first >= all) return;
  const T* x = row_of<const T>(a.qkv, row) + lane * 4;
  Floats<4> y[kWideHeads] = {};
#pragma unroll
  for (int i = 0; i < kWideHeads; ++i) {
    if (first + i < all) y[i] = load<4>(x + (first + i) * kWideDim);
  }
  const std::int64_t angle = row * (kWideDim / 2) + lane % 16 * 4;
  const Floats<4> cos = load<4>(a.rope.cos + angle), sin = load<4>(a.rope.sin + angle);
  const bool norms = a.head_norm == HeadNorm::kPerHead;
  Floats<4> q_norm = {}, k_norm = {};
  if (norms) q_norm = load<4>(a.q_norm + lane * 4), k_norm = load<4>(a.k_norm + lane * 4);
  const bool writes = first + kWideHeads > heads;  // to the cache
  constexpr bool kFp8 = std::is_same_v<K, Fp8>;
  const Fp8Page layout = page_of(a);
  Fp8Entry entry8{};
  std::conditional_t<kFp8, float, K>* entry = nullptr;
  if constexpr (kFp8) {
    if (writes) entry8 = fp8_entry_of(a.kv, layout, a.batch, row);
  } else {
    if (writes) entry = entry_of<K>(a.kv, a.batch, row) + lane * 4;
  }
#pragma unroll
  for (int i = 0; i < kWideHeads; ++i) {
    const int head = first + i;
    if (head >= all) break;
    if (norms && head < heads + kv_heads) {
      const float factor = rms_factor(warp_sum(add_squares(y[i], 0.0F)), kWideDim, a.eps);
      y[i] = normalized(y[i], head < heads ? q_norm : k_norm, factor);
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) y[i][k] = clipped(y[i][k], a.clip);
    if (head < heads + kv_heads) {
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        const float own = y[i][k], other = __shfl_xor_sync(kAllLanes, own, 16);
        y[i][k] =
            lane < 16 ? fmaf(own, cos[k], -(other * sin[k])) : fmaf(own, cos[k], other * sin[k]);
      }
    }
    if (head < heads) {
      store<4>(row_of<T>(a.q, row) + head * kWideDim + lane * 4, y[i]);
    } else if constexpr (kFp8) {
      const int block = head - heads;
      store_block<4>(y[i], entry8.values(block, kWideDim), entry8.scale(layout, block));
    } else {
      store<4>(entry + (head - heads) * kWideDim, y[i]);
    }
  }
}

bool is_wide(const GqaPrepareArgs& a) {
  return a.head_dim == kWideDim && 2 * a.rope.half == kWideDim &&
         a.rope.pairs == RopePairs::kHalves && a.head_norm != HeadNorm::kFull;
}

template <class T, class K>
void start_wide(const GqaPrepareArgs& a, const Stream& stream) {
  const std::int64_t pieces = ceil_div(a.heads + 2 * a.kv_heads, kThreads / kWarp * kWideHeads);
  const dim3 grid(static_cast<unsigned>(a.batch.ragged.rows), static_cast<unsigned>(pieces));
  launch_kernel(gqa_prepare_wide_kernel<T, K>, {.grid = grid, .block = kThreads, .early = true},
                stream, a);
}

template <class T, class K>
void start(const GqaPrepareArgs& a, const Stream& stream) {
  if (is_wide(a)) return start_wide<T, K>(a, stream);
  const bool full = a.head_norm == HeadNorm::kFull;
  const int threads = full ? kFullThreads : kThreads;
  const std::int64_t warps = threads / kWarp;
  const std::int64_t pieces = full ? 1 : ceil_div(a.heads + 2 * a.kv_heads, warps);
  const dim3 grid(static_cast<unsigned>(a.batch.ragged.rows), static_cast<unsigned>(pieces));
  const auto bytes = static_cast<std::size_t>(warps * staged_floats<K>(a)) * sizeof(float);
  const bool quads = a.head_dim % 8 == 0 && a.rope.half % 4 == 0;
  const auto kernel = quads ? gqa_prepare_kernel<T, K, 4> : gqa_prepare_kernel<T, K, 1>;
  launch_kernel(
      kernel,
      {.grid = grid, .block = static_cast<unsigned>(threads), .shared_bytes = bytes, .early = true},
      stream, a);
}

void check(const GqaPrepareArgs& a) {
  require_batch(a.batch, "gqa_prepare_cuda: malformed batch");
  require(a.heads >= 1 && a.kv_heads >= 1, "gqa_prepare_cuda: heads or kv_heads < 1");
  require(a.head_dim >= 1 && a.head_dim <= kMaxHeadDim,
          "gqa_prepare_cuda: head_dim outside 1..512");
  require(a.rope.half >= 1 && 2 * a.rope.half <= a.head_dim,
          "gqa_prepare_cuda: half outside 1..head_dim / 2");
  require(is_float(a.qkv.dtype) && a.q.dtype == a.qkv.dtype,
          "gqa_prepare_cuda: qkv and q are not both f32 or both bf16");
  require(a.qkv.ld >= (a.heads + 2 * a.kv_heads) * a.head_dim && a.q.ld >= a.heads * a.head_dim,
          "gqa_prepare_cuda: qkv or q is too narrow");
  require(aligned(a.qkv) && aligned(a.q), "gqa_prepare_cuda: unaligned rows");
  require(a.qkv.data && a.q.data && a.rope.cos && a.rope.sin, "gqa_prepare_cuda: a null pointer");
  require(a.head_norm == HeadNorm::kNone || (a.q_norm && a.k_norm),
          "gqa_prepare_cuda: q_norm or k_norm is null");
  require(a.head_norm != HeadNorm::kFull || a.heads * a.head_dim <= 16384,
          "gqa_prepare_cuda: a full norm of more than 16384 columns");
  require(a.kv.data && a.kv.width == 2 * a.kv_heads * a.head_dim &&
              (is_float(a.kv.dtype) || a.kv.dtype == Dtype::kF8E4M3),
          "gqa_prepare_cuda: the cache is not f32, bf16 or fp8 of width 2 * kv_heads * head_dim");
  require(
      is_float(a.kv.dtype) || (a.qkv.dtype == Dtype::kBF16 && a.kv.block == a.head_dim &&
                               a.kv.plain == 0 && (a.head_dim == 64 || a.head_dim == 128)),
      "gqa_prepare_cuda: an fp8 cache wants bf16 rows, heads of 64 or 128 and a scale for each");
}

}  // namespace

void gqa_prepare_cuda(const GqaPrepareArgs& args, const Stream& stream) {
  if (args.batch.ragged.rows == 0) return;
  check(args);
  const std::int64_t rows = args.batch.ragged.rows;
  const auto element = static_cast<std::int64_t>(dtype_bytes(args.qkv.dtype));
  const std::int64_t cached = kv_page_bytes(args.kv) / kPageTokens;
  const std::int64_t q = args.heads * args.head_dim;
  const DeviceLaunch launch(
      stream, "gqa_prepare",
      rows * ((2 * q + args.kv.width) * element + cached + 8 * args.rope.half),
      rows * 7 * (q + args.kv.width / 2));
  if (args.kv.dtype == Dtype::kF8E4M3) {
    start<Bf16, Fp8>(args, stream);
  } else {
    with_element(args.qkv.dtype, [&](auto* x) {
      with_element(args.kv.dtype, [&](auto* kv) {
        start<std::remove_pointer_t<decltype(x)>, std::remove_pointer_t<decltype(kv)>>(args,
                                                                                       stream);
      });
    });
  }
  launch.launched();
}

}  // namespace moebius::kernels
