// Sections made of charts: subjects, costs, repeats, months, calibration, tokens, time, machines.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "reports/render/html/charts.h"
#include "reports/render/html/markup.h"
#include "reports/render/html/sections.h"
#include "reports/statistics/estimators.h"
#include "reports/statistics/intervals.h"
#include "reports/statistics/pass_at_k.h"

namespace moebius::reports::html {
namespace {

/// The facts of one task, with the number of the run they are of.
struct OfRun {
  std::size_t run;
  const SetFacts* facts;
};

std::vector<OfRun> facts_of(const Page& page, std::size_t index) {
  std::vector<OfRun> found;
  for (std::size_t r = 0; r < page.runs.size(); ++r) {
    for (const SetFacts& facts : page.runs[r].sets) {
      if (facts.index == index) found.push_back({r, &facts});
    }
  }
  return found;
}

/// A figure for each task that `draw` draws something for.
std::string each_task(const Page& page,
                      const std::function<std::string(const std::string&, std::size_t)>& draw) {
  std::string html;
  for (std::size_t i = 0; i < page.sets.all().size(); ++i) html += draw(page.sets.all()[i], i);
  return html;
}

// ---- subjects -------------------------------------------------------------------------

/// The board's part for a run, if it is ranked; null if not.
const BoardPart* board_part(const Board& board, std::size_t run, std::size_t subject) {
  for (const BoardEntry& entry : board.entries) {
    if (entry.run == run && subject < entry.subjects.size()) return &entry.subjects[subject];
  }
  return nullptr;
}

/// A cell that stands out from the other runs' after correction for all cells.
const BoardPart* marked_part(const Page& page, std::size_t run, const SetFacts& facts,
                             const std::string& subject) {
  for (const Board& board : page.board.boards) {
    if (set_name(board.task, board.variant) != page.sets.all()[facts.index]) continue;
    for (std::size_t i = 0; i < board.subjects.size(); ++i) {
      const bool row = board.subjects_by[i] == "stratum" || board.subjects_by[i] == "subject";
      if (!row || board.subjects[i] != subject) continue;
      const BoardPart* part = board_part(board, run, i);
      if (part != nullptr && part->marked) return part;
    }
  }
  return nullptr;
}

/// `marked`: what the cell stands out by; null if it does not.
Cell heat_cell(double mean, std::string title, const BoardPart* marked, const Filter& samples) {
  static const char* const kSteps[] = {"heat h0", "heat h1", "heat h2", "heat h3", "heat h4",
                                       "heat h5", "heat h6", "heat h7", "heat h8", "heat h9"};
  const double difference = marked == nullptr ? 0 : marked->difference.value_or(0);
  if (marked != nullptr) {
    title += fmt::format("; {:+.1f} points against the other runs, q {:.4f}", 100 * difference,
                         marked->q.value_or(1));
  }
  return {.text = percent(mean) + (difference > 0   ? " ▲"
                                   : difference < 0 ? " ▼"
                                                    : ""),
          .href = samples_link(samples),
          .sort = sort_key(mean),
          .kind = kSteps[std::clamp(static_cast<int>(mean * 10), 0, 9)],
          .title = title};
}

Cell subject_cell(const Page& page, const std::string& set, const std::string& subject,
                  std::size_t run, const SetFacts& facts) {
  const auto found = facts.subjects.find(subject);
  if (found == facts.subjects.end()) return {.text = "–", .kind = "heat"};
  const double mean = found->second.mean();
  const Interval range = wilson(mean, static_cast<double>(found->second.items));
  const std::string& name = page.runs[run].name;
  return heat_cell(
      mean,
      fmt::format("{}, {}: {} % [{}, {}] of {} questions", name, subject, percent(mean),
                  percent(range.low), percent(range.high), found->second.items),
      marked_part(page, run, facts, subject), {{"task", set}, {"subject", subject}, {"run", name}});
}

Cell part_cell_of(const Page& page, const Board& board, std::size_t subject, std::size_t run) {
  const BoardPart* part = board_part(board, run, subject);
  if (part == nullptr || !part->value) return {.text = "–", .kind = "heat"};
  const std::string label = part_label(board.subjects_by[subject], board.subjects[subject]);
  const std::string& name = page.runs[run].name;
  std::string title = fmt::format("{}, {}: {} %", name, label, percent(*part->value));
  if (part->interval) {
    title += fmt::format(" [{}, {}]", percent(part->interval->low), percent(part->interval->high));
  }
  return heat_cell(*part->value, title + fmt::format(" of {} questions", part->items),
                   part->marked ? part : nullptr,
                   {{"task", set_name(board.task, board.variant)},
                    {"subject", board.subjects[subject].empty() ? "" : label},
                    {"run", name}});
}

/// Ranked runs by what sorts the questions beside their subjects: groups, levels, families.
std::string part_tables(const Page& page, const Board& board) {
  const auto& by = board.subjects_by;
  const bool tagged = std::find(by.begin(), by.end(), "subject") != by.end();
  std::vector<std::size_t> runs;
  for (std::size_t r = 0; r < page.runs.size(); ++r) {
    if (!by.empty() && board_part(board, r, 0) != nullptr) runs.push_back(r);
  }
  std::string html;
  for (std::size_t begin = 0, end = 0; begin < by.size(); begin = end) {
    while (end < by.size() && by[end] == by[begin]) ++end;
    if (by[begin] == (tagged ? "subject" : "stratum")) continue;  // the rows' own
    const std::string what = by[begin] == "stratum" ? "group" : by[begin];
    TableOf heat{.caption = set_name(board.task, board.variant) + " by " + what,
                 .columns = {{what}, {"Questions", true}}};
    heat.columns[0].name[0] = static_cast<char>(heat.columns[0].name[0] - 'a' + 'A');
    for (const std::size_t r : runs) heat.columns.push_back({page.runs[r].name, true});
    for (std::size_t i = begin; i < end; ++i) {
      std::int64_t items = 0;
      for (const std::size_t r : runs) items = std::max(items, board_part(board, r, i)->items);
      std::vector<Cell> row = {{.text = board.subjects[i].empty() ? "other" : board.subjects[i]},
                               {.text = thousands(items), .sort = std::to_string(items)}};
      for (const std::size_t r : runs) row.push_back(part_cell_of(page, board, i, r));
      heat.rows.push_back(std::move(row));
    }
    html += table(heat);
  }
  return html;
}

std::string subject_table(const Page& page, const std::string& set, std::size_t index) {
  const std::vector<OfRun> runs = facts_of(page, index);
  std::vector<std::string> subjects;
  for (const OfRun& of : runs) {
    for (const std::string& subject : of.facts->subject_order) {
      if (std::find(subjects.begin(), subjects.end(), subject) == subjects.end()) {
        subjects.push_back(subject);
      }
    }
  }
  if (subjects.size() < 2) return {};
  TableOf heat{.caption = set, .columns = {{"Subject"}, {"Questions", true}}};
  for (const OfRun& of : runs) heat.columns.push_back({page.runs[of.run].name, true});
  for (const std::string& subject : subjects) {
    std::int64_t items = 0;
    for (const OfRun& of : runs) {
      const auto found = of.facts->subjects.find(subject);
      if (found != of.facts->subjects.end()) items = std::max(items, found->second.items);
    }
    std::vector<Cell> row = {{.text = subject.empty() ? "other" : subject},
                             {.text = thousands(items), .sort = std::to_string(items)}};
    for (const OfRun& of : runs) row.push_back(subject_cell(page, set, subject, of.run, *of.facts));
    heat.rows.push_back(std::move(row));
  }
  return table(heat);
}

// ---- repeats --------------------------------------------------------------------------

Estimate pass_estimate(const SetFacts& facts, std::size_t run, std::int64_t k) {
  std::vector<double> values;
  for (const auto& [answers, right] : facts.repeats) {
    if (const auto value = pass_at_k(answers, right, k)) values.push_back(*value);
  }
  Estimate estimate{.series = run, .value = mean(values)};
  if (const auto error = standard_error(values)) {
    estimate.interval = student_t(estimate.value, *error, static_cast<double>(values.size() - 1));
  }
  return estimate;
}

std::string pass_curves(const Page& page, const std::string& set, std::size_t index) {
  std::vector<Curve> lines;
  for (const OfRun& of : facts_of(page, index)) {
    std::int64_t most = 0;
    for (const auto& [answers, right] : of.facts->repeats) most = std::max(most, answers);
    if (most < 2) continue;
    Curve curve{.series = of.run};
    for (std::int64_t k = 1;; k = std::min(2 * k, most)) {
      Estimate estimate = pass_estimate(*of.facts, of.run, k);
      estimate.title =
          fmt::format("{}: pass@{} {} %", page.runs[of.run].name, k, percent(estimate.value));
      curve.x.push_back(static_cast<double>(k));
      curve.y.push_back(std::move(estimate));
      if (k == most) break;
    }
    lines.push_back(std::move(curve));
  }
  if (lines.empty()) return {};
  return figure("pass@k of " + set,
                "The chance that at least one of k answers is right, in percent; the band is the "
                "95 % interval over questions.",
                legend(page) + curves("pass@k of " + set, "k", lines));
}

// ---- months ---------------------------------------------------------------------------

std::string month_chart(const Page& page, const std::string& set, std::size_t index) {
  const std::vector<OfRun> runs = facts_of(page, index);
  std::set<std::string> known;
  for (const OfRun& of : runs) {
    for (const auto& [month, tally] : of.facts->months) known.insert(month);
  }
  if (known.size() < 2) return {};
  const std::vector<std::string> months(known.begin(), known.end());
  std::vector<std::vector<Estimate>> estimates;
  std::string names;
  for (const std::string& month : months) {
    names += (names.empty() ? "" : " ") + month;
    auto& list = estimates.emplace_back();
    for (const OfRun& of : runs) {
      const auto found = of.facts->months.find(month);
      if (found == of.facts->months.end()) continue;
      const double value = found->second.mean();
      const std::string& run = page.runs[of.run].name;
      list.push_back(
          {.series = of.run,
           .value = value,
           .interval = wilson(value, static_cast<double>(found->second.items)),
           .href = samples_link({{"task", set}, {"run", run}, {"from", month}, {"to", month}}),
           .title = fmt::format("{}, {}: {} % of {} questions", run, month, percent(value),
                                found->second.items)});
    }
  }
  return figure(
      "Score of " + set + " by month",
      "Questions by the date they were published, with Wilson intervals. A fall after a "
      "model's training data ends is a sign that earlier questions were seen in training.",
      legend(page) + monthly("Score of " + set + " by month", months, estimates) +
          "<div class=\"window\"></div>",
      fmt::format("data-task=\"{}\" data-months=\"{}\"", text(set), text(names)));
}

// ---- calibration ----------------------------------------------------------------------

std::string calibration_chart(const Page& page, const std::string& set, std::size_t index) {
  std::vector<std::pair<std::size_t, Calibration>> series;
  std::string figures;
  for (const OfRun& of : facts_of(page, index)) {
    const auto calibration = calibrate(of.facts->guesses);
    if (!calibration) continue;
    figures += fmt::format(" {}: ECE {} %, Brier score {:.3f}.", page.runs[of.run].name,
                           percent(calibration->ece), calibration->brier);
    series.emplace_back(of.run, *calibration);
  }
  if (series.empty()) return {};
  return figure("Calibration of " + set,
                "How often the choice with the highest log-probability was judged right, by the "
                "probability it had among the choices; bins of equal numbers of questions, Wilson "
                "intervals, the diagonal is perfect." +
                    figures,
                legend(page) + reliability("Calibration of " + set, series));
}

// ---- tokens and time ------------------------------------------------------------------

std::string distribution_chart(const Page& page, const std::string& set, std::size_t index,
                               bool tokens) {
  std::vector<Distribution> series;
  bool cut = false;
  for (const OfRun& of : facts_of(page, index)) {
    const LogHistogram& histogram = tokens ? of.facts->tokens : of.facts->latency_ms;
    if (histogram.bins().empty()) continue;
    for (const auto& [bin, counted] : histogram.bins()) cut = cut || counted.cut > 0;
    series.push_back({of.run, &histogram});
  }
  const std::string name = (tokens ? "Answer length of " : "Latency of ") + set;
  const std::string chart = histogram(name, tokens ? "output tokens" : "milliseconds", series);
  if (chart.empty()) return {};
  return figure(
      name, cut ? "Share of answers; filled: truncated." : "Share of answers; none was truncated.",
      legend(page) + chart);
}

std::string cost_points(const Page& page, const std::string& title,
                        const std::vector<Point>& points, bool front) {
  return points.empty()
             ? ""
             : figure(title,
                      front ? "Upper left is better; the dotted line joins the runs that no "
                              "other beats on both axes."
                            : "Where the tokens go.",
                      (front ? legend(page) : std::string()) +
                          scatter(title, "output tokens a sample", points, front));
}

std::optional<Point> cost_point(const Page& page, std::size_t r, const SetFacts& facts) {
  const Row* row = headline_row(page.runs[r], facts.set);
  if (row == nullptr || !row->value || row->samples == 0 || row->output_tokens == 0) {
    return std::nullopt;
  }
  const std::string& set = page.sets.all()[facts.index];
  return Point{.estimate = {.series = r,
                            .value = *row->value,
                            .interval = row->interval,
                            .href = samples_link({{"task", set}, {"run", page.runs[r].name}}),
                            .title = score_title(page.runs[r], *row)},
               .x = static_cast<double>(row->output_tokens) / static_cast<double>(row->samples),
               .label = page.runs.size() > 1 ? page.runs[r].name : set};
}

std::string cost_charts(const Page& page) {
  if (page.runs.size() < 2) {
    std::vector<Point> points;
    for (const SetFacts& facts : page.runs[0].sets) {
      if (auto point = cost_point(page, 0, facts)) points.push_back(std::move(*point));
    }
    return cost_points(page, "Score against output tokens", points, false);
  }
  return each_task(page, [&](const std::string& set, std::size_t index) {
    std::vector<Point> points;
    for (const OfRun& of : facts_of(page, index)) {
      if (auto point = cost_point(page, of.run, *of.facts)) points.push_back(std::move(*point));
    }
    return cost_points(page, "Score of " + set + " against output tokens", points, true);
  });
}

}  // namespace

Section subjects_section(const Page& page) {
  std::string html;
  for (std::size_t i = 0; i < page.sets.all().size(); ++i) {
    html += subject_table(page, page.sets.all()[i], i);
  }
  for (const Board& board : page.board.boards) html += part_tables(page, board);
  if (!html.empty()) {
    html = std::string(
               "<p class=\"lead\">Scores in percent; Wilson's interval shows when a cell is "
               "pointed at.") +
           (page.runs.size() > 1 ? " ▲ ▼ stand out from the other runs on the same questions "
                                   "(Benjamini-Hochberg, 5 %)."
                                 : "") +
           "</p>\n<div class=\"tables\">\n" + html + "</div>\n";
  }
  return {.id = "subjects", .heading = "Subjects", .html = html};
}

Section distributions_section(const Page& page) {
  std::string html = cost_charts(page);
  html += each_task(page, [&](const auto& set, auto i) { return month_chart(page, set, i); });
  html += each_task(page, [&](const auto& set, auto i) { return pass_curves(page, set, i); });
  html += each_task(page, [&](const auto& set, auto i) { return calibration_chart(page, set, i); });
  html += each_task(page, [&](const auto& set, auto i) {
    return distribution_chart(page, set, i, true) + distribution_chart(page, set, i, false);
  });
  if (!html.empty()) html = "<div class=\"charts\">\n" + html + "</div>\n";
  return {.id = "behaviour", .heading = "Cost, calibration, tokens and time", .html = html};
}

}  // namespace moebius::reports::html
