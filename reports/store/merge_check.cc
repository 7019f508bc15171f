// In what two stored runs differ, in words.
#include "reports/store/merge_check.h"

#include <fmt/format.h>

#include <utility>

namespace moebius::reports {
namespace {

using Facts = std::vector<std::pair<const char*, std::string>>;

Facts facts_of(const Run& run) {
  return {{"weights", run.weights_hash},
          {"tokenizer", run.tokenizer_hash},
          {"fingerprint", run.fingerprint},
          {"build", run.build}};
}

/// The last three are empty in runs that older versions stored.
Facts facts_of(const Set& set) {
  return {{"task version", fmt::format("{}", set.task_version)},
          {"data sha256", set.data_sha256},
          {"metric", set.metric},
          {"options", set.options},
          {"temperature", fmt::format("{}", set.temperature)},
          {"top-p", fmt::format("{}", set.top_p)},
          {"max-new-tokens", fmt::format("{}", set.max_new_tokens)},
          {"seed", fmt::format("{}", set.seed)},
          {"repeats", fmt::format("{}", set.repeats)},
          {"questions", fmt::format("{}", set.whole_items)},
          {"prompts", set.questions_sha256},
          {"scorers", set.scorers}};
}

std::string names_of(const std::vector<Set>& sets) {
  std::string names;
  for (const Set& set : sets) {
    names += (names.empty() ? "" : ", ") + set.task + ":" + set.variant;
  }
  return names;
}

[[noreturn]] void refuse(const StoredRun& expected, const StoredRun& found, const std::string& what,
                         const std::string& want, const std::string& got) {
  throw Error(fmt::format("{}: run {} is another evaluation: {} {}, but {} in run {} of {}",
                          found.file, found.run.id, what, in_quotes(got), in_quotes(want),
                          expected.run.id, expected.file));
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string result = "'";
  for (const char c : text.substr(0, kLongest)) {
    const bool plain = static_cast<unsigned char>(c) >= ' ' && c != '\x7f';
    result += plain ? c : ' ';
  }
  // Bytes of a character that was cut in two go as well.
  while (text.size() > kLongest && (static_cast<unsigned char>(result.back()) & 0x80) != 0) {
    result.pop_back();
  }
  return result + (text.size() > kLongest ? "...'" : "'");
}

const std::string& whole_key(const Run& run) {
  return run.shards > 0 ? run.whole_key : run.key;
}

void require_same_evaluation(const StoredRun& expected, const StoredRun& found) {
  const auto compare = [&](const std::string& of, const Facts& want, const Facts& got) {
    for (std::size_t i = 0; i < want.size(); ++i) {
      if (want[i].second == got[i].second) continue;
      if (want[i].second.empty() || got[i].second.empty()) continue;
      refuse(expected, found, of + want[i].first, want[i].second, got[i].second);
    }
  };
  compare("", facts_of(expected.run), facts_of(found.run));
  const std::string want = names_of(expected.sets);
  const std::string got = names_of(found.sets);
  if (want != got) refuse(expected, found, "tasks", want, got);
  for (std::size_t i = 0; i < expected.sets.size(); ++i) {
    const Set& set = expected.sets[i];
    compare(in_quotes(set.task + ":" + set.variant) + ": ", facts_of(set), facts_of(found.sets[i]));
  }
  if (whole_key(expected.run) != whole_key(found.run)) {
    refuse(expected, found, "key", whole_key(expected.run), whole_key(found.run));
  }
}

}  // namespace moebius::reports
