// Bulk tensor copies by the copy engine, between device and shared memory. Issued by one thread.
#pragma once

#include <cuda.h>

#include <cstdint>

#include "kernels/device/barrier.cuh"

namespace moebius::kernels {

/// What a load asks of the L2 cache (createpolicy's encoded constants, as CUTLASS
/// cute/arch/copy_sm90_desc.hpp has them).
enum class CacheHint : std::uint64_t {
  kNormal = 0x1000000000000000,
  kEvictFirst = 0x12F0000000000000,
  kEvictLast = 0x14F0000000000000,
};

__device__ __forceinline__ void tma_prefetch(const CUtensorMap* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(reinterpret_cast<std::uint64_t>(map)) : "memory");
}

/// Copies the box at (c0, c1[, c2[, c3]]), innermost first, to `to` (128-byte aligned; 1024 with
/// a 128-byte swizzle) and counts its bytes, zeros outside the tensor included, on `barrier`.
__device__ __forceinline__ void tma_load_2d(void* to, const CUtensorMap* map, Barrier* barrier,
                                            std::int32_t c0, std::int32_t c1,
                                            CacheHint hint = CacheHint::kNormal) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes"
      ".L2::cache_hint [%0], [%1, {%3, %4}], [%2], %5;" ::"r"(shared_address(to)),
      "l"(reinterpret_cast<std::uint64_t>(map)), "r"(shared_address(barrier)), "r"(c0), "r"(c1),
      "l"(static_cast<std::uint64_t>(hint))
      : "memory");
}
__device__ __forceinline__ void tma_load_3d(void* to, const CUtensorMap* map, Barrier* barrier,
                                            std::int32_t c0, std::int32_t c1, std::int32_t c2,
                                            CacheHint hint = CacheHint::kNormal) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes"
      ".L2::cache_hint [%0], [%1, {%3, %4, %5}], [%2], %6;" ::"r"(shared_address(to)),
      "l"(reinterpret_cast<std::uint64_t>(map)), "r"(shared_address(barrier)), "r"(c0), "r"(c1),
      "r"(c2), "l"(static_cast<std::uint64_t>(hint))
      : "memory");
}
__device__ __forceinline__ void tma_load_4d(void* to, const CUtensorMap* map, Barrier* barrier,
                                            std::int32_t c0, std::int32_t c1, std::int32_t c2,
                                            std::int32_t c3, CacheHint hint = CacheHint::kNormal) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes"
      ".L2::cache_hint [%0], [%1, {%3, %4, %5, %6}], [%2], %7;" ::"r"(shared_address(to)),
      "l"(reinterpret_cast<std::uint64_t>(map)), "r"(shared_address(barrier)), "r"(c0), "r"(c1),
      "r"(c2), "r"(c3), "l"(static_cast<std::uint64_t>(hint))
      : "memory");
}

/// The same box to the same address in each block of the cluster whose bit is set in `blocks`,
/// counted on the same barrier of each.
__device__ __forceinline__ void tma_load_3d_multicast(void* to, const CUtensorMap* map,
                                                      Barrier* barrier, std::uint16_t blocks,
                                                      std::int32_t c0, std::int32_t c1,
                                                      std::int32_t c2,
                                                      CacheHint hint = CacheHint::kNormal) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes"
      ".multicast::cluster.L2::cache_hint [%0], [%1, {%4, %5, %6}], [%2], %3, %7;" ::"r"(
          shared_address(to)),
      "l"(reinterpret_cast<std::uint64_t>(map)), "r"(shared_address(barrier)), "h"(blocks), "r"(c0),
      "r"(c1), "r"(c2), "l"(static_cast<std::uint64_t>(hint))
      : "memory");
}

__device__ __forceinline__ void tma_load_4d_multicast(void* to, const CUtensorMap* map,
                                                      Barrier* barrier, std::uint16_t blocks,
                                                      std::int32_t c0, std::int32_t c1,
                                                      std::int32_t c2, std::int32_t c3,
                                                      CacheHint hint = CacheHint::kNormal) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes"
      ".multicast::cluster.L2::cache_hint [%0], [%1, {%4, %5, %6, %7}], [%2], %3, %8;" ::"r"(
          shared_address(to)),
      "l"(reinterpret_cast<std::uint64_t>(map)), "r"(shared_address(barrier)), "h"(blocks), "r"(c0),
      "r"(c1), "r"(c2), "r"(c3), "l"(static_cast<std::uint64_t>(hint))
      : "memory");
}

/// Shared memory to the box at (c0, c1[, c2]); what lies outside the tensor is not written. Before:
/// fence_proxy_async() in the threads that wrote `from`, and a barrier. After: tma_store_commit().
__device__ __forceinline__ void tma_store_2d(const CUtensorMap* map, const void* from,
                                             std::int32_t c0, std::int32_t c1) {
  asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%2, %3}], [%1];" ::"l"(
                   reinterpret_cast<std::uint64_t>(map)),
               "r"(shared_address(from)), "r"(c0), "r"(c1)
               : "memory");
}
__device__ __forceinline__ void tma_store_3d(const CUtensorMap* map, const void* from,
                                             std::int32_t c0, std::int32_t c1, std::int32_t c2) {
  asm volatile(
      "cp.async.bulk.tensor.3d.global.shared::cta.bulk_group [%0, {%2, %3, %4}], [%1];" ::"l"(
          reinterpret_cast<std::uint64_t>(map)),
      "r"(shared_address(from)), "r"(c0), "r"(c1), "r"(c2)
      : "memory");
}
__device__ __forceinline__ void tma_store_commit() {
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}
/// Until at most kPending groups of this thread still read shared memory.
template <int kPending>
__device__ __forceinline__ void tma_store_wait_read() {
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(kPending) : "memory");
}
/// Until at most kPending groups of this thread are still to be written.
template <int kPending>
__device__ __forceinline__ void tma_store_wait() {
  asm volatile("cp.async.bulk.wait_group %0;" ::"n"(kPending) : "memory");
}

/// `bytes` (a multiple of 16, 16-byte aligned on both sides) without a tensor map.
__device__ __forceinline__ void bulk_load(void* to, const void* from, std::uint32_t bytes,
                                          Barrier* barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, "
      "[%3];" ::"r"(shared_address(to)),
      "l"(reinterpret_cast<std::uint64_t>(from)), "r"(bytes), "r"(shared_address(barrier))
      : "memory");
}

}  // namespace moebius::kernels
