// Completion scripts for shells, written from the tree of commands and options itself.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace moebius::runner {

/// What may follow an option.
enum class ValueKind { kNone, kText, kChoice, kFile, kModel };

struct CompletionOption {
  std::string name;  // "--threads"
  std::string description;
  ValueKind kind = ValueKind::kNone;
  std::vector<std::string> choices;  // kChoice only
};

struct CompletionWord {
  std::string word;
  std::string description;
};

/// One command and what can be typed after it.
struct CompletionCommand {
  std::string path;  // "moebius model info"
  std::vector<CompletionWord> commands;
  std::vector<CompletionOption> options;
  CompletionOption positional;  // kNone if the command takes none
};

/// The command `app` and all below it, in order. `path` is how `app` is reached.
std::vector<CompletionCommand> completion_tree(const CLI::App& app, const std::string& path);

/// `shell` is "bash", "zsh" or "fish"; throws std::invalid_argument otherwise.
std::string completion_script(const std::string& shell,
                              const std::vector<CompletionCommand>& commands);

}  // namespace moebius::runner
