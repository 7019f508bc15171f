#include "engine/local/model_files.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "engine/checkpoint/checkpoint_files.h"
#include "engine/checkpoint/config_reader.h"
#include "engine/embedded/embedded.h"

namespace moebius::engine {
namespace {

constexpr std::int64_t kMaxFileBytes = 256 << 20;

// Ends of the names of files that belong to a model beside its weights.
constexpr std::string_view kCompanions[] = {".json", ".jinja", ".txt", ".model", ".md"};

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

// Products over several matrices at once take one dtype. `which` for messages.
void require_alike(const std::string& path, std::size_t layer, const char* which,
                   const std::vector<const kernels::Matrix*>& matrices) {
  const auto storage = [](const kernels::Matrix& m) {
    return std::string(kernels::dtype_name(m.dtype)) + (m.group_scale ? " in groups" : "");
  };
  for (const kernels::Matrix* m : matrices) {
    if (m->dtype == matrices[0]->dtype && !m->group_scale == !matrices[0]->group_scale) continue;
    throw Error(path + ": layer " + std::to_string(layer) + ": expected all " + which + " as " +
                storage(*matrices[0]) + ", found one as " + storage(*m));
  }
}

void check_mlps(const std::string& path, const ModelWeights& weights) {
  for (std::size_t i = 0; i < weights.layers.size(); ++i) {
    const LayerWeights& w = weights.layers[i];
    require_alike(path, i, "matrices of the dense MLP's first half", {&w.dense.gate, &w.dense.up});
    require_alike(path, i, "matrices of the shared expert's first half",
                  {&w.shared.gate, &w.shared.up});
    std::vector<const kernels::Matrix*> first, second;
    for (const kernels::Matrix& m : w.gates) first.push_back(&m);
    for (const kernels::Matrix& m : w.ups) first.push_back(&m);
    for (const kernels::Matrix& m : w.downs) second.push_back(&m);
    require_alike(path, i, "gate and up matrices of the experts", first);
    require_alike(path, i, "down matrices of the experts", second);
  }
}

std::int64_t elements(const TensorSource::Entry& entry) {
  std::int64_t count = 1;
  for (std::int64_t size : entry.shape) count *= size;
  return count;
}

// What `entry` adds to the parameters: nothing if it belongs to a quantised matrix, except that
// packed codes count by the shape that is stored beside them.
std::int64_t parameters(const TensorSource::Entry& entry) {
  if (entry.name.ends_with("_scale_inv") || entry.name.ends_with("_scale") ||
      entry.name.ends_with("_packed")) {
    return 0;
  }
  if (!entry.name.ends_with("_shape")) return elements(entry);
  std::int64_t extents[2] = {};
  std::memcpy(extents, entry.data, sizeof extents);
  return extents[0] * extents[1];
}

std::size_t bytes_read(const kernels::Matrix& m, bool on_device) {
  if (!on_device || !m.group_scale) return m.bytes();
  return static_cast<std::size_t>(m.rows * m.cols) * 2;
}

std::size_t bytes_read(std::span<const kernels::Matrix> matrices, bool on_device) {
  std::size_t bytes = 0;
  for (const kernels::Matrix& matrix : matrices) bytes += bytes_read(matrix, on_device);
  return bytes;
}

// Weights of one layer that every token reads, and those of all its experts.
struct LayerBytes {
  std::size_t always = 0;
  std::size_t experts = 0;
};

LayerBytes layer_bytes(const LayerWeights& w, bool on_device) {
  LayerBytes bytes;
  for (const kernels::Matrix* m :
       {&w.q_a, &w.q_b, &w.kv_a, &w.kv_b, &w.q, &w.k, &w.v, &w.o, &w.dense.gate, &w.dense.up,
        &w.dense.down, &w.shared.gate, &w.shared.up, &w.shared.down, &w.router}) {
    if (!m->empty()) bytes.always += bytes_read(*m, on_device);
  }
  for (const auto* experts : {&w.gates, &w.ups, &w.downs}) {
    bytes.experts += bytes_read(*experts, on_device);
  }
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

std::vector<std::string> companion_files(const std::string& model) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    const bool known = name.starts_with("LICENSE") ||
                       std::any_of(std::begin(kCompanions), std::end(kCompanions),
                                   [&](std::string_view end) { return name.ends_with(end); });
    if (known && name != "config.json" && !name.ends_with(".index.json")) names.push_back(name);
  };
  if (model == kEmbedded) {
    for (const EmbeddedFile& file : embedded_files()) add(std::string(file.name));
  } else {
    require_directory(model);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(model, error)) {
      if (entry.is_regular_file(error)) add(entry.path().filename().string());
    }
    if (error) throw Error(model + ": cannot list: " + error.message());
  }
  std::sort(names.begin(), names.end());
  return names;
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
  checkpoint.tensors->expect(checkpoint.config.quantization);
  checkpoint.weights = checkpoint.family->bind(checkpoint.config, *checkpoint.tensors);
  checkpoint.tensors->require_all_used();
  check_mlps(path, checkpoint.weights);
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

ModelInfo describe(const Checkpoint& checkpoint, bool on_device) {
  const Config& c = checkpoint.config;
  ModelInfo info;
  info.path = checkpoint.path;
  info.architecture = checkpoint.architecture;
  info.family = checkpoint.family->name;
  info.layers = static_cast<std::int32_t>(c.layers);
  info.vocab = static_cast<std::int32_t>(c.vocab);
  info.context = static_cast<std::int32_t>(c.context);
  std::map<std::string, std::int64_t> dtypes;
  const std::string packed_name = c.quantization.dtype == kernels::Dtype::kI4 ? "INT4" : "INT8";
  for (const TensorSource::Entry& entry : checkpoint.tensors->entries()) {
    if (!entry.used) {
      ++info.skipped_tensors;
      continue;
    }
    info.weight_bytes += static_cast<std::int64_t>(entry.bytes);
    const std::int64_t count = parameters(entry);
    if (count == 0) continue;
    info.parameters += count;
    const bool packed = entry.name.ends_with("_shape");
    dtypes[packed ? packed_name : entry.dtype] += count;
  }
  info.dtypes.assign(dtypes.begin(), dtypes.end());
  info.active_parameters = info.parameters;
  std::size_t active_bytes = bytes_read(checkpoint.weights.head, on_device);
  for (const LayerWeights& layer : checkpoint.weights.layers) {
    const std::int64_t expert = expert_elements(layer);
    const LayerBytes bytes = layer_bytes(layer, on_device);
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
