// The report to look at: one HTML file with charts, every sample and its transcript, which needs
// neither a network nor a server.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/compare.h"
#include "reports/leaderboard.h"

namespace moebius::reports {

struct HtmlOptions {
  std::size_t most_bytes = 50'000'000;  // beyond them transcripts are cut to head and tail
};

/// Takes the file piece by piece, in order.
using HtmlSink = std::function<void(std::string_view)>;

/// Runs beside each other, ranked by `board`, the leaderboard of these runs; changed answers are
/// those that differ from the first run's. Charts and tables first, then one row for each sample,
/// then the transcripts, which are read from the stores once more and never held together: memory
/// grows with the number of samples, not with their texts. The same stores, the same bytes. Throws
/// Error if a store fails, and what `sink` throws.
void render_html(const std::vector<BoardSource>& runs, const Leaderboard& board,
                 const HtmlOptions& options, const HtmlSink& sink);

/// The same for a comparison: its verdict first. `base` and `candidate` are the runs compared.
void render_html(const Comparison& comparison, const BoardSource& base,
                 const BoardSource& candidate, const HtmlOptions& options, const HtmlSink& sink);

}  // namespace moebius::reports
