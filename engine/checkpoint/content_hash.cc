// sha256 of weights, the same for one file and for any sharding.
//
// What is hashed, version 1, every number as 8 bytes, unsigned, little-endian:
//
//   "moebius tensors 1\n"                       18 bytes
//   number of tensors
//   then for each tensor, sorted by the bytes of its name:
//     length of the name,  the name             UTF-8, as in the file
//     length of the dtype, the dtype            as in the file: "BF16"
//     number of dimensions, then each extent    slowest first
//     length of the data,  the data             as in the file
//
// Every part is preceded by its length, so no two sets of tensors share a byte stream.
// Groups of scales may have other widths and the same number, so that the tensors do not tell. For
// quantised groups the sha256 is that of "moebius quantized 1\n", then, each preceded by its
// length, the 64 digits of the above and the quantisation, "int4:group=32".
//
// __metadata__, the order in the file and the padding of headers do not count.
#include "engine/checkpoint/content_hash.h"

#include <openssl/evp.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/engine.h"

namespace moebius::engine {
namespace {

constexpr std::string_view kVersion = "moebius tensors 1\n";
constexpr std::size_t kChunk = std::size_t{16} << 20;

void require(bool ok) {
  if (!ok) throw Error("sha256: OpenSSL cannot compute it");
}

void update_framed(Sha256& hash, std::string_view text) {
  hash.update_u64(text.size());
  hash.update(text.data(), text.size());
}

// Asks for bytes before they are needed: pages come from disk while others are hashed.
void read_ahead(const std::byte* data, std::size_t bytes) {
  constexpr std::uintptr_t kPage = 4096;
  const std::uintptr_t misaligned = reinterpret_cast<std::uintptr_t>(data) % kPage;
  (void)::posix_madvise(const_cast<std::byte*>(data) - misaligned, bytes + misaligned,
                        POSIX_MADV_WILLNEED);
}

void update_data(Sha256& hash, const TensorSource::Entry& entry) {
  hash.update_u64(entry.bytes);
  for (std::size_t done = 0; done < entry.bytes; done += kChunk) {
    const std::size_t chunk = std::min(kChunk, entry.bytes - done);
    const std::size_t next = std::min(kChunk, entry.bytes - done - chunk);
    if (next > 0) read_ahead(entry.data + done + chunk, next);
    hash.update(entry.data + done, chunk);
  }
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::update(const void* data, std::size_t bytes) {
  require(EVP_DigestUpdate(context_.get(), data, bytes) == 1);
}

void Sha256::update_u64(std::uint64_t value) {
  std::array<unsigned char, 8> bytes = {};
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<unsigned char>(value >> (8 * i));
  update(bytes.data(), bytes.size());
}

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest = {};
  unsigned length = 0;
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), &length) == 1);
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    text += "0123456789abcdef"[digest[i] >> 4];
    text += "0123456789abcdef"[digest[i] & 15];
  }
  return text;
}

std::string hash_tensors(std::span<const TensorSource::Entry> entries) {
  Sha256 hash;
  hash.update(kVersion.data(), kVersion.size());
  hash.update_u64(entries.size());
  for (const TensorSource::Entry& entry : entries) {
    update_framed(hash, entry.name);
    update_framed(hash, entry.dtype);
    hash.update_u64(entry.shape.size());
    for (const std::int64_t extent : entry.shape) {
      hash.update_u64(static_cast<std::uint64_t>(extent));
    }
    update_data(hash, entry);
  }
  return hash.hex();
}

std::string hash_quantized(const std::string& tensors, const std::string& quantization) {
  constexpr std::string_view kQuantized = "moebius quantized 1\n";
  Sha256 hash;
  hash.update(kQuantized.data(), kQuantized.size());
  update_framed(hash, tensors);
  update_framed(hash, quantization);
  return hash.hex();
}

}  // namespace moebius::engine
