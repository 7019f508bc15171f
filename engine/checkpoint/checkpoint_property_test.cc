// Random files come back as they were written; corrupted ones load or are refused, never worse.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <random>

#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/tensor_source.h"
#include "tests/support/error_text.h"
#include "tests/support/safetensors.h"
#include "tests/support/sanitized.h"
#include "tests/support/temp_dir.h"

namespace moebius::engine {
namespace {

using tests::safetensors_file;
using tests::StoredTensor;
using tests::TempDir;

std::uint64_t seed() {
  const char* chosen = std::getenv("MOEBIUS_SEED");
  return chosen == nullptr ? 1 : std::strtoull(chosen, nullptr, 10);
}

constexpr const char* kDtypes[] = {"F32", "F16", "BF16", "F8_E4M3", "I64", "U8", "BOOL", "F64"};

std::vector<StoredTensor> random_tensors(std::mt19937_64& random) {
  std::vector<StoredTensor> tensors(random() % 12);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    StoredTensor& tensor = tensors[i];
    tensor.name = std::string(random() % 6, 'x') + std::to_string(i);
    tensor.dtype = kDtypes[random() % std::size(kDtypes)];
    std::size_t bytes = stored_dtype_bytes(tensor.dtype);
    for (std::uint64_t dims = random() % 4; dims > 0; --dims) {
      tensor.shape.push_back(static_cast<std::int64_t>(random() % 5));
      bytes *= static_cast<std::size_t>(tensor.shape.back());
    }
    tensor.bytes.resize(bytes);
    for (char& byte : tensor.bytes) byte = static_cast<char>(random());
  }
  return tensors;
}

void expect_equal(const TensorSource& source, std::vector<StoredTensor> tensors) {
  std::sort(tensors.begin(), tensors.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto entries = source.entries();
  ASSERT_EQ(entries.size(), tensors.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].name, tensors[i].name);
    EXPECT_EQ(entries[i].dtype, tensors[i].dtype);
    EXPECT_EQ(entries[i].shape, tensors[i].shape);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(entries[i].data), entries[i].bytes),
              tensors[i].bytes);
  }
}

void write_shards(const TempDir& dir, const std::vector<StoredTensor>& tensors,
                  std::mt19937_64& random) {
  std::vector<StoredTensor> shards[3];
  std::string map;
  for (const StoredTensor& tensor : tensors) {
    const std::size_t shard = random() % 3;
    shards[shard].push_back(tensor);
    map += (map.empty() ? "\"" : ",\"") + tensor.name + "\":\"" + std::to_string(shard) +
           ".safetensors\"";
  }
  for (std::size_t i = 0; i < 3; ++i) {
    dir.write(std::to_string(i) + ".safetensors", safetensors_file(shards[i]));
  }
  dir.write("model.safetensors.index.json", "{\"weight_map\":{" + map + "}}");
}

TEST(CheckpointProperty, RandomFilesComeBack) {
  std::mt19937_64 random(seed());
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE("MOEBIUS_SEED=" + std::to_string(seed()) + " round " + std::to_string(round));
    const auto tensors = random_tensors(random);
    const std::string file = safetensors_file(tensors);
    const auto memory = open_tensors(tests::as_bytes(file), file.size(), "memory");
    expect_equal(*memory, tensors);
    if (tensors.empty()) continue;
    const TempDir dir;
    write_shards(dir, tensors, random);
    const auto sharded = open_tensors(dir.path());
    expect_equal(*sharded, tensors);
    EXPECT_EQ(sharded->content_hash(), memory->content_hash());
  }
}

// Opens `file` from an allocation of its exact size, so that a sanitizer sees one byte
// too many; touches everything. True if it loaded.
bool survives(const std::string& file) {
  std::vector<std::byte> exact(tests::as_bytes(file), tests::as_bytes(file) + file.size());
  try {
    const auto source = open_tensors(exact.data(), exact.size(), "x");
    EXPECT_EQ(source->content_hash().size(), 64U);
    for (const auto& entry : source->entries()) {
      if (entry.shape.size() == 2) source->matrix(entry.name, entry.shape[0], entry.shape[1]);
    }
    return true;
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_TRUE(text.starts_with("x: ")) << text;
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; }))
        << text;
    return false;
  }
}

TEST(CheckpointProperty, EveryCorruptedByteLoadsOrIsRefused) {
  const std::string file =
      safetensors_file({{"w", "F8_E4M3", {1, 2}, "ab"}, {"w_scale_inv", "F32", {1, 1}, "0000"}});
  ASSERT_TRUE(survives(file));
  int loaded = 0, refused = 0;
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      std::string corrupt = file;
      corrupt[i] = static_cast<char>(value);
      ++(survives(corrupt) ? loaded : refused);
    }
  }
  EXPECT_GT(loaded, 0);
  EXPECT_GT(refused, loaded) << "most of a header is structure";
}

// ---- time -----------------------------------------------------------------------------

#ifdef NDEBUG
constexpr double kSlowBuild = tests::kSanitized ? 20 : 1;
#else
constexpr double kSlowBuild = 20;
#endif

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// As many tensors and shards as DeepSeek-V3. A walk of all for each would take minutes.
TEST(CheckpointProperty, ManyTensorsOpenInLittleMoreThanLinearTime) {
  constexpr int kShards = 163, kPerShard = 560;
  const TempDir dir;
  std::string map;
  for (int s = 0; s < kShards; ++s) {
    std::vector<StoredTensor> tensors;
    const std::string shard = "model-" + std::to_string(s) + ".safetensors";
    for (int t = 0; t < kPerShard; ++t) {
      tensors.push_back({"model.layers." + std::to_string(t % 61) + ".mlp.experts." +
                             std::to_string(s) + ".down_proj." + std::to_string(t),
                         "F8_E4M3",
                         {1},
                         "x"});
      map += (map.empty() ? "\"" : ",\"") + tensors.back().name + "\":\"" + shard + "\"";
    }
    dir.write(shard, safetensors_file(tensors));
  }
  dir.write("model.safetensors.index.json", "{\"weight_map\":{" + map + "}}");
  const double start = cpu_seconds();
  const auto source = open_tensors(dir.path());
  const double opened = cpu_seconds() - start;
  const auto entries = source->entries();
  ASSERT_EQ(entries.size(), static_cast<std::size_t>(kShards) * kPerShard);
  for (const auto& entry : entries) ASSERT_TRUE(source->has(entry.name));
  EXPECT_LT(opened, 4 * kSlowBuild) << "about ten times what it takes";
}

TEST(CheckpointProperty, ASmallCheckpointOpensInMilliseconds) {
  std::vector<StoredTensor> tensors;
  for (int t = 0; t < 700; ++t) {
    tensors.push_back({"model.layers.3.mlp.experts." + std::to_string(t) + ".down_proj.weight",
                       "BF16",
                       {1, 1},
                       "xy"});
  }
  const TempDir dir;
  dir.write("model.safetensors", safetensors_file(tensors));
  double best = 1e9;
  for (int i = 0; i < 20; ++i) {
    const double start = cpu_seconds();
    EXPECT_EQ(open_tensors(dir.path())->entries().size(), 700U);
    best = std::min(best, cpu_seconds() - start);
  }
  EXPECT_LT(best, 0.005 * kSlowBuild) << "seconds of processor time";
}

}  // namespace
}  // namespace moebius::engine
