// Writes SVG elements; places the numbers of an axis.
#include "reports/render/html/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/render/html/markup.h"

namespace moebius::reports::html {
namespace {

/// 1, 2 or 5 times a power of ten, at least `step`.
double round_step(double step) {
  const double power = std::pow(10.0, std::floor(std::log10(step)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= step * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::string points_text(const std::vector<std::pair<double, double>>& points) {
  std::string text;
  for (const auto& [x, y] : points) {
    text += (text.empty() ? "M" : "L") + place(x) + " " + place(y);
  }
  return text;
}

}  // namespace

std::string place(double value) {
  std::string text = fmt::format("{:.2f}", value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

double Scale::at(double value) const {
  const double share = log ? (std::log(value) - std::log(low)) / (std::log(high) - std::log(low))
                           : (value - low) / (high - low);
  return from + share * (to - from);
}

std::vector<double> Scale::ticks(int wanted) const {
  std::vector<double> found;
  if (!log) {
    const double step = round_step((high - low) / wanted);
    const double first = std::ceil(low / step - 1e-9);
    for (double i = first; i * step <= high + step * 1e-9; ++i) found.push_back(i * step);
    return found;
  }
  const int first = static_cast<int>(std::floor(std::log10(low) + 1e-9));
  const int last = static_cast<int>(std::ceil(std::log10(high) - 1e-9));
  const int decades = std::max(1, last - first);
  const bool parts = decades * 2 <= wanted;
  const int stride = std::max(1, (decades + wanted - 1) / wanted);
  for (int decade = first; decade <= last; decade += stride) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10.0, decade);
      if ((factor > 1 && !parts) || value < low * (1 - 1e-9) || value > high * (1 + 1e-9)) continue;
      found.push_back(value);
    }
  }
  return found;
}

Scale padded(double low, double high, double least, double most) {
  const double room = std::max((high - low) * 0.06, (most - least) * 0.01);
  return {.low = std::max(least, low - room), .high = std::min(most, high + room)};
}

Scale log_scale(double low, double high) {
  const auto power = [](double value) {
    return std::pow(10.0, std::floor(std::log10(value) + 1e-9));
  };
  Scale scale{.low = power(low), .high = power(high), .log = true};
  for (const double factor : {5.0, 2.0}) {
    if (factor * scale.low <= low * (1 + 1e-9)) {
      scale.low *= factor;
      break;
    }
  }
  const double base = scale.high;
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    scale.high = factor * base;
    if (scale.high >= high * (1 - 1e-9)) break;
  }
  if (scale.high <= scale.low) scale.high = 10 * scale.low;
  return scale;
}

std::string short_number(double value) {
  const double size = std::abs(value);
  for (const auto& [unit, sign] : {std::pair(1e9, "G"), std::pair(1e6, "M"), std::pair(1e3, "k")}) {
    if (size >= unit * 0.9995) return fmt::format("{:.3g}{}", value / unit, sign);
  }
  return fmt::format("{:.3g}", std::abs(value) < 1e-12 ? 0.0 : value);
}

Svg::Svg(double width, double height, std::string_view title)
    : svg_(fmt::format("<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" ", place(width),
                       place(height))) {
  svg_ += title.empty() ? "aria-hidden=\"true\">\n"
                        : fmt::format("role=\"group\" aria-label=\"{}\">\n", html::text(title));
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view kind) {
  svg_ += fmt::format("<path class=\"{}\" d=\"M{} {}L{} {}\"/>\n", kind, place(x1), place(y1),
                      place(x2), place(y2));
}

void Svg::rect(double x, double y, double width, double height, std::string_view kind) {
  svg_ += fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n", kind,
                      place(x), place(y), place(width), place(height));
}

void Svg::circle(double x, double y, double radius, std::string_view kind) {
  svg_ += fmt::format("<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>\n", kind, place(x),
                      place(y), place(radius));
}

void Svg::diamond(double x, double y, double radius, std::string_view kind) {
  path(fmt::format("M{} {}L{} {}L{} {}L{} {}Z", place(x), place(y - radius), place(x + radius),
                   place(y), place(x), place(y + radius), place(x - radius), place(y)),
       kind);
}

void Svg::path(std::string_view d, std::string_view kind) {
  svg_ += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", kind, d);
}

void Svg::text(double x, double y, std::string_view anchor, std::string_view kind,
               std::string_view text) {
  svg_ += fmt::format("<text x=\"{}\" y=\"{}\"{}{}>{}</text>\n", place(x), place(y),
                      anchor == "start" ? "" : fmt::format(" text-anchor=\"{}\"", anchor),
                      kind.empty() ? "" : fmt::format(" class=\"{}\"", kind), html::text(text));
}

void Svg::polyline(const std::vector<std::pair<double, double>>& points, std::string_view kind) {
  if (!points.empty()) path(points_text(points), kind);
}

void Svg::area(const std::vector<std::pair<double, double>>& upper,
               const std::vector<std::pair<double, double>>& lower, std::string_view kind) {
  std::vector<std::pair<double, double>> around = upper;
  around.insert(around.end(), lower.rbegin(), lower.rend());
  if (!around.empty()) path(points_text(around) + "Z", kind);
}

void Svg::open_group(std::string_view kind, std::string_view attributes) {
  svg_ += fmt::format("<g class=\"{}\"{}{}>\n", kind, attributes.empty() ? "" : " ", attributes);
}

void Svg::close_group() {
  svg_ += "</g>\n";
}

void Svg::open_link(std::string_view href, std::string_view title) {
  links_.push_back(!href.empty());
  svg_ += href.empty() ? "<g>"
                       : fmt::format("<a href=\"{0}\" aria-label=\"{1}\">", html::text(href),
                                     html::text(title));
  if (!title.empty()) svg_ += fmt::format("<title>{}</title>\n", html::text(title));
}

void Svg::close_link() {
  svg_ += links_.back() ? "</a>\n" : "</g>\n";
  links_.pop_back();
}

std::string Svg::take() {
  return std::move(svg_) + "</svg>\n";
}

}  // namespace moebius::reports::html
