// Forest plots, scatter plots and histograms.
#include "reports/render/html/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/render/html/markup.h"
#include "reports/render/table.h"

namespace moebius::reports::html {
namespace {

constexpr double kWidth = 640;
constexpr std::size_t kLabel = 36;  // code points

std::string short_label(const std::string& label) {
  if (label.size() <= kLabel) return label;
  return std::string(clip(label, kLabel * 3 / 2).head) + "...";
}

void draw_axis(Svg& svg, const Scale& x, double top, double bottom, const std::string& name) {
  for (const double tick : x.ticks(7)) {
    svg.line(x.at(tick), top, x.at(tick), bottom, "grid");
    svg.text(x.at(tick), bottom + 15, "middle", "tick", short_number(x.log ? tick : 100 * tick));
  }
  svg.line(x.from, bottom, x.to, bottom, "axis");
  svg.text(x.to, bottom + 31, "end", "quiet", name);
}

std::string estimate_text(const Estimate& estimate) {
  std::string text = percent(estimate.value);
  if (estimate.interval) {
    text +=
        fmt::format(" [{}, {}]", percent(estimate.interval->low), percent(estimate.interval->high));
  }
  return text;
}

Scale forest_scale(const Forest& forest) {
  double low = forest.reference.value_or(forest.most);
  double high = forest.reference.value_or(forest.least);
  const auto stretch = [&](double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  };
  for (const ForestRow& row : forest.rows) {
    if (row.margin) stretch(*row.margin);
    for (const Estimate& estimate : row.estimates) {
      stretch(estimate.interval ? estimate.interval->low : estimate.value);
      stretch(estimate.interval ? estimate.interval->high : estimate.value);
    }
  }
  return low > high ? Scale{.low = forest.least, .high = forest.most}
                    : padded(low, high, forest.least, forest.most);
}

void draw_forest_row(Svg& svg, const ForestRow& row, const Scale& x, double top, double step) {
  svg.text(0, top + step * 0.5 + 4, "start", "", short_label(row.label));
  double y = top + step * 0.5;
  for (const Estimate& estimate : row.estimates) {
    svg.open_group(row.verdict.empty() ? series_class(estimate.series) : row.verdict);
    svg.open_link(estimate.href, estimate.title);
    if (estimate.interval) {
      svg.line(x.at(estimate.interval->low), y, x.at(estimate.interval->high), y, "bar");
    }
    draw_mark(svg, estimate.series, x.at(estimate.value), y);
    svg.text(kWidth, y + 4, "end", "",
             estimate_text(estimate) + (row.verdict.empty() ? "" : "  " + row.verdict));
    svg.close_link();
    svg.close_group();
    y += step;
  }
  if (!row.margin) return;
  const double at = x.at(*row.margin);
  svg.line(at, top + 2, at, y - step * 0.5 - 2, "margin");
}

/// Points that no other beats: as small an x with a greater y.
std::vector<const Point*> front_of(const std::vector<Point>& points) {
  std::vector<const Point*> sorted;
  for (const Point& point : points) sorted.push_back(&point);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Point* a, const Point* b) {
    return std::pair(a->x, -a->estimate.value) < std::pair(b->x, -b->estimate.value);
  });
  std::vector<const Point*> front;
  for (const Point* point : sorted) {
    if (front.empty() || point->estimate.value > front.back()->estimate.value) {
      front.push_back(point);
    }
  }
  return front;
}

void draw_front(Svg& svg, const std::vector<Point>& points, const Scale& x, const Scale& y) {
  std::vector<std::pair<double, double>> line;
  for (const Point* point : front_of(points)) {
    const double px = x.at(point->x);
    if (!line.empty()) line.emplace_back(px, line.back().second);
    line.emplace_back(px, y.at(point->estimate.value));
  }
  if (!line.empty()) line.emplace_back(x.to, line.back().second);
  svg.polyline(line, "front");
}

void draw_point(Svg& svg, const Point& point, const Scale& x, const Scale& y) {
  const double px = x.at(point.x);
  const Estimate& estimate = point.estimate;
  svg.open_group(series_class(estimate.series));
  svg.open_link(estimate.href, estimate.title);
  if (estimate.interval) {
    svg.line(px, y.at(estimate.interval->low), px, y.at(estimate.interval->high), "thin");
  }
  draw_mark(svg, estimate.series, px, y.at(estimate.value));
  const bool left = px > (x.from + 2 * x.to) / 3;
  svg.text(px + (left ? -8 : 8), y.at(estimate.value) - 6, left ? "end" : "start", "",
           short_label(point.label));
  svg.close_link();
  svg.close_group();
}

double share(std::int64_t part, std::int64_t all) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(1, all));
}

std::int64_t total(const LogHistogram& histogram) {
  std::int64_t sum = 0;
  for (const auto& [bin, counted] : histogram.bins()) sum += counted.count;
  return sum;
}

