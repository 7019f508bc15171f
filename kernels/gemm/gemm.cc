// Matrix products on the host: arguments to problems, problems to tasks, tasks to a path.
#include "kernels/gemm/gemm.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "kernels/gemm/gemm_core.h"
#include "kernels/gemm/gemm_widen.h"

namespace moebius::kernels {
namespace {

// Columns of packed activations (16 to a panel) that share one pass over a block of
// weights: with 1024 k of each they stay in a second-level cache of 2 MiB.
constexpr std::int64_t kGroupPanels = 32;
// Outputs per task at most, in blocks of 32; a fused gate-up keeps both halves in scratch.
constexpr std::int64_t kTaskBlocks = 8;
constexpr std::int64_t kFusedTaskBlocks = 2;
// Below this many multiply-adds waking the workers costs more than it brings.
constexpr std::int64_t kInlineWork = 2'000'000;

std::atomic<const GemmPath*> chosen_path{nullptr};

const GemmPath* default_path() {
  const GemmPath* amx = amx_gemm_path();
  return amx ? amx : simd_gemm_path();
}

// Weights that no bf16 holds.
bool is_wide(Dtype dtype) {
  return dtype == Dtype::kF32 || dtype == Dtype::kF16;
}

const GemmPath& path_for(Dtype dtype) {
  const GemmPath* chosen = chosen_path.load();
  if (!chosen) chosen = default_path();
  return is_wide(dtype) ? *simd_gemm_path() : *chosen;  // the matrix unit multiplies bf16 only
}

GemmPacking packing_for(Dtype dtype, Precision precision) {
  if (precision == Precision::kBF16) return {1, true};
  return {is_wide(dtype) ? 1 : 3, false};
}

void check_scales(const Matrix& w) {
  const bool quantized = w.dtype == Dtype::kF8E4M3 || is_packed(w.dtype);
  require(!quantized || w.group_scale || (w.scale && !is_packed(w.dtype)),
          "gemm: quantised weights without scales");
  require(!w.group_scale || (quantized && !w.scale && w.group > 0 && w.group % kGroupUnit == 0),
          "gemm: group scales of other weights, or of groups that are no multiple of 32");
}

void check_problem(const GemmProblem& p) {
  require(p.rows >= 0 && p.w.rows >= 1 && p.w.cols >= 1, "gemm: a size is not positive");
  require(p.rows == 0 || (p.x && p.y && p.w.data), "gemm: a pointer is missing");
  require(p.ldy >= p.w.rows, "gemm: ldy is shorter than a row of y");
  require(p.ldx >= p.w.cols, "gemm: ldx is shorter than a row of x");
  check_scales(p.w);
  if (!p.up.empty()) check_scales(p.up);
  require(
      p.up.empty() || (p.up.rows == p.w.rows && p.up.cols == p.w.cols && p.up.dtype == p.w.dtype &&
                       (p.up.scale != nullptr) == (p.w.scale != nullptr)),
      "gemm: gate and up differ in shape or dtype");
}

/// Rows of blocks [block0, block1) and outputs [n0, n0 + outs) of one problem.
struct Task {
  const GemmProblem* problem;
  std::int64_t n0, outs, block0, block1;
};

struct Launchable {
  std::vector<GemmProblem> problems;  // rows > 0 only
  const GemmPath* path = nullptr;
  GemmPacking packing;
};

std::int64_t row_blocks(const GemmProblem& p) {
  return round_up(p.rows, kBlockRows) / kBlockRows;
}

void pack_all(Launchable& launch, const Stream& stream, bool parallel) {
  std::size_t bytes = 0;
  std::vector<std::size_t> starts;
  for (const GemmProblem& p : launch.problems) {
    starts.push_back(bytes);
    bytes += launch.path->packed_bytes(p.w.cols, p.rows, launch.packing);
  }
  std::byte* packed = stream.pool().scratch(stream.pool().threads(), bytes);
  struct Block {
    const GemmProblem* problem;
    std::int64_t row0;
  };
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < launch.problems.size(); ++i) {
    GemmProblem& p = launch.problems[i];
    p.packed = packed + starts[i];
    for (std::int64_t row = 0; row < p.rows; row += kBlockRows) blocks.push_back({&p, row});
  }
  const auto pack = [&](std::int64_t i, int) {
    const GemmProblem& p = *blocks[i].problem;
    const std::int64_t row0 = blocks[i].row0;
    launch.path->pack(p, row0, std::min(kBlockRows, p.rows - row0), launch.packing);
  };
  const std::int64_t count = std::ssize(blocks);
  if (parallel) return stream.pool().run(count, pack);
  for (std::int64_t i = 0; i < count; ++i) pack(i, 0);
}

// Row blocks per task: equal shares of at most kGroupPanels panels.
std::int64_t group_blocks(const GemmProblem& p, const GemmPacking& packing) {
  const std::int64_t most = std::max<std::int64_t>(1, kGroupPanels / packing.pieces);
  const std::int64_t blocks = row_blocks(p);
  const std::int64_t groups = (blocks + most - 1) / most;
  return (blocks + groups - 1) / groups;
}

// Few large tasks save weight loads, many small ones keep every thread busy.
std::int64_t task_blocks(const Launchable& launch, int threads) {
  std::int64_t total = 0;
  bool fused = false;
  for (const GemmProblem& p : launch.problems) {
    const std::int64_t groups = row_blocks(p) / group_blocks(p, launch.packing) + 1;
    total += groups * (round_up(p.w.rows, kBlockOuts) / kBlockOuts);
    fused = fused || !p.up.empty();
  }
  return std::clamp<std::int64_t>(total / (4 * threads), 1, fused ? kFusedTaskBlocks : kTaskBlocks);
}

std::vector<Task> cut(const Launchable& launch, int threads) {
  std::vector<Task> tasks;
  const std::int64_t width = task_blocks(launch, threads) * kBlockOuts;
  for (const GemmProblem& p : launch.problems) {
    const std::int64_t blocks = row_blocks(p);
    const std::int64_t group = group_blocks(p, launch.packing);
    for (std::int64_t b = 0; b < blocks; b += group) {
      for (std::int64_t n = 0; n < p.w.rows; n += width) {
        tasks.push_back({&p, n, std::min(width, p.w.rows - n), b, std::min(blocks, b + group)});
      }
    }
  }
  return tasks;
}

// Scratch: gate and up halves of a fused task, then what the path asks for.
std::size_t half_floats(const Task& task) {
  if (task.problem->up.empty()) return 0;
  return static_cast<std::size_t>((task.block1 - task.block0) * kBlockRows *
                                  round_up(task.outs, 16));
}

std::size_t task_bytes(const Launchable& launch, const Task& task) {
  return 2 * half_floats(task) * sizeof(float) +
         launch.path->scratch_bytes(task.block1 - task.block0, task.outs, launch.packing);
}

void compute_fused(const Launchable& launch, const Task& task, GemmBlock block,
                   std::byte* scratch) {
  const GemmProblem& p = *task.problem;
  auto* gate = reinterpret_cast<float*>(scratch);
  float* up = gate + half_floats(task);
  block.scratch = reinterpret_cast<std::byte*>(up + half_floats(task));
  block.ldo = round_up(task.outs, 16);
  block.out = gate;
  launch.path->block(block);
  block.w = &p.up;
  block.out = up;
  launch.path->block(block);
  const std::int64_t row0 = task.block0 * kBlockRows;
  const std::int64_t rows = std::min(p.rows, task.block1 * kBlockRows) - row0;
  for (std::int64_t row = 0; row < rows; ++row) {
    silu_mul_row(gate + row * block.ldo, up + row * block.ldo, p.y + (row0 + row) * p.ldy + task.n0,
                 task.outs);
  }
}

void compute(const Launchable& launch, const Task& task, std::byte* scratch) {
  const GemmProblem& p = *task.problem;
  const GemmBlock block{.problem = &p,
                        .w = &p.w,
                        .packing = launch.packing,
                        .n0 = task.n0,
                        .outs = task.outs,
                        .block0 = task.block0,
                        .block1 = task.block1,
                        .bias = p.bias ? p.bias + task.n0 : nullptr,
                        .out = p.y + task.block0 * kBlockRows * p.ldy + task.n0,
                        .ldo = p.ldy,
                        .scratch = scratch};
  if (p.up.empty()) return launch.path->block(block);
  compute_fused(launch, task, block, scratch);
}

void run_tasks(const Launchable& launch, const Stream& stream, bool parallel) {
  const std::vector<Task> tasks = cut(launch, parallel ? stream.pool().threads() : 1);
  std::size_t bytes = 0;
  for (const Task& task : tasks) bytes = std::max(bytes, task_bytes(launch, task));
  const auto task = [&](std::int64_t i, int worker) {
    compute(launch, tasks[i], stream.pool().scratch(worker, bytes));
  };
  const std::int64_t count = std::ssize(tasks);
  if (parallel) return stream.pool().run(count, task);
  for (std::int64_t i = 0; i < count; ++i) task(i, 0);
}

void launch_problems(std::vector<GemmProblem> problems, Precision precision,
                     std::string_view kernel, const Stream& stream) {
  std::int64_t work = 0;
  std::int64_t bytes = 0;
  for (const GemmProblem& p : problems) {
    check_problem(p);
    if (p.rows == 0) continue;
    const std::int64_t matrices = p.up.empty() ? 1 : 2;
    work += matrices * p.rows * p.w.rows * p.w.cols;
    bytes += matrices * static_cast<std::int64_t>(p.w.bytes()) + 4 * p.rows * (p.w.rows + p.w.cols);
  }
  std::erase_if(problems, [](const GemmProblem& p) { return p.rows == 0; });
  if (problems.empty()) return;
  const LaunchScope scope(stream.log(), kernel, bytes, 2 * work);
  const Dtype dtype = problems[0].w.dtype;
  Launchable launch{std::move(problems), &path_for(dtype), packing_for(dtype, precision)};
  const bool parallel = work >= kInlineWork;
  // One inline task keeps the processor's arithmetic mode of the pool.
  const auto both = [&](bool many) {
    pack_all(launch, stream, many);
    run_tasks(launch, stream, many);
  };
  if (parallel) return both(true);
  stream.pool().run(1, [&](std::int64_t, int) { both(false); });
}

}  // namespace

