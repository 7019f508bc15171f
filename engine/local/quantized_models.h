// Quantised models for tests, and the bf16 models that they stand for.
#pragma once

#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/checkpoint/checkpoint_writer.h"
#include "engine/engine.h"
#include "engine/local/model_files.h"
#include "kernels/gemm/weight_value.h"
#include "kernels/simd/convert.h"

namespace moebius::engine {

/// The embedded model as `to` says, in the new folder `out`.
inline QuantizeReport quantize_embedded(const std::string& to, const std::string& out,
                                        std::vector<std::string> keep = {"router", "lm_head",
                                                                         "embed"}) {
  return quantize(
      {.model = "embedded", .to = to, .out = out, .keep = std::move(keep), .threads = 1},
      [](const QuantizedTensor&, double) {});
}

/// Writes `model`, whose matrices have group scales, with those matrices as the bf16 values that
/// they stand for: a plain checkpoint in the new folder `out`.
inline void write_widened(const std::string& model, const std::string& out) {
  const Checkpoint source = open_checkpoint(model);
  struct Widened {
    std::string name;
    std::vector<std::uint16_t> values;
  };
  std::vector<Widened> widened;
  std::vector<TensorSource::Entry> copied;
  std::vector<OutgoingTensor> outgoing;
  for (const TensorSource::Entry& entry : source.tensors->entries()) {
    if (entry.name.ends_with("_scale") || entry.name.ends_with("_shape")) continue;
    const bool packed = entry.name.ends_with("_packed");
    if (!packed && entry.dtype != "F8_E4M3") {
      copied.push_back(entry);
      outgoing.push_back({entry.name, entry.dtype, entry.shape});
      continue;
    }
    Widened to{.name = entry.name.substr(0, entry.name.size() - (packed ? 7 : 0)), .values = {}};
    std::vector<std::int64_t> shape = entry.shape;
    for (const TensorSource::Entry& other : source.tensors->entries()) {
      if (packed && other.name == to.name + "_shape") std::memcpy(shape.data(), other.data, 16);
    }
    const kernels::Matrix m = source.tensors->matrix(to.name, shape[0], shape[1]);
    for (std::int64_t i = 0; i < m.rows * m.cols; ++i) {
      to.values.push_back(kernels::f32_to_bf16(kernels::weight_value(m, i / m.cols, i % m.cols)));
    }
    outgoing.push_back({to.name, "BF16", shape});
    widened.push_back(std::move(to));
  }
  CheckpointWriter writer(out, std::move(outgoing));
  for (const auto& entry : copied) writer.write(entry.name, entry.data, entry.bytes);
  for (const Widened& w : widened) writer.write(w.name, w.values.data(), 2 * w.values.size());
  for (const std::string& file : companion_files(model)) {
    writer.write_file(file, read_model_file(model, file));
  }
  auto config = nlohmann::json::parse(read_model_file(model, "config.json"));
  config.erase("quantization_config");
  writer.write_file("config.json", config.dump());
  writer.commit();
}

}  // namespace moebius::engine
