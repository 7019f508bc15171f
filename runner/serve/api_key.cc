// The secret that clients show: read once, kept as a hash, compared in constant time.
#include "runner/serve/api_key.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include <algorithm>

#include "runner/input.h"

namespace moebius::runner {
namespace {

std::array<unsigned char, 32> sha256(std::string_view text) {
  std::array<unsigned char, 32> hash{};
  ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
  return hash;
}

/// Of files only: a pipe or a terminal has no readers but us.
void require_private(const std::string& path) {
  struct stat status {};
  if (path == "-" || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  const unsigned others = status.st_mode & (S_IRWXG | S_IRWXO);
  if (others == 0) return;
  throw InputError(
      fmt::format("{}: expected a key file that its owner alone may read (chmod 600), "
                  "found mode {:03o}",
                  input_name(path), status.st_mode & 0777U));
}

}  // namespace

ApiKey ApiKey::read(const std::string& path) {
  require_private(path);
  std::string secret = read_all(path, 4096);
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  const bool plain =
      std::all_of(secret.begin(), secret.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!plain || secret.size() < 16 || secret.size() > 512) {
    throw InputError(fmt::format(
        "{}: expected one line with a key of 16 .. 512 characters without spaces, found {} bytes{}",
        input_name(path), secret.size(), plain ? "" : ", some of them not allowed"));
  }
  ApiKey key(secret);
  ::OPENSSL_cleanse(secret.data(), secret.size());
  return key;
}

ApiKey::ApiKey(std::string_view secret) : hash_(sha256(secret)) {}

bool ApiKey::opens(std::string_view authorization) const {
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization.starts_with(kScheme)) return false;
  const auto shown = sha256(authorization.substr(kScheme.size()));
  return ::CRYPTO_memcmp(shown.data(), hash_.data(), hash_.size()) == 0;
}

}  // namespace moebius::runner
