// The secret that clients show: read once, kept as a hash, compared in constant time.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace moebius::runner {

class ApiKey {
 public:
  /// The one line of `path`: 16 .. 512 printable ASCII characters without spaces. Throws InputError
  /// that names the file and never its contents; also for a file that other users can read.
  static ApiKey read(const std::string& path);
  explicit ApiKey(std::string_view secret);

  /// Whether `authorization` is "Bearer " and the key. The time it takes does not depend on the
  /// key.
  bool opens(std::string_view authorization) const;

 private:
  std::array<unsigned char, 32> hash_{};  // SHA-256
};

}  // namespace moebius::runner
