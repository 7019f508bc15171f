// How experts were used and what kernels reached.
#include <fmt/format.h>

#include <algorithm>

#include "reports/render/html/charts.h"
#include "reports/render/html/markup.h"
#include "reports/render/html/sections.h"

namespace moebius::reports::html {
namespace {

/// How evenly the layers of each task were used.
TableOf load_table(const std::string& caption, const std::vector<SetLoad>& loads) {
  TableOf table{.caption = caption,
                .columns = {{"Task"},
                            {"Layer", true},
                            {"Tokens", true},
                            {"Max / mean", true},
                            {"Gini", true},
                            {"Busiest expert", true},
                            {"Idle experts", true}}};
  for (const SetLoad& load : loads) {
    for (const LayerLoad& layer : load.layers) {
      table.rows.push_back({{.text = set_name(load.task, load.variant)},
                            {.text = std::to_string(layer.layer)},
                            {.text = thousands(layer.routed), .sort = std::to_string(layer.routed)},
                            {.text = fmt::format("{:.2f}", layer.imbalance)},
                            {.text = fmt::format("{:.3f}", layer.gini)},
                            {.text = std::to_string(layer.busiest)},
                            {.text = std::to_string(layer.idle)}});
    }
  }
  return table;
}

std::string load_chart(const RunFacts& run, const SetLoad& load) {
  std::vector<std::vector<std::int64_t>> layers;
  double worst = 0;
  for (const LayerLoad& layer : load.layers) {
    layers.push_back(layer.tokens);
    worst = std::max(worst, layer.imbalance);
  }
  const std::string name =
      fmt::format("Experts of {} in {}", run.name, set_name(load.task, load.variant));
  return figure(name,
                fmt::format("Tokens routed to each expert against its layer's mean, from a quarter "
                            "(pale) to four times (full); the greatest is {:.2f} times its mean.",
                            worst),
                expert_heat(name, layers));
}

std::string load_charts(const RunFacts& run) {
  const std::vector<SetLoad>& loads = run.summary.expert_loads;
  if (loads.empty()) return {};
  std::string html = "<div class=\"charts\">\n";
  for (const SetLoad& load : loads) html += load_chart(run, load);
  return html + "</div>\n<details><summary>Loads as a table</summary>" +
         table(load_table("Experts of " + run.name, loads)) + "</details>\n";
}

TableOf kernel_table(const std::string& caption, const Profile& profile) {
  TableOf kernels{.caption = caption,
                  .columns = {{"Kernel"},
                              {"Calls", true},
                              {"ms", true},
                              {"% of time", true},
                              {"GB/s", true},
                              {"TFLOP/s", true},
                              {"FLOP / byte", true}}};
  std::int64_t all = 1;
  for (const KernelFigures& kernel : profile.kernels) all += kernel.ns;
  for (const KernelFigures& kernel : profile.kernels) {
    const auto ns = static_cast<double>(std::max<std::int64_t>(1, kernel.ns));
    const auto bytes = static_cast<double>(kernel.bytes);
    kernels.rows.push_back(
        {{.text = kernel.kernel},
         {.text = thousands(kernel.calls), .sort = std::to_string(kernel.calls)},
         {.text = fmt::format("{:.2f}", ns / 1e6)},
         {.text = percent(ns / static_cast<double>(all))},
         {.text = bytes > 0 ? fmt::format("{:.1f}", bytes / ns) : "–"},
         {.text = kernel.flops > 0 ? fmt::format("{:.3f}", kernel.flops / ns * 1e-3) : "–"},
         {.text =
              bytes > 0 && kernel.flops > 0 ? fmt::format("{:.1f}", kernel.flops / bytes) : "–"}});
  }
  return kernels;
}

std::string profile_charts(const RunFacts& run) {
  std::string html;
  for (const Profile& profile : run.source.reader->profiles(run.source.run.id)) {
    const std::string name = fmt::format("Kernels of {} on {}", run.name, profile.device);
    const std::string chart = roofline(name, profile);
    if (!chart.empty()) {
      html += figure(name,
                     "Each kernel by its arithmetic for each byte and what it reached, below "
                     "the limits measured on that machine; areas are shares of the time.",
                     chart);
    }
    html += "<details><summary>Kernels as a table</summary>" + table(kernel_table(name, profile)) +
            "</details>\n";
  }
  return html;
}

}  // namespace

Section machines_section(const Page& page) {
  std::string html;
  for (const RunFacts& run : page.runs) html += load_charts(run) + profile_charts(run);
  return {.id = "machine", .heading = "Experts and kernels", .html = html};
}

}  // namespace moebius::reports::html
