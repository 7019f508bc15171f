// The parts of the page, each a piece of HTML; empty where there is nothing to show.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reports/compare.h"
#include "reports/render/html/collect.h"

namespace moebius::reports::html {

/// A part of the page with its heading, which the navigation leads to.
struct Section {
  std::string id;
  std::string heading;
  std::string html;
};

/// Which series is which; empty for one run.
std::string legend(const Page& page);

/// A chart below its caption: a name in bold and what to read from it. `attributes` are ours.
std::string figure(std::string_view name, std::string_view caption, const std::string& chart,
                   std::string_view attributes = "");

/// The row of a set's headline score; null if there is none.
const Row* headline_row(const RunFacts& run, const Set& set);

/// "run 3, mmlu/original: 71.2 % [70.8, 71.6], 14,042 questions"
std::string score_title(const RunFacts& run, const Row& row);

/// What must be known before any number is read: one <li> each.
std::string banners(const Page& page, const Comparison* comparison);

Section runs_section(const Page& page);
Section leaderboard_section(const Page& page);  // of two runs or more
Section scores_section(const Page& page);
Section subjects_section(const Page& page);
Section distributions_section(const Page& page);  // repeats, months, calibration, tokens, latency
Section machines_section(const Page& page);       // expert loads, rooflines
Section history_section(const Page& page);        // of two runs or more
Section comparison_section(const Page& page, const Comparison& comparison);

}  // namespace moebius::reports::html
