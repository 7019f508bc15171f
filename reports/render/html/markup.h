// HTML from C++: text made harmless, links into the table of samples, tables.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moebius::reports::html {

/// Text of unknown origin as the content of an element or of a quoted attribute. What is not seen,
/// or would turn the direction of writing, is written as \x1b or \u{202e}.
std::string text(std::string_view unknown);

/// "#task=mmlu%2Foriginal&subject=law": what the page's scripts show when the address says so.
/// Empty values are left out.
using Filter = std::vector<std::pair<std::string_view, std::string_view>>;
std::string samples_link(const Filter& filter);

/// A cell of a table.
struct Cell {
  std::string text;       // not escaped
  std::string href;       // none: no link
  std::string sort;       // orders the column instead of the text
  const char* kind = "";  // CSS classes
  std::string title;      // shown when pointed at; not escaped
};

/// A table that the reader can sort by each column.
struct TableOf {
  std::string caption;  // not escaped, as all below
  struct Column {
    std::string name;
    bool right = false;
  };
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  // the first cell of each is its header
  bool sortable = true;
};
std::string table(const TableOf& table);

void drop_column(std::size_t column, TableOf& table);
/// Leaves out columns in which every cell is empty or "–".
void drop_empty(TableOf& table);

/// <li> for each; nothing if there is none.
std::string list(std::string_view kind, const std::vector<std::string>& lines);

/// 0.12345 as "12.3", and with more digits where the interval is narrow.
std::string percent(double share, int digits = 1);
/// 1234567 as "1,234,567".
std::string thousands(std::int64_t value);
/// Enough digits to order by.
std::string sort_key(double value);

}  // namespace moebius::reports::html
