// model.safetensors.index.json, checked so that no name in it leads out of the directory.
#include "engine/checkpoint/shard_index.h"

#include "engine/checkpoint/strict_json.h"
#include "engine/engine.h"

namespace moebius::engine {
namespace {

using nlohmann::json;

bool is_shard_name(const json& value) {
  if (!value.is_string()) return false;
  const auto& name = value.get_ref<const std::string&>();
  constexpr std::string_view kForbidden("/\0", 2);
  return name.find_first_of(kForbidden) == std::string::npos && !name.starts_with('.') &&
         name.ends_with(".safetensors");
}

}  // namespace

std::vector<ShardedTensor> read_shard_index(std::string_view text, const std::string& where) {
  const json root = parse_json(text, where);
  if (!root.is_object()) throw Error(where + ": expected a JSON object, found " + describe(root));
  const auto map = root.find("weight_map");
  if (map == root.end() || !map->is_object() || map->empty()) {
    throw Error(where + ": \"weight_map\": expected file names by tensor, found " +
                (map == root.end() ? "nothing" : describe(*map)));
  }
  std::vector<ShardedTensor> tensors;
  tensors.reserve(map->size());
  for (const auto& [name, shard] : map->items()) {
    if (!is_shard_name(shard)) {
      throw Error(where + ": tensor " + quote(name) +
                  ": expected the plain name of a .safetensors file beside the index, found " +
                  describe(shard));
    }
    tensors.push_back({name, shard.get<std::string>()});
  }
  return tensors;
}

}  // namespace moebius::engine
