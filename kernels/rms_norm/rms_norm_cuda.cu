// RMSNorm on the device: a block holds a row in registers from the sums before it to the
// rounding after it, so each operand passes through memory once.
//
// Four columns to a thread and packet: a warp's packet is 128 columns, the group that shares
// an fp8 scale, so quantisation needs no more than a warp's maximum.
#include "kernels/device/barrier.cuh"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"
#include "kernels/device/vectors.cuh"
#include "kernels/rms_norm/rms_norm_cuda.h"
#include "kernels/rms_norm/rms_sum.cuh"

namespace moebius::kernels {
namespace {

constexpr std::int64_t kMaxDim = 16384;
constexpr int kMaxThreads = 512;

/// This thread's packets of a row.
template <int kWidth, int kPackets>
struct RowPart {
  Floats<kWidth> x[kPackets];
};

/// Column of a thread's packet i.
template <int kWidth>
__device__ __forceinline__ std::int64_t column(int i) {
  return (std::int64_t{i} * blockDim.x + threadIdx.x) * kWidth;
}

template <int kWidth, int kPackets>
__device__ __forceinline__ RowPart<kWidth, kPackets> residual_of(const RmsNormCudaArgs& a,
                                                                 std::int64_t row) {
  RowPart<kWidth, kPackets> part = {};
  if (!a.residual) return part;
  const float* residual = a.residual + (a.residual_rows ? a.residual_rows[row] : row) * a.dim;
#pragma unroll
  for (int i = 0; i < kPackets; ++i) {
    const std::int64_t c = column<kWidth>(i);
    if (c < a.dim) part.x[i] = load<kWidth>(residual + c);
  }
  return part;
}

/// part += the row of `add`
template <class T, int kWidth, int kPackets>
__device__ __forceinline__ void take_add(const RmsNormCudaArgs& a, std::int64_t row,
                                         RowPart<kWidth, kPackets>& part) {
  const T* add = row_of<const T>(a.add, row);
#pragma unroll
  for (int i = 0; i < kPackets; ++i) {
    const std::int64_t c = column<kWidth>(i);
    Floats<kWidth> x = {};
    if (c < a.dim) x = load<kWidth>(add + c);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) part.x[i][k] += x[k];
  }
}

/// part += the sum over slots
template <class T, int kWidth, int kPackets>
__device__ __forceinline__ void take_sum(const RmsNormCudaArgs& a, std::int64_t row,
                                         RowPart<kWidth, kPackets>& part) {
  const std::int32_t* slots = a.sum.slots + row * a.sum.slot_count;
  const float* weights = a.sum.weights + row * a.sum.slot_count;
  // As many slots in flight as registers hold: of DeepSeek-V3's nine, all or the half.
  constexpr int kBytes = kWidth * kPackets * static_cast<int>(sizeof(T));
  constexpr int kSlots = kWidth * kPackets >= 32 ? 1 : kBytes <= 16 ? 9 : kBytes <= 32 ? 5 : 2;
  RowPart<kWidth, kPackets> sum = {};
  for (std::int64_t first = 0; first < a.sum.slot_count; first += kSlots) {
    Loaded<T, kWidth> out[kSlots][kPackets];
    float weight[kSlots];
#pragma unroll
    for (int s = 0; s < kSlots; ++s) {
      if (first + s >= a.sum.slot_count) break;
      weight[s] = weights[first + s];
      const T* from = row_of<const T>(a.sum.expert_out, slots[first + s]);
#pragma unroll
      for (int i = 0; i < kPackets; ++i) {
        if (column<kWidth>(i) < a.dim) out[s][i].take(from + column<kWidth>(i));
      }
    }
#pragma unroll
    for (int s = 0; s < kSlots; ++s) {
      if (first + s >= a.sum.slot_count) break;
#pragma unroll
      for (int i = 0; i < kPackets; ++i) {
        if (column<kWidth>(i) >= a.dim) continue;
#pragma unroll
        for (int k = 0; k < kWidth; ++k) {
          sum.x[i][k] = fmaf(weight[s], out[s][i].get(k), sum.x[i][k]);
        }
      }
    }
  }
#pragma unroll
  for (int i = 0; i < kPackets; ++i) {
#pragma unroll
    for (int k = 0; k < kWidth; ++k) part.x[i][k] += sum.x[i][k];
  }
}

template <int kWidth>
__device__ __forceinline__ void write(const RmsNormCudaArgs& a, std::int64_t row, std::int64_t c,
                                      const Floats<kWidth>& y) {
  if (a.y.data && c < a.dim) {
    if (a.y.dtype == Dtype::kF32) {
      store<kWidth>(row_of<float>(a.y, row) + c, y);
    } else {
      store<kWidth>(row_of<Bf16>(a.y, row) + c, y);
    }
  }
  if constexpr (kWidth == 4) {
    // Whole warps: a warp's first lane is beyond the row only if all are.
    const std::int64_t group = c / kScaleBlock;
    if (a.quantized.data && group * kScaleBlock < a.dim) {
      quantize_group(y, c < a.dim, row_of<std::uint8_t>(a.quantized, row) + c,
                     a.quantized.scale + group * a.quantized.scale_ld + row);
    }
  }
}

template <class T, bool kSums, int kWidth, int kPackets>
__global__ void __launch_bounds__(kMaxThreads)
    rms_norm_kernel(const __grid_constant__ RmsNormCudaArgs a) {
  __shared__ float sums[kMaxThreads / kWarp];
  follow_previous_kernel();
  const std::int64_t row = blockIdx.x;
  RowPart<kWidth, kPackets> part = residual_of<kWidth, kPackets>(a, row);
  if (!kSums && a.add.data) take_add<T>(a, row, part);
  if constexpr (kSums) take_sum<T>(a, row, part);
  if (a.residual && !a.residual_rows && (kSums || a.add.data)) {
#pragma unroll
    for (int i = 0; i < kPackets; ++i) {
      const std::int64_t c = column<kWidth>(i);
      if (c < a.dim) store<kWidth>(a.residual + row * a.dim + c, part.x[i]);
    }
  }
  if (!a.weight) return;
  // Asked for before the sum is known, where registers allow.
  constexpr bool kEarly = kWidth * kPackets < 32;
  RowPart<kWidth, kEarly ? kPackets : 1> weight = {};
  float squares = 0;
#pragma unroll
  for (int i = 0; i < kPackets; ++i) {
    const std::int64_t c = column<kWidth>(i);
    if (kEarly && c < a.dim) weight.x[i] = load<kWidth>(a.weight + c);
    squares = add_squares(part.x[i], squares);  // zeros beyond the row
  }
  const float factor = rms_factor(block_sum(squares, sums), a.dim, a.eps);
#pragma unroll
  for (int i = 0; i < kPackets; ++i) {
    const std::int64_t c = column<kWidth>(i);
    if (!kEarly && c < a.dim) weight.x[0] = load<kWidth>(a.weight + c);
    write<kWidth>(a, row, c, normalized(part.x[i], weight.x[kEarly ? i : 0], factor));
  }
}

template <class T, bool kSums>
void start(const RmsNormCudaArgs& a, const Stream& stream) {
  const RmsLayout layout(a.dim);
  const LaunchShape shape{.grid = static_cast<unsigned>(a.rows),
                          .block = static_cast<unsigned>(layout.threads),
                          .early = true};
  const auto launch = [&](auto kernel) { launch_kernel(kernel, shape, stream, a); };
  if (layout.width == 1) return launch(rms_norm_kernel<T, kSums, 1, 32>);
  if (layout.packets == 1) return launch(rms_norm_kernel<T, kSums, 4, 1>);
  if (layout.packets == 2) return launch(rms_norm_kernel<T, kSums, 4, 2>);
  if (layout.packets == 4) return launch(rms_norm_kernel<T, kSums, 4, 4>);
  launch(rms_norm_kernel<T, kSums, 4, 8>);
}

void check_input(const Rows& x, std::int64_t dim, const char* what) {
  require(x.empty() || (is_float(x.dtype) && x.ld >= dim && aligned(x)), what);
}

void check_quantized(const Rows& y, std::int64_t rows, std::int64_t dim, const char* what) {
  require(y.empty() || (y.dtype == Dtype::kF8E4M3 && y.ld >= dim && aligned(y) && y.scale &&
                        y.scale_ld >= rows && dim % 4 == 0),
          what);
}

void check(const RmsNormCudaArgs& a) {
  require(a.rows >= 0 && a.rows <= INT32_MAX, "rms_norm_cuda: rows outside 0 .. 2^31 - 1");
  require(a.dim >= 1 && a.dim <= kMaxDim, "rms_norm_cuda: dim outside 1..16384");
  require(a.eps >= 0, "rms_norm_cuda: eps is negative or NaN");
  if (a.rows == 0) return;
  const ExpertSum& sum = a.sum;
  check_input(a.add, a.dim, "rms_norm_cuda: add is not f32 or bf16, too narrow or unaligned");
  check_input(sum.expert_out, a.dim,
              "rms_norm_cuda: expert_out is not f32 or bf16, too narrow or unaligned");
  check_input(a.y, a.dim, "rms_norm_cuda: y is not f32 or bf16, too narrow or unaligned");
  check_quantized(a.quantized, a.rows, a.dim,
                  "rms_norm_cuda: quantized is not fp8 with scales of whole aligned rows");
  require(sum.slot_count >= 0, "rms_norm_cuda: slot_count < 0");
  require(sum.slot_count == 0 || (!sum.expert_out.empty() && sum.slots && sum.weights),
          "rms_norm_cuda: slots without expert_out, slots or weights");
  require(a.add.empty() || sum.slot_count == 0, "rms_norm_cuda: both add and sum");
  require(a.residual || !a.add.empty() || sum.slot_count > 0, "rms_norm_cuda: nothing to read");
  require(!a.residual_rows || (a.residual && a.add.empty() && sum.slot_count == 0),
          "rms_norm_cuda: residual_rows with a sum, or without residual");
  require(a.weight || (a.y.empty() && a.quantized.empty()), "rms_norm_cuda: y without weight");
}

DeviceLaunch launch_of(const RmsNormCudaArgs& a, const Stream& stream) {
  const auto element = [](const Rows& x) {
    return x.empty() ? std::int64_t{0} : static_cast<std::int64_t>(dtype_bytes(x.dtype));
  };
  const bool sums = !a.add.empty() || a.sum.slot_count > 0;
  const std::int64_t each = (a.residual ? sums ? 8 : 4 : 0) + element(a.add) + element(a.y) +
                            a.sum.slot_count * element(a.sum.expert_out) + element(a.quantized);
  return {stream, "rms_norm", (a.rows * each + (a.weight ? 4 : 0)) * a.dim,
          (4 + 2 * a.sum.slot_count) * a.rows * a.dim};
}

// Loads in flight per lane, of eight columns where dim allows.
constexpr int kLoads = 4;
constexpr int kQuantizeThreads = 128;

template <class T, int kWidth>
__global__ void __launch_bounds__(kQuantizeThreads)
    quantize_kernel(const __grid_constant__ QuantizeCudaArgs a, int pieces) {
  follow_previous_kernel();
  const unsigned warp = blockIdx.x * (kQuantizeThreads / kWarp) + threadIdx.x / kWarp;
  const std::int64_t row = warp / static_cast<unsigned>(pieces);
  if (row >= a.rows) return;
  const int dim = static_cast<int>(a.dim);
  const int first =
      static_cast<int>(warp % static_cast<unsigned>(pieces)) * kLoads * kWarp * kWidth +
      static_cast<int>(threadIdx.x) % kWarp * kWidth;
  Loaded<T, kWidth> raw[kLoads];
#pragma unroll
  for (int i = 0; i < kLoads; ++i) {
    const int c = first + i * kWarp * kWidth;
    if (c < dim) raw[i].take(row_of<const T>(a.x, row) + c);
  }
#pragma unroll
  for (int i = 0; i < kLoads; ++i) {
    const int c = first + i * kWarp * kWidth;
    Floats<kWidth> x;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) x[k] = raw[i].get(k);
    quantize_group(x, c < dim, row_of<std::uint8_t>(a.y, row) + c,
                   a.y.scale + c / kScaleBlock * a.y.scale_ld + row);
  }
}

