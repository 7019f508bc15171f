// Cases and clock of the host kernels. Weights of a case are larger than the caches or rotate
// through copies that are.
#include "kernels/bench/host_bench.h"

#include <algorithm>
#include <memory>
#include <random>
#include <string>

#include "kernels/attention/attention_case.h"
#include "kernels/gemm/gemm.h"
#include "kernels/lm_head/lm_head.h"
#include "kernels/profile/profile.h"
#include "kernels/rms_norm/rms_norm.h"

namespace moebius::kernels {
namespace {

constexpr double kSeconds = 0.2;
constexpr std::int64_t kWeightBytes = std::int64_t{256} << 20;

using Launcher = std::function<void(const Stream&)>;

std::vector<float> random_floats(std::int64_t count) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(random);
  return values;
}

/// Small finite bf16 values.
std::vector<std::uint16_t> random_bf16(std::int64_t count) {
  std::vector<std::uint16_t> values(count);
  std::uint32_t state = 1;
  for (std::uint16_t& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<std::uint16_t>(0x3C00U | (state >> 16 & 0x80FFU));
  }
  return values;
}

Launcher make_gemm(std::int64_t rows, std::int64_t n, std::int64_t k, Precision precision) {
  struct State {
    std::vector<std::uint16_t> w;
    std::vector<float> x, y;
    std::int64_t copies = 1, next = 0;
  };
  auto state = std::make_shared<State>();
  state->copies = std::max<std::int64_t>(1, kWeightBytes / (2 * n * k));
  state->w = random_bf16(state->copies * n * k);
  state->x = random_floats(rows * k);
  state->y.resize(rows * n);
  return [=](const Stream& stream) {
    const Matrix w{state->w.data() + state->next * n * k, Dtype::kBF16, n, k, nullptr};
    state->next = (state->next + 1) % state->copies;
    gemm({.x = state->x.data(),
          .ldx = k,
          .w = w,
          .y = state->y.data(),
          .ldy = n,
          .rows = rows,
          .precision = precision},
         stream);
  };
}

Launcher make_rms_norm(std::int64_t rows, std::int64_t dim) {
  struct State {
    std::vector<float> x, weight, y;
  };
  auto state = std::make_shared<State>();
  state->x = random_floats(rows * dim);
  state->weight = random_floats(dim);
  state->y.resize(rows * dim);
  return [=](const Stream& stream) {
    rms_norm({.x = state->x.data(),
              .ldx = dim,
              .weight = state->weight.data(),
              .y = state->y.data(),
              .ldy = dim,
              .rows = rows,
              .dim = dim,
              .eps = 1e-6F},
             stream);
  };
}

Launcher make_lm_head(std::int64_t rows, std::int64_t vocab, std::int64_t dim) {
  struct State {
    std::vector<std::uint16_t> w;
    std::vector<float> x, logsumexp;
    std::vector<std::byte> workspace;
  };
  auto state = std::make_shared<State>();
  state->w = random_bf16(vocab * dim);
  state->x = random_floats(rows * dim);
  state->logsumexp.resize(rows);
  return [=](const Stream& stream) {
    LmHeadArgs args{.x = state->x.data(),
                    .rows = rows,
                    .w = {state->w.data(), Dtype::kBF16, vocab, dim, nullptr},
                    .logsumexp = state->logsumexp.data()};
    const std::size_t bytes = lm_head_workspace_bytes(args, stream);
    if (state->workspace.size() < bytes) state->workspace.resize(bytes);
    args.workspace = state->workspace.data();
    lm_head(args, stream);
  };
}

/// `tokens` last tokens of each of `sequences` sequences of `context`.
Launcher make_attention(const CaseShape& shape, std::int64_t sequences, std::int64_t context,
                        std::int64_t tokens) {
  struct State {
    explicit State(AttentionCase made) : data(std::move(made)) {}
    AttentionCase data;
    AttentionCase::Batch batch;
  };
  auto state = std::make_shared<State>(AttentionCase(
      shape, std::vector<std::int64_t>(static_cast<std::size_t>(sequences), context)));
  std::vector<Span> spans;
  for (std::int64_t s = 0; s < sequences; ++s) spans.push_back({s, context - tokens, tokens});
  state->data.fill_batch(spans, state->batch);
  return [=](const Stream& stream) { state->batch.run(stream); };
}

std::string product(std::int64_t rows, std::int64_t n, std::int64_t k) {
  return std::to_string(rows) + " x " + std::to_string(n) + " x " + std::to_string(k);
}

}  // namespace

std::vector<KernelCase> host_cases() {
  std::vector<KernelCase> cases;
  const auto add = [&cases](std::string kernel, std::string shape, std::function<Launcher()> make) {
    cases.push_back(
        {.kernel = std::move(kernel), .shape = std::move(shape), .make = std::move(make)});
  };
  constexpr CaseShape kV2Lite{16, 1, 576, 512, true, Dtype::kBF16};
  constexpr CaseShape kQwen3{32, 4, 128, 128, false, Dtype::kBF16};
  for (const std::int64_t rows : {1, 16, 128}) {
    const std::string shape = product(rows, 2048, 2048);
    add("gemm", "f32 " + shape, [=] { return make_gemm(rows, 2048, 2048, Precision::kF32); });
    add("gemm", "bf16 " + shape, [=] { return make_gemm(rows, 2048, 2048, Precision::kBF16); });
  }
  for (const std::int64_t rows : {1, 16}) {
    add("lm_head", "V2-Lite " + product(rows, 102400, 2048),
        [=] { return make_lm_head(rows, 102400, 2048); });
  }
  add("attention", "V2-Lite decode, 16 of 1024",
      [=] { return make_attention(kV2Lite, 16, 1024, 1); });
  add("attention", "Qwen3-30B decode, 16 of 1024",
      [=] { return make_attention(kQwen3, 16, 1024, 1); });
  add("attention", "Qwen3-30B prefill of 512", [=] { return make_attention(kQwen3, 1, 512, 512); });
  add("rms_norm", "512 x 2048", [] { return make_rms_norm(512, 2048); });
  return cases;
}

HostTiming time_host_case(const KernelCase& kernel_case, Stream stream) {
  const Launcher launch = kernel_case.make();
  launch(stream);
  LaunchLog log;
  stream.set_log(&log);
  launch(stream);
  HostTiming timing{.declared = log.take().at(0)};
  stream.set_log(nullptr);
  std::vector<double> times;
  const std::int64_t until = steady_ns() + static_cast<std::int64_t>(1e9 * kSeconds);
  std::int64_t now = steady_ns();
  while (times.size() < 3 || now < until) {
    launch(stream);
    const std::int64_t end = steady_ns();
    times.push_back(static_cast<double>(end - now));
    now = end;
  }
  std::sort(times.begin(), times.end());
  timing.time.ns = times[times.size() / 2];
  timing.time.spread = (times.back() - times.front()) / timing.time.ns;
  timing.time.launches = std::ssize(times);
  return timing;
}

}  // namespace moebius::kernels
