// moebius plan: how many questions and repeats a margin takes, and what they cost.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "engine/engine.h"
#include "engine/text/tokenizer.h"
#include "reports/compare.h"
#include "reports/leaderboard.h"
#include "reports/sizes.h"
#include "runner/commands.h"
#include "runner/compare_flags.h"
#include "runner/dry_run.h"
#include "runner/eval_flags.h"
#include "runner/flags.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/percent.h"
#include "runner/plan.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

/// What is known of one set before it is asked.
struct SizedSet {
  std::string name;
  std::int64_t questions = 0;
  std::int64_t repeats = 0;
  double flips = 0;  // variance of one question's difference at these repeats
  std::string from;  // "assumed", "runs 1 and 2"
  reports::SizePlan size;
  std::optional<double> prompt_tokens;  // of all samples
  std::optional<double> output_tokens;
  bool at_most = false;  // the output tokens are what the limit allows
};

/// Earlier runs, as far as they were named.
class History {
 public:
  History(const std::string& store, const std::string& base, const std::string& candidate) {
    if (store.empty()) return;
    StoredRun first = open_run(store, base);
    run_ = first.run;
    summary_ = reports::summarize(*first.reader, first.run, 1.0);
    seconds_ = reports::busy_seconds(*first.reader, first.run.id);
    if (candidate.empty()) return;
    StoredRun second = open_run(store, candidate);
    pair_ = reports::compare(*first.reader, first.run, *second.reader, second.run,
                             {.fail_budget = 1.0, .intersect = true});
  }

  const reports::Row* row(const reports::Set& set) const {
    for (const reports::Row& each : summary_.rows) {
      const bool same = each.task == set.task && each.variant == set.variant;
      if (same && each.part.empty() && each.samples > 0) return &each;
    }
    return nullptr;
  }

  const reports::SetComparison* pair(const reports::Set& set) const {
    for (const reports::SetComparison& each : pair_.sets) {
      if (each.task == set.task && each.variant == set.variant && each.error) return &each;
    }
    return nullptr;
  }

  std::string name() const {
    std::string text = fmt::format("run {}", run_.id);
    return pair_.sets.empty() ? text : fmt::format("{} and {}", text, pair_.candidate.id);
  }

  /// Prompt and output tokens a second while the run was at work, all attempts together.
  std::optional<double> speed() const {
    double tokens = 0;
    std::string seen;
    for (const reports::Row& each : summary_.rows) {
      if (!each.part.empty() || seen == each.task + ":" + each.variant) continue;
      seen = each.task + ":" + each.variant;  // further rows are other metrics of the same samples
      tokens += static_cast<double>(each.prompt_tokens + each.output_tokens);
    }
    if (!seconds_ || tokens <= 0) return std::nullopt;
    return tokens / *seconds_;
  }

 private:
  reports::Run run_;
  reports::Summary summary_;
  reports::Comparison pair_;
  std::optional<double> seconds_;
};

class PlanCommand : public Command {
 public:
  explicit PlanCommand(CLI::App* app) : Command(app) {
    add_questions(*app);
    add_percent(*app, "--margin", margin_, "How much worse is still good enough");
    add_percent(*app, "--alpha", alpha_, "Chance of an error of each decision, one-sided");
    add_percent(*app, "--power", power_, "Chance that equal models pass");
    add_percent(*app, "--flip-rate", flip_rate_,
                "Questions that change sides between two models, where no run says");
    app->add_option("--store", store_, "SQLite file of results that say how scores spread")
        ->type_name("FILE");
    app->add_option("--base", base_, "Run of the store: spread over repeats, tokens, speed")
        ->type_name("RUN")
        ->capture_default_str();
    app->add_option("--candidate", candidate_,
                    "Another run of it: how often questions change sides")
        ->type_name("RUN");
    add_number(*app, "--tokens-per-second", speed_, 0.0, 1e12,
               "Of the machine, prompts and answers together; 0: as in the run");
    add_number(*app, "--price", price_, 0.0, 1e9, "Of an hour of the machine");
    app->add_flag("--json", json_, "As JSON");
    app->footer(examples({
        "moebius plan --tasks mmlu,humaneval --margin 1% --data-dir ./data",
        "moebius plan --tasks mini --margin 3% --flip-rate 5% --model embedded",
        "moebius plan --tasks mini-aime --margin 5% --store ci.sqlite --base 3 --candidate 4 "
        "--price 2.5",
    }));
  }

