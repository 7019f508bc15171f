// engine.h's run(): a set of requests as one blocking call.
#include <unordered_map>
#include <utility>

#include "engine/engine.h"

namespace moebius::engine {

std::vector<Completion> run(Engine& engine, std::vector<Request> requests) {
  std::vector<std::uint64_t> ids;
  std::unordered_map<std::uint64_t, std::size_t> index;
  for (const Request& request : requests) {
    index.emplace(request.id, ids.size());
    ids.push_back(request.id);
  }
  // Ids that repeat say nothing about whose completion it is: number the requests instead.
  if (index.size() < requests.size()) {
    index.clear();
    for (std::size_t i = 0; i < requests.size(); ++i) index[requests[i].id = i] = i;
  }
  std::vector<Completion> completions(requests.size());
  engine.submit(std::move(requests), [&](Completion completion) {
    const std::size_t i = index.at(completion.id);
    completion.id = ids[i];
    completions[i] = std::move(completion);
  });
  engine.wait();
  return completions;
}

}  // namespace moebius::engine
