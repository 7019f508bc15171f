// What k of n samples would show: at least one right, all right, the right answer in the
// majority. All exact, no drawing of random subsets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace moebius::reports {

/// Chance that k samples drawn without replacement from n, of which c are right, contain a right
/// one: 1 - C(n-c, k) / C(n, k). None if n < k or k < 1 or c is outside 0 .. n.
/// Source: human-eval, human_eval/evaluation.py, estimate_pass_at_k; the same product in the same
/// order, so that the bits agree.
std::optional<double> pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k);

/// Chance that all k are right: C(c, k) / C(n, k) (pass^k). None as above.
std::optional<double> pass_hat_k(std::int64_t n, std::int64_t c, std::int64_t k);

/// Chance that at least `at_least` of k are right: hypergeometric tail. With at_least 1 pass@k,
/// with k pass^k, with ceil(tau k) G-Pass@k of GPassK (arXiv 2412.13147). None as above.
std::optional<double> at_least_of_k(std::int64_t n, std::int64_t c, std::int64_t k,
                                    std::int64_t at_least);

/// cons@k: chance that the right answer is the most frequent among k drawn from all; where it
/// shares the first place with t others it counts 1 / (t + 1). `right`: samples with the right
/// answer; `wrong`: how often each wrong answer was given; `silent`: samples without an answer,
/// which vote for none. None if there are fewer than k samples or k < 1 or a count is negative.
/// Source: STATISTICS 2.2.6, by counting subsets with a generating function. Cost O(k^2 log k)
/// times the number of wrong answers.
std::optional<double> maj_at_k(std::int64_t right, std::span<const std::int64_t> wrong,
                               std::int64_t silent, std::int64_t k);

}  // namespace moebius::reports
