// What `bench engine` measures with token ids of its own: batches of prompts, and whole sets of
// requests.
#include "runner/bench_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "engine/text/tokenizer.h"
#include "runner/input.h"
#include "runner/requests.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

// Tokens of a warm-up's answers: a step that begins them, and some that go on.
constexpr std::int32_t kWarmUpTokens = 4;
// Of a warm-up's prompts where only the steps after them matter.
constexpr std::int32_t kWarmUpPrompt = 16;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// What a speed means in bytes and operations.
struct Use {
  double read_gb_s = 0;       // weights read while decoding; at batch 1 only, where the
                              // bytes per step are known
  double read_percent = 0;    // of the measured memory limit
  double tflops = 0;          // matrix products of prefill, attention scores not counted
  double tflops_percent = 0;  // of the measured compute limit
};

/// Whether products are made in fp8, as a GPU makes those of fp8 checkpoints.
bool in_fp8(const engine::ModelInfo& info, const engine::EngineLimits& limits) {
  return limits.fp8_tflops > 0 &&
         std::any_of(info.dtypes.begin(), info.dtypes.end(), [&](const auto& dtype) {
           return dtype.first == "F8_E4M3" && 2 * dtype.second > info.parameters;
         });
}

Use use_of(const BatchSpeed& speed, const engine::ModelInfo& info,
           const engine::EngineLimits& limits) {
  Use use;
  if (speed.batch == 1 && limits.read_gb_s > 0) {
    use.read_gb_s = static_cast<double>(info.active_weight_bytes) * speed.decode_tokens_s / 1e9;
    use.read_percent = 100 * use.read_gb_s / limits.read_gb_s;
  }
  if (limits.matrix_tflops > 0) {
    use.tflops = 2 * static_cast<double>(info.matrix_parameters) * speed.prefill_tokens_s / 1e12;
    use.tflops_percent =
        100 * use.tflops / (in_fp8(info, limits) ? limits.fp8_tflops : limits.matrix_tflops);
  }
  return use;
}

std::string gpu_limits(const engine::EngineLimits& limits) {
  if (limits.copy_gb_s == 0) return "";
  return fmt::format(", {:.2f} GB/s copied, {:.4f} TFLOP/s in fp8", limits.copy_gb_s,
                     limits.fp8_tflops);
}

}  // namespace

Stopwatch::Stopwatch(engine::LocalEngine& engine, const Workload& work)
    : engine_(engine), work_(work), state_(work.seed) {
  const engine::ModelInfo& info = engine.info();
  const std::int64_t tokens = std::int64_t{work.prompt_tokens} + work.new_tokens + 1;
  if (tokens > info.context) {
    throw InputError(
        fmt::format("bench engine: prompt and new tokens are {} together, the context is {}",
                    tokens, info.context));
  }
  vocab_ = info.vocab;
  if (engine.has_tokenizer()) vocab_ = std::min(vocab_, engine.tokenizer().vocab());
}

BatchSpeed Stopwatch::measure_batch(std::int32_t batch) {
  std::vector<double> prefill;
  std::vector<double> decode;
  seconds(batch, work_.prompt_tokens, kWarmUpTokens);  // caches, pages, threads, recorded steps
  profile();
  for (std::int32_t i = 0; i < work_.repetitions; ++i) {
    const double first = seconds(batch, work_.prompt_tokens, 1);
    const double all = seconds(batch, work_.prompt_tokens, 1 + work_.new_tokens);
    prefill.push_back(batch * work_.prompt_tokens / first);
    decode.push_back(batch * work_.new_tokens / std::max(all - first, 1e-9));
  }
  return {batch, median(std::move(prefill)), median(std::move(decode)), profile()};
}

SetSpeed Stopwatch::measure_set(std::int64_t requests) {
  seconds(requests, std::min(work_.prompt_tokens, kWarmUpPrompt),
          std::min(work_.new_tokens, kWarmUpTokens));
  seconds(1, work_.prompt_tokens, 1);
  profile();
  std::vector<double> times;
  for (std::int32_t i = 0; i < work_.repetitions; ++i) {
    times.push_back(seconds(requests, work_.prompt_tokens, work_.new_tokens));
  }
  SetSpeed speed{.requests = requests, .seconds = median(std::move(times)), .profile = profile()};
  speed.requests_s = static_cast<double>(requests) / speed.seconds;
  speed.prompt_tokens_s = speed.requests_s * work_.prompt_tokens;
  speed.new_tokens_s = speed.requests_s * work_.new_tokens;
  return speed;
}

// A linear congruential step is random enough to keep prompts apart.
std::int32_t Stopwatch::next_id() {
  state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
  return static_cast<std::int32_t>((state_ >> 33) % static_cast<std::uint64_t>(vocab_));
}

