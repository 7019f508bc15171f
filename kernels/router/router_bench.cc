// The router at DeepSeek-V3's, V2-Lite's and Qwen3-30B's sizes.
#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "kernels/router/router.h"

namespace moebius::kernels {
namespace {

void run(benchmark::State& state, RouterArgs args) {
  args.rows = state.range(0);
  std::vector<float> logits(args.rows * args.experts), bias(args.experts, 0.01F);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    logits[i] = 3 * std::sin(static_cast<float>(i * 7 % 10007));
  }
  std::vector<std::int32_t> ids(args.rows * args.top_k);
  std::vector<float> weights(args.rows * args.top_k);
  args.logits = logits.data();
  if (args.score == RouterScore::kSigmoid) args.bias = bias.data();
  args.expert_ids = ids.data();
  args.expert_weights = weights.data();
  ThreadPool pool(0);
  const Stream stream = Stream::host(pool);
  for (auto _ : state) router(args, stream);
  state.SetBytesProcessed(state.iterations() * args.rows * (args.experts + 2 * args.top_k) * 4);
}

void BM_router_deepseek_v3(benchmark::State& state) {
  run(state, {.experts = 256,
              .top_k = 8,
              .score = RouterScore::kSigmoid,
              .groups = 8,
              .top_groups = 4,
              .group_score = GroupScore::kTop2Sum,
              .normalize = true,
              .scale = 2.5F});
}
BENCHMARK(BM_router_deepseek_v3)->ArgName("rows")->Arg(1)->Arg(512)->UseRealTime();

void BM_router_v2_lite(benchmark::State& state) {
  run(state, {.experts = 64, .top_k = 6});
}
BENCHMARK(BM_router_v2_lite)->ArgName("rows")->Arg(1)->Arg(512)->UseRealTime();

void BM_router_qwen3(benchmark::State& state) {
  run(state, {.experts = 128, .top_k = 8, .normalize = true});
}
BENCHMARK(BM_router_qwen3)->ArgName("rows")->Arg(1)->Arg(512)->UseRealTime();

}  // namespace
}  // namespace moebius::kernels
