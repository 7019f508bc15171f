// Real checkpoints open: tensor counts and sizes as an independent reader found them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "engine/checkpoint/checkpoint_files.h"
#include "engine/checkpoint/config_reader.h"
#include "engine/checkpoint/tensor_source.h"

namespace moebius::engine {
namespace {

struct Golden {
  const char* folder;
  std::size_t tensors;
  const char* hash;
};

// Source: Python's json, struct and hashlib over the same files, framed as
// content_hash.cc describes.
constexpr Golden kGoldens[] = {
    {"goldens/deepseek_v2", 137,
     "0a503e997829cb9922b24f7a399f0c0035710432c83b1f394e7c223040f13e2d"},
    {"goldens/deepseek_v2_lite", 131,
     "a80500ff1ef59801d293f28627e842a340ba5d47ece8085a60e5e25e1286508f"},
    {"goldens/deepseek_v3", 139,
     "bc5d73a9056be7cff99503bcae4840efc5feda9eb4c3feb1bdcd4ee5388f2fd8"},
    {"goldens/deepseek_v3_fp8", 259,
     "5f09aa90312ec730ae4b20831306d7fa1b5c22f9e24899e16b7a82db4e5629aa"},
    {"goldens/deepseek_v3_noyarn", 115,
     "79c5fb33d33ac5b95b8df7503bcb6e05e37276ead9a764ebd9d2f638d1543c18"},
    {"goldens/llama", 30, "1fa30e70cabd0c7d6dafb7d5866b29007938cda3783952ee1b65ba7bfe77ad7b"},
    {"goldens/mixtral", 96, "1f5aa0f2e8c61544db22c1c5a1a8937c64f58736ea5a8ab32b1f7f8e99ee6ff3"},
    {"goldens/olmoe", 174, "5e8485658e1e74ee52a70fcda6669e79f5f99c2150ee22ba6423b23055b8c5a0"},
    {"goldens/qwen2", 38, "b9cc926ab97c2a80fc666ccafbf3a6615efe46485af9c6f6d361c89325debcbc"},
    {"goldens/qwen3_moe", 174, "efff04cbb5a46aaf2ef7247ce32a28fae6860ba296fac4ab6b76d9fc6213d58c"},
    {"tiny_model/checkpoint", 387,
     "c7cabf0fa7eb4d546276fa192080bbd2cf2da4a1a34b37e6f117f57f40523ed4"},
    {"tiny_model/checkpoint_fp8", 731,
     "beea28a74f2506b0fe3f69f05f1a64fa0a72024ad51c9f088c9da5f3a57308cd"},
};

class Checkpoint : public testing::TestWithParam<Golden> {};

TEST_P(Checkpoint, Opens) {
  const char* shared = std::getenv("MOEBIUS_SHARED");
  if (shared == nullptr || *shared == '\0') {
    GTEST_SKIP() << "MOEBIUS_SHARED is not set: it names the folder with goldens/ and tiny_model/";
  }
  const Golden& golden = GetParam();
  const std::string folder = std::string(shared) + "/" + golden.folder;
  const std::string path = folder + "/config.json";
  const ConfigReader config(read_text_file(path, 1 << 20), path);
  const auto source = open_tensors(folder);
  EXPECT_EQ(source->entries().size(), golden.tensors);
  const std::int64_t vocab = config.integer("vocab_size", 1, 1 << 24);
  const std::int64_t hidden = config.integer("hidden_size", 1, 1 << 20);
  const kernels::Matrix embedding = source->matrix("model.embed_tokens.weight", vocab, hidden);
  EXPECT_EQ(embedding.dtype, kernels::Dtype::kBF16);
  EXPECT_EQ(source->vector("model.norm.weight", hidden).size, hidden);
  for (const auto& entry : source->entries()) {
    if (entry.dtype == "F8_E4M3") {
      EXPECT_NE(source->matrix(entry.name, entry.shape[0], entry.shape[1]).scale, nullptr);
    }
  }
  EXPECT_EQ(source->content_hash(), golden.hash);
}

std::string test_name(const testing::TestParamInfo<Golden>& golden) {
  std::string name = golden.param.folder;
  for (char& c : name) c = c == '/' ? '_' : c;
  return name;
}
INSTANTIATE_TEST_SUITE_P(Shared, Checkpoint, testing::ValuesIn(kGoldens), test_name);

}  // namespace
}  // namespace moebius::engine
