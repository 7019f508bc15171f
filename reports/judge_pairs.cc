// Paired questions judged.
#include "reports/judge_pairs.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "reports/statistics/distributions.h"
#include "reports/statistics/e_process.h"
#include "reports/statistics/estimators.h"
#include "reports/statistics/multiple.h"
#include "reports/statistics/paired.h"
#include "reports/statistics/power.h"

namespace moebius::reports {
namespace {

constexpr std::size_t kMostComparedSubjects = 1000;

/// With no flip at all, Tango's bound is below the margin from this number of questions on.
std::int64_t least_items(double margin, double alpha) {
  const double z = normal_point(1 - alpha);
  return static_cast<std::int64_t>(std::ceil(z * z * (1 - margin) / margin));
}

std::optional<std::int64_t> needed_items(const PairedTest& test, double margin, double alpha) {
  if (!test.error()) return std::nullopt;
  const double spread = *test.error() * *test.error() * static_cast<double>(test.items());
  const std::int64_t by_spread = items_needed({.between = spread}, margin, {.alpha = alpha});
  return std::max(by_spread, least_items(margin, alpha));
}

void add_statistics(const PairedTest& test, double level, const CompareOptions& options,
                    SetComparison& set) {
  set.items = static_cast<std::int64_t>(test.items());
  set.difference = test.difference();
  set.level = level;
  set.interval = test.interval(level);
  set.method = test.method();
  set.error = test.error();
  set.unpaired_error = test.unpaired_error();
  set.correlation = test.correlation();
  set.gained = test.flips().gained;
  set.lost = test.flips().lost;
  const auto same = test.no_difference();
  set.same_p = same.p;
  set.same_method = same.method;
  const double z = test.z(-set.margin);
  set.pass_p = normal_cdf(-z);
  set.regression_p = set.own_regression_p = normal_cdf(z);
  set.needed = needed_items(test, set.margin, options.alpha);
  set.verdict = Verdict::kInconclusive;  // until all sets are known
}

void add_subjects_by(const Facet& facet, const Join& join, std::size_t places,
                     std::vector<SubjectChange>& subjects) {
  const auto& names = *facet.names;
  std::vector<PairedScores> scores(names.size());
  for (const Pair& pair : join.pairs) {
    if (pair.place >= places) continue;
    PairedScores& own = scores[facet.of(*pair.question)];
    own.base.push_back(pair.base);
    own.candidate.push_back(pair.candidate);
    own.clusters.emplace_back(join.base->clusters[pair.question->cluster]);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (scores[i].base.empty()) continue;
    SubjectChange subject{.by = facet.by,
                          .subject = std::string(names[i]),
                          .items = static_cast<std::int64_t>(scores[i].base.size()),
                          .base = mean(scores[i].base),
                          .candidate = mean(scores[i].candidate)};
    const PairedTest test(std::move(scores[i]));
    subject.difference = test.difference();
    subject.interval = test.interval(0.95);
    subject.p = test.quick_no_difference();
    subjects.push_back(std::move(subject));
  }
}

/// Strata, and what the tags sort by; none if there is one part only.
std::vector<SubjectChange> subjects_of(const Join& join, std::size_t places) {
  std::vector<SubjectChange> subjects;
  for (const Facet& facet : facets_of(*join.base)) {
    if (facet.names->size() > kMostComparedSubjects) continue;
    add_subjects_by(facet, join, places, subjects);
  }
  return subjects;
}

}  // namespace

bool with_looks(const CompareOptions& options) {
  return options.looks.size() > 1;
}

bool asked_in_order(const CompareOptions& options) {
  return with_looks(options) || options.anytime;
}

void describe_pairs(const Join& join, std::size_t places, double level,
                    const CompareOptions& options, SetComparison& set) {
  PairedScores scores = scores_of(join, places);
  set.base_mean = mean(scores.base);
  set.candidate_mean = mean(scores.candidate);
  set.changes = changes_of(join, places);
  set.subjects = subjects_of(join, places);
  add_statistics(PairedTest(std::move(scores)), level, options, set);
}

LookBounds make_look_bounds(const CompareOptions& options, std::size_t sets) {
  const auto at = [&](double alpha) {
    return look_boundaries(options.shape, options.looks, alpha);
  };
  const std::vector<double> pass = at(options.alpha);
  return {pass, sets > 1 ? at(options.alpha / static_cast<double>(sets)) : pass};
}

void look_at(const Join& join, const LookBounds& looks, const CompareOptions& options,
             SetComparison& set) {
  for (std::size_t look = 0; look < options.looks.size(); ++look) {
    const auto places = static_cast<std::size_t>(
        std::lround(options.looks[look] * static_cast<double>(join.questions)));
    if (join.first_missing < places) {
      set.pending = true;
      set.why = "not decided after " + std::to_string(look) + " of " +
                std::to_string(options.looks.size()) + " looks, and the next needs " +
                std::to_string(places) + " questions: " +
                std::to_string(join.questions - static_cast<std::size_t>(join.counts.base_only)) +
                " were asked";
      return;
    }
    PairedScores scores = scores_of(join, places);
    if (scores.base.empty()) continue;  // a set smaller than its looks
    const double z = PairedTest(std::move(scores)).z(-set.margin);
    const bool pass = z >= looks.pass[look];
    const bool regression = z <= -looks.regression[look];
    if (!pass && !regression && look + 1 < options.looks.size()) continue;
    const double level = 2 * normal_cdf(looks.pass[look]) - 1;
    describe_pairs(join, places, level, options, set);
    set.look = static_cast<int>(look) + 1;
    if (pass) set.verdict = Verdict::kPass;
    if (regression) set.verdict = Verdict::kRegression;
    return;
  }
}

void judge_anytime(const Join& join, const CompareOptions& options, SetComparison& set) {
  std::vector<const Pair*> asked;
  for (const Pair& pair : join.pairs) {
    if (pair.place < join.first_missing) asked.push_back(&pair);
  }
  if (asked.empty()) {
    set.pending = true;
    set.why = "none of the questions that come first was asked yet";
    return;
  }
  std::sort(asked.begin(), asked.end(),
            [](const Pair* a, const Pair* b) { return a->place < b->place; });
  describe_pairs(join, join.first_missing, 1 - 2 * options.alpha, options, set);
  EProcess process(set.margin, options.alpha);
  std::vector<double> differences;
  for (const Pair* pair : asked) {
    differences.push_back(std::clamp(pair->candidate - pair->base, -1.0, 1.0));
    process.add(differences.back());
  }
  set.interval = anytime_interval(differences, options.alpha);
  set.method = "e-process";
  set.pass_p = process.pass_p();
  set.regression_p = set.own_regression_p = process.regression_p();
}

void mark_subjects(std::vector<SetComparison>& sets, double alpha) {
  std::vector<SubjectChange*> all;
  std::vector<double> p;
  for (SetComparison& set : sets) {
    for (SubjectChange& subject : set.subjects) {
      all.push_back(&subject);
      p.push_back(subject.p);
    }
  }
  const std::vector<double> q = benjamini_hochberg(p);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i]->q = q[i];
    all[i]->marked = q[i] <= alpha;
  }
}

}  // namespace moebius::reports
