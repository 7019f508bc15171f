// The table that EleutherAI's lm-evaluation-harness prints (lm_eval/utils.py, make_table), so that
// what reads that reads this: one line that says what ran, then Markdown in aligned columns.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "reports/leaderboard.h"
#include "reports/render/escape.h"
#include "reports/render/table.h"

namespace moebius::reports {
namespace {

using LmEvalRow = std::array<std::string, 9>;

const LmEvalRow kLmEvalHeader = {"Tasks", "Version", "Filter", "n-shot", "Metric",
                                 "",      "Value",   "",       "Stderr"};
constexpr std::array<bool, 9> kLmEvalRight = {false, true, false, true, false,
                                              false, true, false, true};

std::string lm_eval_number(const std::optional<double>& value) {
  return value ? fmt::format("{:.4f}", *value) : std::string("N/A");
}

int version_of(const BoardRun& run, const Row& row) {
  for (const Set& set : run.sets) {
    if (set.task == row.task && set.variant == row.variant) return set.task_version;
  }
  return 0;
}

/// Parts of a task stand below it with a dash, as groups' members do there. How many examples a
/// prompt holds is the variant's matter, so the column is empty.
LmEvalRow lm_eval_row(const BoardRun& run, const Row& row) {
  const std::string name = row.part.empty() ? row.task + ":" + row.variant : " - " + row.part;
  return {escape_markdown(clipped(name)),
          std::to_string(version_of(run, row)),
          row.scorer.empty() ? "none" : escape_markdown(clipped(row.scorer)),
          " ",
          escape_markdown(clipped(row.metric)),
          "↑",
          lm_eval_number(row.value),
          "±",
          lm_eval_number(row.value ? row.stderr_total : std::nullopt)};
}

std::string lm_eval_cell(const std::string& text, std::size_t to, bool right) {
  const std::string blanks(to - width(text), ' ');
  return right ? blanks + text : text + blanks;
}

std::string lm_eval_centred(const std::string& text, std::size_t to) {
  const std::size_t blanks = to - width(text);
  return std::string(blanks / 2, ' ') + text + std::string(blanks - blanks / 2, ' ');
}

std::string lm_eval_table(const std::vector<LmEvalRow>& rows) {
  std::array<std::size_t, 9> widths{};
  for (std::size_t c = 0; c < widths.size(); ++c) {
    widths[c] = std::max<std::size_t>(3, width(kLmEvalHeader[c]));
    for (const LmEvalRow& row : rows) widths[c] = std::max(widths[c], width(row[c]));
  }
  std::string header = "|";
  std::string rule = "|";
  std::string body;
  for (std::size_t c = 0; c < widths.size(); ++c) {
    header += lm_eval_centred(kLmEvalHeader[c], widths[c]) + "|";
    rule += std::string(widths[c] - 1, '-') + (kLmEvalRight[c] ? ":|" : "-|");
  }
  for (const LmEvalRow& row : rows) {
    body += "|";
    for (std::size_t c = 0; c < widths.size(); ++c) {
      body += lm_eval_cell(row[c], widths[c], kLmEvalRight[c]) + "|";
    }
    body += "\n";
  }
  return header + "\n" + rule + "\n" + body;
}

}  // namespace

std::string render_lm_eval(const Leaderboard& board) {
  std::string text;
  for (const BoardRun& run : board.runs) {
    const Run& record = run.summary.run;
    std::vector<LmEvalRow> rows;
    for (const Row& row : run.summary.rows) rows.push_back(lm_eval_row(run, row));
    text += (text.empty() ? "" : "\n") +
            fmt::format(
                "moebius (model={},run={}), gen_kwargs: (None), limit: None, num_fewshot: "
                "None, batch_size: None\n",
                escape_markdown(record.model), record.id);
    if (!run.summary.valid) text += "INVALID: " + escape_markdown(run.summary.why_invalid) + "\n";
    text += lm_eval_table(rows);
  }
  return text;
}

}  // namespace moebius::reports