void draw_steps(Svg& svg, const LogHistogram& histogram, const Scale& x, const Scale& y,
                bool alone) {
  const std::int64_t all = total(histogram);
  std::vector<std::pair<double, double>> outline;
  int next = INT32_MIN;
  for (const auto& [bin, counted] : histogram.bins()) {
    const double left = x.at(LogHistogram::lower(bin));
    const double right = x.at(LogHistogram::lower(bin + 1));
    const double top = y.at(share(counted.count, all));
    if (bin != next) {
      if (!outline.empty()) outline.emplace_back(outline.back().first, y.from);
      outline.emplace_back(left, y.from);
    }
    outline.emplace_back(left, top);
    outline.emplace_back(right, top);
    next = bin + 1;
    if (counted.cut == 0) continue;
    const double height = y.from - y.at(share(counted.cut, all));
    svg.rect(left, y.from - height, right - left, height, "fill");
  }
  if (outline.empty()) return;
  outline.emplace_back(outline.back().first, y.from);
  if (alone) svg.polyline(outline, "band");
  svg.polyline(outline, "line");
}

}  // namespace

std::string series_class(std::size_t series) {
  return "s" + std::to_string(series % 8);
}

void draw_mark(Svg& svg, std::size_t series, double x, double y) {
  switch (series % 4) {
    case 0:
      return svg.circle(x, y, 4.5, "dot");
    case 1:
      return svg.diamond(x, y, 6, "dot");
    case 2:
      return svg.circle(x, y, 4.5, "hollow");
    default:
      return svg.diamond(x, y, 6, "hollow");
  }
}

std::string mark_icon(std::size_t series) {
  Svg svg(32, 16, "");
  svg.open_group(series_class(series));
  svg.line(1, 8, 31, 8, "bar");
  draw_mark(svg, series, 16, 8);
  svg.close_group();
  return svg.take();
}

std::string forest(const Forest& forest) {
  constexpr double kStep = 22;
  constexpr double kTop = 6;
  double height = kTop;
  for (const ForestRow& row : forest.rows) {
    height += kStep * static_cast<double>(std::max<std::size_t>(1, row.estimates.size())) + 4;
  }
  Svg svg(kWidth, height + 40, forest.title);
  Scale x = forest_scale(forest);
  x.from = 190;
  const bool verdicts = std::any_of(forest.rows.begin(), forest.rows.end(),
                                    [](const ForestRow& row) { return !row.verdict.empty(); });
  x.to = kWidth - (verdicts ? 205 : 130);
  draw_axis(svg, x, kTop, height, forest.axis);
  if (forest.reference) {
    svg.line(x.at(*forest.reference), kTop, x.at(*forest.reference), height, "axis");
  }
  double top = kTop;
  for (const ForestRow& row : forest.rows) {
    draw_forest_row(svg, row, x, top, kStep);
    top += kStep * static_cast<double>(std::max<std::size_t>(1, row.estimates.size())) + 4;
  }
  return svg.take();
}

std::string scatter(const std::string& title, const std::string& axis,
                    const std::vector<Point>& points, bool front) {
  constexpr double kHeight = 300;
  double least = INFINITY, most = 0, low = 1, high = 0;
  for (const Point& point : points) {
    least = std::min(least, point.x);
    most = std::max(most, point.x);
    const Interval range =
        point.estimate.interval.value_or(Interval{point.estimate.value, point.estimate.value});
    low = std::min(low, range.low);
    high = std::max(high, range.high);
  }
  Svg svg(kWidth, kHeight, title);
  Scale x = log_scale(least, most);
  x.from = 48, x.to = kWidth - 12;
  Scale y = padded(low, high, 0, 1);
  y.from = kHeight - 40, y.to = 12;
  for (const double tick : y.ticks(5)) {
    svg.line(x.from, y.at(tick), x.to, y.at(tick), "grid");
    svg.text(x.from - 6, y.at(tick) + 4, "end", "tick", short_number(100 * tick) + "%");
  }
  draw_axis(svg, x, y.to, y.from, axis);
  if (front) draw_front(svg, points, x, y);
  for (const Point& point : points) draw_point(svg, point, x, y);
  return svg.take();
}

std::string histogram(const std::string& title, const std::string& axis,
                      const std::vector<Distribution>& series) {
  constexpr double kHeight = 220;
  int first = INT32_MAX, last = INT32_MIN;
  double top = 0;
  for (const Distribution& each : series) {
    for (const auto& [bin, counted] : each.histogram->bins()) {
      first = std::min(first, bin);
      last = std::max(last, bin + 1);
      top = std::max(top, share(counted.count, total(*each.histogram)));
    }
  }
  if (first > last) return {};
  Svg svg(kWidth, kHeight, title);
  const int room = std::max(0, 4 - (last - first));
  Scale x{.low = LogHistogram::lower(first - room / 2),
          .high = LogHistogram::lower(last + room - room / 2),
          .from = 48,
          .to = kWidth - 12,
          .log = true};
  Scale y{.low = 0, .high = top * 1.05, .from = kHeight - 40, .to = 10};
  for (const double tick : y.ticks(4)) {
    svg.line(x.from, y.at(tick), x.to, y.at(tick), "grid");
    svg.text(x.from - 6, y.at(tick) + 4, "end", "tick", short_number(100 * tick) + "%");
  }
  draw_axis(svg, x, y.to, y.from, axis);
  for (const Distribution& each : series) {
    svg.open_group(series_class(each.series));
    draw_steps(svg, *each.histogram, x, y, series.size() == 1);
    svg.close_group();
  }
  return svg.take();
}

}  // namespace moebius::reports::html
