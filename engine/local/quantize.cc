// A checkpoint into one with fewer bits: reads through a mapping, writes tensor by tensor.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "engine/checkpoint/checkpoint_writer.h"
#include "engine/checkpoint/strict_json.h"
#include "engine/engine.h"
#include "engine/local/model_files.h"
#include "kernels/quantize/quantize.h"

namespace moebius::engine {
namespace {

using Entry = TensorSource::Entry;
using kernels::QuantizedMatrix;

constexpr const char* kWeight = ".weight";
constexpr const char* kBlockScale = "_scale_inv";
constexpr const char* kLayers = "layers.";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Of the matrix `name`: names are the same in all families but for the experts' three.
std::string kind_of(const std::string& name) {
  if (name == "model.embed_tokens.weight") return "embed";
  if (name == "lm_head.weight") return "lm_head";
  if (name.ends_with(".gate.weight")) return "router";
  if (has(name, ".self_attn.")) return "attention";
  if (has(name, ".shared_expert")) return "shared";
  if (has(name, ".experts.")) return "experts";
  return has(name, ".mlp.") ? "dense" : "other";
}

bool is_linear(const Entry& entry) {
  return entry.shape.size() == 2 && entry.name.ends_with(kWeight) && kind_of(entry.name) != "embed";
}

/// The words of QuantizeOptions::keep, checked.
class Kept {
 public:
  Kept(const std::vector<std::string>& words, std::int64_t layers) : words_(words) {
    for (const std::string& word : words) {
      if (std::find(std::begin(kKinds), std::end(kKinds), word) != std::end(kKinds)) continue;
      const std::string number = word.substr(std::min(word.size(), std::strlen(kLayers)));
      const bool layer = word.starts_with(kLayers) && !number.empty() && number.size() < 7 &&
                         (number == "0" || number[0] != '0') &&
                         number.find_first_not_of("0123456789") == std::string::npos;
      if (layer && std::stoll(number) < layers) continue;
      throw Error(
          "keep: expected embed, lm_head, router, attention, experts, shared, dense or "
          "layers.0 to layers." +
          std::to_string(layers - 1) + ", found " + quote(word));
    }
    if (std::find(words.begin(), words.end(), "embed") == words.end()) {
      throw Error(
          "keep: expected embed among the words, found none; rows of embeddings are "
          "read as floats only");
    }
  }

  bool contains(const std::string& name) const {
    const std::string kind = kind_of(name);
    return std::any_of(words_.begin(), words_.end(), [&](const std::string& word) {
      return word == kind || (word.starts_with(kLayers) && name.starts_with("model." + word + "."));
    });
  }

