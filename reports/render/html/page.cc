// The whole file: head, sections, rows, transcripts, scripts.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "reports/html.h"
#include "reports/render/comparison.h"
#include "reports/render/html/assets.h"
#include "reports/render/html/chunks.h"
#include "reports/render/html/markup.h"
#include "reports/render/html/sections.h"
#include "reports/render/html/transcripts.h"
#include "reports/render/json_values.h"

namespace moebius::reports {
namespace html {
namespace {

/// Only our scripts and our style, nothing from anywhere else.
std::string policy() {
  std::string sources;
  for (const std::string_view script : scripts()) sources += " '" + csp_hash(script) + "'";
  return fmt::format(
      "default-src 'none'; script-src{}; style-src '{}'; img-src data:; base-uri 'none'; "
      "form-action 'none'",
      sources, csp_hash(style_sheet()));
}

std::string head(const std::string& title) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>{}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>{}</style>\n</head>\n<body>\n"
      "<a class=\"skip\" href=\"#samples\">Skip to the samples</a>\n",
      policy(), text(title), style_sheet());
}

std::string run_names(const Page& page) {
  std::string names;
  for (const RunFacts& run : page.runs) {
    names += (names.empty() ? "" : ", ") + run.name + " of " + run.source.run.model;
  }
  return names;
}

std::string field(std::string_view name, std::string_view label, std::string_view choices) {
  return fmt::format(
      "<div id=\"field-{0}\"><label for=\"filter-{0}\">{1}</label>"
      "<select id=\"filter-{0}\"><option value=\"\">{2}</option></select></div>\n",
      name, label, choices);
}

std::string filters() {
  return "<form id=\"filters\" class=\"filters\" role=\"search\" aria-label=\"Samples\">\n" +
         field("task", "Task", "all") + field("subject", "Subject", "all") +
         field("run", "Run", "any") + field("verdict", "Verdict", "any") +
         "<div id=\"field-changed\"><label for=\"filter-changed\">Against the first run</label>"
         "<select id=\"filter-changed\"><option value=\"\">all</option>"
         "<option value=\"any\">changed</option><option value=\"lost\">lost</option>"
         "<option value=\"gained\">gained</option></select></div>\n" +
         field("from", "From", "first") + field("to", "To", "last") +
         "<div><label for=\"filter-q\">Text in question, target, answer</label>"
         "<input id=\"filter-q\" type=\"search\"></div>\n"
         "<div><button type=\"button\" id=\"filter-clear\">Clear</button></div>\n</form>\n";
}

constexpr std::string_view kSamplesTable =
    "<noscript><p>The samples and their transcripts need JavaScript.</p></noscript>\n"
    "<p id=\"sample-status\" role=\"status\">Reading …</p>\n"
    "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Samples\">"
    "<table><caption>One row for each question and repeat; its name opens the transcript</caption>"
    "<thead><tr id=\"sample-head\"></tr></thead>"
    "<tbody id=\"sample-body\"></tbody></table></div>\n"
    "<div class=\"pager\"><button type=\"button\" id=\"page-before\">Previous</button>"
    "<label>Page <input id=\"page-number\" type=\"number\" min=\"1\" value=\"1\"></label>"
    "<span id=\"page-of\"></span>"
    "<button type=\"button\" id=\"page-after\">Next</button></div>\n"
    "<dialog id=\"sample\" aria-labelledby=\"sample-title\"><div class=\"sample-bar\">"
    "<h2 id=\"sample-title\" tabindex=\"-1\"></h2>"
    "<button type=\"button\" id=\"sample-before\">Previous</button>"
    "<button type=\"button\" id=\"sample-after\">Next</button>"
    "<button type=\"button\" id=\"sample-close\">Close</button></div>"
    "<div id=\"sample-content\"></div></dialog>\n";

std::string samples_section() {
  return "<section id=\"samples\" aria-labelledby=\"samples-heading\">"
         "<h2 id=\"samples-heading\" tabindex=\"-1\">Samples</h2>\n" +
         filters() + std::string(kSamplesTable) + "</section>\n";
}

/// What the scripts must know to read rows.
std::string meta_block(const Page& page) {
  nlohmann::ordered_json runs = nlohmann::ordered_json::array();
  for (const RunFacts& run : page.runs) {
    runs.push_back({{"name", run.name},
                    {"id", run.source.run.id},
                    {"model", run.source.run.model},
                    {"store", run.source.store}});
  }
  nlohmann::ordered_json truncated = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < page.finishes.all().size(); ++i) {
    const std::string& finish = page.finishes.all()[i];
    if (finish == "length" || finish == "context_full") truncated.push_back(i);
  }
  nlohmann::ordered_json parts = nlohmann::ordered_json::array();
  for (const std::string& list : page.parts.all()) {
    parts.push_back(nlohmann::ordered_json::parse(list));
  }
  return data_block("id=\"meta\"", dump_json({{"runs", runs},
                                              {"sets", page.sets.all()},
                                              {"repeated", page.repeated},
                                              {"subjects", page.subjects.all()},
                                              {"parts", parts},
                                              {"dates", page.dates.all()},
                                              {"verdicts", page.verdicts.all()},
                                              {"finishes", page.finishes.all()},
                                              {"truncated", truncated}},
                                             -1));
}

