// Options that several subcommands share, and strict versions of CLI11's own: numbers
// must be whole, finite and in range, text is taken as it is.
#include "runner/flags.h"

#include <fmt/format.h>

#include "runner/input.h"

namespace moebius::runner {

void refuse_number(const std::string& name, const std::string& found, const std::string& low,
                   const std::string& high) {
  throw CLI::ValidationError(
      name, fmt::format("expected a number in {} .. {}, found '{}'", low, high, found));
}

CLI::Option* add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& values,
                       const std::string& description) {
  // Not bound to the vector: CLI11 would read "[a,b]" and "{}" as lists.
  const auto take = [&values](const CLI::results_t& results) {
    values = results;
    return true;
  };
  return app.add_option(name, take, description)
      ->type_size(1)
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false)
      ->type_name("TEXT");
}

CLI::Option* add_model(CLI::App& app, std::string& model, bool required) {
  return app.add_option("--model", model, "Model directory (Hugging Face layout), or \"embedded\"")
      ->type_name("MODEL")
      ->required(required);
}

void EngineFlags::add_threads(CLI::App& app) {
  add_number(app, "--threads", options.threads, 0, 4096, "Threads; 0: one per usable core");
}

void EngineFlags::add_arithmetic(CLI::App& app) {
  const auto choose = [this](const std::string& name) {
    options.arithmetic = name == "bf16" ? engine::Arithmetic::kBF16 : engine::Arithmetic::kF32;
  };
  app.add_option("--arithmetic", arithmetic_, "Activations and cache in float32 or bf16")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->each(choose)
      ->capture_default_str();
}

void EngineFlags::add_batch_rows(CLI::App& app) {
  add_number(app, "--max-batch-rows", options.max_batch_rows, 1, 1 << 20,
             "Tokens computed in one step");
}

std::string examples(const std::vector<std::string>& lines) {
  std::string text = "Examples:";
  for (const std::string& line : lines) text += "\n  " + line;
  return text;
}

std::string text_argument(const std::string& argument) {
  return argument == "-" ? read_text("-", kMaxPromptBytes) : argument;
}

}  // namespace moebius::runner
