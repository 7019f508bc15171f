// Where a model's files come from: a directory in Hugging Face layout, or the binary itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/checkpoint/tensor_source.h"
#include "engine/engine.h"
#include "engine/families/family.h"
#include "engine/text/tokenizer.h"

namespace moebius::engine {

inline constexpr const char* kEmbedded = "embedded";

/// The text of `file` of the model, empty if there is no such file. Throws Error if it
/// is there and cannot be read, or is larger than any real one (256 MiB).
std::string read_model_file(const std::string& model, const std::string& file);

/// Names of the model's other files, sorted: tokenizer, templates, generation settings, licence,
/// card; not config.json, the weights or their index.
std::vector<std::string> companion_files(const std::string& model);

std::unique_ptr<TensorSource> open_model_tensors(const std::string& model);

/// Everything of a checkpoint that is checked before anything is computed.
struct Checkpoint {
  std::string path;
  std::string architecture;
  const Family* family = nullptr;
  Config config;
  std::unique_ptr<TensorSource> tensors;
  ModelWeights weights;                  // valid while tensors lives
  bool made_up = false;                  // matrices have shapes, but no values that may be read
  std::unique_ptr<Tokenizer> tokenizer;  // null without tokenizer.json
  std::vector<std::int32_t>
      eos_ids;  // generation_config.json, else config.json, else the tokenizer's
};

/// Opens and checks `model`. Throws Error.
Checkpoint open_checkpoint(const std::string& model);

/// The same for tensors that come from elsewhere, without a tokenizer.
Checkpoint open_checkpoint(const std::string& path, const std::string& config_json,
                           std::unique_ptr<TensorSource> tensors);

/// All but the hashes' content: `weights_hash` is left empty. `on_device`: a GPU reads codes under
/// group scales as bf16.
ModelInfo describe(const Checkpoint& checkpoint, bool on_device = false);

}  // namespace moebius::engine
