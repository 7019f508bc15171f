// Any text as config.json and as a shard index: each getter answers or throws Error.
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

#include "engine/checkpoint/config_reader.h"
#include "engine/checkpoint/quantization.h"
#include "engine/checkpoint/shard_index.h"
#include "engine/engine.h"

namespace {

using moebius::engine::ConfigReader;
using moebius::engine::Error;
using moebius::engine::parse_quantization;
using moebius::engine::Quantization;
using moebius::engine::read_quantization;
using moebius::engine::read_shard_index;
using moebius::engine::ShardedTensor;

constexpr std::string_view kFields[] = {
    "hidden_size",  "rope_scaling",        "architectures", "eos_token_id",
    "rms_norm_eps", "tie_word_embeddings", "rope_theta",    "a"};

template <typename Action>
void attempt(Action action) {
  try {
    action();
  } catch (const Error&) {
    return;
  }
}

void read_all(const ConfigReader& json, int depth) {
  constexpr std::int64_t kLow = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kHigh = std::numeric_limits<std::int64_t>::max();
  for (const std::string_view field : kFields) {
    attempt([&] { (void)json.integer(field, kLow, kHigh); });
    attempt([&] {
      if (json.integer_or(field, 1, 0, 9) > 9) std::abort();
    });
    attempt([&] {
      if (!(json.number(field, -1e9, 1e9) <= 1e9)) std::abort();
    });
    attempt([&] { (void)json.number_or(field, 1, 0, 1); });
    attempt([&] { (void)json.boolean_or(field, false); });
    attempt([&] { (void)json.text(field); });
    attempt([&] { (void)json.text_or(field, "x"); });
    attempt([&] { (void)json.texts_or(field, {}); });
    attempt([&] { (void)json.integers_or(field, {}); });
    attempt([&] { (void)json.numbers_or(field, {}); });
    attempt([&] {
      const auto object = json.object(field);
      if (object && depth < 3) read_all(*object, depth + 1);
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  attempt([&] { read_all(ConfigReader(text, "fuzz"), 0); });
  attempt([&] {
    const Quantization found = read_quantization(ConfigReader(text, "fuzz"));
    if (found.grouped() && found.group_of(1) % 32 != 0) std::abort();
    if (found.grouped() && parse_quantization(found.name()).name() != found.name()) std::abort();
  });
  attempt([&] { (void)parse_quantization(std::string(text)); });
  attempt([&] {
    for (const ShardedTensor& tensor : read_shard_index(text, "fuzz")) {
      if (tensor.shard.find('/') != std::string::npos) std::abort();
    }
  });
  return 0;
}
