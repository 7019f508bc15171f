// One of many processes that share an evaluation: which questions are its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace moebius::runner {

inline constexpr std::int32_t kMaxShards = 100'000;

/// Shard `index` of `count`, from 1; count 0: not divided.
struct Shard {
  std::int32_t index = 0;
  std::int32_t count = 0;
};

/// "3/16". Throws InputError unless 1 <= index <= count <= kMaxShards.
Shard parse_shard(const std::string& text);

/// 1 .. count: the first 8 bytes of the SHA-256 of the id's bytes as a big-endian number, modulo
/// `count`, plus one. A property of the id alone: not of its task, of the order or of what else is
/// asked.
std::int32_t shard_of(std::string_view item, std::int32_t count);

/// Whether a question belongs to `shard`; to one that is not divided all do.
bool in_shard(std::string_view item, const Shard& shard);

/// The key of a shard of the run with key `whole`.
std::string shard_key(const std::string& whole, const Shard& shard);

}  // namespace moebius::runner