std::string sections_html(const std::vector<Section>& sections) {
  std::string links = "<nav aria-label=\"Sections\"><ul>\n";
  std::string html;
  for (const Section& section : sections) {
    if (section.html.empty()) continue;
    links += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", section.id, section.heading);
    html += fmt::format(
        "<section id=\"{0}\" aria-labelledby=\"{0}-heading\">"
        "<h2 id=\"{0}-heading\">{1}</h2>\n{2}</section>\n",
        section.id, section.heading, section.html);
  }
  return links + "<li><a href=\"#samples\">Samples</a></li>\n</ul></nav></header>\n<main>\n" + html;
}

/// Everything before the data.
std::string front(const Page& page, const Comparison* comparison) {
  const std::string title = comparison == nullptr
                                ? "Evaluation report"
                                : "Comparison: " + verdict_name(comparison->verdict);
  std::vector<Section> sections;
  if (comparison != nullptr) sections.push_back(comparison_section(page, *comparison));
  sections.push_back(leaderboard_section(page));
  sections.push_back(scores_section(page));
  sections.push_back(subjects_section(page));
  sections.push_back(distributions_section(page));
  sections.push_back(machines_section(page));
  sections.push_back(history_section(page));
  sections.push_back(runs_section(page));
  return head(title + ": " + run_names(page)) +
         fmt::format("<header><h1>{}</h1>\n<p class=\"lead\">{}</p>\n{}", text(title),
                     text(run_names(page)), banners(page, comparison)) +
         sections_html(sections) + samples_section() + "</main>\n";
}

std::string back() {
  std::string html;
  for (const std::string_view script : scripts())
    html += fmt::format("<script>{}</script>\n", script);
  return html + "</body>\n</html>\n";
}

/// `names` of the runs; none: their numbers.
Page read(const std::vector<BoardSource>& runs, const Leaderboard& board,
          const HtmlOptions& options, const std::vector<std::string>& names = {}) {
  Page page(options.most_bytes);
  page.board = board;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    collect(runs[i], board.runs[i].summary, i < names.size() ? names[i] : "", page);
  }
  return page;
}

void write(Page& page, const Comparison* comparison, const HtmlSink& sink) {
  const std::string first = front(page, comparison);
  const std::string meta = meta_block(page);
  const std::string last = back();
  std::size_t fixed = first.size() + meta.size() + last.size();
  for (const RunFacts& run : page.runs) fixed += run.rows.size();
  page.budget.reserve(fixed);
  sink(first);
  sink(meta);
  for (const RunFacts& run : page.runs) sink(run.rows);
  for (std::size_t run = 0; run < page.runs.size(); ++run) write_transcripts(run, page, sink);
  sink(last);
}

}  // namespace
}  // namespace html

void render_html(const std::vector<BoardSource>& runs, const Leaderboard& board,
                 const HtmlOptions& options, const HtmlSink& sink) {
  html::Page page = html::read(runs, board, options);
  html::write(page, nullptr, sink);
}

void render_html(const Comparison& comparison, const BoardSource& base,
                 const BoardSource& candidate, const HtmlOptions& options, const HtmlSink& sink) {
  const Leaderboard board =
      make_leaderboard({base, candidate}, {.fail_budget = comparison.options.fail_budget});
  html::Page page = html::read({base, candidate}, board, options, {"base", "candidate"});
  html::write(page, &comparison, sink);
}

}  // namespace moebius::reports