void gemm(const GemmArgs& args, const Stream& stream) {
  launch_problems({{.x = args.x,
                    .ldx = args.ldx,
                    .rows = args.rows,
                    .w = args.w,
                    .bias = args.bias,
                    .y = args.y,
                    .ldy = args.ldy}},
                  args.precision, "gemm", stream);
}

void head_gemm(const HeadGemmArgs& args, const Stream& stream) {
  require(args.heads >= 1 && args.n >= 1, "head_gemm: a size is not positive");
  const std::int64_t last = args.w_first + (args.heads - 1) * args.w_head;
  require(args.w_first >= 0 && args.w_head >= 0 && last + args.n <= args.w.rows,
          "head_gemm: the heads do not fit the rows of w");
  std::vector<GemmProblem> problems;
  for (std::int64_t h = 0; h < args.heads; ++h) {
    const std::int64_t first = args.w_first + h * args.w_head;
    problems.push_back({.x = args.x + h * args.x_head,
                        .ldx = args.ldx,
                        .rows = args.rows,
                        .w = weight_rows(args.w, first, args.n),
                        .w_row = first,
                        .y = args.y + h * args.y_head,
                        .ldy = args.ldy});
  }
  launch_problems(std::move(problems), args.precision, "head_gemm", stream);
}

void grouped_gemm(const GroupedGemmArgs& args, const Stream& stream) {
  require(args.offsets, "grouped_gemm: offsets are missing");
  require(args.up.empty() || args.up.size() == args.w.size(),
          "grouped_gemm: gate and up differ in number");
  std::vector<GemmProblem> problems;
  for (std::size_t g = 0; g < args.w.size(); ++g) {
    const std::int64_t begin = args.offsets[g];
    const std::int64_t end = args.offsets[g + 1];
    require(begin <= end && end <= args.rows, "grouped_gemm: offsets are out of order");
    problems.push_back({.x = args.x_rows ? args.x : args.x + begin * args.ldx,
                        .ldx = args.ldx,
                        .x_rows = args.x_rows ? args.x_rows + begin : nullptr,
                        .rows = end - begin,
                        .w = args.w[g],
                        .up = args.up.empty() ? Matrix{} : args.up[g],
                        .y = args.y + begin * args.ldy,
                        .ldy = args.ldy});
    require(args.w[g].dtype == args.w[0].dtype, "grouped_gemm: experts differ in dtype");
  }
  launch_problems(std::move(problems), args.precision, "grouped_gemm", stream);
}

const char* gemm_path() {
  const GemmPath* chosen = chosen_path.load();
  return (chosen ? chosen : default_path())->name;
}

void set_gemm_path(const char* path) {
  const std::string_view name = path;
  const GemmPath* chosen = nullptr;
  if (name == "amx") {
    chosen = amx_gemm_path();
  } else if (name == "simd") {
    chosen = simd_gemm_path();
  } else if (name != "auto") {
    throw std::invalid_argument("gemm path: expected amx, simd or auto, found " +
                                std::string(name));
  }
  if (!chosen && name != "auto") {
    throw std::invalid_argument("gemm path: this processor has no " + std::string(name));
  }
  chosen_path.store(chosen);
}

}  // namespace moebius::kernels
