// SHA-256 over fields, so that keys of different fields can never be equal by accident.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace moebius::runner {

/// SHA-256 of `ids` as little-endian int32, nothing else, in hex.
std::string sha256_ids(std::span<const std::int32_t> ids);

/// The first 8 bytes of the SHA-256 of `bytes`, as a big-endian number.
std::uint64_t sha256_head(std::string_view bytes);

/// Each field goes in with its kind and length in front.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  Digest& add(std::string_view text);
  Digest& add(std::int64_t number);
  Digest& add(int number) { return add(static_cast<std::int64_t>(number)); }
  Digest& add(std::span<const std::int32_t> ids);  // little-endian
  std::string hex();                               // 64 characters; once

 private:
  void bytes(const void* data, std::size_t size);

  evp_md_ctx_st* context_;
};

}  // namespace moebius::runner
