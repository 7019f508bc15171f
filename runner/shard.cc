// Which questions are a shard's own.
#include "runner/shard.h"

#include <fmt/format.h>

#include <charconv>

#include "runner/digest.h"
#include "runner/input.h"
#include "runner/output.h"

namespace moebius::runner {
namespace {

bool parse_count(std::string_view text, std::int32_t& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end && value >= 1 && value <= kMaxShards;
}

}  // namespace

Shard parse_shard(const std::string& text) {
  const std::string_view all = text;
  const std::size_t slash = all.find('/');
  Shard shard;
  if (slash != std::string_view::npos && parse_count(all.substr(0, slash), shard.index) &&
      parse_count(all.substr(slash + 1), shard.count) && shard.index <= shard.count) {
    return shard;
  }
  throw InputError(
      fmt::format("--shard: I/N with 1 <= I <= N <= {} expected, for example 3/16, got '{}'",
                  kMaxShards, one_line(text)));
}

std::int32_t shard_of(std::string_view item, std::int32_t count) {
  return static_cast<std::int32_t>(sha256_head(item) % static_cast<std::uint64_t>(count)) + 1;
}

bool in_shard(std::string_view item, const Shard& shard) {
  return shard.count == 0 || shard_of(item, shard.count) == shard.index;
}

std::string shard_key(const std::string& whole, const Shard& shard) {
  Digest digest;
  digest.add("shard 1").add(whole).add(shard.index).add(shard.count);
  return digest.hex();
}

}  // namespace moebius::runner
