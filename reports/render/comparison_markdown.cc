// A comparison as Markdown for job summaries and comments, which have limits of size.
#include <fmt/format.h>

#include <algorithm>

#include "reports/render/comparison.h"
#include "reports/render/escape.h"

namespace moebius::reports {
namespace {

constexpr std::size_t kMostOfAnAnswer = 8000;  // bytes; the store has all of it

/// At most `most` bytes, ending between two code points.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text + " ...";
}

/// A code block whose fence is longer than any within.
std::string fenced(const std::string& raw) {
  const std::string text = cut(escape_block(raw), kMostOfAnAnswer);
  std::size_t longest = 2;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return fence + "text\n" + text + "\n" + fence + "\n";
}

std::string answers_markdown(const char* role, const std::vector<Transcript>& answers) {
  std::string text;
  for (const Transcript& answer : answers) {
    text +=
        fmt::format("\n{}, repeat {}: {}, extracted {}\n\n", role, answer.repeat,
                    escape_markdown(answer.outcome), escape_markdown(cut(answer.extracted, 200)));
    text += fenced(answer.text);
  }
  return text;
}

std::string change_markdown(const Changed& changed) {
  const std::string line = escape_markdown(cut(change_line(changed), 300));
  if (changed.base_answers.empty() && changed.candidate_answers.empty()) return "- " + line + "\n";
  return "\n" + line + "\n\nPrompt\n\n" + fenced(changed.prompt) + "\nTarget " +
         escape_markdown(cut(changed.target, 200)) + "\n" +
         answers_markdown("Base", changed.base_answers) +
         answers_markdown("Candidate", changed.candidate_answers);
}

/// The part of a set below the table; the changes last, as many as wanted.
std::string set_markdown(const SetComparison& set, const CompareOptions& options,
                         std::size_t changes) {
  const std::vector<std::string> notes = set_notes(set, options);
  const std::size_t listed = std::min(changes, set.changes.size());
  if (notes.empty() && listed == 0) return "";
  std::string text = "\n**" + escape_markdown(set.task + ":" + set.variant) + "**\n\n";
  for (const std::string& note : notes) text += "- " + escape_markdown(note) + "\n";
  if (listed == 0) return text;
  if (set.subjects.size() > 1) {
    text += fmt::format("\n<details><summary>{} subjects</summary>\n\n", set.subjects.size());
    text += markdown_table(subject_table(set, changes)) + "\n</details>\n";
  }
  text += fmt::format("\n<details><summary>{} changed questions: {} gained, {} lost</summary>\n\n",
                      set.changes.size(), set.gained, set.lost);
  const std::vector<const Changed*> sorted = worst_first(set);
  for (std::size_t i = 0; i < listed; ++i) text += change_markdown(*sorted[i]);
  if (listed < sorted.size()) text += fmt::format("\nand {} more\n", sorted.size() - listed);
  return text + "\n</details>\n";
}

/// What must not be left out first: regressions, invalid and inconclusive sets before passes.
std::vector<SetComparison> gravest_first(std::vector<SetComparison> sets) {
  const auto gravity = [](const SetComparison& set) {
    switch (set.verdict) {
      case Verdict::kRegression:
        return 0;
      case Verdict::kInvalid:
        return 1;
      case Verdict::kInconclusive:
        return 2;
      case Verdict::kPass:
        break;
    }
    return 3;
  };
  std::stable_sort(sets.begin(), sets.end(), [&](const SetComparison& a, const SetComparison& b) {
    return gravity(a) < gravity(b);
  });
  return sets;
}

std::string top(const Comparison& comparison, const RenderOptions& options) {
  std::string text = options.marker ? comment_marker(options.name) : std::string();
  text += "### " + escape_markdown(cut(headline(comparison), 1000)) + "\n\n";
  for (const std::string& fact : comparison_facts(comparison)) {
    text += "- " + escape_markdown(cut(fact, 300)) + "\n";
  }
  return text;
}

/// All of it with at most `rows` rows in the table and `changes` changes of each set.
std::string draft(const Comparison& comparison, const RenderOptions& options, std::size_t rows,
                  std::size_t changes) {
  std::string text = top(comparison, options);
  const Table table = comparison_table(comparison, rows);
  const std::size_t all = comparison.sets.size();
  if (!table.rows.empty()) text += "\n" + markdown_table(table);
  if (table.rows.size() < all) text += fmt::format("\nand {} more sets\n", all - rows);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    text += set_markdown(comparison.sets[i], comparison.options, changes);
  }
  return text;
}

}  // namespace

std::string comment_marker(const std::string& name) {
  return "<!-- moebius:" + escape_markdown(name) + " -->\n";
}

std::string render_markdown(const Comparison& comparison, const RenderOptions& options) {
  Comparison sorted = comparison;
  sorted.sets = gravest_first(std::move(sorted.sets));
  std::size_t rows = sorted.sets.size();
  std::size_t changes = options.most_changes;
  const std::size_t most = std::max<std::size_t>(options.most_bytes, 4096);
  std::string text = draft(sorted, options, rows, changes);
  // Halved, so that a summary a thousand times too long is not rendered a thousand times.
  while (text.size() > most && changes > 0) {
    changes /= 2;
    text = draft(sorted, options, rows, changes);
  }
  while (text.size() > most && rows > 0) {
    rows /= 2;
    text = draft(sorted, options, rows, 0);
  }
  return text.size() > most ? cut(std::move(text), most - 4) : text;
}

}  // namespace moebius::reports
