// Which Highway targets the host kernels are built for. Include it before any
// header of Highway.
//
// Every target fuses multiply-adds, because fusing is part of the canonical
// arithmetic: AVX2 (with FMA) and AVX-512 on x86-64, NEON on 64-bit Arm. On
// x86-64 AVX2 is declared the baseline, so no SSE or scalar version exists that
// a dispatch could fall back to; require_supported_cpu() in kernels/stream.h
// turns older processors away first. Highway compiles each target under its own
// function attributes, so the files need no flags and leak no AVX2 code.
#pragma once

#if defined(HWY_DISABLED_TARGETS) || defined(HIGHWAY_HWY_DETECT_TARGETS_H_)
#error "include kernels/simd/targets.h before any header of Highway"
#endif

#if defined(__x86_64__)
#define HWY_BASELINE_TARGETS HWY_AVX2
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#else
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif
