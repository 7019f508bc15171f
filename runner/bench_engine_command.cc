// moebius bench engine: prefill and decode speed, beside what the machine could do.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <span>

#include "engine/text/tokenizer.h"
#include "runner/commands.h"
#include "runner/flags.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/requests.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

constexpr int kCpuLayers = 4;

struct Workload {
  std::int32_t prompt_tokens = 512;
  std::int32_t new_tokens = 32;
  std::int32_t repetitions = 3;
  std::uint64_t seed = 1;
  bool profile = false;
};

struct Speed {
  std::int32_t batch = 0;
  double prefill_tokens_s = 0;
  double decode_tokens_s = 0;
  std::optional<engine::KernelProfile> profile;  // of all its repetitions
};

/// Comma separated, each 1 .. 4096.
std::vector<std::int32_t> parse_batches(const std::string& list) {
  std::vector<std::int32_t> batches;
  std::size_t begin = 0;
  while (begin <= list.size()) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    std::int32_t batch = 0;
    if (!parse_number(list.substr(begin, end - begin), batch) || batch < 1 || batch > 4096) {
      throw InputError(
          fmt::format("bench engine: --batches: expected numbers in 1 .. 4096 with commas between, "
                      "found '{}'",
                      list));
    }
    batches.push_back(batch);
    begin = end + 1;
  }
  return batches;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// Times whole sets of requests on one engine.
class Stopwatch {
 public:
  Stopwatch(engine::LocalEngine& engine, const Workload& work)
      : engine_(engine), work_(work), state_(work.seed) {
    vocab_ = engine.info().vocab;
    if (engine.has_tokenizer()) vocab_ = std::min(vocab_, engine.tokenizer().vocab());
  }

  Speed measure(std::int32_t batch) {
    std::vector<double> prefill;
    std::vector<double> decode;
    seconds(batch, 4);  // warm up: caches, pages, threads, recorded steps
    if (work_.profile) engine_.take_profile();
    for (std::int32_t i = 0; i < work_.repetitions; ++i) {
      const double first = seconds(batch, 1);
      const double all = seconds(batch, 1 + work_.new_tokens);
      prefill.push_back(batch * work_.prompt_tokens / first);
      decode.push_back(batch * work_.new_tokens / std::max(all - first, 1e-9));
    }
    Speed speed{batch, median(std::move(prefill)), median(std::move(decode)), {}};
    if (work_.profile) speed.profile = engine_.take_profile();
    return speed;
  }

 private:
  /// A linear congruential step is random enough to keep prompts apart.
  std::int32_t next_id() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::int32_t>((state_ >> 33) % static_cast<std::uint64_t>(vocab_));
  }

  double seconds(std::int32_t batch, std::int32_t new_tokens) {
    std::vector<engine::Request> requests(static_cast<std::size_t>(batch));
    for (engine::Request& request : requests) {
      request.prompt.ids.resize(static_cast<std::size_t>(work_.prompt_tokens));
      for (std::int32_t& id : request.prompt.ids) id = next_id();
      request.generate = engine::Generate{.max_new_tokens = new_tokens, .ignore_eos = true};
    }
    const auto start = std::chrono::steady_clock::now();
    run_in_order(engine_, std::move(requests), require_served);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  engine::LocalEngine& engine_;
  Workload work_;
  std::uint64_t state_;
  std::int32_t vocab_ = 0;
};

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

