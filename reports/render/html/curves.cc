// Reliability diagrams, curves with bands, and estimates by month.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/render/html/charts.h"
#include "reports/render/html/markup.h"
#include "reports/statistics/intervals.h"

namespace moebius::reports::html {
namespace {

constexpr double kWide = 640;

/// Horizontal lines with percents at the left.
void draw_shares(Svg& svg, const Scale& x, const Scale& y) {
  for (const double tick : y.ticks(5)) {
    svg.line(x.from, y.at(tick), x.to, y.at(tick), "grid");
    svg.text(x.from - 6, y.at(tick) + 4, "end", "tick", short_number(100 * tick) + "%");
  }
  svg.line(x.from, y.from, x.to, y.from, "axis");
}

/// The estimates' range on the axis of shares.
Scale share_scale(const std::vector<std::vector<Estimate>>& estimates) {
  double low = 1, high = 0;
  for (const auto& list : estimates) {
    for (const Estimate& each : list) {
      const Interval range = each.interval.value_or(Interval{each.value, each.value});
      low = std::min(low, range.low);
      high = std::max(high, range.high);
    }
  }
  return padded(std::min(low, high), high, 0, 1);
}

void draw_curve(Svg& svg, const Curve& curve, const Scale& x, const Scale& y) {
  std::vector<std::pair<double, double>> line, upper, lower;
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    const double px = x.at(curve.x[i]);
    const Estimate& each = curve.y[i];
    line.emplace_back(px, y.at(each.value));
    if (!each.interval) continue;
    upper.emplace_back(px, y.at(each.interval->high));
    lower.emplace_back(px, y.at(each.interval->low));
  }
  svg.open_group(series_class(curve.series));
  svg.area(upper, lower, "band");
  svg.polyline(line, "line");
  for (std::size_t i = 0; i < line.size(); ++i) {
    svg.open_link("", curve.y[i].title);
    draw_mark(svg, curve.series, line[i].first, line[i].second);
    svg.close_link();
  }
  svg.close_group();
}

void draw_month(Svg& svg, const std::vector<Estimate>& estimates, double px, double step,
                const Scale& y) {
  const auto count = static_cast<double>(estimates.size());
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    const double at =
        px + (static_cast<double>(i) - (count - 1) / 2) * std::min(9.0, step / (count + 1));
    const Estimate& each = estimates[i];
    svg.open_group(series_class(each.series));
    svg.open_link(each.href, each.title);
    if (each.interval) {
      svg.line(at, y.at(each.interval->low), at, y.at(each.interval->high), "thin");
    }
    draw_mark(svg, each.series, at, y.at(each.value));
    svg.close_link();
    svg.close_group();
  }
}

}  // namespace

std::optional<Calibration> calibrate(std::vector<Guess> guesses, std::size_t bins) {
  constexpr std::size_t kFewest = 10;
  bins = std::min(bins, guesses.size() / kFewest);
  if (bins < 2) return std::nullopt;
  std::stable_sort(guesses.begin(), guesses.end(),
                   [](const Guess& a, const Guess& b) { return a.confidence < b.confidence; });
  Calibration result;
  const auto all = static_cast<double>(guesses.size());
  for (std::size_t i = 0; i < bins; ++i) {
    const std::size_t begin = guesses.size() * i / bins;
    const std::size_t end = guesses.size() * (i + 1) / bins;
    Calibration::Bin bin{.count = static_cast<std::int64_t>(end - begin)};
    for (std::size_t j = begin; j < end; ++j) {
      const double confidence = guesses[j].confidence;
      const double value = guesses[j].value;
      bin.confidence += confidence / static_cast<double>(bin.count);
      bin.accuracy += value / static_cast<double>(bin.count);
      result.brier += (confidence - value) * (confidence - value) / all;
    }
    result.ece += std::abs(bin.accuracy - bin.confidence) * static_cast<double>(bin.count) / all;
    result.bins.push_back(bin);
  }
  return result;
}

std::string reliability(const std::string& title,
                        const std::vector<std::pair<std::size_t, Calibration>>& series) {
  constexpr double kSide = 330;
  Svg svg(kWide, kSide + 10, title);
  const Scale x{.from = 48, .to = kSide + 48};
  const Scale y{.from = kSide - 30, .to = 10};
  draw_shares(svg, x, y);
  for (const double tick : x.ticks(5)) {
    svg.text(x.at(tick), y.from + 15, "middle", "tick", short_number(100 * tick));
  }
  svg.text(x.to, y.from + 31, "end", "quiet", "confidence, %");
  svg.line(x.from, y.from, x.to, y.to, "ideal");
  for (const auto& [number, calibration] : series) {
    std::vector<std::pair<double, double>> line;
    svg.open_group(series_class(number));
    for (const auto& bin : calibration.bins) {
      const Interval range = wilson(bin.accuracy, static_cast<double>(bin.count));
      const double px = x.at(bin.confidence);
      line.emplace_back(px, y.at(bin.accuracy));
      svg.open_link("", fmt::format("confidence {} %: {} % of {} right", percent(bin.confidence),
                                    percent(bin.accuracy), bin.count));
      svg.line(px, y.at(range.low), px, y.at(range.high), "thin");
      draw_mark(svg, number, px, y.at(bin.accuracy));
      svg.close_link();
    }
    svg.polyline(line, "line");
    svg.close_group();
  }
  return svg.take();
}

std::string curves(const std::string& title, const std::string& axis,
                   const std::vector<Curve>& curves) {
  constexpr double kHeight = 260;
  double most = 2;
  std::vector<std::vector<Estimate>> all;
  for (const Curve& curve : curves) {
    for (const double value : curve.x) most = std::max(most, value);
    all.push_back(curve.y);
  }
  Svg svg(kWide, kHeight, title);
  const Scale x{.low = 1, .high = most, .from = 48, .to = kWide - 16, .log = true};
  Scale y = share_scale(all);
  y.from = kHeight - 40, y.to = 10;
  draw_shares(svg, x, y);
  for (double k = 1; k <= most; k *= 2) {
    svg.text(x.at(k), y.from + 15, "middle", "tick", short_number(k));
  }
  svg.text(x.to, y.from + 31, "end", "quiet", axis);
  for (const Curve& curve : curves) draw_curve(svg, curve, x, y);
  return svg.take();
}

std::string monthly(const std::string& title, const std::vector<std::string>& months,
                    const std::vector<std::vector<Estimate>>& estimates) {
  constexpr double kHeight = 260;
  Svg svg(kWide, kHeight, title);
  const double step = (kWide - 64) / static_cast<double>(std::max<std::size_t>(1, months.size()));
  const Scale x{.from = 48, .to = kWide - 16};
  Scale y = share_scale(estimates);
  y.from = kHeight - 36, y.to = 10;
  draw_shares(svg, x, y);
  const auto stride = static_cast<std::size_t>(std::ceil(58 / step));
  for (std::size_t i = 0; i < months.size(); ++i) {
    const double px = x.from + (static_cast<double>(i) + 0.5) * step;
    svg.open_group("", fmt::format("data-month=\"{}\"", text(months[i])));
    if (i % stride == 0) svg.text(px, y.from + 16, "middle", "tick", months[i]);
    draw_month(svg, estimates[i], px, step, y);
    svg.close_group();
  }
  return svg.take();
}

}  // namespace moebius::reports::html
