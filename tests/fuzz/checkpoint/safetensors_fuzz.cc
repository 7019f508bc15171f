// Any bytes as a safetensors file: it opens and every byte of every tensor can be read, or Error.
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

#include "engine/checkpoint/tensor_source.h"
#include "engine/engine.h"
#include "kernels/gemm/weight_value.h"

namespace {

using moebius::engine::Error;
using moebius::engine::open_tensors;
using moebius::engine::Quantization;
using moebius::engine::TensorSource;
using moebius::kernels::Dtype;
using moebius::kernels::dtype_bits;
using moebius::kernels::Matrix;
using moebius::kernels::weight_value;

void bind(TensorSource& source, const TensorSource::Entry& entry) {
  try {
    if (entry.shape.size() == 2) source.matrix(entry.name, entry.shape[0], entry.shape[1]);
    if (entry.shape.size() == 1) source.vector(entry.name, entry.shape[0]);
  } catch (const Error&) {
    return;
  }
}

// Every matrix as codes under groups of scales, as wide as its words allow.
void bind_groups(TensorSource& source, const Quantization& quantization) {
  constexpr std::string_view kPacked = "_packed";
  source.expect(quantization);
  for (const TensorSource::Entry& entry : source.entries()) {
    if (entry.shape.size() != 2) continue;
    const bool packed = entry.name.ends_with(kPacked);
    const std::string name =
        packed ? entry.name.substr(0, entry.name.size() - kPacked.size()) : entry.name;
    const std::int64_t in_word = packed ? 32 / dtype_bits(quantization.dtype) : 1;
    if (entry.shape[1] > std::numeric_limits<std::int64_t>::max() / in_word) continue;
    try {
      const Matrix m = source.matrix(name, entry.shape[0], entry.shape[1] * in_word);
      if (m.empty() || m.rows == 0 || m.cols == 0) continue;
      (void)weight_value(m, m.rows - 1, m.cols - 1);
    } catch (const Error&) {
      continue;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto source = open_tensors(reinterpret_cast<const std::byte*>(data), size, "fuzz");
    for (const Dtype dtype : {Dtype::kI4, Dtype::kI8, Dtype::kF8E4M3}) {
      const auto again = open_tensors(reinterpret_cast<const std::byte*>(data), size, "fuzz");
      bind_groups(*again, {dtype, dtype == Dtype::kI4 ? 32 : 0});
    }
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
