// The bf16 products that `bench kernels` times.
#include <cuda_bf16.h>

#include <algorithm>
#include <random>

#include "kernels/device/cases.h"
#include "kernels/gemm/gemm_paths.h"
#include "kernels/gemm/gemm_shapes.h"

namespace moebius::kernels {
namespace {

// Sums of four uniform draws, near enough to normal of deviation `scale`; by a hash of the
// position, so that any part can be made alone.
__global__ void draw(__nv_bfloat16* to, std::int64_t count, std::uint64_t seed, float scale) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += step) {
    std::uint64_t z = static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15ull + seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    z ^= z >> 31;
    const int sum =
        static_cast<int>((z & 0xffff) + (z >> 16 & 0xffff) + (z >> 32 & 0xffff) + (z >> 48)) -
        2 * 0xffff;
    to[i] = __float2bfloat16_rn(static_cast<float>(sum) * (scale * 1.7320508f / 65536.0f));
  }
}

DeviceBuffer<std::uint16_t> drawn(std::int64_t count, std::uint64_t seed, float scale,
                                  const Stream& stream) {
  DeviceBuffer<std::uint16_t> buffer(static_cast<std::size_t>(count));
  draw<<<1024, 256, 0, static_cast<cudaStream_t>(stream.handle())>>>(
      reinterpret_cast<__nv_bfloat16*>(buffer.data()), count, seed, scale);
  check_device(cudaGetLastError(), "drawing inputs");
  return buffer;
}

// Each token meets `chosen` groups of its own, all equally likely.
std::vector<std::int32_t> draw_offsets(const GemmShape& shape, std::uint32_t seed) {
  std::mt19937 rng(seed);
  std::vector<std::int32_t> count(static_cast<std::size_t>(shape.groups) + 1, 0);
  std::vector<int> ids(static_cast<std::size_t>(shape.groups));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int>(i);
  for (std::int64_t token = 0; token < shape.rows / shape.chosen; ++token) {
    for (std::int64_t j = 0; j < shape.chosen; ++j) {
      std::swap(ids[j], ids[j + rng() % (ids.size() - j)]);
      ++count[ids[j] + 1];
    }
  }
  for (std::size_t g = 1; g < count.size(); ++g) count[g] += count[g - 1];
  return count;
}

}  // namespace

std::string GemmShape::name() const {
  std::string text = model + " ";
  if (groups > 0) {
    text += std::to_string(rows / chosen) + " tokens, " + std::to_string(chosen) + " of " +
            std::to_string(groups) + " x ";
  } else {
    text += std::to_string(rows) + " x ";
    if (heads > 1) text += std::to_string(heads) + " heads x ";
  }
  return text + std::to_string(n) + (pairs ? " (pairs) x " : " x ") + std::to_string(k);
}

std::vector<GemmShape> gemm_shapes() {
  std::vector<GemmShape> shapes;
  for (const std::int64_t rows : {64, 4096}) {
    shapes.push_back({"V3 q_a, kv_a", rows, 2112, 7168});
    shapes.push_back({"V3 q_b", rows, 24576, 1536});
    shapes.push_back({"V3 o_proj", rows, 7168, 16384});
    shapes.push_back({"V3 shared gate-up", rows, 4096, 7168, true});
    shapes.push_back({"V3 gate-up unpaired", rows, 4096, 7168});
    shapes.push_back({"V3 shared down", rows, 7168, 2048});
  }
  for (const std::int64_t rows : {1, 8, 32, 128, 512, 4096}) {
    shapes.push_back({"V2-Lite q, kv_a", rows, 3648, 2048});
    shapes.push_back({"V2-Lite o_proj", rows, 2048, 2048});
    shapes.push_back({"V2-Lite absorb k", rows, 512, 128, false, 16});
    shapes.push_back({"V2-Lite absorb v", rows, 128, 512, false, 16});
    shapes.push_back({"V2-Lite shared gate-up", rows, 5632, 2048, true});
    shapes.push_back({"V2-Lite shared down", rows, 2048, 2816});
    shapes.push_back({"V2-Lite experts gate-up", rows * 6, 2816, 2048, true, 1, 64, 6});
    shapes.push_back({"V2-Lite experts down", rows * 6, 2048, 1408, false, 1, 64, 6});
    shapes.push_back({"V2-Lite head", std::min<std::int64_t>(rows, 512), 102400, 2048});
    shapes.push_back({"Qwen3-30B qkv", rows, 5120, 2048});
    shapes.push_back({"Qwen3-30B o_proj", rows, 2048, 4096});
    shapes.push_back({"Qwen3-30B experts gate-up", rows * 8, 1536, 2048, true, 1, 128, 8});
    shapes.push_back({"Qwen3-30B experts down", rows * 8, 2048, 768, false, 1, 128, 8});
  }
  return shapes;
}

