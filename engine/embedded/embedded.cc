// Gives names and lengths to the bytes that checkpoint.S.in links in.
#include "engine/embedded/embedded.h"

#include <array>
#include <stdexcept>
#include <string>

// checkpoint.S.in defines a pair of symbols for each file: its first byte, and one past its last.
#define MOEBIUS_EMBEDDED(symbol)                          \
  extern "C" const std::byte moebius_embedded_##symbol[]; \
  extern "C" const std::byte moebius_embedded_##symbol##_end[]
MOEBIUS_EMBEDDED(config);
MOEBIUS_EMBEDDED(generation_config);
MOEBIUS_EMBEDDED(model);
MOEBIUS_EMBEDDED(tokenizer);
MOEBIUS_EMBEDDED(tokenizer_config);
#undef MOEBIUS_EMBEDDED

namespace moebius::engine {

std::span<const EmbeddedFile> embedded_files() {
  static const std::array<EmbeddedFile, 5> files = {{
      {"config.json", {moebius_embedded_config, moebius_embedded_config_end}},
      {"generation_config.json",
       {moebius_embedded_generation_config, moebius_embedded_generation_config_end}},
      {"model.safetensors", {moebius_embedded_model, moebius_embedded_model_end}},
      {"tokenizer.json", {moebius_embedded_tokenizer, moebius_embedded_tokenizer_end}},
      {"tokenizer_config.json",
       {moebius_embedded_tokenizer_config, moebius_embedded_tokenizer_config_end}},
  }};
  return files;
}

const EmbeddedFile& embedded_file(std::string_view name) {
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name == name) return file;
  }
  throw std::out_of_range("embedded checkpoint: no file called " + std::string(name));
}

}  // namespace moebius::engine
