// For tests: runs in memory, as far as comparisons see them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reports/store/sample_cases.h"

namespace moebius::reports::cases {

/// What a set of a run holds: `value(i, repeat)` scores question i, below zero is a failure.
struct MadeUp {
  int items = 0;
  std::function<double(int, int)> value;
  std::function<void(Sample&)> change;
  std::string task = "t";
  std::int32_t repeats = 1;
  int task_version = 1;
  int written = -1;  // questions that were asked; -1: all
};

inline double all_right(int, int) {
  return 1;
}

/// The score of question i, `lost` of the first being wrong.
inline std::function<double(int, int)> first_wrong(int lost) {
  return [lost](int i, int) { return i < lost ? 0.0 : 1.0; };
}

/// A store in memory: what compare() sees is this interface alone.
class MadeUpStore : public Reader {
 public:
  struct Stored {
    Run run;
    std::vector<Set> sets;
    std::vector<SampleRow> rows;
  };
  std::vector<Stored> stored;

  /// A run of these sets.
  Run add_run(const std::vector<MadeUp>& made, const std::string& tokenizer = "t",
              const std::string& state = "complete") {
    Stored one{.run = cases::run()};
    one.run.id = static_cast<std::int64_t>(stored.size());
    one.run.tokenizer_hash = tokenizer;
    one.run.state = state;
    for (const MadeUp& m : made) {
      one.sets.push_back(cases::set(m.task, m.items, m.repeats));
      one.sets.back().id = 100 + static_cast<std::int64_t>(one.sets.size());
      one.sets.back().task_version = m.task_version;
      add_samples(m, one);
    }
    stored.push_back(one);
    return one.run;
  }

  std::vector<Run> runs() override { return {}; }
  Run find_run(const std::string& which) override { return of(std::stoll(which)).run; }
  std::vector<Set> sets(std::int64_t run) override { return of(run).sets; }
  std::vector<Profile> profiles(std::int64_t) override { return {}; }
  void each_sample(std::int64_t run, const std::string& item,
                   const std::function<void(const SampleRow&)>& visit) override {
    for (const SampleRow& row : of(run).rows) {
      if (item.empty() || row.sample.item.item == item) visit(row);
    }
  }

 private:
  static void add_samples(const MadeUp& made, Stored& stored) {
    const int written = made.written < 0 ? made.items : made.written;
    for (int i = 0; i < written; ++i) {
      for (int k = 0; k < made.repeats; ++k) {
        const Set& set = stored.sets.back();
        const double value = made.value(i, k);
        Sample sample = value < 0 ? failed(set.id, i, k) : cases::sample(set.id, i, k);
        if (value >= 0) sample.scores = {score(value)};
        sample.item.cluster = sample.item.stratum = "";
        if (made.change) made.change(sample);
        stored.rows.push_back({.task = set.task, .variant = set.variant, .sample = sample});
      }
    }
  }

  Stored& of(std::int64_t run) { return stored.at(static_cast<std::size_t>(run)); }
};

}  // namespace moebius::reports::cases
