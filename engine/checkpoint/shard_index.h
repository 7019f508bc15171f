// model.safetensors.index.json: which shard holds which tensor.
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace moebius::engine {

struct ShardedTensor {
  std::string name;
  std::string shard;  // a plain file name
  bool operator<(const ShardedTensor& other) const {
    return std::tie(name, shard) < std::tie(other.name, other.shard);
  }
};

/// Reads the index `text`, `where` naming it in messages; sorted by tensor name. Throws Error
/// unless it is an object whose "weight_map" maps at least one tensor to names of files in
/// the same directory: ending in .safetensors and without "/" or NUL.
std::vector<ShardedTensor> read_shard_index(std::string_view text, const std::string& where);

}  // namespace moebius::engine
