// A comparison's verdict, its differences and what changed.
#include <fmt/format.h>

#include <algorithm>

#include "reports/render/comparison.h"
#include "reports/render/html/charts.h"
#include "reports/render/html/markup.h"
#include "reports/render/html/sections.h"

namespace moebius::reports::html {
namespace {

std::string points(double share) {
  return fmt::format("{:+.2f}", 100 * share);
}

std::string set_of(const SetComparison& set) {
  return set_name(set.task, set.variant);
}

std::string changed_link(const SetComparison& set, const char* how) {
  return samples_link({{"task", set_of(set)}, {"changed", how}});
}

std::string difference_chart(const Comparison& comparison) {
  Forest chart{.title = "Differences with intervals and margins",
               .least = -1,
               .most = 1,
               .reference = 0,
               .axis = "candidate less base, points"};
  for (const SetComparison& set : comparison.sets) {
    if (!set.interval) continue;
    chart.rows.push_back(
        {.label = set_of(set),
         .estimates = {{.value = set.difference,
                        .interval = set.interval,
                        .href = changed_link(set, "any"),
                        .title =
                            fmt::format("{}: {} points [{}, {}], {}", set_of(set),
                                        points(set.difference), points(set.interval->low),
                                        points(set.interval->high), verdict_name(set.verdict))}},
         .margin = -set.margin,
         .verdict = verdict_name(set.verdict)});
  }
  if (chart.rows.empty()) return {};
  return figure("Differences",
                "Question by question, candidate less base. The dashed line is the margin: an "
                "interval right of it is a pass, one left of it a regression.",
                forest(chart));
}

/// The style sheet's name for it.
const char* kind_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "pass";
    case Verdict::kRegression:
      return "regression";
    case Verdict::kInconclusive:
      return "inconclusive";
    case Verdict::kInvalid:
      break;
  }
  return "invalid";
}

TableOf sets_of(const Comparison& comparison) {
  TableOf table{.caption = "Each task",
                .columns = {{"Task"},
                            {"Verdict"},
                            {"Questions", true},
                            {"Base", true},
                            {"Candidate", true},
                            {"Difference", true},
                            {"Interval", true},
                            {"Margin", true},
                            {"Lost", true},
                            {"Gained", true},
                            {"p (worse)", true},
                            {"p (same)", true},
                            {"By"}}};
  for (const SetComparison& set : comparison.sets) {
    const std::string verdict = verdict_name(set.verdict);
    std::vector<Cell> row = {{.text = set_of(set), .href = samples_link({{"task", set_of(set)}})},
                             {.text = verdict, .kind = kind_of(set.verdict), .title = set.why},
                             {.text = thousands(set.items), .sort = std::to_string(set.items)}};
    if (!set.interval) {
      row.resize(table.columns.size(), {.text = "–"});
    } else {
      row.insert(
          row.end(),
          {{.text = percent(set.base_mean, 2)},
           {.text = percent(set.candidate_mean, 2)},
           {.text = points(set.difference), .sort = sort_key(set.difference)},
           {.text = fmt::format("{} to {}", points(set.interval->low), points(set.interval->high)),
            .title = fmt::format("level {} %", percent(set.level))},
           {.text = points(-set.margin), .sort = sort_key(-set.margin)},
           {.text = thousands(set.lost),
            .href = changed_link(set, "lost"),
            .sort = std::to_string(set.lost)},
           {.text = thousands(set.gained),
            .href = changed_link(set, "gained"),
            .sort = std::to_string(set.gained)},
           {.text = p_cell(set.regression_p), .sort = sort_key(set.regression_p)},
           {.text = p_cell(set.same_p), .sort = sort_key(set.same_p), .title = set.same_method},
           {.text = set.method}});
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// Which subjects changed: the marked ones first, the others by their p.
std::string subjects_of_set(const SetComparison& set) {
  std::vector<const SubjectChange*> sorted;
  std::size_t marked = 0;
  for (const SubjectChange& subject : set.subjects) {
    sorted.push_back(&subject);
    marked += subject.marked ? 1 : 0;
  }
  if (sorted.size() < 2) return {};
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const SubjectChange* a, const SubjectChange* b) {
                     return a->marked != b->marked ? a->marked : a->p < b->p;
                   });
  TableOf subjects{.caption = set_of(set) +
                              " by subject, group and level: for looking through, they decide "
                              "nothing; q by Benjamini and Hochberg over all of all tasks",
                   .columns = {{"Subject"},
                               {"By"},
                               {"Questions", true},
                               {"Base", true},
                               {"Candidate", true},
                               {"Difference", true},
                               {"95 % interval", true},
                               {"p", true},
                               {"q", true},
                               {"Changed"}}};
  for (const SubjectChange* subject : sorted) {
    const std::string label = part_label(subject->by, subject->subject);
    subjects.rows.push_back(
        {{.text = subject->subject.empty() ? "other" : subject->subject,
          .href =
              subject->subject.empty()
                  ? ""
                  : samples_link({{"task", set_of(set)}, {"subject", label}, {"changed", "any"}})},
         {.text = subject->by == "stratum" ? "group" : subject->by},
         {.text = thousands(subject->items), .sort = std::to_string(subject->items)},
         {.text = percent(subject->base)},
         {.text = percent(subject->candidate)},
         {.text = points(subject->difference), .sort = sort_key(subject->difference)},
         {.text = fmt::format("{} to {}", points(subject->interval.low),
                              points(subject->interval.high))},
         {.text = p_cell(subject->p), .sort = sort_key(subject->p)},
         {.text = p_cell(subject->q), .sort = sort_key(subject->q)},
         {.text = !subject->marked          ? ""
                  : subject->difference < 0 ? "▼ worse"
                                            : "▲ better",
          .kind = !subject->marked          ? ""
                  : subject->difference < 0 ? "bad"
                                            : "good"}});
  }
  return fmt::format("<details{}><summary>{}: {} of {} subjects changed</summary>{}</details>\n",
                     marked > 0 ? " open" : "", text(set_of(set)), marked, sorted.size(),
                     table(subjects));
}

}  // namespace

Section comparison_section(const Page&, const Comparison& comparison) {
  std::vector<std::string> lines = comparison_facts(comparison);
  for (const SetComparison& set : comparison.sets) {
    for (const std::string& note : set_notes(set, comparison.options)) {
      lines.push_back(set_of(set) + ": " + note);
    }
  }
  std::string subjects;
  for (const SetComparison& set : comparison.sets) subjects += subjects_of_set(set);
  return {.id = "comparison",
          .heading = "Comparison",
          .html = fmt::format("<p class=\"{}\"><strong>{}</strong></p>\n",
                              verdict_name(comparison.verdict), text(headline(comparison))) +
                  difference_chart(comparison) + table(sets_of(comparison)) + subjects +
                  list("note", lines)};
}

}  // namespace moebius::reports::html
