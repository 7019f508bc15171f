#include "kernels/gemm/gemm_cuda.h"

#include <algorithm>

#include "kernels/gemm/gemm_paths.h"

namespace moebius::kernels {
namespace {

bool aligned(const void* data, std::int64_t ld, Dtype dtype) {
  const auto bytes = static_cast<std::int64_t>(dtype_bytes(dtype));
  return reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && ld * bytes % 16 == 0;
}

void check_dtypes(const GemmCudaArgs& args) {
  const Dtype x = args.x.dtype;
  require(x == Dtype::kF32 || x == Dtype::kBF16 || x == Dtype::kF8E4M3,
          "gemm_cuda: x is neither f32, bf16 nor f8_e4m3");
  require(x == Dtype::kF32 || x == args.w.dtype,
          "gemm_cuda: w must be of x's dtype where that is bf16 or f8_e4m3");
  require(args.y.dtype == Dtype::kF32 || args.y.dtype == Dtype::kBF16,
          "gemm_cuda: y is neither f32 nor bf16");
  require(x != Dtype::kF8E4M3 || (args.x.scale && args.w.scale),
          "gemm_cuda: f8_e4m3 without scales");
  require(x != Dtype::kF8E4M3 || (args.x.scale_ld >= args.rows && args.x.scale_ld % 4 == 0),
          "gemm_cuda: scale_ld < rows or no multiple of 4");
}

void check_sizes(const GemmCudaArgs& args) {
  const std::int64_t k = args.w.cols;
  const std::int64_t outputs = args.pairs ? args.n / 2 : args.n;
  const std::int64_t multiple = args.x.dtype == Dtype::kF32      ? 1
                                : args.x.dtype == Dtype::kF8E4M3 ? 16
                                                                 : 8;
  require(k >= 1 && k % multiple == 0, "gemm_cuda: w.cols is no multiple of 8 (16 for f8_e4m3)");
  const std::int64_t lanes = args.pairs ? 16 : args.x.dtype == Dtype::kF32 ? 1 : 8;
  require(args.n >= 1 && args.n % lanes == 0,
          "gemm_cuda: n is no multiple of 8 (16 with pairs, any for f32 x)");
  require(args.rows < (std::int64_t{1} << 31) && args.n < (std::int64_t{1} << 31) &&
              k < (std::int64_t{1} << 31),
          "gemm_cuda: a size of 2^31 or more");
  require(args.x.ld >= k && args.w.ld >= k && args.y.ld >= outputs,
          "gemm_cuda: a stride shorter than its row");
  require(aligned(args.x.data, args.x.ld, args.x.dtype) &&
              aligned(args.w.data, args.w.ld, args.w.dtype) &&
              aligned(args.y.data, args.y.ld, args.y.dtype),
          "gemm_cuda: rows that do not start at multiples of 16 bytes");
}

void check_heads(const GemmCudaArgs& args) {
  const std::int64_t last = args.heads - 1;
  require(args.heads >= 1 && args.x_head >= 0 && args.w_first >= 0 && args.w_head >= 0 &&
              args.y_head >= 0,
          "gemm_cuda: heads < 1 or a negative step");
  require(last == 0 || (args.groups == 0 && !args.pairs && !args.bias),
          "gemm_cuda: heads with groups, pairs or a bias");
  require(args.x_head * last + args.w.cols <= args.x.ld &&
              args.y_head * last + (args.pairs ? args.n / 2 : args.n) <= args.y.ld,
          "gemm_cuda: heads beyond the row");
  const auto bytes = static_cast<std::int64_t>(dtype_bytes(args.x.dtype));
  require(last == 0 || args.x.dtype == Dtype::kF32 ||
              (args.x_head * bytes % 16 == 0 && args.y_head % 8 == 0),
          "gemm_cuda: heads that do not start at multiples of 16 bytes");
}

void check_matrices(const GemmCudaArgs& args) {
  require(args.groups >= 0 && args.groups <= 1024, "gemm_cuda: groups outside 0 .. 1024");
  if (args.groups > 0) {
    require(args.offsets, "gemm_cuda: groups without offsets");
    require(!args.bias, "gemm_cuda: groups with a bias");
    require(args.w.rows >= args.groups * args.n, "gemm_cuda: w has fewer rows than groups * n");
    require(args.full_groups >= 0 && args.full_groups <= args.groups &&
                args.full_rows >= (args.full_groups > 0 ? 1 : 0) &&
                args.full_rows <= args.rows / std::max<std::int64_t>(args.full_groups, 1),
            "gemm_cuda: full groups with more rows than there are");
    require(!args.one_row || (args.x.dtype == Dtype::kBF16 && args.rows <= args.groups),
            "gemm_cuda: one_row with x of another dtype than bf16 or more rows than groups");
  } else {
    require(!args.one_row, "gemm_cuda: one_row without groups");
    require(args.w.rows >= args.w_first + args.w_head * (args.heads - 1) + args.n,
            "gemm_cuda: w has too few rows");
  }
}

}  // namespace

void gemm_cuda(const GemmCudaArgs& args, const Stream& stream) {
  require(args.rows >= 0, "gemm_cuda: rows < 0");
  if (args.rows == 0) return;
  require(args.x.data && args.w.data && args.y.data, "gemm_cuda: a null pointer");
  check_dtypes(args);
  check_sizes(args);
  check_heads(args);
  check_matrices(args);
  switch (args.x.dtype) {
    case Dtype::kBF16:
      return gemm_bf16(args, stream);
    case Dtype::kF8E4M3:
      return gemm_fp8(args, stream);
    default:
      return gemm_f32(args, stream);
  }
}

}  // namespace moebius::kernels
