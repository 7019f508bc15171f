// Completion scripts for shells, written from the tree of commands and options itself.
#include "runner/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace moebius::runner {
namespace {

/// The words of a CLI::IsMember check, which CLI11 shows as "TEXT:{f32,bf16}".
std::vector<std::string> member_words(const std::string& type) {
  const std::size_t open = type.find('{');
  const std::size_t close = type.find('}');
  std::vector<std::string> words;
  if (open == std::string::npos || close == std::string::npos) return words;
  std::string word;
  for (const char c : type.substr(open + 1, close - open - 1) + ",") {
    if (c != ',') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

CompletionOption describe(const CLI::Option& option) {
  CompletionOption described;
  const std::string type = option.get_type_name();
  const bool positional = option.get_positional();
  described.name = positional ? option.get_name() : "--" + option.get_lnames().front();
  described.description = option.get_description();
  described.choices = member_words(type);
  if (option.get_expected_max() == 0) {
    described.kind = ValueKind::kNone;
  } else if (!described.choices.empty()) {
    described.kind = ValueKind::kChoice;
  } else if (type == "MODEL" || (positional && option.get_name() == "MODEL")) {
    described.kind = ValueKind::kModel;
  } else {
    described.kind = type == "FILE" ? ValueKind::kFile : ValueKind::kText;
  }
  return described;
}

std::string join(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

/// "a"|"b": the ways from one command to the next, as patterns of a case statement.
std::string step_patterns(const std::vector<CompletionCommand>& commands) {
  std::vector<std::string> patterns;
  for (const CompletionCommand& command : commands) {
    for (const CompletionWord& next : command.commands) {
      patterns.push_back(fmt::format("\"{} {}\"", command.path, next.word));
    }
  }
  return fmt::format("{}", fmt::join(patterns, "|"));
}

/// Everything that may be typed at a command where no value is expected.
std::string words_at(const CompletionCommand& command) {
  std::vector<std::string> words;
  for (const CompletionWord& next : command.commands) words.push_back(next.word);
  for (const CompletionOption& option : command.options) words.push_back(option.name);
  for (const std::string& choice : command.positional.choices) words.push_back(choice);
  if (command.positional.kind == ValueKind::kModel) words.emplace_back("embedded");
  return join(words);
}

/// Statements that offer what an option's value may be.
using Offer = std::string (*)(const CompletionOption&);

std::string bash_offer(const CompletionOption& option) {
  switch (option.kind) {
    case ValueKind::kChoice:
      return fmt::format("COMPREPLY=($(compgen -W \"{}\" -- \"$cur\"))", join(option.choices));
    case ValueKind::kModel:
      return "COMPREPLY=($(compgen -W embedded -- \"$cur\"; compgen -d -- \"$cur\"))";
    case ValueKind::kFile:
      return "COMPREPLY=($(compgen -f -- \"$cur\"))";
    default:
      return "COMPREPLY=()";
  }
}

std::string zsh_offer(const CompletionOption& option) {
  switch (option.kind) {
    case ValueKind::kChoice:
      return "compadd -- " + join(option.choices);
    case ValueKind::kModel:
      return "compadd -- embedded; _files -/";
    case ValueKind::kFile:
      return "_files";
    default:
      return ":";
  }
}

/// The case statements that bash and zsh have in common.
std::string value_cases(const std::vector<CompletionCommand>& commands, Offer offer) {
  std::string text = "  case \"$at $prev\" in\n";
  for (const CompletionCommand& command : commands) {
    for (const CompletionOption& option : command.options) {
      if (option.kind == ValueKind::kNone) continue;
      text +=
          fmt::format("    (\"{} {}\") {}; return ;;\n", command.path, option.name, offer(option));
    }
  }
  return text + "  esac\n";
}

std::string step_loop(const std::vector<CompletionCommand>& commands, const std::string& words) {
  return fmt::format(
      "  for word in {}; do\n    case \"$at $word\" in\n      ({}) at=\"$at $word\" ;;\n"
      "    esac\n  done\n",
      words, step_patterns(commands));
}

std::string bash_script(const std::vector<CompletionCommand>& commands) {
  std::string text =
      "# bash completion: source <(moebius completion bash)\n"
      "_moebius() {\n"
      "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
      "  local at=\"moebius\" word words=\"\"\n";
  text += step_loop(commands, "\"${COMP_WORDS[@]:1:COMP_CWORD-1}\"");
  text += value_cases(commands, bash_offer) + "  case \"$at\" in\n";
  for (const CompletionCommand& command : commands) {
    text += fmt::format("    (\"{}\") words=\"{}\" ;;\n", command.path, words_at(command));
  }
  return text +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "}\n"
         "complete -o default -F _moebius moebius\n";
}

std::string zsh_script(const std::vector<CompletionCommand>& commands) {
  std::string text =
      "#compdef moebius\n"
      "# zsh completion: source <(moebius completion zsh), or a file _moebius in $fpath\n"
      "_moebius() {\n"
      "  local prev=\"${words[CURRENT-1]}\" at=\"moebius\" word\n";
  text += step_loop(commands, "\"${(@)words[2,CURRENT-1]}\"");
  text += value_cases(commands, zsh_offer) + "  case \"$at\" in\n";
  for (const CompletionCommand& command : commands) {
    const ValueKind kind = command.positional.kind;
    const char* files = kind == ValueKind::kModel  ? "; _files -/"
                        : kind == ValueKind::kFile ? "; _files"
                                                   : "";
    text +=
        fmt::format("    (\"{}\") compadd -- {}{} ;;\n", command.path, words_at(command), files);
  }
  return text +
         "  esac\n"
         "}\n"
         "if [[ \"${funcstack[1]}\" == _moebius ]]; then\n"
         "  _moebius \"$@\"\n"
         "else\n"
         "  compdef _moebius moebius\n"
         "fi\n";
}

std::string fish_quote(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string fish_value(const CompletionOption& option) {
  switch (option.kind) {
    case ValueKind::kNone:
      return "";
    case ValueKind::kChoice:
      return " -x -a " + fish_quote(join(option.choices));
    case ValueKind::kModel:
      return " -x -a 'embedded (__fish_complete_directories)'";
    case ValueKind::kFile:
      return " -r -F";
    case ValueKind::kText:
      return " -x";
  }
  return "";
}

std::string fish_command(const CompletionCommand& command) {
  const std::string at =
      "complete -c moebius -n " + fish_quote("__moebius_at '" + command.path + "'");
  std::string text;
  for (const CompletionWord& next : command.commands) {
    text += fmt::format("{} -a {} -d {}\n", at, next.word, fish_quote(next.description));
  }
  for (const CompletionOption& option : command.options) {
    text += fmt::format("{} -l {}{} -d {}\n", at, option.name.substr(2), fish_value(option),
                        fish_quote(option.description));
  }
  if (command.positional.kind == ValueKind::kChoice ||
      command.positional.kind == ValueKind::kModel) {
    text += at + fish_value(command.positional) + "\n";
  } else if (command.positional.kind == ValueKind::kFile) {
    text += at + " -F\n";
  }
  return text;
}

std::string fish_script(const std::vector<CompletionCommand>& commands) {
  std::string steps = step_patterns(commands);
  std::replace(steps.begin(), steps.end(), '|', ' ');
  std::string text = fmt::format(
      "# fish completion: moebius completion fish | source\n"
      "function __moebius_at\n"
      "  set -l at moebius\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    switch \"$at $word\"\n"
      "      case {}\n"
      "        set at \"$at $word\"\n"
      "    end\n"
      "  end\n"
      "  test \"$at\" = \"$argv[1]\"\n"
      "end\n"
      "complete -c moebius -f\n",
      steps);
  for (const CompletionCommand& command : commands) text += fish_command(command);
  return text;
}

}  // namespace

std::vector<CompletionCommand> completion_tree(const CLI::App& app, const std::string& path) {
  std::vector<CompletionCommand> commands(1);
  CompletionCommand& command = commands.front();
  command.path = path;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      command.positional = describe(*option);
    } else if (!option->get_lnames().empty()) {
      command.options.push_back(describe(*option));
    }
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    command.commands.push_back({sub->get_name(), sub->get_description()});
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    auto below = completion_tree(*sub, path + " " + sub->get_name());
    std::move(below.begin(), below.end(), std::back_inserter(commands));
  }
  return commands;
}

std::string completion_script(const std::string& shell,
                              const std::vector<CompletionCommand>& commands) {
  if (shell == "bash") return bash_script(commands);
  if (shell == "zsh") return zsh_script(commands);
  if (shell == "fish") return fish_script(commands);
  throw std::invalid_argument("completion: expected bash, zsh or fish, found '" + shell + "'");
}

}  // namespace moebius::runner
