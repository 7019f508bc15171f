// Leaderboards and histories for a terminal and for Markdown.
#include "reports/leaderboard.h"
#include "reports/render/board_table.h"
#include "reports/render/escape.h"

namespace moebius::reports {
namespace {

std::string sections_text(const std::vector<BoardSection>& sections) {
  std::string text;
  for (const BoardSection& section : sections) {
    text += (text.empty() ? "" : "\n") + escape_terminal(section.title) + "\n";
    for (const std::string& line : section.lines) text += escape_terminal(line) + "\n";
    if (!section.table.header.empty()) text += text_table(section.table);
  }
  return text;
}

std::string sections_markdown(const std::vector<BoardSection>& sections) {
  std::string text;
  for (const BoardSection& section : sections) {
    text += (text.empty() ? "" : "\n") + ("### " + escape_markdown(section.title)) + "\n\n";
    for (const std::string& line : section.lines) text += "- " + escape_markdown(line) + "\n";
    if (section.table.header.empty()) continue;
    text += (section.lines.empty() ? "" : "\n") + markdown_table(section.table);
  }
  return text;
}

}  // namespace

std::string render_text(const Leaderboard& board) {
  return sections_text(board_sections(board));
}

std::string render_markdown(const Leaderboard& board) {
  return sections_markdown(board_sections(board));
}

std::string render_history_text(const Leaderboard& board) {
  return sections_text(history_sections(board));
}

std::string render_history_markdown(const Leaderboard& board) {
  return sections_markdown(history_sections(board));
}

}  // namespace moebius::reports
