// What the tables for people have in common: which columns there are and how numbers read.
#pragma once

#include <string>
#include <vector>

#include "reports/store.h"

namespace moebius::reports {

struct Table {
  std::vector<std::string> header;
  std::vector<bool> right;  // aligned, of each column
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> notes;  // below the table; rows that have one carry a *
};

/// One summary's rows, not escaped; cells of more than 60 code points end in "...". Shares in
/// percent, with the digits that the interval allows.
Table make_table(const Summary& summary);

/// "run 3 (1a2b3c4d5e6f), complete" and what else a reader must know; one fact each, not escaped.
std::vector<std::string> facts(const Summary& summary);

}  // namespace moebius::reports
