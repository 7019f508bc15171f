// moebius profile: what the kernels of a profiled evaluation did.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "reports/store.h"
#include "runner/commands.h"
#include "runner/flags.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/roofline.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

std::int64_t sum_ns(const reports::Profile& profile) {
  std::int64_t sum = 0;
  for (const reports::KernelFigures& each : profile.kernels) sum += each.ns;
  return sum;
}

double percent(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? 100 * static_cast<double>(part) / static_cast<double>(whole) : 0;
}

/// Of one launch on average; nothing of a kernel without time.
std::optional<Roof> kernel_roof(const reports::KernelFigures& kernel,
                                const reports::MachineLimits& limits) {
  if (kernel.ns <= 0) return std::nullopt;
  const auto calls = static_cast<double>(std::max<std::int64_t>(kernel.calls, 1));
  return roof_of(kernel.kernel, static_cast<double>(kernel.ns) / calls,
                 static_cast<double>(kernel.bytes) / calls, kernel.flops / calls, limits);
}

std::string profile_text(const reports::Run& run, const reports::Profile& profile) {
  Table table(
      {"kernel", "calls", "ms", "share", "us/call", "TFLOP/s", "GB/s", "of limit", "bound"});
  const std::int64_t sum = sum_ns(profile);
  for (const reports::KernelFigures& each : profile.kernels) {
    const std::optional<Roof> roof = kernel_roof(each, profile.limits);
    const auto calls = static_cast<double>(std::max<std::int64_t>(each.calls, 1));
    table.add({one_line(each.kernel), fmt::to_string(each.calls),
               fmt::format("{:.3f}", static_cast<double>(each.ns) * 1e-6),
               fmt::format("{:.1f} %", percent(each.ns, sum)),
               fmt::format("{:.2f}", static_cast<double>(each.ns) / calls * 1e-3),
               roof && each.flops > 0 ? fmt::format("{:.3f}", roof->tflops) : "-",
               roof && each.bytes > 0 ? fmt::format("{:.1f}", roof->gb_s) : "-",
               roof && roof->percent ? fmt::format("{:.1f} %", *roof->percent) : "-",
               bound_name(roof ? roof->bound : Bound::kNone)});
  }
  std::string text = fmt::format("run {} on {}, model {}\n", run.id, one_line(profile.device),
                                 one_line(run.model));
  text += "limits measured: " + limits_text(profile.limits) + "\n" + table.text();
  text += fmt::format("kernels {:.3f} ms together, device busy {:.3f} ms ({:.1f} %) of {:.3f} ms\n",
                      static_cast<double>(sum) * 1e-6, static_cast<double>(profile.busy_ns) * 1e-6,
                      percent(profile.busy_ns, profile.wall_ns),
                      static_cast<double>(profile.wall_ns) * 1e-6);
  if (profile.seen_ns < profile.wall_ns) {
    text += fmt::format("recorded {:.1f} % of the time, the rest is estimated from it\n",
                        percent(profile.seen_ns, profile.wall_ns));
  }
  if (profile.lost > 0) text += fmt::format("launches without figures: {}\n", profile.lost);
  return text;
}

Json kernel_json(const reports::KernelFigures& each, const reports::Profile& profile) {
  Json row = {{"kernel", each.kernel}, {"calls", each.calls},
              {"ns", each.ns},         {"bytes", each.bytes},
              {"flops", each.flops},   {"share", percent(each.ns, sum_ns(profile)) / 100}};
  const std::optional<Roof> roof = kernel_roof(each, profile.limits);
  if (!roof) return row;
  row["gb_s"] = roof->gb_s;
  row["tflops"] = roof->tflops;
  if (roof->percent) {
    row["percent_of_limit"] = *roof->percent;
    row["bound"] = bound_name(roof->bound);
  }
  return row;
}

Json profile_json(const reports::Run& run, const reports::Profile& profile) {
  Json line = {{"run", run.id},
               {"model", run.model},
               {"device", profile.device},
               {"sum_ns", sum_ns(profile)},
               {"busy_ns", profile.busy_ns},
               {"wall_ns", profile.wall_ns},
               {"seen_ns", profile.seen_ns},
               {"lost", profile.lost},
               {"limits", limits_json(profile.limits)},
               {"kernels", Json::array()}};
  for (const reports::KernelFigures& each : profile.kernels) {
    line["kernels"].push_back(kernel_json(each, profile));
  }
  return line;
}

class ProfileCommand : public Command {
 public:
  explicit ProfileCommand(CLI::App* app) : Command(app) {
    app->add_option("RUN", run_, "Number of the run, the beginning of its key, or last")
        ->required();
    app->add_option("--store", store_, "SQLite file of results")
        ->type_name("FILE")
        ->capture_default_str();
    app->add_flag("--json", json_, "One JSON line per device");
    app->footer(examples({
        "moebius eval --model embedded --tasks mini --profile",
        "moebius profile last",
        "moebius profile 3 --store ci.sqlite --json",
        "Bounds: memory or compute, whichever takes longer at the limits measured; latency: too "
        "little work to reach either",
    }));
  }

  int run(Output& out) override {
    const auto reader = reports::Reader::open(store_);
    const reports::Run run = reader->find_run(run_);
    const std::vector<reports::Profile> profiles = reader->profiles(run.id);
    if (profiles.empty()) {
      throw InputError(
          fmt::format("run {}: no profile is stored: eval --profile keeps one", run.id));
    }
    for (const reports::Profile& profile : profiles) {
      out.write(json_ ? json_line(profile_json(run, profile)) : profile_text(run, profile));
    }
    return kOk;
  }

 private:
  std::string run_;
  std::string store_ = "results.sqlite";
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> add_profile_command(CLI::App& app) {
  return std::make_unique<ProfileCommand>(
      app.add_subcommand("profile", "What the kernels of a profiled evaluation did"));
}

}  // namespace moebius::runner
