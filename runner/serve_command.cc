// moebius serve: the embedded engine as an OpenAI-compatible server.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>

#include "runner/commands.h"
#include "runner/flags.h"
#include "runner/input.h"
#include "runner/remote_flags.h"
#include "runner/serve/http.h"
#include "runner/serve/service.h"

namespace moebius::runner {
namespace {

/// What calls name the model: the last part of its path.
std::string name_of(const std::string& model) {
  const std::filesystem::path path(model);
  const std::string name =
      path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
  return name.empty() || name == "." || name == ".." ? "model" : name;
}

class ServeCommand : public Command {
 public:
  explicit ServeCommand(CLI::App* app) : Command(app) {
    add_model(*app, model_);
    app->add_option("--name", name_, "What calls name the model; by default its path's last part")
        ->type_name("TEXT");
    app->add_option("--host", http_.host,
                    "Address to listen on; other than this machine's own needs --api-key-file")
        ->type_name("ADDRESS")
        ->capture_default_str();
    add_number<std::uint16_t>(*app, "--port", http_.port, 0, 65535, "Port; 0: any that is free");
    app->add_option("--api-key-file", key_file_,
                    "File with the key that clients must show; its owner alone may read it")
        ->type_name("FILE");
    add_number<std::int32_t>(*app, "--max-queue", max_queue_, 1, 1 << 20,
                             "Answers in progress at most; beyond, clients are told to come again");
    add_number<std::int32_t>(*app, "--max-tokens", max_tokens_, 1, 1 << 24,
                             "Longest answer of a chat that does not say");
    add_number<std::int32_t>(*app, "--timeout", timeout_s_, 1, 1 << 24, "Seconds for an answer");
    add_number<std::int32_t>(*app, "--grace", grace_s_, 0, 1 << 20,
                             "Seconds to finish what runs when told to stop");
    engine_.add_device(*app);
    engine_.add_threads(*app);
    engine_.add_arithmetic(*app);
    engine_.add_batch_rows(*app);
    app->footer(examples({
        "moebius serve --model embedded --port 8000",
        "(umask 077; openssl rand -hex 24 > key.txt)",
        "moebius serve --model ./qwen3 --host 0.0.0.0 --api-key-file key.txt --max-queue 256",
        R"(curl http://127.0.0.1:8000/v1/completions -H 'Content-Type: application/json' \)",
        R"(  -d '{"prompt": "The answer is", "max_tokens": 8, "temperature": 0, "logprobs": 2}')",
        "lm_eval --model local-completions --tasks arc_easy --model_args \\",
        "  model=qwen3,base_url=http://127.0.0.1:8000/v1/completions,tokenizer=./qwen3",
        "Paths: /v1/chat/completions, /v1/completions, /v1/models, /health, /metrics",
        "Exit codes: 0 told to stop, every call answered; 2 usage, bad input or a dead engine; "
        "4 calls were cut off; 130 told to stop twice",
    }));
  }

  int run(Output&) override {
    ServiceOptions options{.model = name_.empty() ? name_of(model_) : name_,
                           .max_queue = static_cast<std::size_t>(max_queue_),
                           .max_tokens = max_tokens_};
    if (app()->count("--api-key-file") > 0) {
      forbid_core_dumps();
      options.key = ApiKey::read(key_file_);
    }
    http_.open = options.key.has_value();
    http_.answer_timeout = std::chrono::seconds(timeout_s_);
    http_.grace = std::chrono::seconds(grace_s_);
    HttpServer server(http_);  // before the model, which may take minutes to load
    const auto engine = engine::load(model_, engine_.options);
    Service service(*engine, options, server.post(),
                    [&](std::exception_ptr error) { server.die(error); });
    fmt::print(stderr, "moebius: {} at {}/v1\n", options.model, server.url());
    return server.run(service) ? kOk : kIncomplete;
  }

 private:
  std::string model_;
  std::string name_;
  std::string key_file_;
  HttpOptions http_;
  std::int32_t max_queue_ = 4096;
  std::int32_t max_tokens_ = 1024;
  std::int32_t timeout_s_ = 600;
  std::int32_t grace_s_ = 30;
  EngineFlags engine_;
};

}  // namespace

std::unique_ptr<Command> add_serve_command(CLI::App& app) {
  return std::make_unique<ServeCommand>(
      app.add_subcommand("serve", "Answer calls of OpenAI's API over HTTP"));
}

}  // namespace moebius::runner
