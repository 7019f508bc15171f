// Options that several subcommands share, and strict versions of CLI11's own: numbers
// must be whole, finite and in range, text is taken as it is.
#include "runner/flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

// One of a few names; left alone, the engine chooses by device.
template <class T>
void add_choice(CLI::App& app, const std::string& name, std::optional<T>& value,
                const std::vector<std::pair<std::string, T>>& choices,
                const std::string& description) {
  const auto choose = [&value, choices](const CLI::results_t& results) {
    const auto found = std::find_if(choices.begin(), choices.end(),
                                    [&](const auto& c) { return c.first == results.front(); });
    if (found != choices.end()) value = found->second;
    return found != choices.end();
  };
  std::vector<std::string> names;
  for (const auto& choice : choices) names.push_back(choice.first);
  app.add_option(name, choose, description)
      ->type_size(1)
      ->expected(1)
      ->type_name("TEXT")
      ->check(CLI::IsMember(names));
}

}  // namespace

void EngineFlags::add_arithmetic(CLI::App& app) {
  using engine::Arithmetic, engine::KvCache;
  add_choice<Arithmetic>(app, "--arithmetic", options.arithmetic,
                         {{"f32", Arithmetic::kF32}, {"bf16", Arithmetic::kBF16}},
                         "Activations and cache; by default f32 on the CPU, bf16 on a GPU");
  add_choice<KvCache>(
      app, "--kv-cache-dtype", options.kv_cache,
      {{"f32", KvCache::kF32}, {"bf16", KvCache::kBF16}, {"fp8", KvCache::kFp8}},
      "Of the cache alone; by default as the arithmetic. fp8 on a GPU takes about half of "
      "bf16's memory");
}

void EngineFlags::add_side(CLI::App& app, const std::string& side) {
  using engine::Arithmetic, engine::Device, engine::KvCache;
  const std::string alone = "Of the " + side + " alone";
  add_choice<Device>(app, "--" + side + "-device", own_device_,
                     {{"auto", Device::kAuto}, {"cpu", Device::kCpu}, {"cuda", Device::kCuda}},
                     alone);
  add_choice<Arithmetic>(app, "--" + side + "-arithmetic", options.arithmetic,
                         {{"f32", Arithmetic::kF32}, {"bf16", Arithmetic::kBF16}}, alone);
  add_choice<KvCache>(app, "--" + side + "-kv-cache-dtype", options.kv_cache,
                      {{"f32", KvCache::kF32}, {"bf16", KvCache::kBF16}, {"fp8", KvCache::kFp8}},
                      alone);
}

engine::LocalOptions EngineFlags::over(const EngineFlags& both) const {
  engine::LocalOptions merged = both.options;
  if (own_device_) merged.device = *own_device_;
  if (options.arithmetic) merged.arithmetic = options.arithmetic;
  if (options.kv_cache) merged.kv_cache = options.kv_cache;
  return merged;
}

void EngineFlags::add_batch_rows(CLI::App& app, const std::string& names) {
  add_number(app, names, options.max_batch_rows, 0, 1 << 20,
             "Tokens computed in one step; 0: 512 on the CPU, on a GPU as memory allows");
}

std::vector<std::int32_t> parse_batches(const std::string& command, const std::string& list) {
  std::vector<std::int32_t> batches;
  std::size_t begin = 0;
  while (begin <= list.size()) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    std::int32_t batch = 0;
    if (!parse_number(list.substr(begin, end - begin), batch) || batch < 1 || batch > 4096) {
      throw InputError(fmt::format(
          "{}: --batches: expected numbers in 1 .. 4096 with commas between, found '{}'", command,
          list));
    }
    batches.push_back(batch);
    begin = end + 1;
  }
  return batches;
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
