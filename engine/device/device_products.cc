#include "engine/device/device_products.h"

namespace moebius::engine {

using kernels::DeviceMatrix;
using kernels::Dtype;
using kernels::Rows;

Rows columns_from(const Rows& rows, std::int64_t column) {
  Rows out = rows;
  out.data = static_cast<std::byte*>(rows.data) +
             column * static_cast<std::int64_t>(kernels::dtype_bytes(rows.dtype));
  return out;
}

Rows packed(const Rows& rows, std::int64_t cols) {
  Rows out = rows;
  out.ld = cols;
  return out;
}

Rows operand(const DevicePass& p, const Rows& x, const DeviceMatrix& w, std::int64_t rows) {
  if (!takes_fp8(p, w)) return x;
  const Rows y = p.work.quantized(rows, w.cols);
  kernels::quantize_cuda({.x = x, .y = y, .rows = rows, .dim = w.cols}, p.stream);
  return y;
}

void product(const DevicePass& p, const Rows& x, const DeviceMatrix& w, const float* bias,
             const Rows& y) {
  kernels::gemm_cuda({.x = operand(p, x, w, p.step.rows),
                      .w = w,
                      .bias = bias,
                      .y = y,
                      .rows = p.step.rows,
                      .n = w.rows},
                     p.stream);
}

}  // namespace moebius::engine
