// Completion scripts know every command and every option there is.
#include "runner/completion.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <stdexcept>

#include "runner/commands.h"

namespace moebius::runner {
namespace {

class Completion : public testing::Test {
 protected:
  CLI::App app_{"test", "moebius"};
  std::vector<std::unique_ptr<Command>> commands_ = add_commands(app_);
  std::vector<CompletionCommand> tree_ = completion_tree(app_, "moebius");

  const CompletionCommand& at(const std::string& path) const {
    const auto found = std::find_if(tree_.begin(), tree_.end(),
                                    [&](const CompletionCommand& c) { return c.path == path; });
    if (found == tree_.end()) throw std::out_of_range(path);
    return *found;
  }
  static ValueKind kind(const CompletionCommand& command, const std::string& name) {
    for (const CompletionOption& option : command.options) {
      if (option.name == name) return option.kind;
    }
    throw std::out_of_range(name);
  }
};

TEST_F(Completion, TreeHasEveryCommand) {
  for (const char* path : {"moebius", "moebius model info", "moebius model quantize",
                           "moebius model verify", "moebius generate", "moebius score",
                           "moebius tokenize", "moebius bench engine", "moebius completion"}) {
    EXPECT_NO_THROW(at(path)) << path;
  }
  EXPECT_EQ(at("moebius model").commands.size(), 3U);
}

TEST_F(Completion, KindsOfValues) {
  const CompletionCommand& generate = at("moebius generate");
  EXPECT_EQ(kind(generate, "--model"), ValueKind::kModel);
  EXPECT_EQ(kind(generate, "--prompts-file"), ValueKind::kFile);
  EXPECT_EQ(kind(generate, "--prompt"), ValueKind::kText);
  EXPECT_EQ(kind(generate, "--stop"), ValueKind::kText);
  EXPECT_EQ(kind(generate, "--json"), ValueKind::kNone);
  EXPECT_EQ(kind(generate, "--help"), ValueKind::kNone);
  EXPECT_EQ(kind(generate, "--arithmetic"), ValueKind::kChoice);
  EXPECT_EQ(at("moebius model info").positional.kind, ValueKind::kModel);
  EXPECT_EQ(at("moebius runs merge").positional.kind, ValueKind::kFile);
  EXPECT_EQ(kind(at("moebius eval"), "--shard"), ValueKind::kText);
  EXPECT_EQ(at("moebius completion").positional.choices,
            (std::vector<std::string>{"bash", "zsh", "fish"}));
}

TEST_F(Completion, ScriptsNameEveryWord) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(shell, tree_);
    for (const CompletionCommand& command : tree_) {
      EXPECT_NE(script.find(command.path), std::string::npos) << shell << ": " << command.path;
      for (const CompletionOption& option : command.options) {
        const std::string word =
            shell == std::string("fish") ? " -l " + option.name.substr(2) : option.name;
        EXPECT_NE(script.find(word), std::string::npos) << shell << ": " << word;
      }
    }
  }
  EXPECT_THROW(completion_script("tcsh", tree_), std::invalid_argument);
}

TEST_F(Completion, EveryCommandExplainsItselfWithExamples) {
  for (const CLI::App* app : app_.get_subcommands([](const CLI::App*) { return true; })) {
    EXPECT_NE(app->help().find("Examples:"), std::string::npos) << app->get_name();
    for (const CLI::App* sub : app->get_subcommands([](const CLI::App*) { return true; })) {
      EXPECT_NE(sub->help().find("Examples:"), std::string::npos) << sub->get_name();
    }
  }
}

/// Text is taken as it is, though CLI11 has lists to see in it.
TEST_F(Completion, ValuesThatLookLikeListsAndOptions) {
  for (const char* text : {"[a,b]", "{}", "-5", "--json", "", "%%", "-"}) {
    CLI::App app{"test", "moebius"};
    const auto commands = add_commands(app);
    std::vector<std::string> arguments = {text,       "--stop",   "x",       "--stop",  text,
                                          "--prompt", "embedded", "--model", "generate"};
    ASSERT_NO_THROW(app.parse(arguments)) << text;
    const CLI::App* generate = app.get_subcommand("generate");
    EXPECT_EQ(generate->get_option("--prompt")->results().front(), text);
    EXPECT_EQ(generate->get_option("--stop")->results(), (std::vector<std::string>{"x", text}));
  }
}

TEST_F(Completion, NumbersAreStrict) {
  for (const char* bad : {"--seed=-1", "--max-new-tokens=", "--max-new-tokens=1.5",
                          "--temperature=nan", "--temperature=1e99", "--top-p=0", "--top-p=1.1",
                          "--logprobs=1025", "--threads=-1", "--arithmetic=f16"}) {
    CLI::App app{"test", "moebius"};
    const auto commands = add_commands(app);
    std::vector<std::string> arguments = {bad, "--prompt=x", "--model=embedded", "generate"};
    EXPECT_THROW(app.parse(arguments), CLI::ParseError) << bad;
  }
}

}  // namespace
}  // namespace moebius::runner
