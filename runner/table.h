// Aligned columns of text for a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace moebius::runner {

/// First column left aligned, the others right aligned, two blanks between.
class Table {
 public:
  explicit Table(std::vector<std::string> header);
  void add(
      std::vector<std::string> row);  // throws std::invalid_argument unless as wide as the header
  std::string text() const;           // every row ends in a newline, none in blanks

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// Number of characters (code points) of UTF-8 text.
std::size_t text_width(std::string_view text);

/// 1234567 as "1.23 M"; units of 1000: none, k, M, B, T.
std::string human_count(double value);

/// 1536 as "1.5 KiB"; units of 1024.
std::string human_bytes(double bytes);

}  // namespace moebius::runner
