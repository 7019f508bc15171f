// Many runs, of one store or several, beside each other: who is better than whom as far as that can
// be told, at what cost, on which subjects, and how it changed over time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/statistics/interval.h"
#include "reports/store.h"

namespace moebius::reports {

/// A run to be shown. The reader must outlive the call.
struct BoardSource {
  Reader* reader = nullptr;
  Run run;
  std::string store;  // as the user named it
};

struct BoardOptions {
  double fail_budget = 0.01;  // as in summarize()
  double alpha = 0.05;        // of rank ranges (Holm) and of marked cells (Benjamini-Hochberg)
};

/// A part of a run's questions: a subject, or a month.
struct BoardPart {
  std::int64_t items = 0;            // with a score
  std::optional<double> value;       // mean of the questions' means
  std::optional<Interval> interval;  // 95 %
  // of subjects, where two or more runs are ranked
  /// Less the mean of the other ranked runs on the same questions.
  std::optional<double> difference;
  std::optional<double> q;  // of that difference; Benjamini-Hochberg over all cells of the board
  bool marked = false;      // q <= alpha
};

/// What changed since the run before of the same model, on the same questions.
struct BoardChange {
  std::size_t since = 0;  // index into Board::entries
  std::int64_t items = 0;
  double difference = 0;
  Interval interval;  // 95 %, paired
  double p = 1;       // two-sided, of this change alone
};

/// One run in one task and variant.
struct BoardEntry {
  std::size_t run = 0;   // index into Leaderboard::runs
  Row row;               // headline: value, interval, shares, tokens
  Set set;               // as it was asked: sampling, repeats, data
  std::string unranked;  // why it has no rank, one line; empty: it has
  /// Between which ranks the run may stand: 1 + the number of runs that are significantly better,
  /// and the number of ranked runs less those that are significantly worse.
  std::optional<std::int64_t> best_rank;
  std::optional<std::int64_t> worst_rank;
  /// What the servers charged; a run of several sets shares it out by their tokens. None if no
  /// prices were given.
  std::optional<double> cost;
  std::string currency;
  std::optional<double> cost_per_answer;
  std::optional<double> tokens_per_answer;   // output
  std::optional<double> samples_per_second;  // from the first answer stored to the last, without
                                             // the time between attempts; none of a few answers
  bool on_cost_front = false;   // no ranked run is as good and cheaper an answer, or better and no
  bool on_token_front = false;  // dearer; the same of output tokens
  bool unsandboxed = false;     // model-written code ran without a sandbox
  std::vector<BoardPart> subjects;  // beside Board::subjects; empty for unranked runs
  std::vector<BoardPart> months;    // beside Board::months
  std::optional<BoardChange> change;
};

/// Runs that answered the same questions of one task and variant, judged by the same scorer.
struct Board {
  std::string task;
  std::string variant;
  int task_version = 0;
  std::string data_sha256;
  std::string scorer;
  int scorer_version = 0;
  std::int64_t items = 0;  // that all ranked runs answered
  std::string apart;       // why it is not in the first board of its task and variant; empty: it is
  std::vector<BoardEntry> entries;       // best value first, then those without a rank
  std::vector<std::size_t> by_time;      // indices of entries, oldest run first
  std::vector<std::string> subjects;     // strata, then the values of each tag that sorts otherwise
  std::vector<std::string> subjects_by;  // beside them: "stratum", "subject", "level", "family"
  std::vector<std::string> months;       // "2024-05", of dated questions, ascending
  std::vector<std::string> notes;
};

struct BoardRun {
  std::size_t store = 0;  // index into Leaderboard::stores
  Summary summary;
  std::vector<Set> sets;
};

struct Leaderboard {
  BoardOptions options;
  std::vector<std::string> stores;
  std::vector<BoardRun> runs;  // in the order given
  std::vector<Board> boards;   // by task and variant in the order of appearance, then as founded
};

/// Reads each run once. Runs stand in one board if task, variant, task version, data, headline
/// scorer and questions are the same; prompts too where the tokenizer is. Others get boards of
/// their own. Ranks come from two-sided paired tests of all pairs (McNemar's mid-p for one 0/1
/// answer per question, the z of PairedTest otherwise), Holm-corrected within the board. Throws
/// Error if a store fails.
Leaderboard make_leaderboard(const std::vector<BoardSource>& sources,
                             const BoardOptions& options = {});

/// More ranked runs than this in one board are shown without ranks.
inline constexpr std::size_t kMostRanked = 256;

/// Seconds that a run was at work: each attempt from its beginning to the last answer stored before
/// the next one. None if the store does not say.
std::optional<double> busy_seconds(Reader& reader, std::int64_t run);

// ---- renderings: the same leaderboard, the same bytes -----------------------------------

std::string render_text(const Leaderboard& board);
std::string render_markdown(const Leaderboard& board);
/// render_csv() of the summaries with further columns, which only headline rows fill.
std::string render_csv(const Leaderboard& board);
/// render_json() of the summaries with the boards beside them: reports/report.schema.json.
std::string render_json(const Leaderboard& board);
/// The table of the EleutherAI harness: Tasks, Version, Filter, n-shot, Metric, arrow, Value, +-,
/// Stderr; a line before it names each run.
std::string render_lm_eval(const Leaderboard& board);

/// Every board's runs in the order of time, with what changed since the run before of the same
/// model.
std::string render_history_text(const Leaderboard& board);
std::string render_history_markdown(const Leaderboard& board);

}  // namespace moebius::reports
