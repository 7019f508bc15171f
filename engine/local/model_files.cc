#include "engine/local/model_files.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "engine/checkpoint/checkpoint_files.h"
#include "engine/checkpoint/config_reader.h"
#include "engine/embedded/embedded.h"

namespace moebius::engine {
namespace {

constexpr std::int64_t kMaxFileBytes = 256 << 20;

std::string where(const std::string& model, const std::string& file) {
  return model + "/" + file;
}

void require_directory(const std::string& model) {
  std::error_code error;
  if (std::filesystem::is_directory(model, error)) return;
  throw Error(model +
              ": expected a directory in Hugging Face layout or the word \"embedded\", found " +
              (std::filesystem::exists(model, error) ? "a file" : "nothing"));
}

std::vector<std::int32_t> read_eos(const std::string& model, const ConfigReader& config,
                                   const Tokenizer* tokenizer) {
  std::vector<std::int64_t> ids;
  const std::string generation = read_model_file(model, "generation_config.json");
  if (!generation.empty()) {
    ids = ConfigReader(generation, where(model, "generation_config.json"))
              .integers_or("eos_token_id", {});
  }
  if (ids.empty()) ids = config.integers_or("eos_token_id", {});
  if (ids.empty() && tokenizer && tokenizer->eos() >= 0) ids.push_back(tokenizer->eos());
  return {ids.begin(), ids.end()};
}

void check_eos(const Checkpoint& checkpoint) {
  for (std::int32_t id : checkpoint.eos_ids) {
    if (id >= 0 && id < checkpoint.config.vocab) continue;
    throw Error(checkpoint.path + ": eos_token_id " + std::to_string(id) +
                " is outside the vocabulary of " + std::to_string(checkpoint.config.vocab));
  }
}

void check_tokenizer(const Checkpoint& checkpoint) {
  const std::int32_t ids = checkpoint.tokenizer->vocab();
  if (ids <= checkpoint.config.vocab) return;
  throw Error(checkpoint.path + "/tokenizer.json: ids go up to " + std::to_string(ids - 1) +
              ", but config.json has a vocab_size of " + std::to_string(checkpoint.config.vocab));
}

std::int64_t elements(const TensorSource::Entry& entry) {
  std::int64_t count = 1;
  for (std::int64_t size : entry.shape) count *= size;
  return count;
}

bool is_scale(const std::string& name) {
  return name.ends_with("_scale_inv");
}

std::size_t bytes_of(std::span<const kernels::Matrix> matrices) {
  std::size_t bytes = 0;
  for (const kernels::Matrix& matrix : matrices) bytes += matrix.bytes();
  return bytes;
}

// Weights of one layer that every token reads, and those of all its experts.
struct LayerBytes {
  std::size_t always = 0;
  std::size_t experts = 0;
};

LayerBytes layer_bytes(const LayerWeights& w) {
  LayerBytes bytes;
  for (const kernels::Matrix* m :
       {&w.q_a, &w.q_b, &w.kv_a, &w.kv_b, &w.q, &w.k, &w.v, &w.o, &w.dense.gate, &w.dense.up,
        &w.dense.down, &w.shared.gate, &w.shared.up, &w.shared.down, &w.router}) {
    if (!m->empty()) bytes.always += m->bytes();
  }
  bytes.experts = bytes_of(w.gates) + bytes_of(w.ups) + bytes_of(w.downs);
  return bytes;
}

std::int64_t elements(const kernels::Matrix& m) {
  return m.rows * m.cols;
}

std::int64_t expert_elements(const LayerWeights& w) {
  if (w.gates.empty()) return 0;
  return elements(w.gates[0]) + elements(w.ups[0]) + elements(w.downs[0]);
}

std::int64_t layer_elements(const LayerWeights& w) {
  std::int64_t count = 0;
  for (const kernels::Matrix* m :
       {&w.q_a, &w.q_b, &w.kv_a, &w.kv_b, &w.q, &w.k, &w.v, &w.o, &w.dense.gate, &w.dense.up,
        &w.dense.down, &w.shared.gate, &w.shared.up, &w.shared.down, &w.router}) {
    count += elements(*m);
  }
  return count;
}

}  // namespace

std::string read_model_file(const std::string& model, const std::string& file) {
  if (model == kEmbedded) {
    for (const EmbeddedFile& embedded : embedded_files()) {
      if (embedded.name != file) continue;
      return {reinterpret_cast<const char*>(embedded.bytes.data()), embedded.bytes.size()};
    }
    return {};
  }
  require_directory(model);
  std::error_code error;
  if (!std::filesystem::exists(where(model, file), error)) return {};
  return read_text_file(where(model, file), kMaxFileBytes);
}

std::unique_ptr<TensorSource> open_model_tensors(const std::string& model) {
  if (model != kEmbedded) return open_tensors(model);
  const std::span<const std::byte> bytes = embedded_file("model.safetensors").bytes;
  return open_tensors(bytes.data(), bytes.size(), "embedded/model.safetensors");
}

Checkpoint open_checkpoint(const std::string& path, const std::string& config_json,
                           std::unique_ptr<TensorSource> tensors) {
  const ConfigReader json(config_json, where(path, "config.json"));
  Checkpoint checkpoint;
  checkpoint.path = path;
  const auto architectures = json.texts_or("architectures", {});
  if (architectures.empty()) json.fail("\"architectures\": expected a list with one name");
  checkpoint.architecture = architectures[0];
  try {
    checkpoint.family = &family_for(checkpoint.architecture);
  } catch (const Error& error) {
    json.fail(error.what());
  }
  checkpoint.config = checkpoint.family->config(json);
  checkpoint.tensors = std::move(tensors);
  checkpoint.weights = checkpoint.family->bind(checkpoint.config, *checkpoint.tensors);
  checkpoint.tensors->require_all_used();
  return checkpoint;
}

Checkpoint open_checkpoint(const std::string& model) {
  const std::string config_json = read_model_file(model, "config.json");
  if (config_json.empty())
    throw Error(where(model, "config.json") + ": expected a file, found none");
  Checkpoint checkpoint = open_checkpoint(model, config_json, open_model_tensors(model));
  const std::string tokenizer = read_model_file(model, "tokenizer.json");
  if (!tokenizer.empty()) {
    checkpoint.tokenizer = Tokenizer::parse(
        tokenizer, read_model_file(model, "tokenizer_config.json"), where(model, "tokenizer.json"));
    check_tokenizer(checkpoint);
  }
  const ConfigReader json(config_json, where(model, "config.json"));
  checkpoint.eos_ids = read_eos(model, json, checkpoint.tokenizer.get());
  check_eos(checkpoint);
  return checkpoint;
}

ModelInfo describe(const Checkpoint& checkpoint) {
  const Config& c = checkpoint.config;
  ModelInfo info;
  info.path = checkpoint.path;
  info.architecture = checkpoint.architecture;
  info.family = checkpoint.family->name;
  info.layers = static_cast<std::int32_t>(c.layers);
  info.vocab = static_cast<std::int32_t>(c.vocab);
  info.context = static_cast<std::int32_t>(c.context);
  std::map<std::string, std::int64_t> dtypes;
  for (const TensorSource::Entry& entry : checkpoint.tensors->entries()) {
    if (!entry.used) {
      ++info.skipped_tensors;
      continue;
    }
    info.weight_bytes += static_cast<std::int64_t>(entry.bytes);
    if (is_scale(entry.name)) continue;
    info.parameters += elements(entry);
    dtypes[entry.dtype] += elements(entry);
  }
  info.dtypes.assign(dtypes.begin(), dtypes.end());
  info.active_parameters = info.parameters;
  std::size_t active_bytes = checkpoint.weights.head.bytes();
  for (const LayerWeights& layer : checkpoint.weights.layers) {
    const std::int64_t expert = expert_elements(layer);
    const LayerBytes bytes = layer_bytes(layer);
    active_bytes += bytes.always;
    info.matrix_parameters += layer_elements(layer) + expert * c.top_k;
    if (expert == 0) continue;
    info.active_parameters -= expert * (c.experts - c.top_k);
    active_bytes +=
        bytes.experts * static_cast<std::size_t>(c.top_k) / static_cast<std::size_t>(c.experts);
  }
  info.active_weight_bytes = static_cast<std::int64_t>(active_bytes);
  info.kv_bytes_per_token = c.layers * c.kv_width() * 4;
  if (checkpoint.tokenizer) info.tokenizer_hash = checkpoint.tokenizer->hash();
  return info;
}

std::unique_ptr<Tokenizer> load_tokenizer(const std::string& where_from) {
  std::string model = where_from;
  const std::filesystem::path path(where_from);
  std::error_code error;
  if (model != kEmbedded && std::filesystem::is_regular_file(path, error)) {
    const std::string config = (path.parent_path() / "tokenizer_config.json").string();
    const bool has_config = std::filesystem::exists(config, error);
    return Tokenizer::parse(read_text_file(where_from, kMaxFileBytes),
                            has_config ? read_text_file(config, kMaxFileBytes) : "", where_from);
  }
  const std::string json = read_model_file(model, "tokenizer.json");
  if (json.empty()) throw Error(where(model, "tokenizer.json") + ": expected a file, found none");
  return Tokenizer::parse(json, read_model_file(model, "tokenizer_config.json"),
                          where(model, "tokenizer.json"));
}

}  // namespace moebius::engine