template <class T, int kWidth>
void start_quantize(const QuantizeCudaArgs& a, const Stream& stream) {
  const std::int64_t pieces = ceil_div(a.dim, std::int64_t{kLoads} * kWarp * kWidth);
  const std::int64_t blocks = ceil_div(a.rows * pieces, kQuantizeThreads / kWarp);
  launch_kernel(quantize_kernel<T, kWidth>,
                {.grid = static_cast<unsigned>(blocks), .block = kQuantizeThreads, .early = true},
                stream, a, static_cast<int>(pieces));
}

}  // namespace

void rms_norm_cuda(const RmsNormCudaArgs& args, const Stream& stream) {
  check(args);
  if (args.rows == 0) return;
  const DeviceLaunch launch = launch_of(args, stream);
  const bool sums = args.sum.slot_count > 0;
  with_element(sums ? args.sum.expert_out.dtype : args.add.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    if (sums) {
      start<T, true>(args, stream);
    } else {
      start<T, false>(args, stream);
    }
  });
  launch.launched();
}

void quantize_cuda(const QuantizeCudaArgs& args, const Stream& stream) {
  require(args.rows >= 0 && args.dim >= 1, "quantize_cuda: rows < 0 or dim < 1");
  require(args.rows * args.dim <= std::int64_t{1} << 38, "quantize_cuda: more than 2^38 elements");
  if (args.rows == 0) return;
  require(!args.x.empty() && !args.y.empty(), "quantize_cuda: x or y is null");
  check_input(args.x, args.dim, "quantize_cuda: x is not f32 or bf16, too narrow or unaligned");
  check_quantized(args.y, args.rows, args.dim,
                  "quantize_cuda: y is not fp8 with scales of whole aligned rows");
  const std::int64_t groups = ceil_div(args.dim, kScaleBlock);
  const auto element = static_cast<std::int64_t>(dtype_bytes(args.x.dtype));
  const DeviceLaunch launch(stream, "quantize", args.rows * (args.dim * (element + 1) + 4 * groups),
                            2 * args.rows * args.dim);
  with_element(args.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    if (args.dim % 8 == 0) {
      start_quantize<T, 8>(args, stream);
    } else {
      start_quantize<T, 4>(args, stream);
    }
  });
  launch.launched();
}

}  // namespace moebius::kernels
