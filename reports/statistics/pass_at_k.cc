// What k of n samples would show, by counting.
#include "reports/statistics/pass_at_k.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace moebius::reports {
namespace {

bool drawable(std::int64_t n, std::int64_t c, std::int64_t k) {
  return k >= 1 && n >= k && c >= 0 && c <= n;
}

/// C(n, k); long double reaches C(16000, 8000), doubles end at C(1029, 514).
long double choose(std::int64_t n, std::int64_t k) {
  if (k < 0 || k > n) return 0;
  k = std::min(k, n - k);
  long double result = 1;
  for (std::int64_t i = 1; i <= k; ++i) {
    result = result * static_cast<long double>(n - k + i) / static_cast<long double>(i);
  }
  return result;
}

/// Number of ways to draw: [drawn][ties], how many have the most votes together with the right
/// answer.
using Ways = std::vector<std::vector<long double>>;

/// One more wrong answer, given `count` times, of which fewer than j are drawn, or exactly j,
/// which ties. `rest`: how many may be drawn in all.
Ways with_answer(const Ways& before, std::int64_t count, std::int64_t j, std::int64_t rest) {
  Ways after(before.size(), std::vector<long double>(before.front().size(), 0));
  for (std::int64_t drawn = 0; drawn <= std::min({j, count, rest}); ++drawn) {
    const long double ways = choose(count, drawn);
    const std::size_t tie = drawn == j ? 1 : 0;
    for (std::int64_t from = 0; from + drawn <= rest; ++from) {
      const auto& source = before[static_cast<std::size_t>(from)];
      auto& target = after[static_cast<std::size_t>(from + drawn)];
      for (std::size_t t = 0; t + tie < source.size(); ++t) {
        target[t + tie] += ways * source[t];
      }
    }
  }
  return after;
}

/// Draws of `rest` among the others in which none beats j votes, each divided by the number of
/// answers that share the first place.
long double shared_wins(std::span<const std::int64_t> wrong, std::int64_t silent, std::int64_t j,
                        std::int64_t rest) {
  const auto ties = static_cast<std::size_t>(rest / j);
  Ways ways(static_cast<std::size_t>(rest) + 1, std::vector<long double>(ties + 1, 0));
  for (std::int64_t drawn = 0; drawn <= std::min(silent, rest); ++drawn) {
    ways[static_cast<std::size_t>(drawn)][0] = choose(silent, drawn);
  }
  for (const std::int64_t count : wrong) ways = with_answer(ways, count, j, rest);
  long double sum = 0;
  for (std::size_t t = 0; t <= ties; ++t) {
    sum += ways[static_cast<std::size_t>(rest)][t] / static_cast<long double>(t + 1);
  }
  return sum;
}

/// All are drawn: nothing is left to chance but the tie.
double majority_of_all(std::int64_t right, std::span<const std::int64_t> wrong) {
  std::int64_t sharing = 1;
  for (const std::int64_t count : wrong) {
    if (count > right) return 0;
    if (count == right) ++sharing;
  }
  return right == 0 ? 0 : 1 / static_cast<double>(sharing);
}

}  // namespace

std::optional<double> pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k) {
  if (!drawable(n, c, k)) return std::nullopt;
  if (n - c < k) return 1.0;
  double none = 1;
  for (std::int64_t i = n - c + 1; i <= n; ++i) {
    none *= 1.0 - static_cast<double>(k) / static_cast<double>(i);
  }
  return 1.0 - none;
}

std::optional<double> pass_hat_k(std::int64_t n, std::int64_t c, std::int64_t k) {
  if (!drawable(n, c, k)) return std::nullopt;
  double all = 1;
  for (std::int64_t i = 0; i < k; ++i) {
    all *= static_cast<double>(std::max<std::int64_t>(c - i, 0)) / static_cast<double>(n - i);
  }
  return all;
}

std::optional<double> at_least_of_k(std::int64_t n, std::int64_t c, std::int64_t k,
                                    std::int64_t at_least) {
  if (!drawable(n, c, k)) return std::nullopt;
  long double ways = 0;
  for (std::int64_t j = std::max<std::int64_t>(at_least, 0); j <= std::min(c, k); ++j) {
    ways += choose(c, j) * choose(n - c, k - j);
  }
  return static_cast<double>(ways / choose(n, k));
}

std::optional<double> maj_at_k(std::int64_t right, std::span<const std::int64_t> wrong,
                               std::int64_t silent, std::int64_t k) {
  const bool negative = right < 0 || silent < 0 ||
                        std::any_of(wrong.begin(), wrong.end(), [](auto w) { return w < 0; });
  const std::int64_t all = std::accumulate(wrong.begin(), wrong.end(), right + silent);
  if (negative || k < 1 || all < k) return std::nullopt;
  if (k == all) return majority_of_all(right, wrong);
  long double ways = 0;
  for (std::int64_t j = 1; j <= std::min(right, k); ++j) {
    ways += choose(right, j) * shared_wins(wrong, silent, j, k - j);
  }
  return static_cast<double>(ways / choose(all, k));
}

}  // namespace moebius::reports
