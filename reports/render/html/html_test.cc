// Charts against committed drawings; data blocks, budgets and the page's policy.
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

#include "reports/html.h"
#include "reports/render/html/assets.h"
#include "reports/render/html/charts.h"
#include "reports/render/html/chunks.h"
#include "reports/render/html/markup.h"
#include "reports/store/made_up_store.h"

namespace moebius::reports::html {
namespace {

std::string read_golden(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<Estimate> two_estimates(double value) {
  return {{.value = value,
           .interval = Interval{value - 0.05, value + 0.04},
           .href = "#task=a",
           .title = "first"},
          {.series = 1, .value = value - 0.1, .title = "second <b>"}};
}

std::vector<Guess> guesses() {
  std::vector<Guess> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back({static_cast<float>(0.25 + 0.75 * i / 200.0), i % 4 != 0 ? 1.0F : 0.0F});
  }
  return all;
}

Profile some_profile() {
  return {.device = "cpu",
          .limits = {.read_gb_s = 100, .matrix_tflops = 2, .matrix_path = "amx", .f32_tflops = 0.2},
          .kernels = {{"gemm", 10, 1'000'000, 20'000'000, 1.5e9},
                      {"norm", 10, 500'000, 40'000'000, 4e7},
                      {"undeclared", 1, 100, 0, 0}}};
}

std::string all_charts() {
  LogHistogram short_ones, long_ones;
  for (int i = 1; i < 400; ++i) short_ones.add(i, false), long_ones.add(20 * i, i > 350);
  const Forest scores{
      .title = "Scores & <more>",
      .rows = {{.label = "mmlu/original", .estimates = two_estimates(0.7)},
               {.label = "a name that is much longer than there is room for it here",
                .estimates = two_estimates(0.3)}},
      .axis = "score, %"};
  const Forest differences{
      .title = "Differences",
      .rows = {{.label = "aime",
                .estimates = {{.value = -0.02, .interval = Interval{-0.06, 0.02}}},
                .margin = -0.01,
                .verdict = "inconclusive"}},
      .least = -1,
      .reference = 0,
      .axis = "points"};
  std::vector<Curve> lines = {{.series = 2, .x = {1, 2, 4}, .y = {}}};
  for (const double value : {0.4, 0.55, 0.7}) lines[0].y.push_back(two_estimates(value)[0]);
  return forest(scores) + forest(differences) +
         scatter("Costs", "tokens",
                 {{two_estimates(0.5)[0], 120, "cheap"},
                  {two_estimates(0.7)[0], 4000, "good"},
                  {two_estimates(0.4)[1], 900, "beaten"}},
                 true) +
         histogram("Lengths", "tokens", {{0, &short_ones}, {1, &long_ones}}) +
         reliability("Calibration", {{0, *calibrate(guesses())}}) + curves("pass@k", "k", lines) +
         monthly("Months", {"2024-01", "2024-02"}, {two_estimates(0.5), two_estimates(0.6)}) +
         expert_heat("Experts", {{100, 100, 400, 25, 0, 90}, {0, 0, 0, 0, 0, 0}}) +
         roofline("Kernels", some_profile());
}

TEST(HtmlCharts, AreDrawnAsBefore) {
  const std::string path = std::string(GOLDEN_DIR) + "/charts.svg.txt";
  const std::string drawn = all_charts();
  if (std::getenv("MOEBIUS_WRITE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << drawn;
  }
  EXPECT_EQ(drawn, read_golden(path)) << "MOEBIUS_WRITE_GOLDEN=1 html_test accepts it";
  EXPECT_EQ(drawn.find("nan"), std::string::npos);
  EXPECT_EQ(drawn.find("inf\""), std::string::npos);
  EXPECT_EQ(drawn.find("<b>"), std::string::npos);
}

TEST(HtmlCharts, SurviveWhatIsEmptyOrAllTheSame) {
  const LogHistogram empty;
  LogHistogram one;
  one.add(0, true);
  EXPECT_EQ(histogram("x", "y", {{0, &empty}}), "");
  EXPECT_EQ(roofline("x", Profile{}), "");
  for (const std::string& drawn :
       {histogram("x", "y", {{0, &one}}), forest({.title = "x", .rows = {{.label = "none"}}}),
        forest({.title = "x", .rows = {{.label = "a", .estimates = {{.value = 1}}}}}),
        scatter("x", "y", {{{.value = 0}, 1, "a"}}, true), curves("x", "k", {}),
        monthly("x", {}, {}), expert_heat("x", {}), expert_heat("x", {{}})}) {
    EXPECT_NE(drawn.find("</svg>"), std::string::npos);
    EXPECT_EQ(drawn.find("nan"), std::string::npos) << drawn;
    EXPECT_EQ(drawn.find("inf"), std::string::npos) << drawn;
  }
}

TEST(HtmlScale, TicksAreRoundAndWithin) {
  const Scale linear{.low = 0.66, .high = 0.94, .from = 0, .to = 280};
  const std::vector<double> ticks = linear.ticks(7);
  ASSERT_EQ(ticks.size(), 5U);  // 0.70, 0.75, 0.80, 0.85, 0.90
  EXPECT_NEAR(ticks[0], 0.7, 1e-12);
  EXPECT_NEAR(linear.at(0.8), 140, 1e-9);
  const Scale log = log_scale(3, 45000);
  EXPECT_DOUBLE_EQ(log.low, 2);
  EXPECT_DOUBLE_EQ(log.high, 50000);
  for (const double tick : log.ticks(6)) EXPECT_TRUE(tick >= log.low && tick <= log.high) << tick;
  EXPECT_EQ(short_number(1'500'000), "1.5M");
  EXPECT_EQ(short_number(-0.0), "0");
}

TEST(HtmlCalibration, IsThatOfACountByHand) {
  // Two bins: 20 guesses at 0.6 of which half are right, 20 at 0.9 of which all are.
  std::vector<Guess> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back({0.6F, i % 2 == 0 ? 1.0F : 0.0F});
    all.push_back({0.9F, 1.0F});
  }
  const auto calibration = calibrate(all, 2);
  ASSERT_TRUE(calibration);
  EXPECT_NEAR(calibration->ece, 0.5 * 0.1 + 0.5 * 0.1, 1e-6);
  EXPECT_NEAR(calibration->brier, (10 * 0.16 + 10 * 0.36 + 20 * 0.01) / 40, 1e-6);
  EXPECT_FALSE(calibrate({{0.5F, 1.0F}}));
}

// ---- data -----------------------------------------------------------------------------

std::string inflated(const std::string& bytes) {
  std::string text(1 << 16, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

TEST(HtmlData, GzipHasNoClockAndReadsBack) {
  const std::string zipped = gzip("some text, some text");
  EXPECT_EQ(inflated(zipped), "some text, some text");
  EXPECT_EQ(zipped.substr(4, 4), std::string(4, '\0'));  // RFC 1952: MTIME
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("Man"), "TWFu");  // RFC 4648
  EXPECT_EQ(base64("Ma"), "TWE=");
  // The empty text, as in the specification of Subresource Integrity.
  EXPECT_EQ(csp_hash(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST(HtmlData, ClipsBetweenCodePoints) {
  const std::string text = "\u00e4\u00f6\u00fc\u20ac\u00e4\u00f6\u00fc\u20ac";  // 18 bytes
  for (std::size_t most = 0; most < text.size(); ++most) {
    const Clip clipped = clip(text, most);
    EXPECT_LE(clipped.head.size() + clipped.tail.size(), most);
    EXPECT_EQ(clipped.head.size() + clipped.left_out + clipped.tail.size(), text.size());
    for (const std::string_view part : {clipped.head, clipped.tail}) {
      EXPECT_TRUE(part.empty() || (static_cast<unsigned char>(part[0]) & 0xc0) != 0x80) << most;
    }
  }
  EXPECT_EQ(clip(text, 18).left_out, 0U);
}

TEST(HtmlData, TheBudgetHoldsWhateverCompressesHow) {
  for (const double ratio : {0.05, 0.4, 1.3}) {
    TextBudget budget(1'000'000);
    constexpr std::size_t kTexts = 1000, kSize = 20'000;
    for (std::size_t i = 0; i < kTexts; ++i) budget.measure(kSize);
    std::size_t written = 0, shortest = kSize;
    for (std::size_t i = 0; i < kTexts; i += 10) {
      const std::size_t each = std::min(kSize, budget.limit());
      shortest = std::min(shortest, each);
      const auto bytes = static_cast<std::size_t>(static_cast<double>(10 * each) * ratio);
      budget.spent(10, 10 * each, bytes);
      written += bytes;
    }
    EXPECT_LE(written, 1'050'000U) << ratio;
    EXPECT_GE(written, 800'000U) << ratio;
    EXPECT_GE(shortest, TextBudget::kLeast);
  }
  TextBudget roomy(1'000'000);
  roomy.measure(500'000);
  EXPECT_GE(roomy.limit(), 500'000U);
}

TEST(HtmlMarkup, AddressesAreEncoded) {
  EXPECT_EQ(samples_link({{"task", "a/b c&d=\u00e4\""}, {"run", ""}}),
            "#task=a%2Fb%20c%26d%3D%C3%A4%22");
  EXPECT_EQ(thousands(-1234567), "-1,234,567");
  EXPECT_EQ(thousands(123), "123");
}

// ---- the page -------------------------------------------------------------------------

std::string page_of(cases::MadeUpStore& store, const std::vector<reports::Run>& runs) {
  std::vector<BoardSource> sources;
  for (const reports::Run& run : runs) sources.push_back({&store, run, "store.sqlite"});
  std::string page;
  render_html(sources, make_leaderboard(sources), {}, [&](std::string_view text) { page += text; });
  return page;
}

TEST(HtmlPage, TheSameStoreGivesTheSameBytesAndAllowsOnlyItsOwnScripts) {
  cases::MadeUpStore store;
  const reports::Run base = store.add_run({{40, cases::all_right}});
  const reports::Run other = store.add_run({{40, cases::first_wrong(5)}});
  const std::string page = page_of(store, {base, other});
  EXPECT_EQ(page, page_of(store, {base, other}));
  for (const std::string_view script : scripts()) {
    EXPECT_NE(page.find("'" + csp_hash(script) + "'"), std::string::npos);
    EXPECT_NE(page.find("<script>" + std::string(script) + "</script>"), std::string::npos);
    EXPECT_EQ(script.find("</"), std::string_view::npos);
    for (const char* markup :
         {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("}) {
      EXPECT_EQ(script.find(markup), std::string_view::npos) << markup;
    }
  }
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page.find("unsafe"), std::string::npos);
  EXPECT_EQ(page.find("http://"), std::string::npos);
  EXPECT_EQ(page.find("https://"), std::string::npos);
}

TEST(HtmlPage, NoTextOfOthersIsMarkup) {
  const std::string hostile = "<img src=x onerror=a> \"'>&</style></script><!-- \xff \u202e";
  cases::MadeUpStore store;
  store.add_run({{12, cases::all_right,
                  [&](Sample& sample) {
                    sample.text = sample.item.prompt = sample.item.target = hostile;
                    sample.item.item += hostile;
                    sample.item.stratum = hostile + std::to_string(sample.item.position % 2);
                  },
                  hostile}});
  reports::Run& run = store.stored[0].run;
  run.model = run.build = run.sandbox = run.started = run.state = hostile;
  const std::string page = page_of(store, {run});
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find("onerror=a>"), std::string::npos);
  EXPECT_EQ(page.find("\u202e"), std::string::npos);
  EXPECT_EQ(page.find('\xff'), std::string::npos);
  EXPECT_NE(page.find("&#60;img src=x"), std::string::npos);
}

TEST(HtmlPage, ARunWithoutAnyAnswerIsAPage) {
  cases::MadeUpStore store;
  reports::Run run =
      store.add_run({{10, cases::all_right, nullptr, "t", 1, 1, 0}}, "t", "incomplete");
  const std::string page = page_of(store, {run});
  EXPECT_NE(page.find("INCOMPLETE"), std::string::npos);
  EXPECT_NE(page.find("INVALID"), std::string::npos);
  EXPECT_NE(page.find("</html>"), std::string::npos);
}

}  // namespace
}  // namespace moebius::reports::html
