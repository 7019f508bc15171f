// Two runs, question by question: what changed, by how much, and whether that is worse than a
// margin allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reports/statistics/draws.h"
#include "reports/statistics/sequential.h"
#include "reports/store.h"

namespace moebius::reports {

/// What a candidate may show at most, as shares of its samples or questions; none: not looked at.
struct Limits {
  std::optional<double> truncated;
  std::optional<double> no_answer;
  std::optional<double> failed;
  std::optional<double> flips;  // of the compared questions, both directions
};

struct CompareOptions {
  double margin = 0.01;                   // how much worse is still good enough, in (0, 1)
  std::map<std::string, double> margins;  // of single tasks, instead of it
  double alpha = 0.05;                    // of each decision, one-sided, in (0, 0.5)
  double fail_budget = 0.01;       // share of samples that may have failed, as in summarize()
  std::vector<std::string> tasks;  // empty: all
  bool intersect = false;          // leave out what the runs do not share, instead of refusing
  Limits limits;
  /// Two or more: the candidate is looked at after these shares of the questions (equal_looks()),
  /// in stratified_order() of the base's questions by `seed`. It may then have been stopped at a
  /// look that decided. Not together with `intersect`.
  std::vector<double> looks;
  LookShape shape = LookShape::kPocock;
  std::uint64_t seed = kDrawSeed;
  /// With looks: over how many sets regressions are corrected; 0: those of the base.
  std::size_t family = 0;
  /// Looks that nobody planned: judged by an e-process over what was asked without a gap of the
  /// order of looks, which holds however often that is done; takes more questions. Not together
  /// with `looks` or `intersect`.
  bool anytime = false;

