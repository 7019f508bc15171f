// SHA-256 over fields, so that keys of different fields can never be equal by accident.
#include "runner/digest.h"

#include <openssl/evp.h>

#include <array>
#include <bit>
#include <new>
#include <stdexcept>

static_assert(std::endian::native == std::endian::little, "ids are hashed as they are in memory");

namespace moebius::runner {
namespace {

using Sum = std::array<unsigned char, 32>;

std::string to_hex(const Sum& sum) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : sum) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace

Digest::Digest() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) throw std::bad_alloc();
  if (EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("sha256: not available");
  }
}

Digest::~Digest() {
  EVP_MD_CTX_free(context_);
}

void Digest::bytes(const void* data, std::size_t size) {
  if (EVP_DigestUpdate(context_, data, size) != 1) throw std::runtime_error("sha256: failed");
}

Digest& Digest::add(std::string_view text) {
  const std::uint64_t size = text.size();
  bytes("t", 1), bytes(&size, sizeof size), bytes(text.data(), text.size());
  return *this;
}

Digest& Digest::add(std::int64_t number) {
  bytes("n", 1), bytes(&number, sizeof number);
  return *this;
}

Digest& Digest::add(std::span<const std::int32_t> ids) {
  const std::uint64_t size = ids.size();
  bytes("i", 1), bytes(&size, sizeof size), bytes(ids.data(), ids.size_bytes());
  return *this;
}

std::string Digest::hex() {
  Sum sum{};
  if (EVP_DigestFinal_ex(context_, sum.data(), nullptr) != 1) {
    throw std::runtime_error("sha256: failed");
  }
  return to_hex(sum);
}

std::uint64_t sha256_head(std::string_view bytes) {
  Sum sum{};
  if (EVP_Digest(bytes.data(), bytes.size(), sum.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("sha256: failed");
  }
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < 8; ++i) head = head << 8 | sum[i];
  return head;
}

std::string sha256_ids(std::span<const std::int32_t> ids) {
  Sum sum{};
  if (EVP_Digest(ids.data(), ids.size_bytes(), sum.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("sha256: failed");
  }
  return to_hex(sum);
}

}  // namespace moebius::runner
