// Gives lengths to the bytes that assets.S.in links in.
#include "reports/render/html/assets.h"

// assets.S.in defines a pair of symbols for each file: its first byte, and one past its last.
#define MOEBIUS_REPORT_ASSET(symbol)               \
  extern "C" const char moebius_report_##symbol[]; \
  extern "C" const char moebius_report_##symbol##_end[]
MOEBIUS_REPORT_ASSET(css);
MOEBIUS_REPORT_ASSET(data_js);
MOEBIUS_REPORT_ASSET(samples_js);
MOEBIUS_REPORT_ASSET(transcript_js);
MOEBIUS_REPORT_ASSET(page_js);
#undef MOEBIUS_REPORT_ASSET

namespace moebius::reports::html {

std::string_view style_sheet() {
  return {moebius_report_css, moebius_report_css_end};
}

const std::vector<std::string_view>& scripts() {
  static const std::vector<std::string_view> all = {
      {moebius_report_data_js, moebius_report_data_js_end},
      {moebius_report_samples_js, moebius_report_samples_js_end},
      {moebius_report_transcript_js, moebius_report_transcript_js_end},
      {moebius_report_page_js, moebius_report_page_js_end},
  };
  return all;
}

}  // namespace moebius::reports::html
