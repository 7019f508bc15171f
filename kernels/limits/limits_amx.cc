#include "kernels/limits/limits.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/gemm/gemm_core.h"

#define MOEBIUS_AMX __attribute__((target("amx-tile,amx-bf16")))

namespace moebius::kernels {
namespace {

MOEBIUS_AMX void products(long steps) {
  alignas(64) static const unsigned char kConfig[64] = {
      1, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0,  0,  0,  0,  0,  0,  64, 0, 64,
      0, 64, 0, 64, 0, 64, 0, 64, 0, 64, 0,  64, 0,  0,  0,  0,  0,  0, 0,
      0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  16, 16, 16, 16, 16, 16, 16, 16};
  alignas(64) unsigned short operand[512];
  for (int i = 0; i < 512; ++i) operand[i] = static_cast<unsigned short>(0x3f00 + i * 37 % 256);
  _tile_loadconfig(kConfig);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, operand, 64);
  _tile_loadd(5, operand, 64);
  _tile_loadd(6, operand, 64);
  _tile_loadd(7, operand, 64);
  for (long i = 0; i < steps; ++i) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 5, 6);
    _tile_dpbf16ps(2, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
  }
}

}  // namespace

double amx_products(long steps) {
  if (!amx_gemm_path()) return 0;
  products(steps);
  return static_cast<double>(steps) * 4 * 2 * 16 * 16 * 32;
}

}  // namespace moebius::kernels

#else
namespace moebius::kernels {
double amx_products(long) {
  return 0;
}
}  // namespace moebius::kernels
#endif
