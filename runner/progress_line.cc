// The line on a terminal that shows where an evaluation stands.
#include "runner/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "runner/output.h"

namespace moebius::runner {
namespace {

constexpr std::int64_t kBarWidth = 24;

std::string bar(std::int64_t done, std::int64_t planned) {
  const std::int64_t full = planned > 0 ? kBarWidth * done / planned : kBarWidth;
  return std::string(static_cast<std::size_t>(full), '#') +
         std::string(static_cast<std::size_t>(kBarWidth - full), '.');
}

std::string duration(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 90 * 60) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

}  // namespace

std::string progress_text(const Progress& progress, double seconds) {
  const std::int64_t now = progress.scored + progress.failed;
  const std::int64_t done = std::min(progress.planned, progress.found + now);
  std::string text = fmt::format("{}  [{}] {}/{}", progress.now, bar(done, progress.planned), done,
                                 progress.planned);
  if (now > 0 && seconds > 0) {
    const double rate = static_cast<double>(now) / seconds;
    text += fmt::format("  {:.1f}/s", rate);
    if (done < progress.planned) {
      text += "  " + duration(static_cast<double>(progress.planned - done) / rate) + " left";
    }
  }
  if (progress.failed > 0) text += fmt::format("  {} failed", progress.failed);
  return text;
}

ProgressLine::ProgressLine()
    : terminal_(::isatty(STDERR_FILENO) == 1), begin_(std::chrono::steady_clock::now()) {}

ProgressLine::~ProgressLine() {
  if (terminal_) fmt::print(stderr, "\r\x1b[K");
}

void ProgressLine::show(const Progress& progress) {
  if (!terminal_) return;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin_;
  fmt::print(stderr, "\r\x1b[K{}", progress_text(progress, elapsed.count()));
  std::fflush(stderr);
}

void ProgressLine::say(const std::string& text) {
  const char* clear = ::isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "";
  fmt::print(stderr, "{}moebius: {}\n", clear, one_line(text));
}

}  // namespace moebius::runner
