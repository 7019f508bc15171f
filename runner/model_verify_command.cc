// moebius model verify: does this build compute what it should, always with the same bits?
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "runner/commands.h"
#include "runner/flags.h"
#include "runner/golden.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/requests.h"
#include "runner/table.h"
#include "runner/verify_determinism.h"
#include "runner/verify_golden.h"

namespace moebius::runner {
namespace {

constexpr std::uint64_t kSeed = 20240229;  // of the self-test's sequences; any would do

Json deviation_json(const Deviation& deviation) {
  return {
      {"max", deviation.max}, {"values", deviation.values}, {"not_finite", deviation.not_finite}};
}

Json agreement_json(const Agreement& agreement) {
  return {{"agree", agreement.agree}, {"total", agreement.total}, {"ties", agreement.ties}};
}

Json report_json(const GoldenReport& report, const GoldenLimits& limits) {
  return {{"name", report.name},
          {"tokens", report.tokens},
          {"next_token_logprob", deviation_json(report.next_logprob)},
          {"top5_logprob", deviation_json(report.top_logprob)},
          {"logits_last_scaled", deviation_json(report.logits_last)},
          {"hidden_l2_relative", deviation_json(report.hidden_l2)},
          {"requests_against_trace", deviation_json(report.score_path)},
          {"top1", agreement_json(report.top1)},
          {"routing", agreement_json(report.routing)},
          {"greedy", agreement_json(report.greedy)},
          {"greedy_without_eos", report.greedy_without_eos},
          {"text_tokens", agreement_json(report.text)},
          {"violations", violations(report, limits)}};
}

std::string deviation_cell(const Deviation& deviation) {
  if (deviation.not_finite > 0) return "not finite";
  return deviation.values == 0 ? "-" : fmt::format("{:.2e}", deviation.max);
}

std::string agreement_cell(const Agreement& agreement) {
  if (agreement.total == 0) return "-";
  const std::string ties = agreement.ties > 0 ? fmt::format(" ({} tied)", agreement.ties) : "";
  return fmt::format("{}/{}{}", agreement.agree, agreement.total, ties);
}

void add_row(Table& table, const GoldenReport& report) {
  table.add({report.name, deviation_cell(report.next_logprob), deviation_cell(report.top_logprob),
             deviation_cell(report.logits_last), deviation_cell(report.hidden_l2),
             deviation_cell(report.score_path), agreement_cell(report.top1),
             agreement_cell(report.routing), agreement_cell(report.greedy)});
}

std::string golden_text(const std::vector<GoldenReport>& cases, const GoldenReport& overall,
                        const GoldenLimits& limits) {
  Table table(
      {"case", "logprob", "top-5", "logits", "hidden", "requests", "top-1", "routing", "greedy"});
  for (const GoldenReport& report : cases) add_row(table, report);
  add_row(table, overall);
  std::string text = table.text();
  for (const GoldenReport& report : cases) {
    for (const std::string& line : violations(report, limits)) {
      text += fmt::format("FAIL {}: {}\n", report.name, line);
    }
  }
  return text + (violations(overall, limits).empty() ? "ok\n" : "failed\n");
}

std::string determinism_text(const DeterminismReport& report) {
  Table table({"variant", "values", "differences", "not finite", "result"});
  for (const VariantReport& variant : report.variants) {
    table.add({variant.name, fmt::to_string(variant.values), fmt::to_string(variant.differences),
               fmt::to_string(variant.not_finite), variant.pass() ? "equal" : "FAIL"});
  }
  std::string text =
      fmt::format("{} requests over sequences of {} tokens, bits compared with each alone\n{}",
                  report.requests, fmt::join(report.lengths, ", "), table.text());
  for (const VariantReport& variant : report.variants) {
    if (!variant.first.empty()) {
      text += fmt::format("FAIL {}: first difference at {}\n", variant.name, variant.first);
    }
  }
  return text + (report.pass() ? "ok\n" : "failed\n");
}

Json determinism_json(const DeterminismReport& report, const std::string& model) {
  Json variants = Json::array();
  for (const VariantReport& variant : report.variants) {
    variants.push_back({{"name", variant.name},
                        {"values", variant.values},
                        {"differences", variant.differences},
                        {"not_finite", variant.not_finite},
                        {"pass", variant.pass()}});
  }
  return {{"model", model},
          {"pass", report.pass()},
          {"lengths", report.lengths},
          {"requests", report.requests},
          {"variants", std::move(variants)}};
}

void show_progress(const std::string& name) {
  if (::isatty(STDERR_FILENO) == 0) return;
  fmt::print(stderr, "\r{}\x1b[K", name);
  std::fflush(stderr);
}

class ModelVerifyCommand : public Command {
 public:
  explicit ModelVerifyCommand(CLI::App* app) : Command(app) {
    app->add_option("MODEL", model_, "Model directory (Hugging Face layout), or \"embedded\"")
        ->type_name("")
        ->required();
    auto* golden =
        app->add_option("--golden", golden_, "Recorded reference results")->type_name("FILE");
    auto* determinism =
        app->add_flag("--determinism", determinism_,
                      "Bits equal over batch size, order, chunking, shared prefixes, threads and "
                      "--devices");
    golden->excludes(determinism);
    app->add_option("--batches", batches_, "Of --determinism: requests at once")
        ->type_name("N,N,...")
        ->capture_default_str()
        ->needs(determinism);
    app->add_flag("--json", json_, "One JSON line");
    engine_.add_device(*app);
    engine_.add_threads(*app);
    engine_.add_arithmetic(*app);
    add_number(*app, "--tolerance", limits_.tolerance, 0.0, 1.0,
               "Of log-probabilities, scaled logits and relative norms")
        ->excludes(determinism);
    app->footer(examples({
                    "moebius model verify ./checkpoint --golden ./checkpoint/golden.json",
                    "moebius model verify embedded --determinism --json",
                    "moebius model verify ./checkpoint --determinism --batches 1,64,1000",
                }) +
                "\nExits with 1 if a criterion is missed, and names it.");
  }

