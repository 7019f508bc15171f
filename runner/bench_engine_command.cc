// moebius bench engine: prefill and decode speed beside what the machine could do; whole sets of
// requests; the questions of benchmarks.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "engine/text/tokenizer.h"
#include "runner/bench_batches.h"
#include "runner/bench_tasks.h"
#include "runner/commands.h"
#include "runner/eval_flags.h"
#include "runner/flags.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/plan.h"

namespace moebius::runner {
namespace {

constexpr int kCpuLayers = 4;

class BenchEngineCommand : public Command {
 public:
  explicit BenchEngineCommand(CLI::App* app) : Command(app) {
    add_model_options(*app);
    add_workload_options(*app);
    add_task_options(*app);
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
        "moebius bench engine --shape qwen3-30b-a3b --dtype fp8 --device cuda --requests 1000 "
        "--prompt-tokens 1034 --new-tokens 128",
        "moebius bench engine --shape v2-lite --device cuda --tasks mmlu --data-dir ./data "
        "--tokenizer ./DeepSeek-V2-Lite",
    }));
  }

  int run(Output& out) override {
    if (model_.empty() == shape_.name.empty()) {
      throw InputError("bench engine: expected --model or --shape");
    }
    engine_.options.profile = work_.profile;
    if (!tasks_.empty()) return bench_tasks(out);
    engine_.options.share_prefixes = false;  // random prompts have none
    return requests_ > 0 ? bench_set(out) : bench_batches(out);
  }

 private:
  void add_model_options(CLI::App& app) {
    auto* model = add_model(app, model_, false);
    auto* shape = app.add_option("--shape", shape_.name,
                                 "Layers of a known model with made-up weights: qwen3-30b-a3b, "
                                 "v2-lite, llama-3.1-8b, v3-slice")
                      ->type_name("NAME");
    shape->excludes(model);
    add_number(app, "--layers", shape_.layers, 0, 1000,
               "Layers of --shape; 0: 4 on the CPU, on a GPU all (v3-slice: 8)")
        ->needs(shape);
    app.add_option("--dtype", dtype_,
                   "Weights of --shape; fp8: e4m3 with scales of 128 x 128 blocks, all but "
                   "embedding, router and head; by default as the model was published")
        ->check(CLI::IsMember({"bf16", "fp8"}))
        ->needs(shape);
  }

  void add_workload_options(CLI::App& app) {
    add_number(app, "--prompt-tokens", work_.prompt_tokens, 1, 1 << 20, "Tokens per prompt");
    add_number(app, "--new-tokens", work_.new_tokens, 1, 1 << 20, "Tokens decoded per prompt");
    auto* batches = app.add_option("--batches", batches_, "Prompts at once")
                        ->type_name("N,N,...")
                        ->capture_default_str();
    add_number<std::int64_t>(app, "--requests", requests_, 0, 1 << 20,
                             "Instead of batches: so many prompts submitted together, timed until "
                             "the last answer")
        ->excludes(batches);
    add_number(app, "--repetitions", work_.repetitions, 1, 1000, "Medians are over so many");
    add_number<std::uint64_t>(app, "--seed", work_.seed, 0, UINT64_MAX, "Of the token ids");
  }

  void add_task_options(CLI::App& app) {
    auto* tasks = app.add_option("--tasks", tasks_,
                                 "Instead of random prompts: the log-probability questions of "
                                 "these benchmarks, once, as eval asks them; nothing is judged")
                      ->type_name("LIST");
    for (const char* other : {"--batches", "--requests", "--prompt-tokens", "--new-tokens",
                              "--repetitions", "--seed"}) {
      tasks->excludes(app.get_option(other));
    }
    add_data_dir(app, plan_.data_dir);
    add_number<std::int64_t>(app, "--limit", plan_.limit, 0, 1'000'000'000,
                             "Questions per task, the first ones; 0: all")
        ->needs(tasks);
    app.add_option("--tokenizer", tokenizer_,
                   "Of --shape with --tasks: a folder with tokenizer.json, or \"embedded\", whose "
                   "small vocabulary makes about twice the tokens")
        ->type_name("MODEL")
        ->capture_default_str()
        ->needs(tasks);
  }

  std::unique_ptr<engine::LocalEngine> load(bool on_gpu) {
    if (shape_.name.empty()) return engine::load(model_, engine_.options);
    if (shape_.layers == 0 && !on_gpu) shape_.layers = kCpuLayers;
    if (!dtype_.empty()) {
      shape_.dtype = dtype_ == "fp8" ? engine::WeightDtype::kF8E4M3 : engine::WeightDtype::kBF16;
    }
    return engine::load_shape(shape_, engine_.options);
  }

  bool on_gpu() const { return engine::device_name(engine_.options) != "cpu"; }

  int bench_batches(Output& out) {
    const std::vector<std::int32_t> batches = parse_batches("bench engine", batches_);
    // First: on a GPU the engine leaves no memory for it.
    const engine::EngineLimits limits = engine::measure_limits(engine_.options);
    const auto engine = load(limits.copy_gb_s > 0);
    Stopwatch watch(*engine, work_);
    std::vector<BatchSpeed> speeds;
    for (const std::int32_t batch : batches) speeds.push_back(watch.measure_batch(batch));
    out.write(json_ ? json_line(batches_json(speeds, work_, engine->info(), limits))
                    : batches_text(speeds, work_, engine->info(), limits));
    for (const BatchSpeed& speed : speeds) {
      write_profile(fmt::format("batch {}", speed.batch), speed.profile, out);
    }
    return kOk;
  }

  int bench_set(Output& out) {
    const auto engine = load(on_gpu());
    const SetSpeed speed = Stopwatch(*engine, work_).measure_set(requests_);
    out.write(json_ ? json_line(set_json(speed, work_, engine->info()))
                    : set_text(speed, work_, engine->info()));
    write_profile(fmt::format("{} requests", requests_), speed.profile, out);
    return kOk;
  }

  int bench_tasks(Output& out) {
    plan_.sandbox = [] { return nullptr; };  // nothing is judged
    std::vector<PlannedSet> plan = make_plan(parse_tasks(tasks_, {}), plan_);
    const auto engine = load(on_gpu());
    const auto tokenizer = engine::load_tokenizer(shape_.name.empty() ? model_ : tokenizer_);
    if (tokenizer->vocab() > engine->info().vocab) {
      throw InputError(fmt::format(
          "bench engine: --tokenizer: expected ids below {}, the vocabulary of {}, found {}",
          engine->info().vocab, engine->info().path, tokenizer->vocab() - 1));
    }
    const auto asker = make_tokenizer_asker(*tokenizer, engine->info().context);
    const TaskSpeed speed = measure_tasks(*engine, *asker, plan, work_.profile);
    const std::string named = shape_.name.empty() ? model_ : tokenizer_;
    out.write(json_ ? json_line(tasks_json(speed, tasks_, named, engine->info()))
                    : tasks_text(speed, tasks_, named, engine->info()));
    write_profile(tasks_, speed.profile, out);
    return kOk;
  }

  void write_profile(const std::string& of, const std::optional<engine::KernelProfile>& profile,
                     Output& out) const {
    if (profile && !json_) out.write(profile_text(of, *profile));
  }

  std::string model_;
  engine::Shape shape_;
  std::string dtype_;
  std::string batches_ = "1,8,32";
  std::int64_t requests_ = 0;
  Workload work_;
  std::string tasks_;
  PlanOptions plan_;
  std::string tokenizer_ = "embedded";
  EngineFlags engine_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> add_bench_engine_command(CLI::App& bench) {
  return std::make_unique<BenchEngineCommand>(
      bench.add_subcommand("engine", "Prefill and decode tokens per second, percent of limits"));
}

}  // namespace moebius::runner
