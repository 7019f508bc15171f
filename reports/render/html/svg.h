// Scalable drawings: elements with the page's classes, scales with round ticks.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moebius::reports::html {

/// From numbers to places on a drawing.
struct Scale {
  double low = 0;
  double high = 1;
  double from = 0;  // where low lies
  double to = 1;
  bool log = false;

  double at(double value) const;
  /// Round values within low .. high, about `wanted` of them; powers of ten and their halves if
  /// logarithmic.
  std::vector<double> ticks(int wanted) const;
};

/// `low` .. `high` with a little room on both sides, cut to `least` .. `most`.
Scale padded(double low, double high, double least, double most);
/// From the power of ten (or 2 or 5 times it) below to the one above; both > 0.
Scale log_scale(double low, double high);

/// 1500000 as "1.5M", 0.05 as "0.05".
std::string short_number(double value);

class Svg {
 public:
  /// `title` says in one line what is drawn; none: an ornament. No text here is escaped.
  Svg(double width, double height, std::string_view title);

  void line(double x1, double y1, double x2, double y2, std::string_view kind);
  void rect(double x, double y, double width, double height, std::string_view kind);
  void circle(double x, double y, double radius, std::string_view kind);
  void diamond(double x, double y, double radius, std::string_view kind);
  void path(std::string_view d, std::string_view kind);
  /// anchor: "start", "middle", "end".
  void text(double x, double y, std::string_view anchor, std::string_view kind,
            std::string_view text);
  /// A line through points, and the area between two.
  void polyline(const std::vector<std::pair<double, double>>& points, std::string_view kind);
  void area(const std::vector<std::pair<double, double>>& upper,
            const std::vector<std::pair<double, double>>& lower, std::string_view kind);

  void open_group(std::string_view kind, std::string_view attributes = "");  // attributes: ours
  void close_group();
  /// What is drawn until close_link() leads to `href`; `title` is shown when pointed at. Without
  /// href a group.
  void open_link(std::string_view href, std::string_view title);
  void close_link();

  std::string take();

 private:
  std::string svg_;
  std::vector<bool> links_;  // open ones: whether they lead anywhere
};

/// Coordinates with at most two decimals, the same on every machine.
std::string place(double value);

}  // namespace moebius::reports::html