  int run(Output& out) override {
    const std::vector<PlannedSet> plan = make_plan(parse_tasks(tasks_, sets_), options_);
    const History history(store_, base_, candidate_);
    std::vector<SetCost> costs;
    if (!model_.empty()) {
      const auto tokenizer = engine::load_tokenizer(model_);
      costs =
          measure_cost(plan, *make_tokenizer_asker(*tokenizer, engine::inspect(model_).context));
    }
    if (speed_ <= 0) speed_ = history.speed().value_or(0);
    std::vector<SizedSet> sized;
    for (std::size_t i = 0; i < plan.size(); ++i) {
      sized.push_back(size_set(plan[i].record, history, costs.empty() ? nullptr : &costs[i]));
    }
    if (json_) {
      out.write(json_line(to_json(sized)));
    } else {
      write_table(sized, out);
    }
    return kOk;
  }

 private:
  void add_questions(CLI::App& app) {
    app.add_option("--tasks", tasks_, "Benchmarks, as in eval")->type_name("LIST")->required();
    add_texts(app, "--set", sets_, "Option of a task: TASK.OPTION=VALUE; repeatable");
    add_data_dir(app, options_.data_dir);
    add_number<std::int64_t>(app, "--limit", options_.limit, 0, 1'000'000'000,
                             "Questions per task, the first ones; 0: all");
    add_number(app, "--repeats", options_.sampling.repeats, 0, 100'000,
               "Answers per question; 0: the protocol's");
    add_model(app, model_, false)
        ->description("Counts the prompts' tokens, where no run says: directory or \"embedded\"");
  }

  SizedSet size_set(const reports::Set& set, const History& history, const SetCost* cost) const {
    SizedSet sized{.name = set.task + ":" + set.variant,
                   .questions = set.items,
                   .repeats = set.repeats,
                   .from = "assumed"};
    reports::Spread spread = reports::spread_of_flips(flip_rate_, 0);
    const reports::Row* row = history.row(set);
    double within = 0;
    if (row != nullptr && row->stderr_rerun) {
      const std::int64_t asked = row->planned / std::max<std::int64_t>(1, row->items);
      within = reports::within_of_rerun(*row->stderr_rerun, row->items, asked);
      spread = reports::spread_of_flips(flip_rate_, within);
      sized.from = "repeats of " + history.name();
    }
    if (const reports::SetComparison* pair = history.pair(set)) {
      const std::int64_t asked = row == nullptr || row->items == 0 ? 1 : row->planned / row->items;
      spread = reports::spread_of_error(*pair->error, pair->items, asked, within);
      sized.from = history.name();
    }
    sized.flips = spread.of_question(set.repeats);
    sized.size = reports::plan_size(spread, {.margin = margin_,
                                             .alpha = alpha_,
                                             .power = power_,
                                             .questions = set.items,
                                             .repeats = set.repeats});
    add_tokens(row, cost, sized);
    return sized;
  }

  static void add_tokens(const reports::Row* row, const SetCost* cost, SizedSet& sized) {
    const auto samples = static_cast<double>(sized.questions * sized.repeats);
    if (row != nullptr) {
      const double share = samples / static_cast<double>(row->samples);
      sized.prompt_tokens = share * static_cast<double>(row->prompt_tokens);
      sized.output_tokens = share * static_cast<double>(row->output_tokens);
    } else if (cost != nullptr) {
      sized.prompt_tokens = static_cast<double>(cost->prompt_tokens);
      sized.output_tokens = static_cast<double>(cost->max_output_tokens);
      sized.at_most = true;
    }
  }

