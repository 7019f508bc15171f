#include "engine/checkpoint/quantization.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/checkpoint/config_reader.h"
#include "engine/checkpoint/strict_json.h"
#include "engine/engine.h"

namespace moebius::engine {
namespace {

using kernels::Dtype;
using OrderedJson = nlohmann::ordered_json;

constexpr std::int64_t kMaxGroup = 65536;
constexpr const char* kPacked = "pack-quantized";
constexpr const char* kFloat = "float-quantized";

void expect(const ConfigReader& config, const char* field, const std::string& want) {
  const std::string found = config.text_or(field, "");
  if (found == want) return;
  config.fail("\"" + std::string(field) + "\": expected \"" + want + "\", found \"" + found + "\"");
}

void expect_none(const ConfigReader& config, const char* field) {
  if (!config.has(field)) return;
  config.fail("\"" + std::string(field) +
              "\": expected null, found a value; only weights that are "
              "quantised in storage order are supported");
}

ConfigReader object(const ConfigReader& config, const char* field) {
  std::optional<ConfigReader> found = config.object(field);
  if (!found) config.fail("\"" + std::string(field) + "\": expected an object, found none");
  return *found;
}

Quantization read_blocks(const ConfigReader& quant) {
  const auto block = quant.integers_or("weight_block_size", {});
  if (block != std::vector<std::int64_t>{kernels::kScaleBlock, kernels::kScaleBlock}) {
    quant.fail("\"weight_block_size\": expected [128, 128]");
  }
  return {Dtype::kF8E4M3, -1};
}

std::int64_t read_group(const ConfigReader& weights) {
  const std::string strategy = weights.text_or("strategy", "");
  if (strategy == "channel") return 0;
  if (strategy != "group") {
    weights.fail("\"strategy\": expected \"group\" or \"channel\", found \"" + strategy + "\"");
  }
  const std::int64_t group = weights.integer("group_size", kernels::kGroupUnit, kMaxGroup);
  if (group % kernels::kGroupUnit != 0) {
    weights.fail("\"group_size\": expected a multiple of 32, found " + std::to_string(group));
  }
  return group;
}

Quantization read_groups(const ConfigReader& quant) {
  expect_none(quant, "kv_cache_scheme");
  const ConfigReader groups = object(quant, "config_groups");
  if (groups.has("group_1")) groups.fail("expected \"group_0\" alone, found \"group_1\" too");
  const ConfigReader group = object(groups, "group_0");
  expect_none(group, "input_activations");
  expect_none(group, "output_activations");
  if (group.texts_or("targets", {}) != std::vector<std::string>{"Linear"}) {
    group.fail("\"targets\": expected [\"Linear\"]");
  }
  const ConfigReader weights = object(group, "weights");
  expect_none(weights, "actorder");
  if (!weights.boolean_or("symmetric", true)) weights.fail("\"symmetric\": expected true");
  if (weights.boolean_or("dynamic", false)) weights.fail("\"dynamic\": expected false");
  const std::string format = quant.text_or("format", "");
  if (format == kFloat) {
    expect(weights, "type", "float");
    expect(weights, "strategy", "channel");
    weights.integer("num_bits", 8, 8);
    return {Dtype::kF8E4M3, 0};
  }
  expect(quant, "format", kPacked);
  expect(weights, "type", "int");
  const std::int64_t bits = weights.integer("num_bits", 4, 8);
  if (bits != 4 && bits != 8) weights.fail("\"num_bits\": expected 4 or 8");
  return {bits == 4 ? Dtype::kI4 : Dtype::kI8, read_group(weights)};
}

}  // namespace

std::int64_t Quantization::group_of(std::int64_t cols) const {
  if (group > 0) return group;
  return (cols + kernels::kGroupUnit - 1) / kernels::kGroupUnit * kernels::kGroupUnit;
}

std::string Quantization::name() const {
  const std::string type = dtype == Dtype::kF8E4M3 ? "fp8" : dtype == Dtype::kI8 ? "int8" : "int4";
  if (dtype == Dtype::kBF16) return "none";
  return type + (group > 0 ? ":group=" + std::to_string(group) : group == 0 ? ":channel" : "");
}

Quantization parse_quantization(const std::string& name) {
  const std::size_t colon = std::min(name.find_first_of(":-"), name.size());
  const std::string type = name.substr(0, colon);
  const std::string rest = name.substr(colon);
  Quantization out;
  if (type == "fp8") out = {Dtype::kF8E4M3, -1};
  if (type == "int8") out = {Dtype::kI8, 128};
  if (type == "int4") out = {Dtype::kI4, 32};
  const std::string prefix = ":group=";
  bool known = out.dtype != Dtype::kBF16;
  if (rest == ":channel" || rest == "-channel") {
    out.group = 0;
  } else if (kernels::is_packed(out.dtype) && rest.starts_with(prefix)) {
    const char* end = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data() + prefix.size(), end, out.group);
    known = error == std::errc() && stop == end && out.group >= kernels::kGroupUnit &&
            out.group <= kMaxGroup && out.group % kernels::kGroupUnit == 0;
  } else {
    known = known && rest.empty();
  }
  if (known) return out;
  throw Error(
      "quantization: expected fp8[:channel], or int8 or int4 with :channel or :group=N, N a "
      "multiple of 32 up to 65536; found " +
      quote(name));
}

Quantization read_quantization(const ConfigReader& config) {
  const std::optional<ConfigReader> quant = config.object("quantization_config");
  if (!quant) return {};
  const std::string method = quant->text_or("quant_method", "");
  if (method == "fp8") return read_blocks(*quant);
  if (method == "compressed-tensors") return read_groups(*quant);
  quant->fail(
      "\"quant_method\": expected \"fp8\" or \"compressed-tensors\" (or no "
      "quantization_config), found \"" +
      method + "\"");
}

std::string quantization_json(const Quantization& quantization,
                              const std::vector<std::string>& kept) {
  if (!quantization.grouped()) {
    const OrderedJson json = {{"quant_method", "fp8"},
                              {"fmt", "e4m3"},
                              {"activation_scheme", "dynamic"},
                              {"weight_block_size", {kernels::kScaleBlock, kernels::kScaleBlock}},
                              {"modules_to_not_convert", kept}};
    return json.dump();
  }
  const bool packed = kernels::is_packed(quantization.dtype);
  OrderedJson weights = {{"num_bits", kernels::dtype_bits(quantization.dtype)},
                         {"type", packed ? "int" : "float"},
                         {"symmetric", true},
                         {"strategy", quantization.group > 0 ? "group" : "channel"},
                         {"group_size", nullptr},
                         {"dynamic", false},
                         {"actorder", nullptr}};
  if (quantization.group > 0) weights["group_size"] = quantization.group;
  const OrderedJson group = {{"targets", {"Linear"}},
                             {"weights", weights},
                             {"input_activations", nullptr},
                             {"output_activations", nullptr}};
  const OrderedJson json = {{"quant_method", "compressed-tensors"},
                            {"format", packed ? kPacked : kFloat},
                            {"quantization_status", "compressed"},
                            {"config_groups", {{"group_0", group}}},
                            {"ignore", kept},
                            {"kv_cache_scheme", nullptr}};
  return json.dump();
}

}  // namespace moebius::engine
