// Tensors of a checkpoint by name, each checked against what the model family asks for.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/checkpoint/quantization.h"
#include "engine/families/family.h"
#include "kernels/tensor.h"

namespace moebius::engine {

/// All tensors of a model, memory-mapped (safetensors: one file, or shards by
/// model.safetensors.index.json; or bytes in memory), every header entry already
/// checked: names unique, dtype known, shape times dtype equal to its byte range, ranges inside the
/// file, in order, without overlap or gap. Owns the mappings: what it hands out is
/// valid while it lives.
class TensorSource {
 public:
  struct Entry {
    std::string name;
    std::string dtype;  // as in the file: "BF16"
    std::vector<std::int64_t> shape;
    const std::byte* data = nullptr;
    std::size_t bytes = 0;
    std::string file;  // for messages
    bool used = false;
  };

  virtual ~TensorSource() = default;

  /// How quantised matrices are stored, by config.json; before matrix(). Without it, as blocks.
  virtual void expect(const Quantization& quantization) = 0;

  /// The matrix `name`, which must be [rows, cols] of F32, F16, BF16 or F8_E4M3. What is
  /// bound with the last, and what may stand in place of `name`, is in this folder's README
  /// ("Quantised matrices"); parts may lie in other shards. Throws Error: missing, other
  /// shape, other dtype, scales that are not finite.
  virtual kernels::Matrix matrix(const std::string& name, std::int64_t rows, std::int64_t cols) = 0;

  /// The vector `name`, [size] of F32, F16 or BF16, widened to float32 (owned by the source).
  virtual Vector vector(const std::string& name, std::int64_t size) = 0;

  virtual bool has(const std::string& name) const = 0;

  /// Tensors whose names start so are known and not used.
  virtual void skip_prefix(std::string_view prefix) = 0;

  /// Throws Error naming the first tensor that was neither bound nor skipped.
  virtual void require_all_used() const = 0;

  virtual std::vector<Entry> entries() const = 0;  // sorted by name

  /// sha256, hex, over every tensor's name, dtype, shape and bytes in name order:
  /// the same for any sharding; and over the quantisation, if it has groups. Reads all
  /// weights once.
  virtual std::string content_hash() const = 0;
};

/// Opens a model directory in Hugging Face layout. Throws Error.
std::unique_ptr<TensorSource> open_tensors(const std::string& directory);

/// Opens one safetensors file that is already in memory; `what` names it in messages.
std::unique_ptr<TensorSource> open_tensors(const std::byte* data, std::size_t bytes,
                                           const std::string& what);

}  // namespace moebius::engine
