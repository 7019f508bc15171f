// What config.json may say of quantised weights, and that what is written reads back.
#include "engine/checkpoint/quantization.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/checkpoint/config_reader.h"
#include "tests/support/error_text.h"

namespace moebius::engine {
namespace {

using kernels::Dtype;

Quantization read(const std::string& json) {
  return read_quantization(ConfigReader("{\"quantization_config\":" + json + "}", "M/config.json"));
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(Quantization, WhatIsWrittenReadsBack) {
  for (const Quantization& q : {Quantization{Dtype::kF8E4M3, -1}, Quantization{Dtype::kF8E4M3, 0},
                                Quantization{Dtype::kI8, 128}, Quantization{Dtype::kI8, 0},
                                Quantization{Dtype::kI4, 32}, Quantization{Dtype::kI4, 65536}}) {
    const Quantization got = read(quantization_json(q, {"lm_head"}));
    EXPECT_EQ(got.dtype, q.dtype) << q.name();
    EXPECT_EQ(got.group, q.group) << q.name();
  }
  EXPECT_EQ(read("null").dtype, Dtype::kBF16);
}

TEST(Quantization, Names) {
  EXPECT_EQ((Quantization{Dtype::kF8E4M3, -1}.name()), "fp8");
  EXPECT_EQ((Quantization{Dtype::kF8E4M3, 0}.name()), "fp8:channel");
  EXPECT_EQ((Quantization{Dtype::kI4, 32}.name()), "int4:group=32");
  EXPECT_EQ(Quantization{}.name(), "none");
  for (const char* name :
       {"fp8", "fp8:channel", "int8:channel", "int8:group=64", "int4:group=32"}) {
    EXPECT_EQ(parse_quantization(name).name(), name);
  }
  EXPECT_EQ(parse_quantization("fp8-channel").name(), "fp8:channel");
  EXPECT_EQ(parse_quantization("int8").name(), "int8:group=128");
  EXPECT_EQ(parse_quantization("int4").name(), "int4:group=32");
  for (const char* name :
       {"", "none", "int3", "fp8:group=32", "int4:group=", "int4:group=48", "int4:group=32x",
        "int4:group=-32", "int4:group=65568", "int4:", "Int4", "int4-group=32", "fp8-"}) {
    EXPECT_NE(tests::error_text([&] { parse_quantization(name); }).find("found \""),
              std::string::npos)
        << name;
  }
  EXPECT_EQ((Quantization{Dtype::kI8, 0}.group_of(33)), 64);
  EXPECT_EQ((Quantization{Dtype::kI8, 32}.group_of(33)), 32);
}

TEST(Quantization, RefusesWhatItDoesNotCompute) {
  const std::string good = quantization_json({Dtype::kI4, 32}, {});
  const auto refusal = [&](const std::string& from, const std::string& to) {
    return tests::error_text([&] { read(replaced(good, from, to)); });
  };
  const std::string weights = "M/config.json: quantization_config.config_groups.group_0.weights: ";
  EXPECT_EQ(refusal("\"group_size\":32", "\"group_size\":48"),
            weights + "\"group_size\": expected a multiple of 32, found 48");
  for (const char* size : {"0", "-32", "16", "65568", "1e30", "\"32\"", "null", "[32]"}) {
    EXPECT_EQ(refusal("\"group_size\":32", "\"group_size\":" + std::string(size)).find(weights), 0U)
        << size;
  }
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"num_bits\":4", "\"num_bits\":5"},
           {"\"symmetric\":true", "\"symmetric\":false"},
           {"\"dynamic\":false", "\"dynamic\":true"},
           {"\"actorder\":null", "\"actorder\":\"group\""},
           {"\"type\":\"int\"", "\"type\":\"float\""},
           {"\"strategy\":\"group\"", "\"strategy\":\"tensor\""},
           {"\"input_activations\":null", "\"input_activations\":{\"num_bits\":8}"},
           {"\"kv_cache_scheme\":null", "\"kv_cache_scheme\":{}"},
           {"\"targets\":[\"Linear\"]", "\"targets\":[\"re:.*\"]"},
           {"\"group_0\":", "\"group_1\":{},\"group_0\":"},
           {"\"group_0\":", "\"experts\":"},
           {"pack-quantized", "marlin-24"},
           {"compressed-tensors", "gptq"}}) {
    EXPECT_NE(refusal(from, to).find("quantization_config"), std::string::npos) << to;
  }
}

}  // namespace
}  // namespace moebius::engine
