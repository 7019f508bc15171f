// Gives names and lengths to the bytes that mini.S.in links in.
#include "tasks/mini/mini.h"

#include <array>
#include <utility>

#include "tasks/task.h"

// mini.S.in defines a pair of symbols for each file: its first byte, and one past its last.
#define MOEBIUS_MINI(symbol)                     \
  extern "C" const char moebius_mini_##symbol[]; \
  extern "C" const char moebius_mini_##symbol##_end[]
MOEBIUS_MINI(aime);
MOEBIUS_MINI(humaneval);
MOEBIUS_MINI(livecodebench);
MOEBIUS_MINI(math);
MOEBIUS_MINI(mmlu);
#undef MOEBIUS_MINI

namespace moebius::tasks {
namespace {

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

std::string_view mini_file(const std::string& name) {
  const std::array<std::pair<std::string_view, std::string_view>, 5> files = {{
      {"mini-aime.jsonl.gz", between(moebius_mini_aime, moebius_mini_aime_end)},
      {"mini-humaneval.jsonl.gz", between(moebius_mini_humaneval, moebius_mini_humaneval_end)},
      {"mini-livecodebench.jsonl.gz",
       between(moebius_mini_livecodebench, moebius_mini_livecodebench_end)},
      {"mini-math.jsonl.gz", between(moebius_mini_math, moebius_mini_math_end)},
      {"mini-mmlu.jsonl.gz", between(moebius_mini_mmlu, moebius_mini_mmlu_end)},
  }};
  for (const auto& [known, bytes] : files) {
    if (name == known) return bytes;
  }
  throw Error("mini suites: no file called \"" + name + "\"");
}

}  // namespace moebius::tasks