Use use_of(const Speed& speed, const engine::ModelInfo& info, const engine::EngineLimits& limits) {
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

/// What the kernels of one batch size took, the costliest first.
std::string profile_text(const Speed& speed) {
  constexpr std::size_t kMostKernels = 24;
  const engine::KernelProfile& profile = *speed.profile;
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
  return fmt::format("batch {} on {}: busy {:.3f} ms of {:.3f} ms\n{}", speed.batch,
                     one_line(profile.device), static_cast<double>(profile.busy_ns) * 1e-6,
                     static_cast<double>(profile.wall_ns) * 1e-6, table.text());
}

class BenchEngineCommand : public Command {
 public:
  explicit BenchEngineCommand(CLI::App* app) : Command(app) {
    auto* model = add_model(*app, model_, false);
    auto* shape = app->add_option("--shape", shape_,
                                  "Layers of a known model with made-up weights: qwen3-30b-a3b, "
                                  "v2-lite, llama-3.1-8b, v3-slice")
                      ->type_name("NAME");
    shape->excludes(model);
    add_number(*app, "--layers", layers_, 0, 1000,
               "Layers of --shape; 0: 4 on the CPU, on a GPU all (v3-slice: 8)")
        ->needs(shape);
    add_number(*app, "--prompt-tokens", work_.prompt_tokens, 1, 1 << 20, "Tokens per prompt");
    add_number(*app, "--new-tokens", work_.new_tokens, 1, 1 << 20, "Tokens decoded per prompt");
    app->add_option("--batches", batches_, "Prompts at once")
        ->type_name("N,N,...")
        ->capture_default_str();
    add_number(*app, "--repetitions", work_.repetitions, 1, 1000, "Medians are over so many");
    add_number<std::uint64_t>(*app, "--seed", work_.seed, 0, UINT64_MAX, "Of the token ids");
    app->add_flag("--json", json_, "One JSON line");
    app->add_flag("--profile", work_.profile, "Figures of every kernel too; not with --json");
    engine_.add_device(*app);
    engine_.add_threads(*app);
    engine_.add_arithmetic(*app);
    engine_.add_batch_rows(*app);
    app->footer(examples({
        "moebius bench engine --model embedded",
        "moebius bench engine --shape qwen3-30b-a3b --layers 4 --arithmetic bf16 --batches 1,8",
        "moebius bench engine --shape v2-lite --device cuda --batches 1,8,128,512",
    }));
  }

  int run(Output& out) override {
    if (model_.empty() == shape_.empty()) {
      throw InputError("bench engine: expected --model or --shape");
    }
    const std::vector<std::int32_t> batches = parse_batches(batches_);
    engine_.options.share_prefixes = false;
    engine_.options.profile = work_.profile;
    // First: on a GPU the engine leaves no memory for it.
    const engine::EngineLimits limits = engine::measure_limits(engine_.options);
    const bool on_gpu = limits.copy_gb_s > 0;
    const int layers = layers_ > 0 || on_gpu ? layers_ : kCpuLayers;
    const auto engine = shape_.empty() ? engine::load(model_, engine_.options)
                                       : engine::load_shape(shape_, layers, engine_.options);
    require_fits(engine->info());
    Stopwatch watch(*engine, work_);
    std::vector<Speed> speeds;
    for (const std::int32_t batch : batches) speeds.push_back(watch.measure(batch));
    out.write(json_ ? json_line(json(engine->info(), limits, speeds))
                    : text(engine->info(), limits, speeds));
    for (const Speed& speed : speeds) {
      if (speed.profile && !json_) out.write(profile_text(speed));
    }
    return kOk;
  }

 private:
  void require_fits(const engine::ModelInfo& info) const {
    const std::int64_t tokens = std::int64_t{work_.prompt_tokens} + work_.new_tokens + 1;
    if (tokens > info.context) {
      throw InputError(
          fmt::format("bench engine: prompt and new tokens are {} together, the context is {}",
                      tokens, info.context));
    }
  }

  std::string text(const engine::ModelInfo& info, const engine::EngineLimits& limits,
                   const std::vector<Speed>& speeds) const {
    Table table(
        {"batch", "prefill tok/s", "TFLOP/s", "of limit", "decode tok/s", "read GB/s", "of limit"});
    for (const Speed& speed : speeds) {
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
        one_line(info.path), work_.prompt_tokens, work_.new_tokens, work_.repetitions,
        limits.read_gb_s, limits.matrix_tflops, limits.matrix_path, gpu_limits(limits),
        table.text());
  }

  static std::string gpu_limits(const engine::EngineLimits& limits) {
    if (limits.copy_gb_s == 0) return "";
    return fmt::format(", {:.2f} GB/s copied, {:.4f} TFLOP/s in fp8", limits.copy_gb_s,
                       limits.fp8_tflops);
  }

  Json json(const engine::ModelInfo& info, const engine::EngineLimits& limits,
            const std::vector<Speed>& speeds) const {
    Json line = {{"model", info.path},
                 {"prompt_tokens", work_.prompt_tokens},
                 {"new_tokens", work_.new_tokens},
                 {"repetitions", work_.repetitions},
                 {"limits",
                  {{"read_gb_s", limits.read_gb_s},
                   {"matrix_tflops", limits.matrix_tflops},
                   {"matrix_path", limits.matrix_path},
                   {"copy_gb_s", limits.copy_gb_s},
                   {"fp8_tflops", limits.fp8_tflops}}},
                 {"batches", Json::array()}};
    for (const Speed& speed : speeds) {
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

  std::string model_;
  std::string shape_;
  int layers_ = 0;
  std::string batches_ = "1,8,32";
  Workload work_;
  EngineFlags engine_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> add_bench_engine_command(CLI::App& bench) {
  return std::make_unique<BenchEngineCommand>(
      bench.add_subcommand("engine", "Prefill and decode tokens per second, percent of limits"));
}

}  // namespace moebius::runner
