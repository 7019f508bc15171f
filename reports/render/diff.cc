// The diff of two models for people: a terminal and Markdown.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/divergence.h"
#include "reports/render/escape.h"
#include "reports/render/table.h"

namespace moebius::reports {
namespace {

std::string diff_percent(double share) {
  return fmt::format("{:.2f}", 100 * share);
}

std::string diff_signed(double value) {
  return value == 0 ? "0" : fmt::format("{:+.2g}", value);
}

/// Nats: from 1e-7 of two arithmetics to 1 of a broken model.
std::string nats(double value) {
  return value == 0 ? "0" : fmt::format("{:.3g}", value);
}

std::string nats_interval(const PositionMean& value) {
  if (!value.interval) return "-";
  return "[" + nats(value.interval->low) + ", " + nats(value.interval->high) + "]";
}

/// Mean over the layers, each with the same weight.
std::string routing_share(const Divergence& d) {
  if (d.routing.empty()) return "-";
  double sum = 0;
  for (const LayerAgreement& layer : d.routing) sum += layer.share;
  return diff_percent(sum / static_cast<double>(d.routing.size()));
}

std::string diff_count(std::int64_t value) {
  return std::to_string(value);
}

struct DiffColumn {
  const char* name;
  bool right;
  std::string (*text)(const DiffSet&);
};

std::string diff_set_name(const DiffSet& set) {
  return set.variant.empty() ? set.task : set.task + ":" + set.variant;
}

const DiffColumn kDivergenceColumns[] = {
    {"task", false, diff_set_name},
    {"questions", true, [](const DiffSet& s) { return diff_count(s.divergence.questions); }},
    {"positions", true, [](const DiffSet& s) { return diff_count(s.divergence.positions); }},
    {"KL mean", true, [](const DiffSet& s) { return nats(s.divergence.kl.mean); }},
    {"95 % interval", true, [](const DiffSet& s) { return nats_interval(s.divergence.kl); }},
    {"P95", true, [](const DiffSet& s) { return nats(s.divergence.kl_p95); }},
    {"P99", true, [](const DiffSet& s) { return nats(s.divergence.kl_p99); }},
    {"max", true, [](const DiffSet& s) { return nats(s.divergence.kl_max); }},
    {"top-1 %", true, [](const DiffSet& s) { return diff_percent(s.divergence.same_top.mean); }},
    {"d ln p", true,
     [](const DiffSet& s) {
       return s.divergence.deltas > 0 ? diff_signed(s.divergence.delta.mean) : "-";
     }},
    {"P5", true,
     [](const DiffSet& s) {
       return s.divergence.deltas > 0 ? diff_signed(s.divergence.delta_p5) : "-";
     }},
    {"diverges at", true,
     [](const DiffSet& s) {
       const auto& at = s.divergence.median_divergence;
       return at ? fmt::format("{:g}", *at) : std::string("-");
     }},
    {"same text %", true,
     [](const DiffSet& s) {
       const Divergence& d = s.divergence;
       if (d.written == 0) return std::string("-");
       return diff_percent(static_cast<double>(d.unchanged) / static_cast<double>(d.written));
     }},
    {"routing %", true, [](const DiffSet& s) { return routing_share(s.divergence); }},
};

std::string answer_interval(const DiffSet& set) {
  if (!set.answers.interval) return "-";
  return fmt::format("[{:+.2f}, {:+.2f}]", 100 * set.answers.interval->low,
                     100 * set.answers.interval->high);
}

const DiffColumn kAnswerColumns[] = {
    {"task", false, diff_set_name},
    {"answers", true, [](const DiffSet& s) { return diff_count(s.answers.compared); }},
    {"failed", true, [](const DiffSet& s) { return diff_count(s.failed); }},
    {"base %", true, [](const DiffSet& s) { return diff_percent(s.answers.base_mean); }},
    {"candidate %", true, [](const DiffSet& s) { return diff_percent(s.answers.candidate_mean); }},
    {"difference", true,
     [](const DiffSet& s) { return fmt::format("{:+.2f}", 100 * s.answers.difference); }},
    {"95 % interval", true, answer_interval},
    {"interval by", false, [](const DiffSet& s) { return s.answers.method; }},
    {"changed", true, [](const DiffSet& s) { return diff_count(s.answers.changed); }},
    {"gained/lost", true,
     [](const DiffSet& s) { return fmt::format("+{}/-{}", s.answers.gained, s.answers.lost); }},
    {"p same", true,
     [](const DiffSet& s) {
       return s.answers.same_p < 0.0001 ? "<0.0001" : fmt::format("{:.4f}", s.answers.same_p);
     }},
    {"option KL", true,
     [](const DiffSet& s) {
       return s.answers.options > 0 ? nats(s.answers.option_kl.mean) : std::string("-");
     }},
    {"95 % interval", true, [](const DiffSet& s) { return nats_interval(s.answers.option_kl); }},
    {"P95", true,
     [](const DiffSet& s) {
       return s.answers.options > 0 ? nats(s.answers.option_kl_p95) : std::string("-");
     }},
};

/// A row for each set, and for all of them if there are several.
template <std::size_t kCount>
Table diff_table(const Diff& diff, const DiffColumn (&columns)[kCount]) {
  std::vector<const DiffSet*> sets;
  for (const DiffSet& set : diff.sets) sets.push_back(&set);
  if (sets.size() > 1) sets.push_back(&diff.total);
  Table table;
  table.rows.resize(sets.size());
  for (const DiffColumn& column : columns) {
    table.header.emplace_back(column.name);
    table.right.push_back(column.right);
    for (std::size_t i = 0; i < sets.size(); ++i) {
      table.rows[i].push_back(clipped(column.text(*sets[i])));
    }
  }
  return table;
}

Table routing_table(const Diff& diff) {
  Table table{
      .header = {"layer", "routing agreement %"}, .right = {true, true}, .rows = {}, .notes = {}};
  for (const LayerAgreement& layer : diff.total.divergence.routing) {
    table.rows.push_back({diff_count(layer.layer), diff_percent(layer.share)});
  }
  return table;
}

std::string diff_side_line(const char* role, const DiffSide& side) {
  return fmt::format("{} {}: {:.4g} M parameters, {:.4g} MB of weights; {}", role, side.model,
                     static_cast<double>(side.parameters) * 1e-6,
                     static_cast<double>(side.weight_bytes) * 1e-6, side.fingerprint);
}

std::vector<std::string> diff_facts(const Diff& diff) {
  std::vector<std::string> facts = {diff_side_line("base     ", diff.base),
                                    diff_side_line("candidate", diff.candidate)};
  if (diff.base.weight_bytes > 0) {
    facts.push_back(fmt::format("weights of the candidate: {:.1f} % of the base's bytes",
                                100 * static_cast<double>(diff.candidate.weight_bytes) /
                                    static_cast<double>(diff.base.weight_bytes)));
  }
  facts.emplace_back(
      "both forced along the base's greedy answers: KL(base || candidate) in nats; d ln p: of the "
      "base's tokens; intervals by question; option KL: of the probabilities of a question's "
      "choices");
  facts.insert(facts.end(), diff.notes.begin(), diff.notes.end());
  return facts;
}

/// Judged worse, then better, then changed, then by how far they are apart.
int change_rank(const DiffQuestion& question) {
  const JudgedPair& pair = question.pair;
  if (pair.candidate < pair.base) return 0;
  if (pair.candidate > pair.base) return 1;
  return pair.base_extracted != pair.candidate_extracted ? 2 : 3;
}

std::string diff_question_line(const DiffQuestion& question) {
  static const char* const kNames[] = {"lost", "gained", "changed", "same"};
  const JudgedPair& pair = question.pair;
  const int rank = change_rank(question);
  std::string text = fmt::format("{:7}  {}  ", kNames[rank], clipped(pair.item));
  text += rank == 3 ? clipped(pair.base_extracted)
                    : clipped(pair.base_extracted) + " -> " + clipped(pair.candidate_extracted);
  text += fmt::format("  KL mean {}, max {} over {} positions", nats(question.kl_mean),
                      nats(question.kl_max), question.positions);
  if (question.first_divergence)
    text += fmt::format(", diverges at {}", *question.first_divergence);
  return text;
}

std::vector<std::string> diff_question_lines(const DiffSet& set, std::size_t most) {
  std::vector<const DiffQuestion*> sorted;
  for (const DiffQuestion& question : set.questions) {
    if (change_rank(question) < 3 || question.kl_max > 0) sorted.push_back(&question);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const DiffQuestion* a, const DiffQuestion* b) {
    const int rank = change_rank(*a);
    const int other = change_rank(*b);
    return rank != other ? rank < other : a->kl_mean > b->kl_mean;
  });
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::min(most, sorted.size()); ++i) {
    lines.push_back(diff_question_line(*sorted[i]));
  }
  return lines;
}

}  // namespace

