// One walk through a run's samples: what the charts need, and a row for each sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reports/html.h"
#include "reports/render/html/chunks.h"
#include "reports/store.h"

namespace moebius::reports::html {

/// Names that rows refer to by number.
class Names {
 public:
  std::size_t number(const std::string& name);
  const std::vector<std::string>& all() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::size_t> numbers_;
};

/// Counts in classes that are even in the logarithm, eight to a factor of ten.
class LogHistogram {
 public:
  struct Bin {
    std::int64_t count = 0;
    std::int64_t cut = 0;  // of those, truncated
  };
  static constexpr int kPerDecade = 8;
  void add(double value, bool cut);  // below 1 counts as 1
  static double lower(int bin);      // bound of a class
  const std::map<int, Bin>& bins() const { return bins_; }

 private:
  std::map<int, Bin> bins_;
};

/// A share of questions: the mean of their means.
struct Tally {
  std::int64_t items = 0;
  double sum = 0;
  double mean() const { return items > 0 ? sum / static_cast<double>(items) : 0; }
};

/// How sure the model was of the choice it took, and whether that was right.
struct Guess {
  float confidence = 0;
  float value = 0;
};

/// What the charts need of one set of one run.
struct SetFacts {
  Set set;
  std::size_t index = 0;  // among the page's tasks
  LogHistogram tokens;
  LogHistogram latency_ms;
  std::vector<Guess> guesses;
  std::map<std::string, Tally> subjects;
  std::vector<std::string> subject_order;  // as first seen
  std::set<std::string> strata;
  std::map<std::string, Tally> months;                         // "2024-05"
  std::vector<std::pair<std::int64_t, std::int64_t>> repeats;  // answers and right ones, if > 1
};

struct RunFacts {
  BoardSource source;
  Summary summary;
  std::string name;  // unique on the page
  std::vector<SetFacts> sets;
  std::int64_t samples = 0;
  std::string rows;  // data blocks
};

/// What the rows of all runs refer to.
struct Page {
  Names sets;  // "task/variant"
  Names subjects;
  Names parts;  // JSON arrays of what else a question is a part of, by part_label()
  Names dates;
  Names verdicts;
  Names finishes;
  std::vector<bool> repeated;  // of each set
  std::vector<RunFacts> runs;
  Leaderboard board;  // of these runs, in their order
  TextBudget budget;
  explicit Page(std::size_t most_bytes) : budget(most_bytes) {}
};

/// Reads the run once and adds it, with the numbers that it is summarized by, to the page. `name`
/// empty: called by its number.
void collect(const BoardSource& source, const Summary& summary, const std::string& name,
             Page& page);

/// A set's name on the page and in its addresses.
std::string set_name(const std::string& task, const std::string& variant);

/// What the page calls a part: "algebra", "level 5".
std::string part_label(const std::string& by, const std::string& name);

/// A member of the tags, a JSON object; empty if there is none.
std::string tag(const std::string& tags, const char* name);

}  // namespace moebius::reports::html