GemmInputs::GemmInputs(const GemmShape& shape, const Stream& stream) {
  const std::int64_t matrices = shape.groups > 0 ? shape.groups : shape.heads;
  const std::int64_t outputs = shape.pairs ? shape.n / 2 : shape.n;
  const std::int64_t bytes =
      2 * (matrices * shape.n * shape.k + shape.rows * shape.heads * (shape.k + outputs));
  const auto sets = std::clamp<std::int64_t>((std::int64_t{256} << 20) / bytes, 1, 40) + 1;
  sets_.resize(static_cast<std::size_t>(sets));
  for (std::size_t i = 0; i < sets_.size(); ++i) {
    Set& set = sets_[i];
    const std::int64_t ldx = shape.heads * shape.k, ldy = shape.heads * outputs;
    set.x = drawn(shape.rows * ldx, 3 * i + 1, 1.0f, stream);
    set.w = drawn(matrices * shape.n * shape.k, 3 * i + 2, 0.03f, stream);
    set.y = DeviceBuffer<std::uint16_t>(static_cast<std::size_t>(shape.rows * ldy));
    set.args = {.x = {set.x.data(), Dtype::kBF16, ldx, nullptr, 0},
                .w = {set.w.data(), Dtype::kBF16, matrices * shape.n, shape.k, shape.k, nullptr},
                .y = {set.y.data(), Dtype::kBF16, ldy, nullptr, 0},
                .rows = shape.rows,
                .n = shape.n,
                .pairs = shape.pairs,
                .heads = shape.heads,
                .x_head = shape.k,
                .w_head = shape.n,
                .y_head = outputs};
    if (shape.groups == 0) continue;
    const auto offsets = draw_offsets(shape, static_cast<std::uint32_t>(i) + 5);
    set.offsets = DeviceBuffer<std::int32_t>(offsets.size());
    device_copy(set.offsets.data(), offsets.data(), offsets.size() * sizeof(std::int32_t), stream);
    set.args.groups = shape.groups;
    set.args.offsets = set.offsets.data();
    device_wait(stream);  // the host copy ends here
  }
  device_wait(stream);
}

std::vector<KernelCase> gemm_cases() {
  std::vector<KernelCase> cases;
  for (const GemmShape& shape : gemm_shapes()) {
    const std::int64_t matrices =
        shape.groups > 0 ? std::min(shape.groups, shape.rows) : shape.heads;
    const std::int64_t outputs = shape.pairs ? shape.n / 2 : shape.n;
    const std::int64_t x_rows = shape.rows * shape.heads;
    cases.push_back({.kernel = "gemm_bf16",
                     .shape = shape.name(),
                     .bytes = 2 * (matrices * shape.n * shape.k + x_rows * (shape.k + outputs)),
                     .flops = 2 * x_rows * shape.n * shape.k,
                     .make = [shape]() -> std::function<void(const Stream&)> {
                       const DeviceStream owner;
                       auto inputs = std::make_shared<GemmInputs>(shape, owner.stream());
                       auto turn = std::make_shared<std::size_t>(0);
                       return [inputs, turn](const Stream& stream) {
                         gemm_bf16(inputs->args((*turn)++ % inputs->sets()), stream);
                       };
                     }});
  }
  return cases;
}

}  // namespace moebius::kernels
