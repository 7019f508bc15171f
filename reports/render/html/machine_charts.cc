// Expert loads and the roofline.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reports/render/html/charts.h"
#include "reports/render/html/markup.h"

namespace moebius::reports::html {
namespace {

constexpr double kDrawn = 640;

/// Step 0 .. 9 for a load relative to its layer's mean: a quarter and less to four times and more.
std::size_t heat_step(double ratio) {
  if (ratio <= 0) return 0;
  return static_cast<std::size_t>(std::clamp(std::floor((std::log2(ratio) + 2) * 2.5), 0.0, 9.0));
}

double most_tflops(const MachineLimits& limits) {
  return std::max({limits.matrix_tflops, limits.fp8_tflops, limits.f32_tflops});
}

double most_gb_s(const MachineLimits& limits) {
  return std::max(limits.read_gb_s, limits.copy_gb_s);
}

struct KernelPoint {
  const KernelFigures* kernel;
  double intensity;  // FLOPs a byte
  double tflops;
};

std::vector<KernelPoint> kernel_points(const Profile& profile) {
  std::vector<KernelPoint> points;
  for (const KernelFigures& kernel : profile.kernels) {
    if (kernel.ns <= 0 || kernel.bytes <= 0 || kernel.flops <= 0) continue;
    points.push_back({&kernel, kernel.flops / static_cast<double>(kernel.bytes),
                      kernel.flops / static_cast<double>(kernel.ns) * 1e-3});
  }
  return points;
}

/// One limit of arithmetic: flat from where memory allows it.
void draw_ceiling(Svg& svg, const Scale& x, const Scale& y, double gb_s, double tflops,
                  const std::string& name) {
  if (tflops <= 0) return;
  const double knee = gb_s > 0 ? std::max(x.low, tflops * 1e3 / gb_s) : x.low;
  if (knee >= x.high) return;
  svg.line(x.at(knee), y.at(tflops), x.to, y.at(tflops), "axis");
  svg.text(x.to, y.at(tflops) - 5, "end", "quiet",
           fmt::format("{} {} TFLOP/s", name, short_number(tflops)));
}

void draw_memory(Svg& svg, const Scale& x, const Scale& y, double gb_s, double tflops) {
  if (gb_s <= 0) return;
  double last = tflops > 0 ? tflops * 1e3 / gb_s : x.high;
  last = std::min({last, x.high, y.high * 1e3 / gb_s});
  const double first = std::max(x.low, y.low * 1e3 / gb_s);
  if (first >= last) return;
  svg.line(x.at(first), y.at(first * gb_s * 1e-3), x.at(last), y.at(last * gb_s * 1e-3), "axis");
  const double middle = std::sqrt(first * last);  // above the line no kernel can be
  svg.text(x.at(middle) - 8, y.at(middle * gb_s * 1e-3) - 4, "end", "quiet",
           fmt::format("memory {} GB/s", short_number(gb_s)));
}

void draw_kernels(Svg& svg, const std::vector<KernelPoint>& points, const Profile& profile,
                  const Scale& x, const Scale& y) {
  constexpr std::size_t kNamed = 8;  // with most time
  std::int64_t all = 1;
  for (const KernelFigures& kernel : profile.kernels) all += kernel.ns;
  svg.open_group("s0");
  for (std::size_t i = 0; i < points.size(); ++i) {
    const KernelPoint& point = points[i];
    const double part = static_cast<double>(point.kernel->ns) / static_cast<double>(all);
    const double px = x.at(point.intensity), py = y.at(point.tflops);
    svg.open_link(
        "", fmt::format("{}: {} % of the time, {} FLOP/byte, {} TFLOP/s", point.kernel->kernel,
                        percent(part), short_number(point.intensity), short_number(point.tflops)));
    svg.circle(px, py, 3 + 14 * std::sqrt(part), "fill");
    if (i < kNamed) {
      const bool left = px > (x.from + 2 * x.to) / 3;
      svg.text(px + (left ? -1 : 1) * (6 + 14 * std::sqrt(part)), py + 4, left ? "end" : "start",
               "tick", point.kernel->kernel);
    }
    svg.close_link();
  }
  svg.close_group();
}

}  // namespace

std::string expert_heat(const std::string& title,
                        const std::vector<std::vector<std::int64_t>>& layers) {
  constexpr double kLeft = 48;
  std::size_t experts = 1;
  for (const auto& layer : layers) experts = std::max(experts, layer.size());
  const double cell_width = std::min(28.0, (kDrawn - kLeft - 8) / static_cast<double>(experts));
  const double cell_height = layers.size() > 24 ? 8 : 18;
  const double height = cell_height * static_cast<double>(layers.size());
  std::array<std::string, 10> paths;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    std::int64_t sum = 0;
    for (const std::int64_t tokens : layers[l]) sum += tokens;
    if (sum <= 0) continue;
    const double mean = static_cast<double>(sum) / static_cast<double>(layers[l].size());
    for (std::size_t e = 0; e < layers[l].size(); ++e) {
      paths[heat_step(static_cast<double>(layers[l][e]) / mean)] +=
          fmt::format("M{} {}h{}v{}h-{}z", place(kLeft + cell_width * static_cast<double>(e)),
                      place(cell_height * static_cast<double>(l)), place(cell_width - 0.5),
                      place(cell_height - 0.5), place(cell_width - 0.5));
    }
  }
  Svg svg(kDrawn, height + 36, title);
  for (std::size_t step = 0; step < paths.size(); ++step) {
    if (!paths[step].empty()) svg.path(paths[step], "c" + std::to_string(step));
  }
  const std::size_t every = layers.size() > 24 ? 8 : 1;
  for (std::size_t l = 0; l < layers.size(); l += every) {
    svg.text(kLeft - 6, cell_height * (static_cast<double>(l) + 0.5) + 4, "end", "tick",
             std::to_string(l));
  }
  svg.text(kLeft, height + 16, "start", "quiet",
           fmt::format("layer down, expert 0 to {} across", experts - 1));
  return svg.take();
}

