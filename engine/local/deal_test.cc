// Requests dealt out: none lost, prefixes together, shares alike.
#include "engine/local/deal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

namespace moebius::engine {
namespace {

/// `groups` subjects of `each` questions behind a long common text.
std::vector<Request> subjects(std::size_t groups, std::size_t each) {
  std::vector<Request> requests;
  for (std::size_t g = 0; g < groups; ++g) {
    const std::string shots = std::to_string(g) + std::string(400, static_cast<char>('a' + g));
    for (std::size_t i = 0; i < each; ++i) {
      Request request{.id = requests.size()};
      request.prompt.text = shots + " question " + std::to_string(i);
      request.score = Score{};
      requests.push_back(std::move(request));
    }
  }
  return requests;
}

TEST(Deal, LosesNothingAndKeepsOrder) {
  for (const std::size_t ways : {1U, 2U, 3U, 8U}) {
    const auto parts = deal(subjects(5, 7), ways);
    ASSERT_EQ(parts.size(), ways);
    std::vector<std::uint64_t> ids;
    for (const auto& part : parts) {
      EXPECT_TRUE(std::is_sorted(part.begin(), part.end(),
                                 [](const Request& a, const Request& b) { return a.id < b.id; }));
      for (const Request& request : part) ids.push_back(request.id);
    }
    std::sort(ids.begin(), ids.end());
    ASSERT_EQ(ids.size(), 35U);
    for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], i);
  }
}

TEST(Deal, KeepsPrefixesTogether) {
  const auto parts = deal(subjects(12, 10), 4);
  std::map<std::string, std::size_t> where;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    EXPECT_EQ(parts[p].size(), 30U);
    for (const Request& request : parts[p]) {
      EXPECT_EQ(where.try_emplace(request.prompt.text.substr(0, 50), p).first->second, p);
    }
  }
}

TEST(Deal, CutsWhatIsTooLong) {
  for (const auto& part : deal(subjects(1, 40), 4)) EXPECT_EQ(part.size(), 10U);
}

TEST(Deal, HasNothingToDealOfNothing) {
  for (const auto& part : deal({}, 3)) EXPECT_TRUE(part.empty());
}

}  // namespace
}  // namespace moebius::engine