std::string render_text(const Diff& diff, std::size_t most_changes) {
  std::string text;
  for (const std::string& fact : diff_facts(diff)) text += escape_terminal(fact) + "\n";
  text += "\n" + text_table(diff_table(diff, kDivergenceColumns));
  text += "\n" + text_table(diff_table(diff, kAnswerColumns));
  const Table routing = routing_table(diff);
  if (!routing.rows.empty()) text += "\n" + text_table(routing);
  for (const DiffSet& set : diff.sets) {
    const std::vector<std::string> lines = diff_question_lines(set, most_changes);
    if (lines.empty()) continue;
    text += "\n" + escape_terminal(diff_set_name(set)) + "\n";
    for (const std::string& line : lines) text += "  " + escape_terminal(line) + "\n";
  }
  return text;
}

std::string render_markdown(const Diff& diff, std::size_t most_changes) {
  std::string text = "### Diff of two models\n\n";
  for (const std::string& fact : diff_facts(diff)) text += "- " + escape_markdown(fact) + "\n";
  text += "\n" + markdown_table(diff_table(diff, kDivergenceColumns));
  text += "\n" + markdown_table(diff_table(diff, kAnswerColumns));
  const Table routing = routing_table(diff);
  if (!routing.rows.empty()) text += "\n" + markdown_table(routing);
  for (const DiffSet& set : diff.sets) {
    const std::vector<std::string> lines = diff_question_lines(set, most_changes);
    if (lines.empty()) continue;
    text += "\n**" + escape_markdown(diff_set_name(set)) + "**\n\n";
    for (const std::string& line : lines) text += "- " + escape_markdown(line) + "\n";
  }
  return text;
}

}  // namespace moebius::reports