  int run(Output& out) override {
    if (golden_.empty() != determinism_) {
      throw InputError("model verify: expected --golden FILE or --determinism");
    }
    if (determinism_ && app()->count("--threads") > 0) {
      throw InputError("model verify: --determinism chooses its own threads");
    }
    return determinism_ ? verify_bits(out) : verify_values(out);
  }

 private:
  int verify_values(Output& out) const {
    const Golden golden = read_golden(golden_);
    const auto engine = engine::load(model_, engine_.options);
    std::vector<GoldenReport> cases;
    GoldenReport overall{.name = "all"};
    for (const GoldenCase& golden_case : golden.cases) {
      show_progress(golden_case.name);
      cases.push_back(compare_case(golden_case, *engine));
      overall.merge(cases.back());
    }
    clear_progress();
    const bool pass = violations(overall, limits_).empty();
    if (!json_) {
      out.write(golden_text(cases, overall, limits_));
      return pass ? kOk : kNegative;
    }
    Json line = {{"model", model_},
                 {"golden", golden_},
                 {"source", golden.source},
                 {"fingerprint", engine->fingerprint()},
                 {"tolerance", limits_.tolerance},
                 {"pass", pass},
                 {"overall", report_json(overall, limits_)},
                 {"cases", Json::array()}};
    for (const GoldenReport& report : cases) line["cases"].push_back(report_json(report, limits_));
    out.write(json_line(line));
    return pass ? kOk : kNegative;
  }

  int verify_bits(Output& out) const {
    const auto load = [this](engine::LocalOptions options) {
      options.device = engine_.options.device;
      options.arithmetic = engine_.options.arithmetic;
      options.kv_cache = engine_.options.kv_cache;
      return engine::load(model_, options);
    };
    const DeterminismOptions options{.seed = kSeed,
                                     .devices = engine_.options.devices,
                                     .batches = parse_batches("model verify", batches_)};
    const DeterminismReport report = verify_determinism(load, options, show_progress);
    clear_progress();
    out.write(json_ ? json_line(determinism_json(report, model_)) : determinism_text(report));
    return report.pass() ? kOk : kNegative;
  }

  std::string model_;
  std::string golden_;
  bool determinism_ = false;
  std::string batches_ = "1,2,7,64";
  bool json_ = false;
  EngineFlags engine_;
  GoldenLimits limits_;
};

}  // namespace

std::unique_ptr<Command> add_model_verify_command(CLI::App& model) {
  return std::make_unique<ModelVerifyCommand>(model.add_subcommand(
      "verify", "Compare with recorded reference results, or with itself, bit for bit"));
}

}  // namespace moebius::runner
