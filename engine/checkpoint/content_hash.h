// What a file or a set of weights is known by: sha256.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/checkpoint/tensor_source.h"

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace moebius::engine {

/// A running sha256. Throws Error if OpenSSL cannot provide it.
class Sha256 {
 public:
  Sha256();
  void update(const void* data, std::size_t bytes);
  void update_u64(std::uint64_t value);  // as 8 bytes, little-endian
  std::string hex();                     // 64 lower-case digits; ends the computation

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// sha256 over `entries`, which are sorted by name; content_hash.cc says how they are framed.
std::string hash_tensors(std::span<const TensorSource::Entry> entries);

/// The hash of tensors that stand for other values under another `quantization`.
std::string hash_quantized(const std::string& tensors, const std::string& quantization);

}  // namespace moebius::engine
