#include "engine/local/deal.h"

#include <algorithm>
#include <utility>

namespace moebius::engine {
namespace {

// Characters of text are counted as so many to a token.
constexpr std::size_t kTokenChars = 4;

template <typename Sequence>
std::size_t common(const Sequence& a, const Sequence& b) {
  const auto end = std::min(a.size(), b.size());
  return static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(end), b.begin()).first -
      a.begin());
}

bool alike(const Prompt& a, const Prompt& b) {
  if (a.ids.empty() != b.ids.empty()) return false;
  if (!a.ids.empty()) return 2 * common(a.ids, b.ids) > std::min(a.ids.size(), b.ids.size());
  return 2 * common(a.text, b.text) > std::min(a.text.size(), b.text.size());
}

// Tokens that it adds to what its neighbours compute; generated ones count as many times as they
// take longer.
std::size_t work_of(const Request& r) {
  const std::size_t prompt = r.prompt.ids.size() + r.prompt.text.size() / kTokenChars;
  const std::size_t answer =
      r.generate ? static_cast<std::size_t>(r.generate->max_new_tokens) * 4 : 0;
  return 1 + prompt + answer;
}

struct Run {
  std::size_t begin = 0, end = 0;
  std::size_t work = 0;
};

std::vector<Run> runs_of(const std::vector<Request>& requests, std::size_t most) {
  std::vector<Run> runs;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::size_t work = work_of(requests[i]);
    const bool joins = i > 0 && runs.back().work + work <= most &&
                       alike(requests[i - 1].prompt, requests[i].prompt);
    if (!joins) runs.push_back({i, i, 0});
    runs.back().end = i + 1;
    runs.back().work += work;
  }
  return runs;
}

}  // namespace

std::vector<std::vector<Request>> deal(std::vector<Request> requests, std::size_t ways) {
  std::vector<std::vector<Request>> parts(ways);
  std::size_t total = 0;
  for (const Request& request : requests) total += work_of(request);
  std::vector<Run> runs = runs_of(requests, total / ways + 1);
  // The longest first, each to whoever has least: no part is then far above the others.
  std::stable_sort(runs.begin(), runs.end(),
                   [](const Run& a, const Run& b) { return a.work > b.work; });
  std::vector<std::size_t> load(ways);
  std::vector<std::size_t> owner(requests.size());
  for (const Run& run : runs) {
    const auto least =
        static_cast<std::size_t>(std::min_element(load.begin(), load.end()) - load.begin());
    load[least] += run.work;
    std::fill(owner.begin() + static_cast<std::ptrdiff_t>(run.begin),
              owner.begin() + static_cast<std::ptrdiff_t>(run.end), least);
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    parts[owner[i]].push_back(std::move(requests[i]));
  }
  return parts;
}

}  // namespace moebius::engine
