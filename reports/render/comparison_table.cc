// Lines and columns of comparisons for people.
#include <fmt/format.h>

#include <algorithm>

#include "reports/render/comparison.h"

namespace moebius::reports {
namespace {

std::string plain_percent(double share) {
  return fmt::format("{:.2f}", 100 * share);
}

/// "0.12" where both runs show it, "0 -> 0.12" where they differ.
std::string rates(double base, double candidate) {
  const std::string before = plain_percent(base);
  const std::string after = plain_percent(candidate);
  return before == after ? after : before + " -> " + after;
}

std::string run_line(const char* role, const Run& run) {
  return fmt::format("{} run {} ({}), {}, model {}, started {}, build {}", role, run.id,
                     run.key.substr(0, 12), run.state, run.model, run.started, run.build);
}

std::string how_line(const CompareOptions& options) {
  std::string text = fmt::format("paired by question; margin {:g} %, alpha {:g} one-sided",
                                 100 * options.margin, options.alpha);
  if (options.looks.size() > 1) {
    text += fmt::format("; {} looks by {}, intervals hold at all of them", options.looks.size(),
                        options.shape == LookShape::kPocock ? "Pocock" : "O'Brien and Fleming");
  }
  if (options.anytime) text += "; by an e-process, which holds at any time";
  return text + (options.intersect ? "; only what both runs share" : "");
}

/// Judged, so that its numbers mean something.
bool judged(const SetComparison& set) {
  return set.interval.has_value();
}

std::string question_count(const SetComparison& set) {
  const bool early = (set.look > 0 || set.method == "e-process") && set.base_only > 0;
  return std::to_string(set.items) + (early ? " (early-stopped)" : "");
}

std::string interval_text(const SetComparison& set) {
  return "[" + points_cell(set.interval->low) + ", " + points_cell(set.interval->high) + "]";
}

std::string band_text(const SetComparison& set) {
  if (!set.band) return "-";
  return fmt::format("{}/{} p {}", set.band->flips, set.band->items, p_cell(set.band->p));
}

struct SetColumn {
  const char* name;
  bool right;
  std::string (*text)(const SetComparison&);  // of a judged set, but for the first two
};

const SetColumn kSetColumns[] = {
    {"task", false, [](const SetComparison& s) { return s.task + ":" + s.variant; }},
    {"verdict", false, [](const SetComparison& s) { return verdict_name(s.verdict); }},
    {"questions", true, question_count},
    {"base %", true, [](const SetComparison& s) { return plain_percent(s.base_mean); }},
    {"candidate %", true, [](const SetComparison& s) { return plain_percent(s.candidate_mean); }},
    {"difference", true, [](const SetComparison& s) { return points_cell(s.difference); }},
    {"interval", true, interval_text},
    {"margin", true, [](const SetComparison& s) { return points_cell(-s.margin); }},
    {"gained/lost", true,
     [](const SetComparison& s) {
       return "+" + std::to_string(s.gained) + "/-" + std::to_string(s.lost);
     }},
    {"A/A flips", true, band_text},
    {"p same", true, [](const SetComparison& s) { return p_cell(s.same_p); }},
    {"p worse", true, [](const SetComparison& s) { return p_cell(s.regression_p); }},
    {"truncated %", true,
     [](const SetComparison& s) { return rates(s.base.truncated, s.candidate.truncated); }},
    {"no answer %", true,
     [](const SetComparison& s) { return rates(s.base.no_answer, s.candidate.no_answer); }},
    {"failed %", true,
     [](const SetComparison& s) { return rates(s.base.failed, s.candidate.failed); }},
};

bool shown(const SetColumn& column, const Comparison& comparison) {
  if (column.name != std::string("A/A flips")) return true;
  return std::any_of(comparison.sets.begin(), comparison.sets.end(),
                     [](const SetComparison& set) { return set.band.has_value(); });
}

std::size_t count_sets(const Comparison& comparison, Verdict verdict) {
  return static_cast<std::size_t>(
      std::count_if(comparison.sets.begin(), comparison.sets.end(),
                    [&](const SetComparison& set) { return set.verdict == verdict; }));
}

}  // namespace

std::string headline(const Comparison& comparison) {
  const std::size_t sets = comparison.sets.size();
  switch (comparison.verdict) {
    case Verdict::kPass:
      return fmt::format("PASS: not worse by the margin in any of {} sets", sets);
    case Verdict::kRegression:
      return fmt::format("REGRESSION in {} of {} sets",
                         count_sets(comparison, Verdict::kRegression), sets);
    case Verdict::kInconclusive:
      return fmt::format("INCONCLUSIVE: too few questions to tell in {} of {} sets",
                         count_sets(comparison, Verdict::kInconclusive), sets);
    case Verdict::kInvalid:
      break;
  }
  return "INVALID: " + comparison.why;
}

std::string early_line(const Comparison& comparison) {
  const std::optional<EarlyStop> stop = early_stop(comparison);
  if (!stop) return "";
  const std::string asked = fmt::format("{} of {} questions asked", stop->asked, stop->planned);
  if (stop->look == 0) return "not asked to the end: " + asked;
  return fmt::format("stopped early: decided at look {} of {}; {}", stop->look, stop->looks, asked);
}

std::vector<std::string> comparison_facts(const Comparison& comparison) {
  std::vector<std::string> facts = {run_line("base     ", comparison.base),
                                    run_line("candidate", comparison.candidate),
                                    how_line(comparison.options)};
  const std::string early = early_line(comparison);
  if (!early.empty()) facts.push_back(early);
  facts.insert(facts.end(), comparison.notes.begin(), comparison.notes.end());
  return facts;
}

Table comparison_table(const Comparison& comparison, std::size_t most) {
  Table table;
  table.rows.resize(std::min(most, comparison.sets.size()));
  for (const SetColumn& column : kSetColumns) {
    if (!shown(column, comparison)) continue;
    const bool always = table.header.size() < 2;
    table.header.emplace_back(column.name);
    table.right.push_back(column.right);
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      const SetComparison& set = comparison.sets[i];
      table.rows[i].push_back(always || judged(set) ? clipped(column.text(set)) : "-");
    }
  }
  return table;
}

