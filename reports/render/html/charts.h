// The report's charts as SVG: what is drawn, from plain numbers. Nothing here is escaped by the
// caller. Series 0 .. 7 have colours and shapes of their own; further ones begin again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reports/render/html/collect.h"
#include "reports/render/html/svg.h"
#include "reports/statistics/interval.h"
#include "reports/store.h"

namespace moebius::reports::html {

/// The shape of a series at a place, and the name of its colours.
void draw_mark(Svg& svg, std::size_t series, double x, double y);
std::string series_class(std::size_t series);
/// A small drawing of the mark, for legends.
std::string mark_icon(std::size_t series);

/// A value with its interval.
struct Estimate {
  std::size_t series = 0;
  double value = 0;
  std::optional<Interval> interval;
  std::string href;
  std::string title;  // in full, shown when pointed at
};

// ---- values with intervals, one row each ----------------------------------------------

struct ForestRow {
  std::string label;
  std::vector<Estimate> estimates;
  std::optional<double> margin;  // a mark of what is still good enough
  std::string verdict;           // "pass", "regression", ...: written behind, and its colour
};
struct Forest {
  std::string title;
  std::vector<ForestRow> rows;
  double least = 0;  // no axis goes beyond
  double most = 1;
  std::optional<double> reference;  // a line over all rows
  std::string axis;                 // "score, %"
};
std::string forest(const Forest& forest);

// ---- points of two numbers ------------------------------------------------------------

struct Point {
  Estimate estimate;  // y
  double x = 0;       // > 0
  std::string label;
};
/// x is logarithmic. With `front` a line joins the points that no other beats on both axes.
std::string scatter(const std::string& title, const std::string& axis,
                    const std::vector<Point>& points, bool front);

// ---- distributions --------------------------------------------------------------------

struct Distribution {
  std::size_t series = 0;
  const LogHistogram* histogram = nullptr;
};
/// Shares of each series; what was truncated is filled.
std::string histogram(const std::string& title, const std::string& axis,
                      const std::vector<Distribution>& series);

// ---- calibration ----------------------------------------------------------------------

struct Calibration {
  struct Bin {
    double confidence = 0;  // mean
    double accuracy = 0;
    std::int64_t count = 0;
  };
  std::vector<Bin> bins;  // of equal numbers of guesses, ascending
  double ece = 0;         // expected calibration error: mean of |accuracy - confidence|
  double brier = 0;       // mean squared error of the confidence
};
/// At most `bins` bins; none if there are fewer than ten guesses for each of two.
std::optional<Calibration> calibrate(std::vector<Guess> guesses, std::size_t bins = 10);
std::string reliability(const std::string& title,
                        const std::vector<std::pair<std::size_t, Calibration>>& series);

// ---- curves ---------------------------------------------------------------------------

struct Curve {
  std::size_t series = 0;
  std::vector<double> x;
  std::vector<Estimate> y;
};
/// x from 1 on, logarithmic; intervals are bands.
std::string curves(const std::string& title, const std::string& axis,
                   const std::vector<Curve>& curves);
/// One place for each name, with the estimates that stand there; each is a group with the
/// attribute data-month.
std::string monthly(const std::string& title, const std::vector<std::string>& months,
                    const std::vector<std::vector<Estimate>>& estimates);

// ---- machines -------------------------------------------------------------------------

/// Tokens that each expert of each layer got, less or more than its layer's mean.
std::string expert_heat(const std::string& title,
                        const std::vector<std::vector<std::int64_t>>& layers);

/// Kernels by what they compute for each byte and second, below the limits that were measured.
std::string roofline(const std::string& title, const Profile& profile);

}  // namespace moebius::reports::html
