// The safetensors format: an 8-byte little-endian header length, a JSON header, the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/checkpoint/tensor_source.h"

namespace moebius::engine {

inline constexpr std::int64_t kMaxHeaderBytes = 100'000'000;  // as the safetensors library

/// Bytes of one element of a safetensors dtype ("BF16"); 0 if there is no such dtype.
std::size_t stored_dtype_bytes(std::string_view dtype);

/// Every tensor of the file at `data`, in header order, pointing into it. `file` names it in
/// messages. Throws Error unless all of this holds:
/// - the header is at most kMaxHeaderBytes, inside the file, and one JSON object
///   that starts at once;
/// - it maps names to {"dtype", "shape", "data_offsets"}, nothing more and nothing
///   less, and may have "__metadata__", strings by name;
/// - each dtype is known and each shape times dtype is exactly its byte range;
/// - the ranges together cover the rest of the file without overlap or gap.
/// Whether names are unique is left to whoever sorts them.
/// Source: huggingface/safetensors, safetensors/src/tensor.rs (Metadata::validate).
std::vector<TensorSource::Entry> read_safetensors(const std::byte* data, std::size_t bytes,
                                                  const std::string& file);

/// `entry` for a message: BF16 [512, 128].
std::string describe(const TensorSource::Entry& entry);
std::string describe_shape(const std::vector<std::int64_t>& shape);

}  // namespace moebius::engine
