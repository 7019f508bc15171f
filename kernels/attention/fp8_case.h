// The bf16 cache of a case, quantised: for tests of the device kernels that read an fp8 cache.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/attention/attention_cuda_case.h"
#include "kernels/kv_write/fp8_cache.h"

namespace moebius::kernels {

/// The pages of `bf16`, a host cache, as a device has them under fp8; what they give back takes its
/// place in `bf16`. Unused bytes are poisoned.
inline std::vector<std::uint8_t> quantised_pages(const KvLayer& bf16, std::int64_t block,
                                                 std::int64_t plain) {
  KvLayer layer = bf16;
  layer.dtype = Dtype::kF8E4M3, layer.block = block, layer.plain = plain;
  const Fp8Page page(layer);
  std::vector<std::uint8_t> bytes(bf16.pages * page.bytes, 0xff);
  auto* entry = static_cast<std::uint16_t*>(bf16.data);
  std::vector<float> x(block);
  for (std::int64_t token = 0; token < bf16.pages * kPageTokens; ++token, entry += bf16.width) {
    std::uint8_t* at = &bytes[token / kPageTokens * page.bytes];
    const std::int64_t row = token % kPageTokens;
    for (std::int64_t b = 0; b < page.blocks; ++b) {
      std::uint16_t* values = entry + b * block;
      for (std::int64_t i = 0; i < block; ++i) x[i] = bf16_to_f32(values[i]);
      std::uint8_t* codes = at + (b * kPageTokens + row) * block;
      const std::uint16_t scale = quantize_block(x.data(), block, codes);
      std::memcpy(at + page.scales_at + (b * kPageTokens + row) * 2, &scale, 2);
      for (std::int64_t i = 0; i < block; ++i) {
        values[i] = f32_to_bf16(fp8_value(codes[i], scale));
      }
    }
    std::memcpy(at + page.plain_at + row * plain * 2, entry + page.blocks * block, plain * 2);
  }
  return bytes;
}

/// A batch of `c` over the fp8 cache and over the bf16 cache of the values that it gives back:
/// fails the test unless they have the same bits. Returns them.
class Fp8Attention {
 public:
  /// Quantises the case's cache.
  Fp8Attention(AttentionCase& c, const AttentionPath& path, std::int64_t block, std::int64_t plain)
      : case_(c), path_(path), block_(block), plain_(plain) {
    AttentionCase::Batch batch;
    case_.fill_batch({{0, 0, 0}}, batch);
    pages_ = upload(quantised_pages(batch.args.kv, block, plain), device_.stream());
  }

  std::vector<float> run(const std::vector<Span>& spans) {
    AttentionCase::Batch wide;
    case_.fill_batch(spans, wide);
    const std::vector<float> want = DeviceAttention(wide, device_.stream()).run(path_);
    std::vector<float> got = run_fp8(spans);
    EXPECT_TRUE(same_bits(got, want)) << "not as over the same values in bf16";
    return got;
  }
  std::vector<float> run_fp8(const std::vector<Span>& spans) {
    AttentionCase::Batch batch;
    case_.fill_batch(spans, batch);
    KvLayer& kv = batch.args.kv;
    kv.dtype = Dtype::kF8E4M3, kv.block = block_, kv.plain = plain_;
    return DeviceAttention(batch, device_.stream(), pages_.data()).run(path_);
  }

 private:
  static bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
  }

  DeviceStream device_;
  AttentionCase& case_;
  const AttentionPath& path_;
  std::int64_t block_, plain_;
  DeviceBuffer<std::uint8_t> pages_;
};

/// Small values beside large ones, so that codes are subnormal, too: each times 2^-n, n below 16.
inline void spread_magnitudes(AttentionCase& c) {
  AttentionCase::Batch batch;
  c.fill_batch({{0, 0, 0}}, batch);
  const KvLayer& kv = batch.args.kv;
  auto* values = static_cast<std::uint16_t*>(kv.data);
  for (std::int64_t i = 0; i < kv.pages * kPageTokens * kv.width; ++i) {
    const std::uint32_t hash = static_cast<std::uint32_t>(i) * 0x9E3779B9U >> 28;
    values[i] = f32_to_bf16(std::ldexp(bf16_to_f32(values[i]), -static_cast<int>(hash)));
  }
}

}  // namespace moebius::kernels
