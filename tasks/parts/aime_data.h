// AIME: thirty problems a year, each with an integer from 0 to 999 as its answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tasks/suite.h"

namespace moebius::tasks {

/// The year's problems in the order of the files that hold all thirty.
struct AimeYear {
  std::string year;                // "2024"
  std::vector<std::string> names;  // "I-1", ...
};
/// 2024: the order of hendrycks' wiki scrape (1, 10, 11, ... 15, 2, ...), which all three
/// public copies share. 2025: the contest's.
AimeYear aime_2024();
AimeYear aime_2025();

std::vector<Variant> aime_variants();
std::map<std::string, std::string> aime_options();

/// Item ids are "2024-I-3"; the clusters are the two papers. Throws Error.
std::vector<SampleSet> load_aime(const AimeYear& year, const std::vector<DataFile>& files,
                                 const std::vector<const Variant*>& variants, Think think);

/// "025", "25": an integer from 0 to 999 in at most four digits; -1 if it is not.
std::int64_t aime_answer(const std::string& text);

}  // namespace moebius::tasks
