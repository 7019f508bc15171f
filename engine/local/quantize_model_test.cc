// Quantised checkpoints as their users meet them: written whole or not at all, computed with
// as the values they stand for, and refused when they were tampered with.
#include <gtest/gtest.h>

#include <bit>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/local/quantized_models.h"
#include "tests/support/error_text.h"
#include "tests/support/temp_dir.h"

namespace moebius::engine {
namespace {

using tests::error_text;
using tests::TempDir;

std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::uint32_t> bits_of(const Trace& trace) {
  std::vector<std::uint32_t> bits;
  for (const std::vector<float>& row : trace.logits) {
    for (const float logit : row) bits.push_back(std::bit_cast<std::uint32_t>(logit));
  }
  return bits;
}

Trace trace_of(const std::string& model, Arithmetic arithmetic) {
  const std::vector<std::int32_t> ids = {5, 99, 1000, 7, 7, 12, 431, 3, 255, 1200, 64};
  return load(model, {.threads = 1, .arithmetic = arithmetic})->trace(ids);
}

class QuantizedModel : public testing::TestWithParam<const char*> {};

// A code under a group's scale is a bf16 number; nothing but where it lies may be different.
TEST_P(QuantizedModel, HasTheBitsOfItsValues) {
  const TempDir dir;
  const QuantizeReport report = quantize_embedded(GetParam(), dir.file("few"));
  EXPECT_EQ(report.scheme, GetParam());
  write_widened(dir.file("few"), dir.file("wide"));
  for (const Arithmetic arithmetic : {Arithmetic::kF32, Arithmetic::kBF16}) {
    const Trace few = trace_of(dir.file("few"), arithmetic);
    const Trace wide = trace_of(dir.file("wide"), arithmetic);
    EXPECT_EQ(few.experts, wide.experts);
    EXPECT_EQ(bits_of(few), bits_of(wide));
    EXPECT_NE(bits_of(few), bits_of(trace_of("embedded", arithmetic)));
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, QuantizedModel,
                         testing::Values("int4:group=32", "int4:channel", "int8:group=128",
                                         "fp8:channel"));

TEST(Quantize, AnyShardsAreTheSameModel) {
  const TempDir dir;
  quantize_embedded("int8", dir.file("one"));
  std::int64_t heard = 0;
  double last = 0;
  const QuantizeReport report = quantize({.model = "embedded",
                                          .to = "int8",
                                          .out = dir.file("many"),
                                          .threads = 3,
                                          .max_shard_bytes = 500'000},
                                         [&](const QuantizedTensor&, double share) {
                                           EXPECT_GT(share, last);
                                           last = share;
                                           ++heard;
                                         });
  EXPECT_EQ(heard, report.quantized);
  EXPECT_EQ(last, 1);
  EXPECT_FALSE(std::filesystem::exists(dir.file("many/model.safetensors")));
  const ModelInfo one = inspect(dir.file("one"));
  EXPECT_EQ(one.weights_hash, inspect(dir.file("many")).weights_hash);
  EXPECT_NE(one.weights_hash, inspect("embedded").weights_hash);
  EXPECT_NE(load(dir.file("one"), {})->fingerprint(), load("embedded", {})->fingerprint());
}

TEST(Quantize, KeepsWhatItIsTold) {
  const TempDir dir;
  std::vector<std::string> kinds;
  quantize({.model = "embedded",
            .to = "int4",
            .out = dir.file("out"),
            .keep = {"embed", "attention", "shared", "layers.2"},
            .threads = 1},
           [&](const QuantizedTensor& tensor, double) {
             EXPECT_EQ(tensor.name.find("layers.2."), std::string::npos) << tensor.name;
             if (std::find(kinds.begin(), kinds.end(), tensor.kind) == kinds.end()) {
               kinds.push_back(tensor.kind);
             }
           });
  std::sort(kinds.begin(), kinds.end());
  EXPECT_EQ(kinds, (std::vector<std::string>{"dense", "experts", "lm_head", "router"}));
  EXPECT_EQ(trace_of(dir.file("out"), Arithmetic::kF32).logits.size(), 11U);
  const auto refusal = [&](std::vector<std::string> keep) {
    return error_text([&] { quantize_embedded("int4", dir.file("no"), std::move(keep)); });
  };
  EXPECT_NE(refusal({"router"}).find("expected embed among"), std::string::npos);
  EXPECT_NE(refusal({"embed", "layers.7"}).find("found \"layers.7\""), std::string::npos);
  EXPECT_NE(refusal({"embed", "layers.01"}).find("found \"layers.01\""), std::string::npos);
  EXPECT_NE(refusal({"embed", ""}).find("found \"\""), std::string::npos);
  EXPECT_NE(refusal({"embed", "lm_head", "router", "attention", "experts", "shared", "dense"})
                .find("nothing is left"),
            std::string::npos);
}

// fp8 in blocks is how some models are published: int4 can be made of it, and what is kept
// stays in blocks beside it.
TEST(Quantize, TakesBlocksAndNothingElseThatIsQuantized) {
  const TempDir dir;
  quantize_embedded("fp8", dir.file("fp8"));
  const auto from = [&](const std::string& model, const char* to, const char* out) {
    quantize({.model = dir.file(model),
              .to = to,
              .out = dir.file(out),
              .keep = {"embed", "lm_head", "router", "attention"},
              .threads = 1},
             [](const QuantizedTensor&, double) {});
  };
  from("fp8", "int4", "int4");
  EXPECT_EQ(trace_of(dir.file("int4"), Arithmetic::kF32).logits.size(), 11U);
  for (const auto& [model, to] : {std::pair("fp8", "fp8"), std::pair("fp8", "int8"),
                                  std::pair("int4", "int4"), std::pair("int4", "fp8-channel")}) {
    EXPECT_NE(error_text([&, &model = model, &to = to] {
                from(model, to, "out");
              }).find("quantised already"),
              std::string::npos)
        << model << " to " << to;
  }
  EXPECT_FALSE(std::filesystem::exists(dir.file("out")));
}

// While it is written the folder has another name and is no model; an exception takes it away.
TEST(Quantize, AnUnfinishedFolderIsNoModel) {
  const TempDir dir;
  std::int64_t heard = 0;
  const auto stop = [&](const QuantizedTensor&, double share) {
    const std::filesystem::directory_iterator all(dir.path());
    EXPECT_EQ(std::distance(begin(all), end(all)), 1);
    const std::string folder = std::filesystem::directory_iterator(dir.path())->path().string();
    EXPECT_NE(folder, dir.file("out"));
    EXPECT_NE(error_text([&] { inspect(folder); }).find("config.json"), std::string::npos);
    if (++heard == 3 || share == 1) throw std::runtime_error("stop");
  };
  EXPECT_THROW(
      quantize({.model = "embedded", .to = "fp8", .out = dir.file("out"), .threads = 1}, stop),
      std::runtime_error);
  EXPECT_EQ(heard, 3);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

class TamperedModel : public testing::Test {
 protected:
  TamperedModel() { quantize_embedded("int4", path()); }
  std::string path() const { return dir_.file("model"); }
  std::string refusal_after(const std::string& file, const std::string& from,
                            const std::string& to) {
    std::string bytes = read_bytes(path() + "/" + file);
    const std::string whole = bytes;
    const std::size_t at = bytes.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    dir_.write("model/" + file, bytes.replace(at, from.size(), to));
    const std::string text = error_text([&] { load(path(), {.threads = 1}); });
    dir_.write("model/" + file, whole);
    return text;
  }
  TempDir dir_;
};

TEST_F(TamperedModel, IsRefusedByName) {
  const auto config = [&](const std::string& from, const std::string& to) {
    return refusal_after("config.json", from, to);
  };
  EXPECT_NE(config("\"group_size\": 32", "\"group_size\": 64").find("_scale\": expected BF16"),
            std::string::npos);
  EXPECT_NE(config("\"group_size\": 32", "\"group_size\": 33").find("multiple of 32"),
            std::string::npos);
  EXPECT_NE(config("\"num_bits\": 4", "\"num_bits\": 8").find("_packed\": expected I32"),
            std::string::npos);
  EXPECT_NE(config("quantization_config", "quantization_confix").find("expected tensor \""),
            std::string::npos);
  EXPECT_NE(config("pack-quantized", "naive-quantized").find("pack-quantized"), std::string::npos);
  const auto weights = [&](const std::string& from, const std::string& to) {
    return refusal_after("model.safetensors", from, to);
  };
  EXPECT_NE(weights("o_proj.weight_scale\"", "o_proj.weight_scalf\"").find("weight_scale\" with"),
            std::string::npos);
  EXPECT_NE(weights("o_proj.weight_packed\":{\"dtype\":\"I32\"",
                    "o_proj.weight_packed\":{\"dtype\":\"F32\"")
                .find("expected I32"),
            std::string::npos);
  EXPECT_EQ(load(path(), {.threads = 1})->info().layers, 7);
}

}  // namespace
}  // namespace moebius::engine