Table subject_table(const SetComparison& set, std::size_t most) {
  std::vector<const SubjectChange*> subjects;
  for (const SubjectChange& subject : set.subjects) subjects.push_back(&subject);
  std::stable_sort(subjects.begin(), subjects.end(),
                   [](const SubjectChange* a, const SubjectChange* b) { return a->p < b->p; });
  const auto marked = static_cast<std::size_t>(
      std::count_if(subjects.begin(), subjects.end(), [](const auto* s) { return s->marked; }));
  Table table{.header = {"by", "subject", "questions", "base %", "candidate %", "difference",
                         "95 % interval", "p", "q"},
              .right = {false, false, true, true, true, true, true, true, true}};
  for (const SubjectChange* subject : subjects) {
    if (table.rows.size() == most) break;
    table.rows.push_back({subject->by,
                          clipped(subject->subject.empty() ? "other" : subject->subject),
                          std::to_string(subject->items), plain_percent(subject->base),
                          plain_percent(subject->candidate), points_cell(subject->difference),
                          "[" + points_cell(subject->interval.low) + ", " +
                              points_cell(subject->interval.high) + "]",
                          p_cell(subject->p), p_cell(subject->q) + (subject->marked ? "*" : "")});
  }
  if (table.rows.size() < subjects.size()) {
    table.notes.push_back(fmt::format("and {} more", subjects.size() - table.rows.size()));
  }
  table.notes.push_back(fmt::format(
      "{} of {} changed: q, Benjamini-Hochberg over all subjects, marked *; they decide nothing",
      marked, subjects.size()));
  return table;
}

std::string change_line(const Changed& changed) {
  return fmt::format("{}  {}  {:g} -> {:g}", changed.candidate < changed.base ? "lost  " : "gained",
                     changed.item, changed.base, changed.candidate);
}

std::vector<std::string> set_notes(const SetComparison& set, const CompareOptions& options) {
  std::vector<std::string> notes;
  for (const std::string& line : set.exceeded) notes.push_back("limit exceeded: " + line);
  if (set.verdict == Verdict::kInconclusive && set.needed) {
    notes.push_back(fmt::format(
        "{} questions would pass in 80 % of comparisons of equal models; there are {}{}",
        *set.needed, set.items,
        *set.needed <= set.items ? ": the difference seen is what stands against it" : ""));
  }
  if (set.unscored > 0) notes.push_back(fmt::format("{} questions left out: failed", set.unscored));
  if (options.intersect && set.base_only + set.candidate_only + set.changed_prompts > 0) {
    notes.push_back(fmt::format(
        "left out: {} only in the base, {} only in the candidate, {} with other prompts",
        set.base_only, set.candidate_only, set.changed_prompts));
  }
  return notes;
}

}  // namespace moebius::reports
