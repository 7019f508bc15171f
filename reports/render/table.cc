// Columns and numbers of the tables for people.
#include "reports/render/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/render/escape.h"

namespace moebius::reports {
namespace {

/// A second digit only where the interval is narrow enough for it to mean something.
int digits(const std::optional<Interval>& interval) {
  const double half = interval ? (interval->high - interval->low) / 2 : 1;
  return half < 0.005 ? 2 : 1;
}

std::string percent(double share, int digits) {
  return fmt::format("{:.{}f}", 100 * share, digits);
}

/// 1234567 as 1 234 567 would be nicer to read, but not to paste.
std::string count(std::int64_t value) {
  return std::to_string(value);
}

/// "t; 2 clusters, 10 needed to cluster" as "t*": the note goes below the table.
std::string method(const Row& row) {
  const std::size_t note = row.interval_method.find(';');
  if (row.interval_method.empty()) return "-";
  return row.interval_method.substr(0, note) + (note == std::string::npos ? "" : "*");
}

void add_notes(const Summary& summary, Table& table) {
  for (const Row& row : summary.rows) {
    const std::size_t note = row.interval_method.find("; ");
    if (note == std::string::npos) continue;
    table.notes.push_back("* " + row.task + "/" + row.variant +
                          (row.part.empty() ? "" : "/" + row.part) + " " + row.metric + ": " +
                          row.interval_method.substr(note + 2));
  }
}

struct Column {
  const char* name;
  bool right;
  std::string (*text)(const Row&);
};

const Column kColumns[] = {
    {"task", false, [](const Row& r) { return r.task; }},
    {"variant", false, [](const Row& r) { return r.variant; }},
    {"part", false, [](const Row& r) { return r.part; }},
    {"metric", false, [](const Row& r) { return r.metric; }},
    {"scorer", false,
     [](const Row& r) {
       return r.scorer.empty() ? std::string("-")
                               : r.scorer + " v" + std::to_string(r.scorer_version);
     }},
    {"items", true, [](const Row& r) { return count(r.items); }},
    {"samples", true,
     [](const Row& r) {
       return count(r.samples) + (r.samples < r.planned ? "/" + count(r.planned) : "");
     }},
    {"score %", true, [](const Row& r) { return score_cell(r.value, r.interval); }},
    {"95 % interval", true, [](const Row& r) { return interval_cell(r.value, r.interval); }},
    {"rerun +-", true,
     [](const Row& r) { return r.stderr_rerun ? percent(*r.stderr_rerun, 2) : std::string("-"); }},
    {"interval by", false, method},
    {"truncated %", true, [](const Row& r) { return share_cell(r.truncated); }},
    {"no answer %", true, [](const Row& r) { return share_cell(r.no_answer); }},
    {"failed %", true, [](const Row& r) { return share_cell(r.failed); }},
    {"tokens in", true, [](const Row& r) { return count(r.prompt_tokens); }},
    {"tokens out", true, [](const Row& r) { return count(r.output_tokens); }},
    {"ms/sample", true, [](const Row& r) { return fmt::format("{:.1f}", r.mean_latency_ms); }},
};

/// Columns that say nothing in this table are left out of it.
bool wanted(const Column& column, const Summary& summary) {
  const std::string name = column.name;
  const auto any = [&](auto has) {
    return std::any_of(summary.rows.begin(), summary.rows.end(), has);
  };
  if (name == "part") return any([](const Row& r) { return !r.part.empty(); });
  if (name == "rerun +-") return any([](const Row& r) { return r.stderr_rerun.has_value(); });
  return true;
}

/// "a (12), b (3)"; control characters are the renderer's business.
std::string counted(const std::map<std::string, std::int64_t>& names) {
  std::string text;
  for (const auto& [name, count] : names) {
    text += (text.empty() ? "" : ", ") + (name.empty() ? std::string("unnamed") : name) + " (" +
            std::to_string(count) + ")";
  }
  return text.empty() ? "nobody" : text;
}

void add_remote(const RemoteUse& use, std::vector<std::string>& lines) {
  lines.push_back(
      "remote " + use.endpoint + " (" + use.dialect + "), asked for " + use.model +
      ", answered by " + counted(use.models) +
      (use.fingerprints.empty() ? std::string() : ", fingerprint " + counted(use.fingerprints)) +
      ": a model behind an API cannot be reproduced bit for bit");
  std::string usage = fmt::format(
      "used {} prompt tokens ({} cached), {} output tokens ({} thinking), {} answers in {} "
      "attempts",
      use.prompt_tokens, use.cached_tokens, use.output_tokens, use.reasoning_tokens, use.answers,
      use.attempts);
  if (use.uncounted > 0) {
    usage += fmt::format("; the server did not count the tokens of {} answers", use.uncounted);
  }
  if (!use.currency.empty()) usage += fmt::format("; cost {:.4f} {}", use.cost, use.currency);
  lines.push_back(usage);
}

}  // namespace

std::string score_cell(const std::optional<double>& value,
                       const std::optional<Interval>& interval) {
  return value ? percent(*value, digits(interval)) : std::string("-");
}

std::string interval_cell(const std::optional<double>& value,
                          const std::optional<Interval>& interval) {
  if (!value || !interval) return "-";
  return "[" + percent(interval->low, digits(interval)) + ", " +
         percent(interval->high, digits(interval)) + "]";
}

std::string share_cell(double share) {
  return share <= 0 ? "0" : percent(share, share < 0.001 ? 3 : 1);
}

std::string points_cell(double share) {
  return fmt::format("{:+.2f}", 100 * share);
}

std::string p_cell(double p) {
  return p < 0.0001 ? "<0.0001" : fmt::format("{:.4f}", p);
}

std::string clipped(const std::string& text) {
  constexpr std::size_t kWidest = 60;
  const std::string valid = valid_utf8(text);
  if (width(valid) <= kWidest) return valid;
  std::size_t bytes = 0;
  std::size_t points = 0;
  for (; points < kWidest - 3 || (valid[bytes] & 0xc0) == 0x80; ++bytes) {
    if ((valid[bytes] & 0xc0) != 0x80) ++points;
  }
  return valid.substr(0, bytes) + "...";
}

Table make_table(const Summary& summary) {
  Table table;
  table.rows.resize(summary.rows.size());
  for (const Column& column : kColumns) {
    if (!wanted(column, summary)) continue;
    table.header.emplace_back(column.name);
    table.right.push_back(column.right);
    for (std::size_t i = 0; i < summary.rows.size(); ++i) {
      table.rows[i].push_back(clipped(column.text(summary.rows[i])));
    }
  }
  add_notes(summary, table);
  table.notes.insert(table.notes.end(), summary.notes.begin(), summary.notes.end());
  return table;
}

std::vector<std::string> facts(const Summary& summary) {
  const Run& run = summary.run;
  std::vector<std::string> lines;
  lines.push_back("run " + std::to_string(run.id) + " (" + run.key.substr(0, 12) + "), " +
                  run.state + ", model " + run.model + ", started " + run.started);
  lines.push_back("build " + run.build +
                  (run.sandbox.empty() ? std::string() : ", sandbox " + run.sandbox));
  if (run.shards > 0) {
    lines.push_back("SHARD " + std::to_string(run.shard) + " of " + std::to_string(run.shards) +
                    ": a part of the questions; moebius runs merge makes the whole");
  }
  if (run.remote) add_remote(*run.remote, lines);
  if (!summary.valid) lines.push_back("INVALID: " + summary.why_invalid);
  return lines;
}

}  // namespace moebius::reports
