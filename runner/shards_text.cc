// The shards of a merged run, in words.
#include "runner/shards_text.h"

#include <fmt/format.h>

#include <vector>

namespace moebius::runner {
namespace {

std::string listed_shards(const std::string& what, const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 20;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kMost; ++i) {
    text += (i == 0 ? what : ", ") + names[i];
  }
  return names.size() > kMost ? fmt::format("{} and {} more", text, names.size() - kMost) : text;
}

}  // namespace

std::string shards_lacking(const reports::Shards& shards) {
  const std::string missing = listed_shards("missing: ", shards.missing);
  const std::string open = listed_shards("not finished: ", shards.open);
  if (missing.empty() && open.empty()) return "";
  return "shards " + missing + (missing.empty() || open.empty() ? "" : "; ") + open;
}

Json shards_json(const reports::Shards& shards) {
  return {{"merged", shards.merged}, {"missing", shards.missing}, {"open", shards.open}};
}

}  // namespace moebius::runner
