// Made-up checkpoints: what is stored in which dtype, and that the forward pass takes it.
#include "engine/local/made_up.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>

#include "engine/local/steppers.h"

namespace moebius::engine {
namespace {

// As Qwen3-30B-A3B, everything smaller; two scale blocks deep, experts of one and a half.
constexpr char kTinyQwen[] = R"("architectures":["Qwen3MoeForCausalLM"],"hidden_size":256,
    "num_attention_heads":4,"num_key_value_heads":2,"head_dim":64,"num_experts":8,
    "num_experts_per_tok":2,"moe_intermediate_size":192,"intermediate_size":512,
    "norm_topk_prob":true,"vocab_size":512,"max_position_embeddings":1024,
    "rms_norm_eps":1e-6,"rope_theta":1000000)";

std::map<std::string, std::int64_t> parameters_by_dtype(const Checkpoint& checkpoint) {
  const ModelInfo info = describe(checkpoint);
  return {info.dtypes.begin(), info.dtypes.end()};
}

TEST(MadeUp, Fp8IsAllButEmbeddingRouterAndHead) {
  const Checkpoint tiny =
      made_up_checkpoint("tiny", kTinyQwen, 2, WeightDtype::kF8E4M3, /*values=*/true);
  const auto found = parameters_by_dtype(tiny);
  const std::int64_t attention = 256 * (4 + 2 + 2) * 64 + 4 * 64 * 256;
  EXPECT_EQ(found.at("F8_E4M3"), 2 * (attention + 8 * 3 * 192 * 256));
  EXPECT_EQ(found.at("BF16"), 2 * 512 * 256 + 2 * 8 * 256);
  const LayerWeights& layer = tiny.weights.layers[1];
  EXPECT_EQ(layer.router.dtype, kernels::Dtype::kBF16);
  EXPECT_EQ(layer.downs[7].dtype, kernels::Dtype::kF8E4M3);
  // Rows of one and a half blocks have two scales.
  for (int i = 0; i < 4; ++i) EXPECT_GT(layer.downs[7].scale[i], 0) << i;
  EXPECT_TRUE(
      parameters_by_dtype(made_up_checkpoint("tiny", kTinyQwen, 2, WeightDtype::kBF16, true))
          .contains("BF16"));
}

/// Qwen3-30B-A3B-FP8 on huggingface.co has 30.5 billion parameters, 0.62 of them in bf16: embedding
/// and head of 151,936 x 2,048 and 48 routers.
TEST(MadeUp, QwenInFp8IsThePublishedOne) {
  const Checkpoint qwen = made_up_checkpoint(
      {.name = "qwen3-30b-a3b", .dtype = WeightDtype::kF8E4M3}, /*values=*/false);
  EXPECT_EQ(qwen.path, "qwen3-30b-a3b in fp8");
  const auto found = parameters_by_dtype(qwen);
  const std::int64_t experts = std::int64_t{128} * 3 * 768 * 2048;
  EXPECT_EQ(found.at("F8_E4M3"), 48 * (5120 * 2048 + 2048 * 4096 + experts));
  EXPECT_EQ(found.at("BF16"), 2 * 151936 * 2048 + 48 * 128 * 2048);
  // One byte each and four for every block of 16,384, beside bf16 and the norms.
  EXPECT_NEAR(static_cast<double>(describe(qwen).weight_bytes),
              static_cast<double>(found.at("F8_E4M3")) * (1 + 4.0 / 16384) +
                  2.0 * static_cast<double>(found.at("BF16")),
              2e6);
}

TEST(MadeUp, EveryShapeComesInBothDtypes) {
  for (const char* name : {"qwen3-30b-a3b", "v2-lite", "llama-3.1-8b", "v3-slice"}) {
    const auto fp8 = parameters_by_dtype(
        made_up_checkpoint({.name = name, .layers = 4, .dtype = WeightDtype::kF8E4M3}, false));
    const auto bf16 = parameters_by_dtype(
        made_up_checkpoint({.name = name, .layers = 4, .dtype = WeightDtype::kBF16}, false));
    EXPECT_FALSE(bf16.contains("F8_E4M3")) << name;
    EXPECT_EQ(fp8.at("F8_E4M3") + fp8.at("BF16"), bf16.at("BF16")) << name;
    EXPECT_EQ(made_up_checkpoint({.name = name, .layers = 1}, false).path, name);
  }
}

TEST(MadeUp, TheForwardPassTakesBothDtypes) {
  std::vector<std::int32_t> ids(70);
  std::iota(ids.begin(), ids.end(), 5);
  std::map<WeightDtype, std::vector<std::vector<float>>> logits;
  for (const WeightDtype dtype : {WeightDtype::kBF16, WeightDtype::kF8E4M3}) {
    const Checkpoint tiny = made_up_checkpoint("tiny", kTinyQwen, 2, dtype, true);
    const auto stepper =
        cpu_stepper(tiny, {.threads = 2, .max_context = 128, .max_batch_rows = 64}, nullptr);
    logits[dtype] = stepper->trace(ids).logits;
    ASSERT_EQ(logits[dtype].size(), ids.size());
    // Tokens are told apart, so no layer made zeros or overflowed.
    for (const std::vector<float>& row : logits[dtype]) {
      for (const float logit : row) ASSERT_TRUE(std::isfinite(logit));
      EXPECT_NE(row, logits[dtype][&row == &logits[dtype][0] ? 1 : 0]);
    }
  }
  EXPECT_NE(logits[WeightDtype::kBF16], logits[WeightDtype::kF8E4M3]);
}

}  // namespace
}  // namespace moebius::engine
