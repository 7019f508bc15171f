// A server that takes so many requests at a time, says 429 to more, and has bad hours: how close a
// run comes to what the server could have done.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/e2e/remote.h"

namespace moebius::tests {
namespace {

/// `capacity` requests at once, each 100 to 300 ms; of the first attempts 2 % end as 500, 1 % with
/// a reset within the body. In outages everything is refused, with a Retry-After.
class BusyServer {
 public:
  explicit BusyServer(int capacity, std::vector<std::pair<double, double>> outages)
      : capacity_(static_cast<std::size_t>(capacity)), outages_(std::move(outages)) {}

  Reply operator()(const FaultServer::Request& request) {
    const Clock::time_point now = Clock::now();
    if (begin_ == Clock::time_point()) begin_ = now;
    const double at = std::chrono::duration<double>(now - begin_).count();
    for (const auto& [from, to] : outages_) {
      if (at >= from && at < to) {
        const auto seconds = static_cast<int>(std::ceil(to - at));
        return error(429, "later", "Retry-After: " + std::to_string(seconds) + "\r\n");
      }
    }
    ends_.erase(ends_.begin(), ends_.lower_bound(now));
    if (ends_.size() >= capacity_) return error(429, "too many at once");
    return serve(request, now);
  }

  /// Seconds in which a client that knew everything would have had every answer.
  double ideal() const {
    double outages = 0;
    for (const auto& [from, to] : outages_) outages += to - from;
    return work_ / static_cast<double>(capacity_) + outages;
  }
  double wall() const { return std::chrono::duration<double>(last_ - begin_).count(); }

 private:
  using Clock = std::chrono::steady_clock;

  Reply serve(const FaultServer::Request& request, Clock::time_point now) {
    const std::uint64_t asked = digest(request.body);
    const int ms = 100 + static_cast<int>(asked % 201);
    const bool first = seen_[asked]++ == 0;
    Reply reply = whole(answer_to(asked));
    if (first && asked / 201 % 100 < 2) reply = error(500, "fell");
    if (first && asked / 201 % 100 == 2) reply.cut = reply.bytes.size() - 20;
    reply.delay_ms = ms;
    work_ += ms / 1000.0;
    last_ = now + std::chrono::milliseconds(ms);
    ends_.insert(last_);
    return reply;
  }

  std::size_t capacity_;
  std::vector<std::pair<double, double>> outages_;
  Clock::time_point begin_;
  Clock::time_point last_;
  std::multiset<Clock::time_point> ends_;
  std::unordered_map<std::uint64_t, int> seen_;
  double work_ = 0;
};

TEST_F(RemoteCli, KeepsABusyServerBusy) {
  const int requests = number_from_environment("MOEBIUS_REMOTE_REQUESTS", 1000);
  const bool whole_size = requests >= 10'000;
  BusyServer busy(100, whole_size ? std::vector<std::pair<double, double>>{{4, 6}, {12, 15}}
                                  : std::vector<std::pair<double, double>>{{1, 2}});
  int asked = 0;
  {
    FaultServer server([&](const FaultServer::Request& request) { return busy(request); });
    const ProcessResult result = moebius(
        remote(server, "a.sqlite",
               {"--tasks", "mini-math", "--limit", "100", "--repeats",
                std::to_string(requests / 100), "--temperature", "1", "--concurrency", "auto"}));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    asked = server.requests;
  }
  const double ideal = busy.ideal();
  const double wall = busy.wall();
  EXPECT_EQ(samples("a.sqlite").size(), static_cast<std::size_t>(requests));
  std::printf("%d requests, %d attempts: %.1f s, ideal %.1f s, ratio %.2f\n", requests, asked, wall,
              ideal, wall / ideal);
  EXPECT_LE(asked, 2 * requests) << "429s are an answer, not an invitation";
  // What takes long enough to be judged, on a machine that does nothing else.
  if (whole_size) {
    EXPECT_LE(wall, 1.3 * ideal);
  }
}

}  // namespace
}  // namespace moebius::tests