std::string roofline(const std::string& title, const Profile& profile) {
  constexpr double kHeight = 340;
  const std::vector<KernelPoint> points = kernel_points(profile);
  if (points.empty()) return {};
  double least_x = INFINITY, most_x = 0, least_y = INFINITY, most_y = most_tflops(profile.limits);
  for (const KernelPoint& point : points) {
    least_x = std::min(least_x, point.intensity);
    most_x = std::max(most_x, point.intensity);
    least_y = std::min(least_y, point.tflops);
    most_y = std::max(most_y, point.tflops);
  }
  const double gb_s = most_gb_s(profile.limits);
  const double peak = most_tflops(profile.limits);
  if (gb_s > 0 && peak > 0) most_x = std::max(most_x, 4 * peak * 1e3 / gb_s);
  Svg svg(kDrawn, kHeight, title);
  Scale x = log_scale(least_x / 1.5, most_x * 1.5);
  x.from = 52, x.to = kDrawn - 12;
  Scale y = log_scale(least_y / 1.5, most_y * 1.5);
  y.from = kHeight - 40, y.to = 12;
  for (const double tick : y.ticks(6)) {
    svg.line(x.from, y.at(tick), x.to, y.at(tick), "grid");
    svg.text(x.from - 6, y.at(tick) + 4, "end", "tick", short_number(tick));
  }
  for (const double tick : x.ticks(7)) {
    svg.line(x.at(tick), y.to, x.at(tick), y.from, "grid");
    svg.text(x.at(tick), y.from + 15, "middle", "tick", short_number(tick));
  }
  svg.text(x.to, y.from + 31, "end", "quiet", "FLOP a byte; upwards TFLOP/s");
  draw_memory(svg, x, y, gb_s, peak);
  draw_ceiling(svg, x, y, gb_s, profile.limits.matrix_tflops, profile.limits.matrix_path);
  draw_ceiling(svg, x, y, gb_s, profile.limits.fp8_tflops, "fp8");
  draw_ceiling(svg, x, y, gb_s, profile.limits.f32_tflops, "f32");
  draw_kernels(svg, points, profile, x, y);
  return svg.take();
}

}  // namespace moebius::reports::html
