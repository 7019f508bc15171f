// Any bytes as a safetensors file: it opens and every byte of every tensor can be read, or Error.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/checkpoint/tensor_source.h"
#include "engine/engine.h"

namespace {

using moebius::engine::Error;
using moebius::engine::open_tensors;
using moebius::engine::TensorSource;

void bind(TensorSource& source, const TensorSource::Entry& entry) {
  try {
    if (entry.shape.size() == 2) source.matrix(entry.name, entry.shape[0], entry.shape[1]);
    if (entry.shape.size() == 1) source.vector(entry.name, entry.shape[0]);
  } catch (const Error&) {
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto source = open_tensors(reinterpret_cast<const std::byte*>(data), size, "fuzz");
    std::size_t bytes = 0;
    for (const TensorSource::Entry& entry : source->entries()) {
      bytes += entry.bytes;
      bind(*source, entry);
      if (!source->has(entry.name)) std::abort();
    }
    if (bytes >= size || source->content_hash().size() != 64) std::abort();
    source->skip_prefix("model.layers.61.");
    source->skip_prefix("");
    source->require_all_used();
  } catch (const Error&) {
    return 0;
  }
  return 0;
}
