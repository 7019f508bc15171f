// Router and permutation on the device.
//
// A warp routes a row. Up to 256 rows are one launch: blocks of a cluster take 32 rows at most
// each and tell each other their counts through shared memory. More rows are two: the counts
// go through the workspace, and every block of the second adds up those before it.
#include <cooperative_groups.h>

#include <algorithm>

#include "kernels/device/barrier.cuh"
#include "kernels/device/device.h"
#include "kernels/device/launch.h"
#include "kernels/device/launcher.h"
#include "kernels/router/choice.cuh"
#include "kernels/router/permutation.cuh"

namespace moebius::kernels {
namespace {

namespace cg = cooperative_groups;

constexpr int kWarps = kRouterThreads / kWarp;
constexpr int kMaxCluster = 8;
constexpr std::int64_t kMaxExperts = 512;

/// A launch's rows, as cut into blocks.
struct Cut {
  std::int64_t block_rows;
  std::int64_t blocks;
};

__device__ __forceinline__ std::int64_t first_row(const Cut& cut) {
  return blockIdx.x * cut.block_rows;
}
__device__ __forceinline__ std::int64_t row_count(const RouterCudaArgs& a, const Cut& cut) {
  const std::int64_t left = a.router.rows - first_row(cut);
  return left < 0 ? 0 : left < cut.block_rows ? left : cut.block_rows;
}

/// Which experts each lane's share of a row had chosen from it; see choose_row().
using Chosen = std::uint32_t[kBlockRows][kWarp];

/// Chooses for the block's rows, warp w for rows w, w + 16, ...; marks and counts the choices.
template <int kEach>
__device__ __forceinline__ void choose_rows(const RouterCudaArgs& a, const Cut& cut,
                                            BlockRows& block, Chosen& chosen) {
  extern __shared__ __align__(16) float memory[];
  const std::int64_t rows = row_count(a, cut);
  clear_masks(a, rows, block);
  const std::int64_t warp = threadIdx.x / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll 1  // short code: a launch of few rows meets it cold
  for (std::int64_t row = warp; row < rows; row += kWarps) {
    const std::uint32_t mine =
        choose_row<kEach>(a, first_row(cut) + row, memory + warp * choice_floats(a.router));
    chosen[row][lane] = mine;
    for (std::uint32_t left = mine; left != 0; left &= left - 1) {
      mark(block, row, lane + kWarp * (__ffs(static_cast<int>(left)) - 1));
    }
  }
  count_marks(a, block);
}

/// The places of the block's rows; a lane reads what it wrote itself.
template <int kEach>
__device__ __forceinline__ void sort_choices(const RouterCudaArgs& a, const Cut& cut,
                                             const BlockRows& block, const Chosen& chosen) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll 1
  for (std::int64_t row = threadIdx.x / kWarp; row < row_count(a, cut); row += kWarps) {
    const std::uint32_t mine = chosen[row][lane];
    int slot = 0;
#pragma unroll
    for (int k = 0; k < kEach; ++k) {
      const unsigned lanes = __ballot_sync(kAllLanes, mine >> k & 1);
      const int own = slot + __popc(lanes & ((1U << lane) - 1));
      if (mine >> k & 1) place_slot(a, block, first_row(cut), row, own, lane + kWarp * k);
      slot += __popc(lanes);
    }
    for (std::int64_t k = lane; k < a.shared; k += kWarp) {
      place_slot(a, block, first_row(cut), row, slot + k, a.router.experts + k);
    }
  }
}

template <int kEach>
__global__ void __launch_bounds__(kRouterThreads, 1)
    route_in_cluster(const __grid_constant__ RouterCudaArgs a, Cut cut) {
  __shared__ BlockRows block;
  __shared__ Chosen chosen;
  follow_previous_kernel();
  const cg::cluster_group cluster = cg::this_cluster();
  choose_rows<kEach>(a, cut, block, chosen);
  cluster.sync();  // every block's counts written before any is read
  const unsigned rank = cluster.block_rank();
  for (std::int64_t e = threadIdx.x; e < a.router.experts + a.shared; e += kRouterThreads) {
    std::int32_t before = 0, total = 0;
    for (unsigned b = 0; b < cluster.num_blocks(); ++b) {
      if (b == rank) before = total;
      total += *cluster.map_shared_rank(&block.counts[e], b);
    }
    block.places[e] = before;
    block.totals[e] = total;
  }
  place_experts(a, rank == 0, block);
  sort_choices<kEach>(a, cut, block, chosen);
  cluster.sync();  // counts read by all before a block leaves and its memory with it
}

// counts: [blocks, experts + shared]
template <int kEach>
__global__ void __launch_bounds__(kRouterThreads, 1)
    route_blocks(const __grid_constant__ RouterCudaArgs a, Cut cut, std::int32_t* counts) {
  __shared__ BlockRows block;
  __shared__ Chosen chosen;
  follow_previous_kernel();
  choose_rows<kEach>(a, cut, block, chosen);
  const std::int64_t routed = a.router.experts + a.shared;
  for (std::int64_t e = threadIdx.x; e < routed; e += kRouterThreads) {
    counts[blockIdx.x * routed + e] = block.counts[e];
  }
}

__global__ void __launch_bounds__(kRouterThreads, 1)
    sort_blocks(const __grid_constant__ RouterCudaArgs a, Cut cut, const std::int32_t* counts) {
  __shared__ BlockRows block;
  follow_previous_kernel();
  const std::int64_t rows = row_count(a, cut), first = first_row(cut);
  const int slots = static_cast<int>(a.router.top_k + a.shared);
  const int pairs = static_cast<int>(rows) * slots;
  const std::int32_t* ids = a.router.expert_ids + first * slots;
  clear_masks(a, rows, block);
  for (int i = static_cast<int>(threadIdx.x); i < pairs; i += kRouterThreads) {
    mark(block, i / slots, ids[i]);
  }
  const std::int64_t routed = a.router.experts + a.shared;
  for (std::int64_t e = threadIdx.x; e < routed; e += kRouterThreads) {
    std::int32_t before = 0, total = 0;
#pragma unroll 32
    for (std::int64_t b = 0; b < cut.blocks; ++b) {
      const std::int32_t count = counts[b * routed + e];
      before += b < blockIdx.x ? count : 0;
      total += count;
    }
    block.places[e] = before;
    block.totals[e] = total;
  }
  place_experts(a, blockIdx.x == 0, block);
  for (int i = static_cast<int>(threadIdx.x); i < pairs; i += kRouterThreads) {
    place_slot(a, block, first, i / slots, i % slots, ids[i]);
  }
}

constexpr std::int64_t kClusterRows = 256;
constexpr std::int64_t kFullGrid = 128;  // blocks, a row or more to each warp

// As few rows to a block as leave every warp one, until blocks or warps run out.
Cut cut_of(std::int64_t rows) {
  if (rows > kClusterRows) {
    const std::int64_t each =
        std::clamp<std::int64_t>(ceil_div(rows, kFullGrid), kWarps, kBlockRows);
    return {each, ceil_div(rows, each)};
  }
  std::int64_t blocks = 1;
  while (blocks < kMaxCluster && blocks * kWarps < rows) blocks *= 2;
  return {std::max<std::int64_t>(1, ceil_div(rows, blocks)), blocks};
}

std::size_t memory_bytes(const RouterArgs& r) {
  return static_cast<std::size_t>(choice_floats(r) * kWarps) * sizeof(float);
}

constexpr std::size_t kMostBytes = kWarps * (3 * kMaxExperts) * 4;  // of the largest router

template <int kEach>
void start_cluster(const RouterCudaArgs& a, const Cut& cut, const Stream& stream) {
  allow_shared_bytes(route_in_cluster<kEach>, kMostBytes);
  launch_kernel(route_in_cluster<kEach>,
                {.grid = static_cast<unsigned>(cut.blocks),
                 .block = kRouterThreads,
                 .shared_bytes = memory_bytes(a.router),
                 .cluster = static_cast<unsigned>(cut.blocks),
                 .early = true},
                stream, a, cut);
}

template <int kEach>
void start_blocks(const RouterCudaArgs& a, const Cut& cut, const Stream& stream) {
  allow_shared_bytes(route_blocks<kEach>, kMostBytes);
  auto* counts = static_cast<std::int32_t*>(a.workspace);
  const auto blocks = static_cast<unsigned>(cut.blocks);
  launch_kernel(route_blocks<kEach>,
                {.grid = blocks,
                 .block = kRouterThreads,
                 .shared_bytes = memory_bytes(a.router),
                 .early = true},
                stream, a, cut, counts);
  launch_kernel(sort_blocks, {.grid = blocks, .block = kRouterThreads, .early = true}, stream, a,
                cut, counts);
}

template <int kEach>
void start(const RouterCudaArgs& a, const Stream& stream) {
  const Cut cut = cut_of(a.router.rows);
  if (a.router.rows <= kClusterRows) {
    start_cluster<kEach>(a, cut, stream);
  } else {
    start_blocks<kEach>(a, cut, stream);
  }
}

void check(const RouterCudaArgs& args) {
  const RouterArgs& a = args.router;
  require(a.rows >= 0 && a.rows * (a.top_k + args.shared) <= INT32_MAX,
          "router_cuda: rows outside 0 .. 2^31 - 1 slots");
  require(a.experts >= 1 && a.experts <= kMaxExperts, "router_cuda: experts outside 1..512");
  require(args.shared >= 0 && a.experts + args.shared <= kMaxRouted,
          "router_cuda: shared outside 0 .. 1024 - experts");
  require(a.top_k >= 1 && a.top_k <= a.experts, "router_cuda: top_k outside 1..experts");
  require(a.groups >= 1 && a.experts % a.groups == 0, "router_cuda: groups do not divide experts");
  require(a.top_groups >= 1 && a.top_groups <= a.groups,
          "router_cuda: top_groups outside 1..groups");
  require(a.top_groups * (a.experts / a.groups) >= a.top_k,
          "router_cuda: top_groups hold fewer than top_k experts");
  require(a.groups == 1 || a.group_score == GroupScore::kMax || a.experts / a.groups >= 2,
          "router_cuda: groups of one expert have no best two");
  require(args.offsets, "router_cuda: offsets is null");
  if (a.rows == 0) return;
  require(a.logits && a.expert_ids && a.expert_weights && args.source_rows && args.slots,
          "router_cuda: logits, expert_ids, expert_weights, source_rows or slots is null");
  require(a.rows <= kClusterRows || args.workspace, "router_cuda: the workspace is missing");
}

}  // namespace

std::size_t router_cuda_workspace_bytes(std::int64_t rows, std::int64_t experts,
                                        std::int64_t slot_count) {
  // Shared experts are at most the slots that are not of experts' choice.
  const std::int64_t routed = experts + slot_count;
  const std::int64_t blocks = std::max(kFullGrid, ceil_div(rows, kBlockRows));
  return static_cast<std::size_t>(blocks * routed) * sizeof(std::int32_t);
}

void router_cuda(const RouterCudaArgs& args, const Stream& stream) {
  check(args);
  const RouterArgs& r = args.router;
  const std::int64_t slots = r.top_k + args.shared;
  const DeviceLaunch launch(
      stream, "router",
      4 * (r.rows * (r.experts + 4 * slots) + (r.bias ? r.experts : 0) + r.experts + args.shared),
      r.rows * r.experts);
  if (r.experts <= 32) {
    start<1>(args, stream);
  } else if (r.experts <= 64) {
    start<2>(args, stream);
  } else if (r.experts <= 128) {
    start<4>(args, stream);
  } else if (r.experts <= 256) {
    start<8>(args, stream);
  } else {
    start<16>(args, stream);
  }
  launch.launched();
}

}  // namespace moebius::kernels
