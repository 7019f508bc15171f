// Which runs these are, what must be known of them, and their scores.
#include <fmt/format.h>

#include <algorithm>

#include "reports/render/html/charts.h"
#include "reports/render/html/markup.h"
#include "reports/render/html/sections.h"
#include "reports/render/table.h"

namespace moebius::reports::html {
namespace {

class Banners {
 public:
  void add(const char* kind, std::string_view word, const std::string& line) {
    html_ += fmt::format("<li class=\"{}\"><strong>{}</strong> {}</li>\n", kind, word, text(line));
  }
  std::string take() { return html_; }

 private:
  std::string html_;
};

void add_run(const RunFacts& run, Banners& banners) {
  const Run& its = run.source.run;
  if (!run.summary.valid) {
    banners.add("warn", "INVALID", run.name + ": " + run.summary.why_invalid);
  }
  if (its.state == "running" || its.state == "incomplete") {
    const bool early = its.command.find("--sequential") != std::string::npos;
    banners.add(
        "warn", early ? "EARLY-STOPPED OR INCOMPLETE" : "INCOMPLETE",
        run.name + (early ? ": asked with --sequential, so it may have been stopped at a look "
                            "that decided; not every question was asked"
                          : ": not every question was asked"));
  }
  if (its.shards > 0) {
    banners.add("warn", "SHARD",
                fmt::format("{}: part {} of {} of the questions", run.name, its.shard, its.shards));
  }
  if (its.sandbox.find("UNSANDBOXED") != std::string::npos) {
    banners.add("warn", "UNSANDBOXED",
                run.name + ": model-written code ran with resource limits only");
  }
  if (its.remote) {
    banners.add("info", "REMOTE",
                fmt::format("{}: {} at {}; a model behind an API cannot be reproduced bit for bit",
                            run.name, its.remote->model, its.remote->endpoint));
  }
}

std::string short_hash(const std::string& hash) {
  return hash.substr(0, 16);
}

TableOf runs_table(const Page& page) {
  TableOf table{.caption = "Runs",
                .columns = {{"Run"},
                            {"Model"},
                            {"State"},
                            {"Started (UTC)"},
                            {"Samples", true},
                            {"Weights"},
                            {"Tokenizer"},
                            {"Build"},
                            {"Sandbox"},
                            {"Store"},
                            {"Key"}}};
  for (const RunFacts& run : page.runs) {
    const Run& its = run.source.run;
    table.rows.push_back(
        {{.text = run.name, .href = samples_link({{"run", run.name}})},
         {.text = its.model, .kind = "wrap"},
         {.text = its.state},
         {.text = its.started},
         {.text = thousands(run.samples), .sort = std::to_string(run.samples)},
         {.text = short_hash(its.weights_hash), .kind = "code", .title = its.weights_hash},
         {.text = short_hash(its.tokenizer_hash), .kind = "code", .title = its.tokenizer_hash},
         {.text = its.build},
         {.text = its.sandbox.empty() ? "not used" : its.sandbox, .kind = "wrap"},
         {.text = run.source.store, .kind = "code"},
         {.text = its.key.substr(0, 12), .kind = "code", .title = its.key}});
  }
  return table;
}

std::string sampling(const Set& set) {
  std::string how = set.temperature > 0 ? fmt::format("temperature {:g}, top-p {:g}, seed {}",
                                                      set.temperature, set.top_p, set.seed)
                                        : "greedy";
  if (set.max_new_tokens > 0) how += fmt::format(", at most {} tokens", set.max_new_tokens);
  return how;
}

TableOf sets_table(const Page& page) {
  TableOf table{.caption = "What was asked, and who judged",
                .columns = {{"Task"},
                            {"Run"},
                            {"Task version", true},
                            {"Questions", true},
                            {"Repeats", true},
                            {"Sampling"},
                            {"Graders"},
                            {"Dataset sha256"}}};
  for (const RunFacts& run : page.runs) {
    for (const SetFacts& facts : run.sets) {
      const Set& set = facts.set;
      const Row* row = headline_row(run, set);
      std::string graders = set.scorers;
      if (graders.empty() && row != nullptr) {
        graders = fmt::format("{} {}", row->scorer, row->scorer_version);
      }
      table.rows.push_back(
          {{.text = page.sets.all()[facts.index],
            .href = samples_link({{"task", page.sets.all()[facts.index]}, {"run", run.name}})},
           {.text = run.name},
           {.text = std::to_string(set.task_version)},
           {.text = thousands(set.items), .sort = std::to_string(set.items)},
           {.text = std::to_string(set.repeats)},
           {.text = sampling(set)},
           {.text = graders},
           {.text = short_hash(set.data_sha256), .kind = "code", .title = set.data_sha256}});
    }
  }
  return table;
}

int digits_of(const Row& row) {
  const double half = row.interval ? (row.interval->high - row.interval->low) / 2 : 1;
  return half < 0.005 ? 2 : 1;
}

std::string optional_percent(const std::optional<double>& share, int digits) {
  return share ? percent(*share, digits) : "–";
}

/// A stratum can be filtered for, as a subject of the rows or beside it.
std::string subject_of(const RunFacts& run, const Row& row) {
  const auto is_set = [&](const SetFacts& facts) {
    return facts.set.task == row.task && facts.set.variant == row.variant &&
           facts.strata.contains(row.part);
  };
  return std::any_of(run.sets.begin(), run.sets.end(), is_set) ? row.part : "";
}

std::vector<Cell> score_cells(const RunFacts& run, const Row& row) {
  const std::string set = set_name(row.task, row.variant);
  const std::string subject = subject_of(run, row);
  const auto link = [&](const char* verdict) {
    return samples_link(
        {{"task", set}, {"subject", subject}, {"run", run.name}, {"verdict", verdict}});
  };
  const int digits = digits_of(row);
  return {
      {.text = set},
      {.text = run.name},
      {.text = row.part.empty() ? "all" : row.part},
      {.text = row.metric},
      {.text = row.scorer.empty() ? "–" : fmt::format("{} v{}", row.scorer, row.scorer_version)},
      {.text = optional_percent(row.value, digits),
       .href = link(""),
       .sort = row.value ? sort_key(*row.value) : ""},
      {.text = row.value && row.interval
                   ? fmt::format("{} – {}", percent(row.interval->low, digits),
                                 percent(row.interval->high, digits))
                   : "–",
       .title = row.interval_method},
      {.text = optional_percent(row.stderr_rerun, 2),
       .title = "standard error if only the answers were drawn again"},
      {.text = thousands(row.items), .sort = std::to_string(row.items)},
      {.text = row.samples < row.planned ? thousands(row.samples) + " of " + thousands(row.planned)
                                         : thousands(row.samples),
       .href = link(""),
       .sort = std::to_string(row.samples)},
      {.text = percent(row.truncated), .href = row.truncated > 0 ? link("truncated") : ""},
      {.text = percent(row.no_answer), .href = row.no_answer > 0 ? link("no_answer") : ""},
      {.text = percent(row.failed)},
      {.text = thousands(row.prompt_tokens), .sort = std::to_string(row.prompt_tokens)},
      {.text = thousands(row.output_tokens), .sort = std::to_string(row.output_tokens)},
      {.text = fmt::format("{:.1f}", row.mean_latency_ms)}};
}

TableOf scores_table(const Page& page) {
  TableOf table{.caption = "Scores in percent with 95 % intervals; a score leads to its samples",
                .columns = {{"Task"},
                            {"Run"},
                            {"Part"},
                            {"Metric"},
                            {"Grader"},
                            {"Score", true},
                            {"95 % interval", true},
                            {"± rerun", true},
                            {"Questions", true},
                            {"Samples", true},
                            {"Truncated", true},
                            {"No answer", true},
                            {"Failed", true},
                            {"Tokens in", true},
                            {"Tokens out", true},
                            {"ms / sample", true}}};
  for (const RunFacts& run : page.runs) {
    for (const Row& row : run.summary.rows) table.rows.push_back(score_cells(run, row));
  }
  const auto same_in_all = [&](std::size_t column) {
    return std::all_of(table.rows.begin(), table.rows.end(), [&](const std::vector<Cell>& row) {
      return row[column].text == table.rows[0][column].text;
    });
  };
  constexpr std::size_t kRun = 1, kPart = 2, kRerun = 7;  // say nothing if they are always the same
  for (const std::size_t column : {kRerun, kPart, kRun}) {
    if (same_in_all(column)) drop_column(column, table);
  }
  return table;
}

/// Headline scores: a row for each task, a mark for each run.
std::string scores_chart(const Page& page) {
  Forest chart{.title = "Scores with 95 % intervals", .axis = "score, %"};
  for (std::size_t index = 0; index < page.sets.all().size(); ++index) {
    ForestRow line{.label = page.sets.all()[index]};
    for (std::size_t r = 0; r < page.runs.size(); ++r) {
      for (const SetFacts& facts : page.runs[r].sets) {
        const Row* row = facts.index == index ? headline_row(page.runs[r], facts.set) : nullptr;
        if (row == nullptr || !row->value) continue;
        line.estimates.push_back(
            {.series = r,
             .value = *row->value,
             .interval = row->interval,
             .href = samples_link({{"task", line.label}, {"run", page.runs[r].name}}),
             .title = score_title(page.runs[r], *row)});
      }
    }
    if (!line.estimates.empty()) chart.rows.push_back(std::move(line));
  }
  if (chart.rows.empty()) return {};
  return figure("Scores",
                "The mean over questions and the interval that would hold in 95 of 100 "
                "draws of questions. Overlapping intervals of two runs do not say that "
                "the runs agree: compare them pair by pair.",
                legend(page) + forest(chart));
}

std::string score_notes(const Page& page) {
  std::vector<std::string> lines;
  for (const RunFacts& run : page.runs) {
    for (const Row& row : run.summary.rows) {
      const std::size_t note = row.interval_method.find("; ");
      if (note == std::string::npos) continue;
      lines.push_back(fmt::format("{}, {}{}, {}: {}", run.name, set_name(row.task, row.variant),
                                  row.part.empty() ? "" : "/" + row.part, row.metric,
                                  row.interval_method.substr(note + 2)));
    }
    for (const std::string& note : run.summary.notes) lines.push_back(run.name + ", " + note);
  }
  return list("note", lines);
}

}  // namespace

const Row* headline_row(const RunFacts& run, const Set& set) {
  for (const Row& row : run.summary.rows) {
    if (row.task == set.task && row.variant == set.variant) return &row;
  }
  return nullptr;
}

std::string score_title(const RunFacts& run, const Row& row) {
  std::string line = fmt::format("{}, {}: {} %", run.name, set_name(row.task, row.variant),
                                 optional_percent(row.value, digits_of(row)));
  if (row.interval) {
    line += fmt::format(" [{}, {}]", percent(row.interval->low, digits_of(row)),
                        percent(row.interval->high, digits_of(row)));
  }
  return line + fmt::format(", {} questions", thousands(row.items));
}

std::string legend(const Page& page) {
  if (page.runs.size() < 2) return {};
  std::string html = "<ul class=\"legend\">";
  for (std::size_t i = 0; i < page.runs.size(); ++i) {
    html += fmt::format("<li>{}{} <span class=\"lead\">{}</span></li>", mark_icon(i),
                        text(page.runs[i].name), text(clipped(page.runs[i].source.run.model)));
  }
  return html + "</ul>\n";
}

std::string figure(std::string_view name, std::string_view caption, const std::string& chart,
                   std::string_view attributes) {
  return fmt::format(
      "<figure{}{}><figcaption><strong>{}</strong> {}</figcaption>\n"
      "<div class=\"scroll\">{}</div></figure>\n",
      attributes.empty() ? "" : " ", attributes, text(name), text(caption), chart);
}

std::string banners(const Page& page, const Comparison* comparison) {
  Banners all;
  for (const RunFacts& run : page.runs) add_run(run, all);
  if (comparison != nullptr) {
    for (const SetComparison& set : comparison->sets) {
      if (set.look > 0 && set.base_only > 0) {
        all.add("info", "EARLY-STOPPED",
                fmt::format("{}: decided at look {}; {} questions of the base were not asked",
                            set_name(set.task, set.variant), set.look, set.base_only));
      }
    }
  }
  const std::string html = all.take();
  return html.empty() ? html : "<ul class=\"banners\" role=\"note\">\n" + html + "</ul>\n";
}

Section runs_section(const Page& page) {
  return {
      .id = "runs", .heading = "Runs", .html = table(runs_table(page)) + table(sets_table(page))};
}

Section scores_section(const Page& page) {
  return {.id = "scores",
          .heading = "Scores",
          .html = scores_chart(page) + table(scores_table(page)) + score_notes(page)};
}

}  // namespace moebius::reports::html
