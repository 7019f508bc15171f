// What every suite shares: its description, and how it reads what the user asked for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tasks/source_files.h"
#include "tasks/task.h"

namespace moebius::tasks {

/// How a reasoning model's thinking begins; the task option "think" of chat variants.
enum class Think {
  kNone,     // the model opens <think> itself, or does not think
  kOpened,   // its chat template ends with <think>
  kPrefill,  // we put "<think>\n" behind the template (DeepSeek-R1's README advises it)
};

class Suite : public Task {
 public:
  explicit Suite(Info info) : info_(std::move(info)) {}
  const Info& info() const override { return info_; }

 protected:
  /// The variants asked for, in Info's order. Throws Error that names the known ones.
  std::vector<const Variant*> chosen_variants(const Options& options) const;
  /// Refuses options that the suite does not have, naming those it has.
  void check_options(const Options& options) const;
  /// The value of an option, one of `allowed`, of which the first is the default. Throws Error.
  std::string option(const Options& options, const std::string& name,
                     const std::vector<std::string>& allowed) const;
  Think think(const Options& options) const;
  /// The pinned files, or those of the option "files" if the user vouches for them. Throws Error.
  std::vector<DataFile> data_files(const Options& options) const;

 private:
  Info info_;
};

/// Adds the options "files" and "allow_unpinned".
Info with_file_options(Info info);

/// The text of option "think" for Info::options.
extern const char* const kThinkHelp;

/// A set without samples, with what it takes from the variant.
SampleSet empty_set(const Variant& variant, std::string data_sha256);

/// The user's turn of a conversation, and what stands in front of the answer.
Ask chat_ask(std::string user, std::int32_t max_new_tokens, Think think);
/// Text to be continued.
Ask text_ask(std::string text, std::int32_t max_new_tokens, std::vector<std::string> stop);
/// Text whose continuations are compared.
Ask choice_ask(std::string text, std::vector<std::string> continuations);

/// `text` without white space at its ends, as Python's str.strip(), which knows Unicode's.
std::string stripped(const std::string& text);

/// Opens the sandbox of `options` at most once for all variants of one load().
class SandboxOnce {
 public:
  explicit SandboxOnce(const Options& options) : options_(options) {}
  /// Null where the user of the suite runs no code (show, dry run) and gave no way to open one.
  std::shared_ptr<scorers::sandbox::Sandbox> get();

 private:
  const Options& options_;
  bool opened_ = false;
  std::shared_ptr<scorers::sandbox::Sandbox> sandbox_;
};

}  // namespace moebius::tasks
