// moebius bench kernels: every kernel at real model shapes, beside what the machine could do.
#include <fmt/format.h>
#include <re2/re2.h>

#include <memory>
#include <vector>

#include "engine/engine.h"
#include "runner/commands.h"
#include "runner/eval_profile.h"
#include "runner/flags.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/roofline.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

Roof timing_roof(const engine::KernelTiming& timing, const reports::MachineLimits& limits) {
  return roof_of(timing.kernel, timing.ns, static_cast<double>(timing.bytes),
                 static_cast<double>(timing.flops), limits);
}

class BenchKernelsCommand : public Command {
 public:
  explicit BenchKernelsCommand(CLI::App* app) : Command(app) {
    app->add_option("--filter", filter_,
                    "Only kernels whose name and shape match this regular expression somewhere")
        ->type_name("RE");
    engine_.add_device(*app);
    engine_.add_threads(*app);
    app->add_flag("--json", json_, "JSON lines: the machine and its limits, then each kernel");
    app->footer(examples({
        "moebius bench kernels",
        "moebius bench kernels --device cuda --filter 'gemm_fp8.* 4096 x'",
        "moebius bench kernels --device cpu --json",
    }));
  }

  int run(Output& out) override {
    const RE2 filter(filter_, RE2::Quiet);
    if (!filter.ok()) {
      throw InputError(fmt::format("bench kernels: --filter: {}", one_line(filter.error())));
    }
    const std::string device = engine::device_name(engine_.options);
    const reports::MachineLimits limits = stored_limits(engine::measure_limits(engine_.options));
    if (json_) out.write(json_line({{"device", device}, {"limits", limits_json(limits)}}));
    std::vector<engine::KernelTiming> timings;
    engine::bench_kernels(
        engine_.options, [&](const std::string& name) { return RE2::PartialMatch(name, filter); },
        [&](const engine::KernelTiming& timing) {
          timings.push_back(timing);
          if (json_) out.write(json_line(timing_json(timing, limits)));
        });
    if (timings.empty()) {
      throw InputError(
          fmt::format("bench kernels: no kernel matches --filter '{}'", one_line(filter_)));
    }
    if (!json_) out.write(text(device, limits, timings));
    return kOk;
  }

 private:
  static Json timing_json(const engine::KernelTiming& timing,
                          const reports::MachineLimits& limits) {
    Json line = {{"kernel", timing.kernel},
                 {"shape", timing.shape},
                 {"bytes", timing.bytes},
                 {"flops", timing.flops}};
    if (!timing.error.empty()) {
      line["error"] = timing.error;
      return line;
    }
    const Roof roof = timing_roof(timing, limits);
    line["ns"] = timing.ns;
    line["spread"] = timing.spread;
    line["gb_s"] = roof.gb_s;
    line["tflops"] = roof.tflops;
    if (roof.percent) {
      line["percent_of_limit"] = *roof.percent;
      line["bound"] = bound_name(roof.bound);
    }
    return line;
  }

  static std::string text(const std::string& device, const reports::MachineLimits& limits,
                          const std::vector<engine::KernelTiming>& timings) {
    Table table({"kernel", "shape", "us", "TFLOP/s", "GB/s", "of limit", "bound"});
    for (const engine::KernelTiming& timing : timings) {
      if (!timing.error.empty()) {
        table.add({timing.kernel, timing.shape, one_line(timing.error), "-", "-", "-", "-"});
        continue;
      }
      const Roof roof = timing_roof(timing, limits);
      table.add({timing.kernel, timing.shape, fmt::format("{:.2f}", timing.ns * 1e-3),
                 fmt::format("{:.3f}", roof.tflops), fmt::format("{:.1f}", roof.gb_s),
                 roof.percent ? fmt::format("{:.1f} %", *roof.percent) : "-",
                 bound_name(roof.bound)});
    }
    return fmt::format("{}: limits measured: {}\n{}", one_line(device), limits_text(limits),
                       table.text());
  }

  std::string filter_;
  EngineFlags engine_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> add_bench_kernels_command(CLI::App& bench) {
  return std::make_unique<BenchKernelsCommand>(
      bench.add_subcommand("kernels", "Every kernel at real model shapes, percent of limits"));
}

}  // namespace moebius::runner
