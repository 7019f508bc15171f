// The index: a plain file name for every tensor, or a message.
#include "engine/checkpoint/shard_index.h"

#include <gtest/gtest.h>

#include "tests/support/error_text.h"

namespace moebius::engine {
namespace {

TEST(ShardIndex, SortsByTensor) {
  const auto tensors = read_shard_index(
      R"({"metadata":{"total_size":3},"weight_map":{"b":"y.safetensors","a":"z.safetensors"}})",
      "index");
  ASSERT_EQ(tensors.size(), 2U);
  EXPECT_EQ(tensors[0].name, "a");
  EXPECT_EQ(tensors[0].shard, "z.safetensors");
  EXPECT_EQ(tensors[1].name, "b");
}

TEST(ShardIndex, RefusesNamesThatLeadElsewhere) {
  for (const char* shard :
       {R"("../x.safetensors")", R"("/etc/x.safetensors")", R"("a/b.safetensors")",
        R"("..safetensors")", R"(".safetensors")", R"("")", R"("model.bin")",
        R"("x\u0000.safetensors")", R"("..")", "null", "3", R"(["a.safetensors"])"}) {
    const std::string text = R"({"weight_map":{"a":)" + std::string(shard) + "}}";
    const std::string got = tests::error_text([&] { read_shard_index(text, "M/index"); });
    EXPECT_TRUE(
        got.starts_with("M/index: tensor \"a\": expected the plain name of a "
                        ".safetensors file beside the index, found "))
        << got;
  }
}

TEST(ShardIndex, RefusesWhatIsNoIndex) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "M/index: expected a JSON object, found an array of 0"},
      {"{}", "M/index: \"weight_map\": expected file names by tensor, found nothing"},
      {R"({"weight_map":{}})",
       "M/index: \"weight_map\": expected file names by tensor, found an object"},
      {R"({"weight_map":[1]})",
       "M/index: \"weight_map\": expected file names by tensor, found an array of 1"},
      {R"({"weight_map":{"a":"x.safetensors","a":"y.safetensors"}})",
       "M/index: key \"a\" appears twice in one object"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_EQ(tests::error_text([&, &text = text] { read_shard_index(text, "M/index"); }), message);
  }
}

}  // namespace
}  // namespace moebius::engine
