// Reports for a terminal and for Markdown.
#include <algorithm>

#include "reports/render/escape.h"
#include "reports/render/table.h"
#include "reports/store.h"

namespace moebius::reports {
namespace {

using Escape = std::string (*)(std::string_view);

Table escaped(Table table, Escape escape) {
  for (auto& row : table.rows) {
    for (std::string& cell : row) cell = escape(cell);
  }
  for (std::string& note : table.notes) note = escape(note);
  return table;
}

std::vector<std::size_t> widths(const Table& table) {
  std::vector<std::size_t> result;
  for (std::size_t c = 0; c < table.header.size(); ++c) {
    std::size_t widest = width(table.header[c]);
    for (const auto& row : table.rows) widest = std::max(widest, width(row[c]));
    result.push_back(widest);
  }
  return result;
}

std::string padded(const std::string& text, std::size_t to, bool right) {
  const std::string blanks(to - width(text), ' ');
  return right ? blanks + text : text + blanks;
}

std::string aligned(const std::vector<std::string>& cells, const Table& table,
                    const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    line += (c == 0 ? "" : "  ") + padded(cells[c], widths[c], table.right[c]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += " " + cell + " |";
  return line + "\n";
}

}  // namespace

std::string text_table(const Table& raw) {
  const Table table = escaped(raw, escape_terminal);
  const std::vector<std::size_t> columns = widths(table);
  std::string text = aligned(table.header, table, columns);
  for (const auto& row : table.rows) text += aligned(row, table, columns);
  for (const std::string& note : table.notes) text += note + "\n";
  return text;
}

std::string markdown_table(const Table& raw) {
  const Table table = escaped(raw, escape_markdown);
  std::string text = markdown_row(table.header) + "|";
  for (const bool right : table.right) text += right ? " ---: |" : " --- |";
  text += "\n";
  for (const auto& row : table.rows) text += markdown_row(row);
  for (const std::string& note : table.notes) text += "\n" + note + "\n";
  return text;
}

std::string render_text(const std::vector<Summary>& summaries) {
  std::string text;
  for (const Summary& summary : summaries) {
    if (!text.empty()) text += "\n";
    for (const std::string& fact : facts(summary)) text += escape_terminal(fact) + "\n";
    text += text_table(make_table(summary));
    const Table experts = expert_table({&summary}, {});
    if (!experts.header.empty()) text += "\n" + text_table(experts);
  }
  return text;
}

std::string render_markdown(const std::vector<Summary>& summaries) {
  std::string text;
  for (const Summary& summary : summaries) {
    if (!text.empty()) text += "\n";
    for (const std::string& fact : facts(summary)) text += escape_markdown(fact) + "\n\n";
    text += markdown_table(make_table(summary));
    const Table experts = expert_table({&summary}, {});
    if (!experts.header.empty()) text += "\n" + markdown_table(experts);
  }
  return text;
}

}  // namespace moebius::reports
