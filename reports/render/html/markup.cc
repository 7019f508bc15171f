// HTML from C++: escapes, links and tables.
#include "reports/render/html/markup.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/render/escape.h"

namespace moebius::reports::html {
namespace {

/// As encodeURIComponent, so that URLSearchParams reads it back.
std::string encoded(std::string_view value) {
  std::string result;
  for (const char c : valid_utf8(value)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("-_.~").find(c) != std::string_view::npos;
    result += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return result;
}

std::string attribute(const char* name, std::string_view value) {
  return value.empty() ? std::string() : fmt::format(" {}=\"{}\"", name, text(value));
}

std::string cell_markup(const Cell& cell, bool header, bool right) {
  const std::string kind =
      std::string(cell.kind) + (right ? (*cell.kind ? " number" : "number") : "");
  std::string content = text(cell.text);
  if (!cell.href.empty()) content = fmt::format("<a href=\"{}\">{}</a>", text(cell.href), content);
  return fmt::format("<{0}{1}{2}{3}{4}>{5}</{6}>", header ? "th" : "td",
                     header ? " scope=\"row\"" : "", attribute("class", kind),
                     attribute("data-sort", cell.sort), attribute("title", cell.title), content,
                     header ? "th" : "td");
}

}  // namespace

std::string text(std::string_view unknown) {
  return escape_xml(escape_block(unknown));
}

std::string samples_link(const Filter& filter) {
  std::string link;
  for (const auto& [name, value] : filter) {
    if (value.empty()) continue;
    link += (link.empty() ? "#" : "&") + std::string(name) + "=" + encoded(value);
  }
  return link.empty() ? "#task=" : link;
}

std::string table(const TableOf& table) {
  std::string html = fmt::format(
      "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{0}\">"
      "<table{1}><caption>{0}</caption>\n<thead><tr>",
      text(table.caption), table.sortable ? " class=\"sortable\"" : "");
  for (const auto& column : table.columns) {
    html += fmt::format("<th scope=\"col\"{}>{}</th>", column.right ? " class=\"number\"" : "",
                        text(column.name));
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      html += cell_markup(row[i], i == 0, table.columns[i].right);
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

void drop_column(std::size_t column, TableOf& table) {
  const auto at = static_cast<std::ptrdiff_t>(column);
  table.columns.erase(table.columns.begin() + at);
  for (auto& row : table.rows) row.erase(row.begin() + at);
}

void drop_empty(TableOf& table) {
  for (std::size_t i = table.columns.size(); i-- > 1;) {
    const bool empty = std::all_of(table.rows.begin(), table.rows.end(), [i](const auto& row) {
      return row[i].text.empty() || row[i].text == "–";
    });
    if (empty) drop_column(i, table);
  }
}

std::string list(std::string_view kind, const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  std::string html = fmt::format("<ul class=\"{}\">\n", kind);
  for (const std::string& line : lines) html += "<li>" + text(line) + "</li>\n";
  return html + "</ul>\n";
}

std::string percent(double share, int digits) {
  return fmt::format("{:.{}f}", 100 * share, digits);
}

std::string thousands(std::int64_t value) {
  std::string digits = std::to_string(value);
  const std::size_t sign = value < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > sign + 3;) digits.insert(i -= 3, ",");
  return digits;
}

std::string sort_key(double value) {
  return fmt::format("{:.9g}", value);
}

}  // namespace moebius::reports::html
