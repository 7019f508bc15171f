// The embedded bytes are the recorded ones, and whole.
#include "engine/embedded/embedded.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace moebius::engine {
namespace {

std::string sha256_hex(std::span<const std::byte> bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    return "EVP_Digest failed";
  }
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

// Lines of sha256sum: "<hex>  <name>".
std::map<std::string, std::string> recorded_sums() {
  std::ifstream in(MOEBIUS_CHECKPOINT_SUMS);
  std::map<std::string, std::string> sums;
  for (std::string hex, name; in >> hex >> name;) sums[name] = hex;
  return sums;
}

std::string_view text(const EmbeddedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()};
}

TEST(Embedded, HashesAreTheRecordedOnes) {
  const auto sums = recorded_sums();
  EXPECT_EQ(sums.size(), embedded_files().size());
  for (const EmbeddedFile& file : embedded_files()) {
    const auto sum = sums.find(std::string(file.name));
    ASSERT_NE(sum, sums.end()) << file.name << " is not in SHA256SUMS";
    EXPECT_EQ(sha256_hex(file.bytes), sum->second) << file.name;
  }
}

TEST(Embedded, FilesAreFoundByNameAndAligned) {
  for (const EmbeddedFile& file : embedded_files()) {
    EXPECT_GT(file.bytes.size(), 0U) << file.name;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.bytes.data()) % 64, 0U) << file.name;
    EXPECT_EQ(embedded_file(file.name).bytes.data(), file.bytes.data());
  }
  EXPECT_THROW(embedded_file("pytorch_model.bin"), std::out_of_range);
}

TEST(Embedded, JsonFilesParse) {
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name.ends_with(".json")) {
      EXPECT_TRUE(nlohmann::json::accept(text(file))) << file.name;
    }
  }
  const auto config = nlohmann::json::parse(text(embedded_file("config.json")));
  EXPECT_EQ(config.at("model_type"), "deepseek_v3");
}

TEST(Embedded, WeightsFillTheFileToItsEnd) {
  const std::string_view file = text(embedded_file("model.safetensors"));
  std::uint64_t header_size = 0;
  ASSERT_GT(file.size(), sizeof header_size);
  std::memcpy(&header_size, file.data(), sizeof header_size);
  ASSERT_LT(header_size, file.size() - sizeof header_size);
  const auto header = nlohmann::json::parse(file.substr(sizeof header_size, header_size));
  std::uint64_t tensors = 0, end = 0;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    ++tensors;
    end = std::max(end, entry.at("data_offsets").at(1).get<std::uint64_t>());
  }
  EXPECT_EQ(tensors, 387U);
  EXPECT_EQ(sizeof header_size + header_size + end, file.size());
}

}  // namespace
}  // namespace moebius::engine
