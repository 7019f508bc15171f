// golden.json: what a reference implementation computed for given token ids.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moebius::runner {

/// Experts a mixture layer chose.
struct GoldenRouting {
  std::int64_t layer = 0;       // index among all layers, or among mixture layers
  bool among_mixtures = false;  // which of the two
  std::vector<std::vector<std::int32_t>> experts;  // [positions][top_k], ascending
};

/// One token sequence. Lists may be empty where the file records nothing.
struct GoldenCase {
  std::string name;
  std::string text;                 // what `ids` came from; empty if the file does not say
  std::vector<std::int32_t> ids;    // at least one
  std::vector<double> logits_last;  // [vocab]

  std::vector<std::vector<std::int32_t>> top_ids;  // [ids][k], best first, k >= 1
  std::vector<std::vector<double>> top_logprobs;   // [ids][k], or empty
  std::vector<double> next_logprobs;               // [ids - 1], or empty

  std::vector<std::vector<double>> hidden_l2;  // [levels][hidden_positions]
  std::vector<std::int64_t> hidden_positions;
  bool final_norm_apart = false;  // levels: embedding, after each layer, and once more
                                  // after the final norm; otherwise the last layer's norm is
                                  // the one after the final norm

  std::vector<GoldenRouting> routing;
  std::vector<std::int32_t> greedy;  // ids that greedily follow; may be empty
};

struct Golden {
  std::string source;  // which implementation, in its words
  std::vector<GoldenCase> cases;
};

/// Reads both layouts:
///
///   {"source", "cases": [{"input_ids", "logits_last", "top5_ids", "top5_logprobs",
///     "next_token_logprobs", "hidden_l2" of the first and last position,
///     "routed_experts": {layer: [positions][top_k]}, "greedy_16"?}]}
///   {"transformers"?, "prompts": [{"benchmark", "prompt", "input_ids", "last_logits",
///     "argmax_per_position", "hidden_norms": {"values"}, "experts": [mixture layers]
///     [positions][top_k], "greedy_ids"}]}
///
/// `json` is hostile until proven otherwise; `where` names it. Throws InputError if a field is
/// missing, of a wrong type, or of a length that contradicts input_ids.
Golden parse_golden(const std::string& json, const std::string& where);

/// A file of at most kMaxGoldenBytes.
Golden read_golden(const std::string& path);

inline constexpr std::size_t kMaxGoldenBytes = std::size_t{256} << 20;

}  // namespace moebius::runner
