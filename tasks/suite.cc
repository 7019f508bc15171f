// Options and variants of suites, and small parts of questions.
#include "tasks/suite.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "tasks/dataset.h"

namespace moebius::tasks {
namespace {

template <typename Items, typename Name>
std::string listed(const Items& items, Name name) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + name(item);
  return text.empty() ? "none" : text;
}

/// What Python's str.isspace() is true for, in UTF-8.
constexpr std::array<std::string_view, 29> kSpaces = {" ",
                                                      "\t",
                                                      "\n",
                                                      "\v",
                                                      "\f",
                                                      "\r",
                                                      "\x1c",
                                                      "\x1d",
                                                      "\x1e",
                                                      "\x1f",
                                                      "\xc2\x85",
                                                      "\xc2\xa0",
                                                      "\xe1\x9a\x80",
                                                      "\xe2\x80\x80",
                                                      "\xe2\x80\x81",
                                                      "\xe2\x80\x82",
                                                      "\xe2\x80\x83",
                                                      "\xe2\x80\x84",
                                                      "\xe2\x80\x85",
                                                      "\xe2\x80\x86",
                                                      "\xe2\x80\x87",
                                                      "\xe2\x80\x88",
                                                      "\xe2\x80\x89",
                                                      "\xe2\x80\x8a",
                                                      "\xe2\x80\xa8",
                                                      "\xe2\x80\xa9",
                                                      "\xe2\x80\xaf",
                                                      "\xe2\x81\x9f",
                                                      "\xe3\x80\x80"};

/// Bytes of the space at the front or the back; 0 if there is none.
std::size_t leading_space(std::string_view text) {
  for (const std::string_view space : kSpaces) {
    if (text.substr(0, space.size()) == space) return space.size();
  }
  return 0;
}
std::size_t trailing_space(std::string_view text) {
  for (const std::string_view space : kSpaces) {
    if (text.size() >= space.size() && text.substr(text.size() - space.size()) == space) {
      return space.size();
    }
  }
  return 0;
}

}  // namespace

const char* const kThinkHelp =
    "none: the model opens <think> itself or not at all (default); opened: its chat template "
    "ends with it; prefill: \"<think>\\n\" is put in front of the answer";

std::vector<const Variant*> Suite::chosen_variants(const Options& options) const {
  std::vector<const Variant*> chosen;
  const auto wanted = [&](const Variant& variant) {
    if (options.variants.empty()) return &variant == &info_.variants.front();
    return std::any_of(options.variants.begin(), options.variants.end(),
                       [&](const auto& name) { return name == "all" || name == variant.name; });
  };
  for (const std::string& name : options.variants) {
    const bool known = std::any_of(info_.variants.begin(), info_.variants.end(),
                                   [&](const Variant& each) { return each.name == name; });
    if (!known && name != "all") {
      throw Error(info_.name + ": expected a variant of " +
                  listed(info_.variants, [](const Variant& each) { return each.name; }) +
                  " or all, found \"" + name + "\"");
    }
  }
  for (const Variant& variant : info_.variants) {
    if (wanted(variant)) chosen.push_back(&variant);
  }
  return chosen;
}

void Suite::check_options(const Options& options) const {
  for (const auto& [name, value] : options.values) {
    if (info_.options.count(name) == 0) {
      throw Error(info_.name + ": expected an option of " +
                  listed(info_.options, [](const auto& each) { return each.first; }) +
                  ", found \"" + name + "\"");
    }
  }
}

std::string Suite::option(const Options& options, const std::string& name,
                          const std::vector<std::string>& allowed) const {
  const auto given = options.values.find(name);
  if (given == options.values.end()) return allowed.front();
  if (std::find(allowed.begin(), allowed.end(), given->second) == allowed.end()) {
    throw Error(info_.name + ": option " + name + ": expected one of " +
                listed(allowed, [](const std::string& each) { return each; }) + ", found \"" +
                given->second + "\"");
  }
  return given->second;
}

Think Suite::think(const Options& options) const {
  const std::string value = option(options, "think", {"none", "opened", "prefill"});
  if (value == "opened") return Think::kOpened;
  return value == "prefill" ? Think::kPrefill : Think::kNone;
}

std::vector<DataFile> Suite::data_files(const Options& options) const {
  const auto given = options.values.find("files");
  const bool allowed = option(options, "allow_unpinned", {"0", "1"}) == "1";
  if (given == options.values.end()) return require_sources(info_, options.data_dir);
  if (!allowed) {
    throw Error(info_.name +
                ": option files: expected allow_unpinned=1 beside it, since no hash "
                "vouches for the files, found none");
  }
  std::vector<DataFile> files;
  std::string rest = given->second + ",";
  for (std::size_t comma = rest.find(','); comma != std::string::npos; comma = rest.find(',')) {
    const std::string path = rest.substr(0, comma);
    rest.erase(0, comma + 1);
    if (!path.empty()) files.push_back({nullptr, path, file_sha256(path)});
  }
  if (files.empty()) throw Error(info_.name + ": option files: expected paths, found none");
  return files;
}

Info with_file_options(Info info) {
  info.options["files"] =
      "own data files of the same form, comma-separated, instead of the pinned ones; needs "
      "allow_unpinned=1";
  info.options["allow_unpinned"] =
      "1: take `files` though no hash vouches for them, stored with the result (default 0)";
  return info;
}

SampleSet empty_set(const Variant& variant, std::string data_sha256) {
  SampleSet set;
  set.variant = variant.name;
  set.sampling = variant.sampling;
  set.metric = variant.metric;
  set.data_sha256 = std::move(data_sha256);
  return set;
}

Ask chat_ask(std::string user, std::int32_t max_new_tokens, Think think) {
  Ask ask;
  ask.chat.push_back({"user", std::move(user)});
  ask.max_new_tokens = max_new_tokens;
  if (think == Think::kPrefill) ask.prefill = "<think>\n";
  return ask;
}

Ask text_ask(std::string text, std::int32_t max_new_tokens, std::vector<std::string> stop) {
  Ask ask;
  ask.text = std::move(text);
  ask.max_new_tokens = max_new_tokens;
  ask.stop = std::move(stop);
  return ask;
}

Ask choice_ask(std::string text, std::vector<std::string> continuations) {
  Ask ask;
  ask.text = std::move(text);
  ask.continuations = std::move(continuations);
  return ask;
}

std::string stripped(const std::string& text) {
  std::string_view left = text;
  while (const std::size_t space = leading_space(left)) left.remove_prefix(space);
  while (const std::size_t space = trailing_space(left)) left.remove_suffix(space);
  return std::string(left);
}

std::shared_ptr<scorers::sandbox::Sandbox> SandboxOnce::get() {
  if (!opened_ && options_.sandbox) sandbox_ = options_.sandbox();
  opened_ = true;
  return sandbox_;
}

}  // namespace moebius::tasks
