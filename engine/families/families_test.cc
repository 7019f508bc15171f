// Families: config fields to switches, and every contradiction named.
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "engine/checkpoint/config_reader.h"
#include "engine/engine.h"
#include "engine/families/parts.h"

namespace moebius::engine {
namespace {

const std::string kV3 = R"("architectures":["DeepseekV3ForCausalLM"],"vocab_size":129280,
  "hidden_size":7168,"num_hidden_layers":61,"max_position_embeddings":163840,"rms_norm_eps":1e-6,
  "num_attention_heads":128,"q_lora_rank":1536,"kv_lora_rank":512,"qk_nope_head_dim":128,
  "qk_rope_head_dim":64,"v_head_dim":128,"intermediate_size":18432,"moe_intermediate_size":2048,
  "n_routed_experts":256,"num_experts_per_tok":8,"n_shared_experts":1,"n_group":8,"topk_group":4,
  "first_k_dense_replace":3,"norm_topk_prob":true,"routed_scaling_factor":2.5,
  "scoring_func":"sigmoid","topk_method":"noaux_tc","rope_theta":10000)";
const std::string kV3Yarn = R"(,"rope_scaling":{"type":"yarn","factor":40,"beta_fast":32,
  "beta_slow":1,"mscale":1.0,"mscale_all_dim":1.0,"original_max_position_embeddings":4096})";
const std::string kLlama = R"("architectures":["LlamaForCausalLM"],"vocab_size":128256,
  "hidden_size":4096,"num_hidden_layers":32,"max_position_embeddings":131072,"rms_norm_eps":1e-5,
  "num_attention_heads":32,"num_key_value_heads":8,"intermediate_size":14336,"rope_theta":500000)";

Config read(const char* architecture, const std::string& fields) {
  return family_for(architecture).config(ConfigReader("{" + fields + "}", "test"));
}

void expect_error(const char* architecture, const std::string& fields, const std::string& part) {
  try {
    read(architecture, fields);
    ADD_FAILURE() << "accepted: " << fields;
  } catch (const Error& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find(part), std::string::npos) << what;
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
  }
}

TEST(Families, ServeEachArchitectureOnce) {
  std::set<std::string_view> seen;
  for (const Family* family : families()) {
    EXPECT_FALSE(family->architectures.empty()) << family->name;
    for (std::string_view name : family->architectures) {
      EXPECT_TRUE(seen.insert(name).second) << name;
      EXPECT_EQ(&family_for(name), family);
    }
  }
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_THROW(family_for("BertModel"), Error);
}

// The figures of the published configuration, derived by hand from the formulas.
TEST(Families, DeepSeekV3Yarn) {
  const Config c = read("DeepseekV3ForCausalLM", kV3 + kV3Yarn);
  EXPECT_NEAR(c.softmax_scale, 0.135234, 1e-6);
  EXPECT_EQ(c.rope.scale, 1.0F);
  ASSERT_EQ(c.rope.inv_freq.size(), 32U);
  EXPECT_EQ(c.rope.inv_freq[0], 1.0F);
  const auto plain = [](int i) { return std::pow(10000.0, -2.0 * i / 64); };
  EXPECT_NEAR(c.rope.inv_freq[10], plain(10), 1e-7);       // the ramp begins at 10
  EXPECT_NEAR(c.rope.inv_freq[23], plain(23) / 40, 1e-9);  // and ends at 23
  const double ramp = 6.0 / 13;
  EXPECT_NEAR(c.rope.inv_freq[16], plain(16) / 40 * ramp + plain(16) * (1 - ramp), 1e-8);
  EXPECT_FALSE(c.moe_layer[2]);
  EXPECT_TRUE(c.moe_layer[3]);
  EXPECT_EQ(c.kv_width(), 576);
  EXPECT_EQ(c.shared_width, 2048);
}

TEST(Families, YarnSoftmaxFactorOfV2Lite) {
  const ConfigReader json(R"({"rope_theta":10000,"rope_scaling":{"type":"yarn","factor":40,
    "mscale":0.707,"mscale_all_dim":0.707,"original_max_position_embeddings":4096}})",
                          "test");
  EXPECT_NEAR(yarn_softmax_factor(json) / std::sqrt(192.0), 0.114721, 1e-6);
}

TEST(Families, Llama3RopeScaling) {
  const Config plain = read("LlamaForCausalLM", kLlama);
  const Config scaled = read("LlamaForCausalLM", kLlama + R"(,"rope_scaling":{"rope_type":"llama3",
    "factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,
    "original_max_position_embeddings":8192})");
  EXPECT_EQ(plain.head_dim, 128);
  EXPECT_EQ(scaled.rope.inv_freq[0], plain.rope.inv_freq[0]);
  EXPECT_FLOAT_EQ(scaled.rope.inv_freq[63], plain.rope.inv_freq[63] / 8);
}

TEST(Families, RefusesContradictions) {
  const char* v3 = "DeepseekV3ForCausalLM";
  expect_error(v3, kV3 + R"(,"hidden_act":"gelu")", "hidden_act");
  expect_error(v3, kV3 + R"(,"rope_scaling":{"type":"longrope","factor":4})", "longrope");
  expect_error(v3, kV3 + R"(,"quantization_config":{"quant_method":"awq"})", "awq");
  expect_error(v3,
               kV3 + R"(,"quantization_config":{"quant_method":"fp8","weight_block_size":[64,64]})",
               "weight_block_size");
  expect_error(v3, R"("vocab_size":10)", "hidden_size");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = kV3;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  expect_error(v3, with("\"topk_group\":4", "\"topk_group\":9"), "topk_group");
  expect_error(v3, with("\"n_group\":8", "\"n_group\":7"), "n_group");
  expect_error(v3, with("\"scoring_func\":\"sigmoid\"", "\"scoring_func\":\"softmax\""),
               "scoring_func");
  expect_error(v3, with("\"hidden_size\":7168", "\"hidden_size\":-1"), "hidden_size");
  expect_error(v3, with("\"qk_rope_head_dim\":64", "\"qk_rope_head_dim\":63"), "odd");
  std::string llama = kLlama;
  llama.replace(llama.find("\"num_key_value_heads\":8"), 23, "\"num_key_value_heads\":5");
  expect_error("LlamaForCausalLM", llama, "num_key_value_heads");
}

TEST(Families, ASlidingWindowCapsTheContext) {
  const std::string mixtral = R"("vocab_size":32000,"hidden_size":4096,"num_hidden_layers":2,
    "max_position_embeddings":32768,"rms_norm_eps":1e-5,"num_attention_heads":32,
    "num_key_value_heads":8,"intermediate_size":14336,"num_local_experts":8,
    "num_experts_per_tok":2)";
  EXPECT_EQ(read("MixtralForCausalLM", mixtral).context, 32768);
  EXPECT_EQ(read("MixtralForCausalLM", mixtral + R"(,"sliding_window":4096)").context, 4096);
}

}  // namespace
}  // namespace moebius::engine
