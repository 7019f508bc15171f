// Options that several subcommands share, and strict versions of CLI11's own: numbers
// must be whole, finite and in range, text is taken as it is.
#include "runner/flags.h"

#include <fmt/format.h>

#include <optional>

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

void EngineFlags::add_device(CLI::App& app) {
  const auto choose = [this](const std::string& name) {
    options.device = name == "cpu"    ? engine::Device::kCpu
                     : name == "cuda" ? engine::Device::kCuda
                                      : engine::Device::kAuto;
  };
  app.add_option("--device", device_, "Where the model runs; auto: a GPU if there is one")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->each(choose)
      ->capture_default_str();
  add_number(app, "--devices", options.devices, 1, 64,
             "GPUs that share the work, each with the whole model");
}

namespace {

// One of the two arithmetics; left alone, the engine chooses by device.
void add_arithmetic_option(CLI::App& app, const std::string& name,
                           std::optional<engine::Arithmetic>& value,
                           const std::string& description) {
  const auto choose = [&value](const CLI::results_t& results) {
    value = results.front() == "bf16" ? engine::Arithmetic::kBF16 : engine::Arithmetic::kF32;
    return true;
  };
  app.add_option(name, choose, description)
      ->type_size(1)
      ->expected(1)
      ->type_name("TEXT")
      ->check(CLI::IsMember({"f32", "bf16"}));
}

}  // namespace

void EngineFlags::add_arithmetic(CLI::App& app) {
  add_arithmetic_option(app, "--arithmetic", options.arithmetic,
                        "Activations and cache; by default f32 on the CPU, bf16 on a GPU");
  add_arithmetic_option(app, "--kv-cache-dtype", options.kv_cache,
                        "Of the cache alone; by default as the arithmetic");
}

void EngineFlags::add_batch_rows(CLI::App& app, const std::string& names) {
  add_number(app, names, options.max_batch_rows, 0, 1 << 20,
             "Tokens computed in one step; 0: 512 on the CPU, on a GPU as memory allows");
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
