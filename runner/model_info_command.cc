// moebius model info: what a checkpoint is and what it needs.
#include <fmt/format.h>

#include <memory>

#include "engine/engine.h"
#include "runner/commands.h"
#include "runner/flags.h"
#include "runner/output.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

constexpr std::int64_t kTokens = 1000;  // the KV cache is reported for so many

Json info_json(const engine::ModelInfo& info) {
  Json dtypes = Json::object();
  for (const auto& [name, count] : info.dtypes) dtypes[name] = count;
  return {{"path", info.path},
          {"architecture", info.architecture},
          {"family", info.family},
          {"parameters", info.parameters},
          {"active_parameters", info.active_parameters},
          {"dtypes", std::move(dtypes)},
          {"weight_bytes", info.weight_bytes},
          {"active_weight_bytes", info.active_weight_bytes},
          {"kv_bytes_per_token", info.kv_bytes_per_token},
          {"kv_bytes_per_1k_tokens", info.kv_bytes_per_token * kTokens},
          {"layers", info.layers},
          {"vocab", info.vocab},
          {"context", info.context},
          {"weights_sha256", info.weights_hash},
          {"tokenizer_sha256", info.tokenizer_hash},
          {"skipped_tensors", info.skipped_tensors}};
}

std::string counted(std::int64_t count) {
  return fmt::format("{} ({})", count, human_count(static_cast<double>(count)));
}

std::string sized(std::int64_t bytes) {
  return fmt::format("{} bytes ({})", bytes, human_bytes(static_cast<double>(bytes)));
}

std::string info_text(const engine::ModelInfo& info) {
  std::string dtypes;
  for (const auto& [name, count] : info.dtypes) {
    dtypes += fmt::format("{}{} {}", dtypes.empty() ? "" : ", ", name, count);
  }
  const auto row = [](const char* name, const std::string& value) {
    return fmt::format("{:<18}{}\n", name, one_line(value));
  };
  std::string text =
      row("model", info.path) + row("architecture", info.architecture) +
      row("family", info.family) + row("parameters", counted(info.parameters)) +
      row("active per token", counted(info.active_parameters)) + row("stored as", dtypes) +
      row("weights", sized(info.weight_bytes)) +
      row("KV per 1k tokens", sized(info.kv_bytes_per_token * kTokens)) +
      row("layers", fmt::to_string(info.layers)) + row("vocabulary", fmt::to_string(info.vocab)) +
      row("context", fmt::to_string(info.context)) + row("weights sha256", info.weights_hash) +
      row("tokenizer sha256", info.tokenizer_hash.empty() ? "no tokenizer" : info.tokenizer_hash);
  if (info.skipped_tensors > 0) {
    text +=
        row("skipped", fmt::format("{} tensors (multi-token prediction)", info.skipped_tensors));
  }
  return text;
}

class ModelInfoCommand : public Command {
 public:
  explicit ModelInfoCommand(CLI::App* app) : Command(app) {
    app->add_option("MODEL", model_, "Model directory (Hugging Face layout), or \"embedded\"")
        ->type_name("")
        ->required();
    app->add_flag("--json", json_, "One JSON line");
    app->footer(examples({
        "moebius model info embedded",
        "moebius model info ./qwen3 --json",
    }));
  }

  int run(Output& out) override {
    const engine::ModelInfo info = engine::inspect(model_);
    out.write(json_ ? json_line(info_json(info)) : info_text(info));
    return kOk;
  }

 private:
  std::string model_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> add_model_info_command(CLI::App& model) {
  return std::make_unique<ModelInfoCommand>(
      model.add_subcommand("info", "Architecture, parameters, memory and content hash"));
}

}  // namespace moebius::runner
