// moebius tokenize: text to token ids and back, one JSON line at a time.
#include <fmt/format.h>

#include <memory>

#include "engine/text/tokenizer.h"
#include "runner/commands.h"
#include "runner/flags.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/prompt_lines.h"

namespace moebius::runner {
namespace {

class TokenizeCommand : public Command {
 public:
  explicit TokenizeCommand(CLI::App* app) : Command(app) {
    app->add_option("--tokenizer", tokenizer_, "DIR, DIR/tokenizer.json, or \"embedded\"")
        ->type_name("MODEL")
        ->required();
    app->add_flag("--json", json_, "JSON lines, which is what comes out in any case");
    auto* chat = app->add_flag("--chat", chat_, "Lines are {\"messages\"}, rendered as a chat");
    app->add_flag("--no-special", no_special_,
                  "Special tokens in text are plain text; in ids they are left out")
        ->excludes(chat);
    app->add_flag("--bos", bos_, "Put BOS in front of text if the tokenizer does that")
        ->excludes(chat);
    app->footer(examples({
        "echo '{\"text\": \"Hello world\"}' | moebius tokenize --tokenizer ./qwen3",
        "echo '{\"ids\": [9707, 1879]}' | moebius tokenize --tokenizer ./qwen3/tokenizer.json",
        "echo '{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}' |"
        " moebius tokenize --tokenizer embedded --chat",
    }));
  }

  int run(Output& out) override {
    const auto tokenizer = engine::load_tokenizer(tokenizer_);
    LineReader lines("-");
    std::string line;
    while (lines.next(line)) {
      const nlohmann::json object = parse_json(line, lines.where());
      out.write(json_line(answer(*tokenizer, Fields(object, lines.where()))));
    }
    return kOk;
  }

 private:
  Json answer(const engine::Tokenizer& tokenizer, const Fields& fields) const {
    try {
      if (chat_) return render(tokenizer, fields);
      if (fields.has("text") == fields.has("ids")) {
        throw InputError(fields.where() + ": expected one of \"text\", \"ids\"");
      }
      return fields.has("text") ? encode(tokenizer, fields) : decode(tokenizer, fields);
    } catch (const engine::Error& error) {
      throw InputError(fmt::format("{}: {}", fields.where(), error.what()));
    }
  }

  static Json render(const engine::Tokenizer& tokenizer, const Fields& fields) {
    const auto messages = json_messages(fields.at("messages"), fields.where() + ": \"messages\"");
    const std::string text = engine::render_chat(tokenizer, messages);
    return {{"text", text}, {"ids", tokenizer.encode(text)}};
  }

  Json encode(const engine::Tokenizer& tokenizer, const Fields& fields) const {
    std::vector<std::int32_t> ids = tokenizer.encode(fields.text("text"), !no_special_);
    if (bos_ && tokenizer.adds_bos()) ids.insert(ids.begin(), tokenizer.bos());
    Json tokens = Json::array();
    for (const std::int32_t id : ids) tokens.push_back(tokenizer.token(id));
    return {{"ids", ids}, {"tokens", std::move(tokens)}};
  }

  Json decode(const engine::Tokenizer& tokenizer, const Fields& fields) const {
    const auto ids = json_ids(fields.at("ids"), fields.where() + ": \"ids\"");
    engine::Utf8Stream stream;
    std::string text = stream.push(tokenizer.decode(ids, no_special_));
    text += stream.finish();
    return {{"text", text}};
  }

  std::string tokenizer_;
  bool json_ = false;
  bool chat_ = false;
  bool no_special_ = false;
  bool bos_ = false;
};

}  // namespace

std::unique_ptr<Command> add_tokenize_command(CLI::App& app) {
  return std::make_unique<TokenizeCommand>(app.add_subcommand(
      "tokenize", "JSON lines from standard input: {\"text\"} to ids, {\"ids\"} to text"));
}

}  // namespace moebius::runner