  std::optional<double> hours(const SizedSet& set) const {
    if (!set.prompt_tokens || speed_ <= 0) return std::nullopt;
    return (*set.prompt_tokens + *set.output_tokens) / speed_ / 3600;
  }

  static std::string count_or_dash(const std::optional<double>& value) {
    return value ? human_count(*value) : "-";
  }

  std::vector<std::string> table_row(const SizedSet& set) const {
    const std::optional<double> time = hours(set);
    return {set.name,
            fmt::format("{}", set.questions),
            fmt::format("{}", set.repeats),
            fmt::format("{:.2f} %", 100 * set.flips),
            fmt::format("{}", set.size.questions),
            set.size.repeats ? fmt::format("{}", *set.size.repeats) : "-",
            fmt::format("{:.2f} %", 100 * set.size.detectable),
            fmt::format("{:.0f} %", 100 * set.size.power),
            count_or_dash(set.prompt_tokens),
            (set.at_most ? "<= " : "") + count_or_dash(set.output_tokens),
            time ? fmt::format("{:.3f}", *time) : "-",
            time && price_ > 0 ? fmt::format("{:.2f}", *time * price_) : "-",
            set.from};
  }

  void write_table(const std::vector<SizedSet>& sets, Output& out) const {
    Table table({"task", "questions", "repeats", "spread", "needed", "or repeats", "detectable",
                 "power", "tokens in", "tokens out", "hours", "cost", "spread from"});
    double total = 0;
    for (const SizedSet& set : sets) {
      table.add(table_row(set));
      total += hours(set).value_or(0);
    }
    out.write(table.text());
    out.write(
        fmt::format("\nmargin {:g} %, alpha {:g} one-sided, power {:g} % if the models do not "
                    "differ\n",
                    100 * margin_, alpha_, 100 * power_));
    out.write(
        "needed: questions at these repeats; or repeats: of the questions there are, - where "
        "no number does; detectable: the smallest margin that this size can prove\n");
    if (total > 0) {
      out.write(fmt::format("one run: {:.3f} hours at {:.0f} tokens/s{}\n", total, speed_,
                            price_ > 0 ? fmt::format(", {:.2f}", total * price_) : ""));
    }
  }

  Json to_json(const std::vector<SizedSet>& sets) const {
    const auto number = [](const auto& value) { return value ? Json(*value) : Json(nullptr); };
    Json rows = Json::array();
    for (const SizedSet& set : sets) {
      const std::optional<double> time = hours(set);
      rows.push_back({{"task", set.name},
                      {"questions", set.questions},
                      {"repeats", set.repeats},
                      {"spread", set.flips},
                      {"spread_from", set.from},
                      {"questions_needed", set.size.questions},
                      {"repeats_needed", number(set.size.repeats)},
                      {"detectable", set.size.detectable},
                      {"power", set.size.power},
                      {"prompt_tokens", number(set.prompt_tokens)},
                      {"output_tokens", number(set.output_tokens)},
                      {"output_tokens_at_most", set.at_most},
                      {"hours", number(time)},
                      {"cost", time && price_ > 0 ? Json(*time * price_) : Json(nullptr)}});
    }
    return {{"margin", margin_}, {"alpha", alpha_}, {"power", power_}, {"sets", std::move(rows)}};
  }

  std::string tasks_;
  std::vector<std::string> sets_;
  PlanOptions options_;
  std::string model_;
  double margin_ = 0.01;
  double alpha_ = 0.05;
  double power_ = 0.8;
  double flip_rate_ = 0.1;
  std::string store_;
  std::string base_ = "last";
  std::string candidate_;
  double speed_ = 0;
  double price_ = 0;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> add_plan_command(CLI::App& app) {
  return std::make_unique<PlanCommand>(
      app.add_subcommand("plan", "Questions, repeats and cost that a margin takes"));
}

}  // namespace moebius::runner
