// Fp8 products at the shapes of DeepSeek-V3, DeepSeek-V2-Lite and Qwen3-30B-A3B.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "kernels/device/cases.h"
#include "kernels/device/device.h"
#include "kernels/gemm/gemm_paths.h"

namespace moebius::kernels {
namespace {

constexpr std::int64_t kPastCache = std::int64_t{256} << 20;  // bytes of weights between reuses
constexpr std::int64_t kPattern = std::int64_t{8} << 20;

struct Product {
  std::string name;
  std::int64_t rows = 0, n = 0, k = 0;
  bool pairs = false;
  std::int64_t groups = 0, chosen = 0;  // rows go to `chosen` different groups for each token
};

// Operands of one case: weights in several copies, offsets of several routings.
struct Operands {
  Product product;
  std::int64_t copies = 1;
  DeviceMemory x, w, y;
  DeviceBuffer<float> x_scales, w_scales;
  std::vector<DeviceBuffer<std::int32_t>> offsets;
  std::int64_t next = 0;
};

// Normal values as e4m3: the sum of four bytes, cut to three bits of mantissa.
std::vector<std::uint8_t> pattern() {
  std::mt19937 random(5);
  std::vector<std::uint8_t> bytes(kPattern);
  for (auto& byte : bytes) {
    const std::uint32_t r = static_cast<std::uint32_t>(random());
    const int sum =
        static_cast<int>((r & 255) + (r >> 8 & 255) + (r >> 16 & 255) + (r >> 24)) - 510;
    const int size = std::min(std::abs(sum), 447);
    int exponent = 0;
    while (size >> exponent > 15) ++exponent;
    const int bits = size < 8 ? size : (exponent + 1) * 8 + (size >> exponent) - 8;
    byte = static_cast<std::uint8_t>(bits | (sum < 0 ? 128 : 0));
  }
  return bytes;
}

DeviceMemory random_memory(std::int64_t bytes, const Stream& stream) {
  static const std::vector<std::uint8_t> values = pattern();
  DeviceMemory memory(static_cast<std::size_t>(bytes));
  for (std::int64_t at = 0; at < bytes; at += kPattern) {
    device_copy(static_cast<std::byte*>(memory.data()) + at, values.data(),
                static_cast<std::size_t>(std::min(kPattern, bytes - at)), stream);
  }
  return memory;
}

template <typename T>
DeviceBuffer<T> sent(const std::vector<T>& values, const Stream& stream) {
  DeviceBuffer<T> buffer(values.size());
  device_copy(buffer.data(), values.data(), values.size() * sizeof(T), stream);
  device_wait(stream);
  return buffer;
}

// Each token's rows go to `chosen` different groups, evenly at random.
std::vector<std::int32_t> routed(const Product& p, std::mt19937& random) {
  std::vector<std::int32_t> count(p.groups), order(p.groups);
  for (std::int64_t g = 0; g < p.groups; ++g) order[g] = static_cast<std::int32_t>(g);
  for (std::int64_t token = 0; token < p.rows / p.chosen; ++token) {
    for (std::int64_t i = 0; i < p.chosen; ++i) {
      std::swap(order[i], order[i + static_cast<std::int64_t>(random() % (p.groups - i))]);
      ++count[order[i]];
    }
  }
  std::vector<std::int32_t> offsets(p.groups + 1);
  for (std::int64_t g = 0; g < p.groups; ++g) offsets[g + 1] = offsets[g] + count[g];
  return offsets;
}

std::shared_ptr<Operands> make_operands(const Product& p) {
  const DeviceStream owner;
  const Stream stream = owner.stream();
  std::mt19937 random(11);
  auto o = std::make_shared<Operands>();
  o->product = p;
  const std::int64_t matrices = std::max<std::int64_t>(p.groups, 1);
  const std::int64_t depths = (p.k + 127) / 128;
  o->copies = 1 + kPastCache / (matrices * p.n * p.k);
  o->x = random_memory(p.rows * p.k, stream);
  o->w = random_memory(o->copies * matrices * p.n * p.k, stream);
  o->y = DeviceMemory(static_cast<std::size_t>(p.rows * p.n * 2));
  std::uniform_real_distribution<float> scale(0.001F, 0.01F);
  std::vector<float> scales(depths * (p.rows + 4));
  for (float& s : scales) s = scale(random);
  o->x_scales = sent(scales, stream);
  scales.resize(matrices * (p.n / 128 + 2) * depths);
  for (float& s : scales) s = scale(random);
  o->w_scales = sent(scales, stream);
  for (int routing = 0; p.groups > 0 && routing < 8; ++routing) {
    o->offsets.push_back(sent(routed(p, random), stream));
  }
  device_wait(stream);
  return o;
}

void launch_once(Operands& o, const Stream& stream) {
  const Product& p = o.product;
  const std::int64_t matrices = std::max<std::int64_t>(p.groups, 1);
  GemmCudaArgs a;
  a.x = {o.x.data(), Dtype::kF8E4M3, p.k, o.x_scales.data(), (p.rows + 3) / 4 * 4};
  a.w = {static_cast<std::byte*>(o.w.data()) + o.next % o.copies * matrices * p.n * p.k,
         Dtype::kF8E4M3,
         matrices * p.n,
         p.k,
         p.k,
         o.w_scales.data()};
  a.y = {o.y.data(), Dtype::kBF16, p.pairs ? p.n / 2 : p.n, nullptr, 0};
  a.rows = p.rows;
  a.n = p.n;
  a.pairs = p.pairs;
  a.groups = p.groups;
  if (p.groups > 0) a.offsets = o.offsets[o.next % std::ssize(o.offsets)].data();
  ++o.next;
  gemm_fp8(a, stream);
}

KernelCase case_of(const Product& p) {
  const std::int64_t matrices = p.groups > 0 ? std::min(p.groups, p.rows) : 1;
  KernelCase c;
  c.kernel = "gemm_fp8";
  c.shape = p.name + " " + std::to_string(p.rows) + " x " + std::to_string(p.n) + " x " +
            std::to_string(p.k);
  c.bytes = p.rows * p.k + matrices * p.n * p.k + p.rows * (p.pairs ? p.n / 2 : p.n) * 2;
  c.flops = 2 * p.rows * p.n * p.k;
  c.fp8 = true;
  c.make = [p] {
    const std::shared_ptr<Operands> o = make_operands(p);
    return [o](const Stream& stream) { launch_once(*o, stream); };
  };
  return c;
}

}  // namespace

std::vector<KernelCase> gemm_fp8_cases() {
  std::vector<KernelCase> cases;
  for (const std::int64_t rows : {64, 4096}) {
    cases.push_back(case_of({.name = "V3 q_a + kv_a", .rows = rows, .n = 2112, .k = 7168}));
    cases.push_back(case_of({.name = "V3 q_b", .rows = rows, .n = 24576, .k = 1536}));
    cases.push_back(case_of({.name = "V3 o_proj", .rows = rows, .n = 7168, .k = 16384}));
    cases.push_back(
        case_of({.name = "V3 shared gate up", .rows = rows, .n = 4096, .k = 7168, .pairs = true}));
    cases.push_back(case_of({.name = "V3 shared down", .rows = rows, .n = 7168, .k = 2048}));
  }
  cases.push_back(case_of({.name = "V3 8 experts gate up",
                           .rows = 32768,
                           .n = 4096,
                           .k = 7168,
                           .pairs = true,
                           .groups = 8,
                           .chosen = 1}));
  cases.push_back(case_of({.name = "V3 8 experts down",
                           .rows = 32768,
                           .n = 7168,
                           .k = 2048,
                           .groups = 8,
                           .chosen = 1}));
  for (const std::int64_t tokens : {1, 32, 128, 512, 4096}) {
    cases.push_back(case_of({.name = "V2-Lite experts gate up",
                             .rows = tokens * 6,
                             .n = 2816,
                             .k = 2048,
                             .pairs = true,
                             .groups = 64,
                             .chosen = 6}));
    cases.push_back(case_of({.name = "V2-Lite experts down",
                             .rows = tokens * 6,
                             .n = 2048,
                             .k = 1408,
                             .groups = 64,
                             .chosen = 6}));
    cases.push_back(case_of({.name = "Qwen3-30B-A3B experts gate up",
                             .rows = tokens * 8,
                             .n = 1536,
                             .k = 2048,
                             .pairs = true,
                             .groups = 128,
                             .chosen = 8}));
    cases.push_back(case_of({.name = "Qwen3-30B-A3B experts down",
                             .rows = tokens * 8,
                             .n = 2048,
                             .k = 768,
                             .groups = 128,
                             .chosen = 8}));
  }
  return cases;
}

}  // namespace moebius::kernels