 private:
  static constexpr std::string_view kKinds[] = {"embed",   "lm_head", "router", "attention",
                                                "experts", "shared",  "dense"};
  const std::vector<std::string>& words_;
};

/// What becomes of each tensor of the source.
struct Plan {
  std::vector<const Entry*> quantized, kept;
  std::vector<std::string> kept_modules;  // linear ones
  std::int64_t bytes = 0;                 // of `quantized`
};

Plan make_plan(const std::vector<Entry>& entries, const Kept& keep) {
  Plan plan;
  for (const Entry& entry : entries) {
    if (entry.used && is_linear(entry) && !keep.contains(entry.name)) {
      plan.quantized.push_back(&entry);
      plan.bytes += static_cast<std::int64_t>(entry.bytes);
      continue;
    }
    // Sorted by name: the matrix comes right before its scales.
    if (!plan.quantized.empty() && entry.name == plan.quantized.back()->name + kBlockScale)
      continue;
    plan.kept.push_back(&entry);
    if (is_linear(entry)) {
      plan.kept_modules.push_back(entry.name.substr(0, entry.name.rfind(kWeight)));
    }
  }
  return plan;
}

// Codes are not rounded to others of the same length.
void require_floats(const Checkpoint& source, const Plan& plan, const Quantization& to) {
  const std::string expected = source.path + ": expected weights in floats, found ";
  if (source.config.quantization.grouped()) {
    throw Error(expected + source.config.quantization.name() + ": quantised already");
  }
  for (const Entry* entry : plan.quantized) {
    if (entry->dtype != "F8_E4M3" || to.dtype == kernels::Dtype::kI4) continue;
    throw Error(expected + "fp8 in " + quote(entry->name) +
                ": quantised already (int4 has fewer "
                "bits)");
  }
  if (plan.quantized.empty()) throw Error(source.path + ": keep: nothing is left to quantise");
}

/// The tensors that a quantised matrix is stored as, codes first.
std::vector<OutgoingTensor> parts_of(const Entry& entry, const Quantization& to) {
  const std::int64_t rows = entry.shape[0];
  const std::int64_t cols = entry.shape[1];
  if (!to.grouped()) {
    const auto blocks = [](std::int64_t extent) {
      return (extent + kernels::kScaleBlock - 1) / kernels::kScaleBlock;
    };
    return {{entry.name, "F8_E4M3", {rows, cols}},
            {entry.name + kBlockScale, "F32", {blocks(rows), blocks(cols)}}};
  }
  const std::int64_t group = to.group_of(cols);
  const OutgoingTensor scale{entry.name + "_scale", "BF16", {rows, (cols + group - 1) / group}};
  if (!kernels::is_packed(to.dtype)) return {{entry.name, "F8_E4M3", {rows, cols}}, scale};
  const kernels::Matrix shape{.dtype = to.dtype, .rows = rows, .cols = cols};
  const auto words = static_cast<std::int64_t>(shape.row_bytes() / 4);
  return {
      {entry.name + "_packed", "I32", {rows, words}}, scale, {entry.name + "_shape", "I64", {2}}};
}

std::vector<OutgoingTensor> outgoing(const Plan& plan, const Quantization& to) {
  std::vector<OutgoingTensor> tensors;
  for (const Entry* entry : plan.kept) tensors.push_back({entry->name, entry->dtype, entry->shape});
  for (const Entry* entry : plan.quantized) {
    for (OutgoingTensor& part : parts_of(*entry, to)) tensors.push_back(std::move(part));
  }
  return tensors;
}

void write_parts(const Entry& entry, const Quantization& to, const QuantizedMatrix& q,
                 CheckpointWriter& writer) {
  const std::vector<OutgoingTensor> parts = parts_of(entry, to);
  writer.write(parts[0].name, q.codes.data(), q.codes.size());
  if (!to.grouped()) return writer.write(parts[1].name, q.scale.data(), 4 * q.scale.size());
  writer.write(parts[1].name, q.group_scale.data(), 2 * q.group_scale.size());
  if (parts.size() == 3) writer.write(parts[2].name, entry.shape.data(), 2 * sizeof(std::int64_t));
}

QuantizedTensor quantize_one(const Entry& entry, const Quantization& to, TensorSource& source,
                             CheckpointWriter& writer, kernels::ThreadPool& pool) {
  const std::int64_t rows = entry.shape[0];
  const std::int64_t cols = entry.shape[1];
  const kernels::Matrix exact = source.matrix(entry.name, rows, cols);
  QuantizedMatrix q;
  try {
    q = kernels::quantize(exact, to.dtype, to.grouped() ? to.group_of(cols) : 0, pool);
  } catch (const std::domain_error& error) {
    throw Error(entry.file + ": tensor \"" + entry.name + "\": " + error.what());
  }
  const auto error = kernels::quantization_error(exact, q.matrix, pool);
  write_parts(entry, to, q, writer);
  const auto scales = static_cast<std::int64_t>(4 * q.scale.size() + 2 * q.group_scale.size());
  const std::int64_t blocks = (rows + 127) / 128 * ((cols + 127) / 128);
  return {.name = entry.name,
          .kind = kind_of(entry.name),
          .rows = rows,
          .cols = cols,
          .bytes_before = static_cast<std::int64_t>(entry.bytes) + (exact.scale ? 4 * blocks : 0),
          .bytes_after = static_cast<std::int64_t>(q.codes.size()) + scales,
          .max_error = error.max,
          .rms_error = error.rms,
          .squares = error.squares};
}

std::string config_text(const std::string& model, const Quantization& to,
                        const std::vector<std::string>& kept) {
  auto json = nlohmann::ordered_json::parse(read_model_file(model, "config.json"));
  json["quantization_config"] = nlohmann::ordered_json::parse(quantization_json(to, kept));
  return json.dump(2) + "\n";
}

}  // namespace

QuantizeReport quantize(const QuantizeOptions& options,
                        const std::function<void(const QuantizedTensor&, double share)>& done) {
  const Quantization to = parse_quantization(options.to);
  Checkpoint source = open_checkpoint(options.model);
  const Kept keep(options.keep, source.config.layers);
  const std::vector<Entry> entries = source.tensors->entries();
  const Plan plan = make_plan(entries, keep);
  require_floats(source, plan, to);
  CheckpointWriter writer(options.out, outgoing(plan, to), options.max_shard_bytes);
  for (const std::string& file : companion_files(options.model)) {
    writer.write_file(file, read_model_file(options.model, file));
  }
  for (const Entry* entry : plan.kept) writer.write(entry->name, entry->data, entry->bytes);
  kernels::ThreadPool pool(options.threads);
  std::int64_t bytes = 0;
  for (const Entry* entry : plan.quantized) {
    const QuantizedTensor tensor = quantize_one(*entry, to, *source.tensors, writer, pool);
    bytes += static_cast<std::int64_t>(entry->bytes);
    done(tensor, static_cast<double>(bytes) / static_cast<double>(plan.bytes));
  }
  writer.seal();
  const std::string config = config_text(options.model, to, plan.kept_modules);
  open_checkpoint(writer.unfinished(), config, open_model_tensors(writer.unfinished()));
  writer.write_file("config.json", config);  // last: without it, no folder is a model
  writer.commit();
  QuantizeReport report{.scheme = to.name(),
                        .quantized = std::ssize(plan.quantized),
                        .kept = std::ssize(plan.kept),
                        .bytes_after = writer.weight_bytes()};
  for (const Entry& entry : entries) report.bytes_before += static_cast<std::int64_t>(entry.bytes);
  return report;
}

}  // namespace moebius::engine