  double margin_of(const std::string& task) const;
};

enum class Verdict {
  kPass,          // proven: not worse than the margin
  kRegression,    // proven: worse than the margin; or a limit is exceeded
  kInconclusive,  // too few questions to tell
  kInvalid,       // the runs cannot be compared; `why` says why
};
std::string verdict_name(Verdict verdict);  // "pass", "regression", "inconclusive", "invalid"

/// One answer to a question that changed.
struct Transcript {
  std::int32_t repeat = 0;
  std::string outcome;  // verdict of the headline judge, or "failure: " and its kind
  std::string extracted;
  std::string text;  // or the failure's message
};

/// A question whose score changed.
struct Changed {
  std::string item;
  double base = 0;  // mean over the repeats
  double candidate = 0;
  // by add_transcripts()
  std::string prompt;
  std::string target;
  std::vector<Transcript> base_answers;
  std::vector<Transcript> candidate_answers;
};

/// A part of a set, for looking through: it decides nothing.
struct SubjectChange {
  std::string by;  // what sorts the questions: "stratum", or a tag: "subject", "level", "family"
  std::string subject;  // of those; empty: questions without
  std::int64_t items = 0;
  double base = 0;
  double candidate = 0;
  double difference = 0;
  Interval interval;    // 95 %, paired
  double p = 1;         // two-sided, of this subject alone
  double q = 1;         // Benjamini-Hochberg over the subjects of all sets
  bool marked = false;  // q <= alpha
};

/// How often the base differs from itself when it is run again.
struct Band {
  std::int64_t items = 0;
  std::int64_t flips = 0;
  /// One-sided: that the candidate changes no more questions than the base's own second run does;
  /// binomial, given the number of changes in both.
  double p = 1;
};

/// One task and variant in both runs.
struct SetComparison {
  std::string task;
  std::string variant;
  double margin = 0;
  Verdict verdict = Verdict::kInvalid;
  std::string why;                    // one line if invalid
  std::vector<std::string> exceeded;  // limits, one line each
  Row base;       // as summarized over all of the run's own questions: rates, tokens, latency
  Row candidate;  // with looks: of those it was asked
  // how the questions matched
  std::int64_t questions = 0;  // of the base
  std::int64_t items = 0;      // compared; with looks: until the one that decided
  std::int64_t base_only = 0;  // not in the other run
  std::int64_t candidate_only = 0;
  std::int64_t changed_prompts = 0;  // in both, asked with other tokens
  std::int64_t unscored = 0;         // in both, all samples of one run failed
  // over the compared questions; candidate less base
  double base_mean = 0;
  double candidate_mean = 0;
  double difference = 0;
  /// Of level 1 - 2 alpha: each end is the one-sided bound at alpha. With looks repeated: it holds
  /// at all of them together.
  std::optional<Interval> interval;
  double level = 0;
  std::string method;  // PairedTest::method()
  std::optional<double> error;
  std::optional<double> unpaired_error;  // had the questions not been the same
  std::optional<double> correlation;
  std::int64_t gained = 0;  // better in the candidate
  std::int64_t lost = 0;
  std::vector<Changed> changes;         // these, in the order of the base's set
  std::vector<SubjectChange> subjects;  // strata, then those of each tag, in the task's order
  double same_p = 1;                    // two-sided: that the models do not differ
  std::string same_method;
  double pass_p = 1;            // one-sided: that it is worse than the margin
  double regression_p = 1;      // one-sided: that it is not; Holm over all sets of the comparison
  double own_regression_p = 1;  // before that
  /// Questions that it takes to pass in 80 % of comparisons if the models do not differ, by the
  /// spread seen here.
  std::optional<std::int64_t> needed;
  // with looks: the p-values are those of the look alone, and its boundaries decide
  int look = 0;              // 1 .. looks, the one that decided or the last
  bool pending = false;      // invalid only because the next look's questions were not all asked
  std::optional<Band> band;  // by add_band()
};

/// A candidate that was not asked all that the base was: its looks had decided before, or it goes
/// on and is compared at any time.
struct EarlyStop {
  int look = 0;            // 1 .. looks, after which all sets are decided; 0: at any time
  int looks = 0;           // planned
  std::int64_t asked = 0;  // questions, all sets together
  std::int64_t planned = 0;
};

struct Comparison {
  Run base;
  Run candidate;
  CompareOptions options;
  Verdict verdict = Verdict::kInvalid;
  std::string why;                  // if invalid
  std::vector<SetComparison> sets;  // in the order of the base, then those of the candidate alone
  std::vector<std::string> notes;
};

/// Pairs questions by task, variant, item and prompt hash; by item alone if the tokenizers differ,
/// which a note says. Neither run may be running, have samples missing or fail above the budget;
/// task versions and headline scorers must agree, and so must the sets, questions and prompts
/// unless `intersect`. What breaks that is kInvalid, never an exception; a run that breaks it makes
/// every set invalid.
///
/// Invalid if any set is; else a regression if any set is; inconclusive if any set is; a pass only
/// if all pass, which needs no correction (every hypothesis is rejected at alpha). Regressions are
/// called at alpha after Holm's correction, as one suffices; with looks at the boundaries of alpha
/// over the number of sets. A limit exceeded is a regression.
/// Throws std::invalid_argument for options outside their ranges and Error if a store fails.
Comparison compare(Reader& base_reader, const Run& base, Reader& candidate_reader,
                   const Run& candidate, const CompareOptions& options = {});

/// None if all was asked, or nothing was judged.
std::optional<EarlyStop> early_stop(const Comparison& comparison);

/// Decides comparisons of one candidate again, regressions after Holm's correction over all their
/// sets together; those with looks stay as they are.
void correct_together(const std::vector<Comparison*>& comparisons);
/// The gravest: invalid, regression, inconclusive, pass; invalid of none.
Verdict gravest(const std::vector<Verdict>& verdicts);

/// The items of each set of the base, by task and variant, in the order in which looks count them:
/// how a candidate must be asked that may be stopped at a look.
using SetName = std::pair<std::string, std::string>;
std::map<SetName, std::vector<std::string>> look_orders(Reader& base_reader, const Run& base,
                                                        const CompareOptions& options);

/// `again`: the base compared with a second run of the same model.
void add_band(const Comparison& again, Comparison& comparison);

/// Prompts and answers of the first `most` changes of each set, losses before gains. Throws Error.
void add_transcripts(Reader& base_reader, Reader& candidate_reader, std::size_t most,
                     Comparison& comparison);

/// The changes with the greatest losses first.
std::vector<const Changed*> worst_first(const SetComparison& set);

// ---- renderings: the same comparison, the same bytes ---------------------------------------

/// Limits of GitHub: 1 MiB for a job summary, beyond which none of it is shown, and 65,536
/// characters for a comment; GitLab takes 1,000,000 characters in a comment.
inline constexpr std::size_t kSummaryBytes = 900'000;
inline constexpr std::size_t kCommentBytes = 60'000;

struct RenderOptions {
  std::string name = "compare";            // "gate": of the test suite and of the comment's marker
  std::size_t most_changes = 20;           // listed of each set; transcripts count as one
  std::size_t most_bytes = kSummaryBytes;  // of Markdown, at least 4096: shortened until it fits
  bool marker = true;                      // Markdown begins with the comment by which it is found
};

std::string render_text(const Comparison& comparison, const RenderOptions& options = {});
/// Begins with the comment <!-- moebius:NAME -->, by which a comment that is there already can be
/// found and replaced.
std::string render_markdown(const Comparison& comparison, const RenderOptions& options = {});
/// The stable machine interface: reports/comparison.schema.json.
std::string render_json(const Comparison& comparison);
/// One test case for each set: failure is a regression, skipped is inconclusive, error is invalid.
/// Conforms to reports/junit.xsd.
std::string render_junit(const Comparison& comparison, const RenderOptions& options = {});

}  // namespace moebius::reports
