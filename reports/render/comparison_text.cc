// A comparison for a terminal.
#include <fmt/format.h>

#include "reports/render/comparison.h"
#include "reports/render/escape.h"

namespace moebius::reports {
namespace {

void add_answers(const char* role, const std::vector<Transcript>& answers, std::string& text) {
  for (const Transcript& answer : answers) {
    text += fmt::format("    ---- {} repeat {}: {}, extracted: {} ----\n{}\n", role, answer.repeat,
                        escape_terminal(answer.outcome), escape_terminal(answer.extracted),
                        escape_block(answer.text));
  }
}

void add_change(const Changed& changed, std::string& text) {
  text += "  " + escape_terminal(change_line(changed)) + "\n";
  if (changed.base_answers.empty() && changed.candidate_answers.empty()) return;
  text += "    ---- prompt ----\n" + escape_block(changed.prompt) +
          "\n    ---- target: " + escape_terminal(changed.target) + " ----\n";
  add_answers("base", changed.base_answers, text);
  add_answers("candidate", changed.candidate_answers, text);
}

void add_set(const SetComparison& set, const Comparison& comparison, std::size_t most,
             std::string& text) {
  const std::vector<std::string> notes = set_notes(set, comparison.options);
  if (notes.empty() && set.changes.empty()) return;
  text += "\n" + escape_terminal(set.task + ":" + set.variant) + "\n";
  for (const std::string& note : notes) text += "  " + escape_terminal(note) + "\n";
  if (set.subjects.size() > 1 && !set.changes.empty() && most > 0) {
    text += text_table(subject_table(set, most));
  }
  std::size_t count = 0;
  for (const Changed* changed : worst_first(set)) {
    if (count++ == most) break;
    add_change(*changed, text);
  }
  if (set.changes.size() > most) {
    text += fmt::format("  and {} more\n", set.changes.size() - most);
  }
}

}  // namespace

std::string render_text(const Comparison& comparison, const RenderOptions& options) {
  std::string text = escape_terminal(headline(comparison)) + "\n";
  for (const std::string& fact : comparison_facts(comparison)) text += escape_terminal(fact) + "\n";
  if (!comparison.sets.empty()) text += "\n" + text_table(comparison_table(comparison));
  for (const SetComparison& set : comparison.sets) {
    add_set(set, comparison, options.most_changes, text);
  }
  return text;
}

}  // namespace moebius::reports
