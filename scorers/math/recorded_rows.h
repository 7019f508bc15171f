// Recorded rows of the reference data, for golden tests.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace moebius::scorers::math {

/// Rows of $MOEBIUS_SHARED/vectors/<file>, plain or gzip; empty without MOEBIUS_SHARED.
inline std::vector<nlohmann::json> recorded_rows(const std::string& file) {
  const char* shared = std::getenv("MOEBIUS_SHARED");
  if (shared == nullptr) return {};
  const std::string path = std::string(shared) + "/vectors/" + file;
  gzFile in = gzopen(path.c_str(), "rb");
  if (in == nullptr) throw std::runtime_error(path + ": expected recorded rows, found no file");
  std::string all;
  char block[1 << 16];
  for (int n = gzread(in, block, sizeof(block)); n > 0; n = gzread(in, block, sizeof(block))) {
    all.append(block, static_cast<std::size_t>(n));
  }
  gzclose(in);
  std::vector<nlohmann::json> rows;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('\n', at), all.size());
    if (end > at) rows.push_back(nlohmann::json::parse(all.substr(at, end - at)));
    at = end + 1;
  }
  return rows;
}

}  // namespace moebius::scorers::math