double Stopwatch::seconds(std::int64_t requests, std::int32_t prompt_tokens,
                          std::int32_t new_tokens) {
  std::vector<engine::Request> set(static_cast<std::size_t>(requests));
  for (engine::Request& request : set) {
    request.prompt.ids.resize(static_cast<std::size_t>(prompt_tokens));
    for (std::int32_t& id : request.prompt.ids) id = next_id();
    request.generate = engine::Generate{.max_new_tokens = new_tokens, .ignore_eos = true};
  }
  const auto start = std::chrono::steady_clock::now();
  run_in_order(engine_, std::move(set), require_served);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::optional<engine::KernelProfile> Stopwatch::profile() {
  if (!work_.profile) return std::nullopt;
  return engine_.take_profile();
}

std::string batches_text(const std::vector<BatchSpeed>& speeds, const Workload& work,
                         const engine::ModelInfo& info, const engine::EngineLimits& limits) {
  Table table(
      {"batch", "prefill tok/s", "TFLOP/s", "of limit", "decode tok/s", "read GB/s", "of limit"});
  for (const BatchSpeed& speed : speeds) {
    const Use use = use_of(speed, info, limits);
    const bool reads = use.read_gb_s > 0;
    const bool computes = use.tflops > 0;
    table.add({fmt::to_string(speed.batch), fmt::format("{:.1f}", speed.prefill_tokens_s),
               computes ? fmt::format("{:.4f}", use.tflops) : "-",
               computes ? fmt::format("{:.1f} %", use.tflops_percent) : "-",
               fmt::format("{:.1f}", speed.decode_tokens_s),
               reads ? fmt::format("{:.2f}", use.read_gb_s) : "-",
               reads ? fmt::format("{:.1f} %", use.read_percent) : "-"});
  }
  return fmt::format(
      "{}: {} prompt tokens, {} new tokens, median of {}\n"
      "limits measured: {:.2f} GB/s read, {:.4f} TFLOP/s ({}){}\n{}",
      one_line(info.path), work.prompt_tokens, work.new_tokens, work.repetitions, limits.read_gb_s,
      limits.matrix_tflops, limits.matrix_path, gpu_limits(limits), table.text());
}

Json batches_json(const std::vector<BatchSpeed>& speeds, const Workload& work,
                  const engine::ModelInfo& info, const engine::EngineLimits& limits) {
  Json line = {{"model", info.path},
               {"prompt_tokens", work.prompt_tokens},
               {"new_tokens", work.new_tokens},
               {"repetitions", work.repetitions},
               {"limits",
                {{"read_gb_s", limits.read_gb_s},
                 {"matrix_tflops", limits.matrix_tflops},
                 {"matrix_path", limits.matrix_path},
                 {"copy_gb_s", limits.copy_gb_s},
                 {"fp8_tflops", limits.fp8_tflops}}},
               {"batches", Json::array()}};
  for (const BatchSpeed& speed : speeds) {
    const Use use = use_of(speed, info, limits);
    Json row = {{"batch", speed.batch},
                {"prefill_tokens_s", speed.prefill_tokens_s},
                {"decode_tokens_s", speed.decode_tokens_s}};
    if (use.tflops > 0) {
      row["prefill_tflops"] = use.tflops;
      row["prefill_percent"] = use.tflops_percent;
    }
    if (use.read_gb_s > 0) {
      row["decode_read_gb_s"] = use.read_gb_s;
      row["decode_percent"] = use.read_percent;
    }
    line["batches"].push_back(std::move(row));
  }
  return line;
}

std::string set_text(const SetSpeed& speed, const Workload& work, const engine::ModelInfo& info) {
  Table table({"requests", "seconds", "requests/s", "prompt tok/s", "new tok/s"});
  table.add({fmt::to_string(speed.requests), fmt::format("{:.3f}", speed.seconds),
             fmt::format("{:.2f}", speed.requests_s), fmt::format("{:.1f}", speed.prompt_tokens_s),
             fmt::format("{:.1f}", speed.new_tokens_s)});
  return fmt::format(
      "{}: {} prompt tokens, {} new tokens each, all submitted at once, median of {}\n{}",
      one_line(info.path), work.prompt_tokens, work.new_tokens, work.repetitions, table.text());
}

Json set_json(const SetSpeed& speed, const Workload& work, const engine::ModelInfo& info) {
  return {{"model", info.path},
          {"prompt_tokens", work.prompt_tokens},
          {"new_tokens", work.new_tokens},
          {"repetitions", work.repetitions},
          {"requests", speed.requests},
          {"seconds", speed.seconds},
          {"requests_s", speed.requests_s},
          {"prompt_tokens_s", speed.prompt_tokens_s},
          {"new_tokens_s", speed.new_tokens_s}};
}

std::string profile_text(const std::string& of, const engine::KernelProfile& profile) {
  constexpr std::size_t kMostKernels = 24;
  Table table({"kernel", "calls", "ms", "us/call", "TFLOP/s", "GB/s"});
  const std::size_t count = std::min(profile.kernels.size(), kMostKernels);
  for (const engine::KernelFigures& each : std::span(profile.kernels).first(count)) {
    const auto ns = static_cast<double>(std::max<std::int64_t>(each.ns, 1));
    const auto calls = static_cast<double>(std::max<std::int64_t>(each.calls, 1));
    table.add({one_line(each.kernel), fmt::to_string(each.calls), fmt::format("{:.3f}", ns * 1e-6),
               fmt::format("{:.2f}", ns / calls * 1e-3),
               fmt::format("{:.2f}", each.flops / ns / 1e3),
               fmt::format("{:.1f}", static_cast<double>(each.bytes) / ns)});
  }
  return fmt::format("{} on {}: busy {:.3f} ms of {:.3f} ms\n{}", of, one_line(profile.device),
                     static_cast<double>(profile.busy_ns) * 1e-6,
                     static_cast<double>(profile.wall_ns) * 1e-6, table.text());
}

}  // namespace moebius::runner
