// The checkpoint that ships inside the binary: the five files of engine/embedded/checkpoint/.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace moebius::engine {

/// One file of the embedded checkpoint, named as in a Hugging Face folder.
struct EmbeddedFile {
  std::string_view name;             // "config.json", ...
  std::span<const std::byte> bytes;  // 64-byte aligned, read-only, valid for the whole run
};

/// config.json, generation_config.json, model.safetensors, tokenizer.json and
/// tokenizer_config.json, sorted by name. CARD.md describes the model.
std::span<const EmbeddedFile> embedded_files();

/// The file called `name`. Throws std::out_of_range naming it if there is none.
const EmbeddedFile& embedded_file(std::string_view name);

}  // namespace moebius::engine
