// What the preparations write into an fp8 cache: byte for byte what the host makes of their float32
// entries; and copies of its pages.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/kv_write/fp8_cache.h"
#include "kernels/rope/rope_cuda_case.h"
#include "tests/support/random.h"

namespace moebius::kernels {
namespace {

struct GqaShape {
  std::int64_t heads, kv_heads, head_dim, half;
  HeadNorm norm;
  float clip;
  RopePairs pairs = RopePairs::kHalves;
};

/// The fp8 pages of entries that a float32 cache got; bytes that nobody writes are poison.
std::vector<std::uint8_t> quantised(const Batch& b, const std::vector<float>& entries,
                                    const KvLayer& kv) {
  const Fp8Page page(kv);
  std::vector<std::uint8_t> bytes(kPages * page.bytes, 0xff);
  for (std::int64_t r = 0; r < b.rows; ++r) {
    const float* x = &entries[b.entry(r) * kv.width];
    const std::int64_t token = b.entry(r) % 64;
    std::uint8_t* at = &bytes[b.entry(r) / 64 * page.bytes];
    for (std::int64_t i = 0; i < page.blocks; ++i) {
      const std::uint16_t scale =
          quantize_block(x + i * kv.block, kv.block, at + (i * 64 + token) * kv.block);
      std::memcpy(at + page.scales_at + (i * 64 + token) * 2, &scale, 2);
    }
    for (std::int64_t i = 0; i < kv.plain; ++i) {
      const std::uint16_t bits = f32_to_bf16(x[kv.width - kv.plain + i]);
      std::memcpy(at + page.plain_at + (token * kv.plain + i) * 2, &bits, 2);
    }
  }
  return bytes;
}

/// What `prepare` writes into an fp8 cache, against what it writes into a float32 one.
template <class Prepare>
void expect_fp8(const Batch& b, KvLayer kv, const Prepare& prepare, const Stream& stream) {
  const auto wide = poisoned<float>(kPages * 64 * kv.width, stream);
  const auto narrow = poisoned<std::uint8_t>(kPages * Fp8Page(kv).bytes, stream);
  prepare(KvLayer{.data = wide.data(), .dtype = Dtype::kF32, .pages = kPages, .width = kv.width});
  kv.data = narrow.data(), kv.dtype = Dtype::kF8E4M3, kv.pages = kPages;
  prepare(kv);
  const auto got = download(narrow, stream), want = quantised(b, download(wide, stream), kv);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], want[i]) << "byte " << i;
}

TEST(GqaPrepareFp8, HoldsTheSameValuesQuantised) {
  MOEBIUS_NEEDS_GPU();
  std::uint64_t seed = tests::seed_or(46);
  for (const GqaShape& s : {GqaShape{32, 4, 128, 64, HeadNorm::kPerHead, 0},
                            {6, 1, 128, 64, HeadNorm::kNone, 1.5F},
                            {16, 16, 128, 64, HeadNorm::kFull, 2.5F},
                            {4, 1, 128, 16, HeadNorm::kNone, 0},
                            {8, 2, 64, 32, HeadNorm::kPerHead, 0},
                            {2, 2, 64, 32, HeadNorm::kNone, 0, RopePairs::kInterleaved}}) {
    SCOPED_TRACE(testing::Message() << s.heads << " heads of " << s.head_dim);
    const DeviceStream owner;
    const Stream stream = owner.stream();
    const Batch b;
    const OnDevice on(b, stream);
    tests::Random random(++seed);
    const std::int64_t columns = (s.heads + 2 * s.kv_heads) * s.head_dim;
    const Tensor qkv(random.normals(b.rows * columns), Dtype::kBF16, stream);
    const auto q_norm = upload(random.normals(s.heads * s.head_dim), stream);
    const auto k_norm = upload(random.normals(s.heads * s.head_dim), stream);
    const Angles angles(b.rows, s.half, s.pairs, tests::Random(seed), stream);
    const Tensor q(b.rows * s.heads * s.head_dim, Dtype::kBF16, stream);
    const auto prepare = [&](const KvLayer& kv) {
      gqa_prepare_cuda({.qkv = {.data = qkv.data(), .dtype = Dtype::kBF16, .ld = columns},
                        .head_norm = s.norm,
                        .q_norm = q_norm.data(),
                        .k_norm = k_norm.data(),
                        .eps = kEps,
                        .clip = s.clip,
                        .rope = angles.angles(),
                        .q = {.data = q.data(), .dtype = Dtype::kBF16, .ld = s.heads * s.head_dim},
                        .batch = on.batch,
                        .kv = kv,
                        .heads = s.heads,
                        .kv_heads = s.kv_heads,
                        .head_dim = s.head_dim},
                       stream);
    };
    expect_fp8(b, {.width = 2 * s.kv_heads * s.head_dim, .block = s.head_dim}, prepare, stream);
  }
}

TEST(MlaPrepareFp8, HoldsTheSameValuesQuantised) {
  MOEBIUS_NEEDS_GPU();
  std::uint64_t seed = tests::seed_or(47);
  for (const RopePairs pairs : {RopePairs::kInterleaved, RopePairs::kHalves}) {
    const DeviceStream owner;
    const Stream stream = owner.stream();
    const Batch b;
    const OnDevice on(b, stream);
    tests::Random random(++seed);
    const Tensor q(random.normals(b.rows * 16 * 192), Dtype::kBF16, stream);
    const Tensor latent(random.normals(b.rows * 576), Dtype::kBF16, stream);
    const auto norm = upload(random.normals(512), stream);
    const Angles angles(b.rows, 32, pairs, tests::Random(seed), stream);
    const Tensor out(b.rows * 16 * 576, Dtype::kBF16, stream);
    const auto prepare = [&](const KvLayer& kv) {
      mla_prepare_cuda({.q = {.data = q.data(), .dtype = Dtype::kBF16, .ld = 16 * 192},
                        .latent = {.data = latent.data(), .dtype = Dtype::kBF16, .ld = 576},
                        .norm = norm.data(),
                        .eps = kEps,
                        .rope = angles.angles(),
                        .q_latent = {.data = out.data(), .dtype = Dtype::kBF16, .ld = 16 * 576},
                        .batch = on.batch,
                        .kv = kv,
                        .heads = 16,
                        .qk_nope = 128,
                        .kv_lora = 512},
                       stream);
    };
    expect_fp8(b, {.width = 576, .block = 128, .plain = 64}, prepare, stream);
  }
}

}  // namespace
}  // namespace moebius::kernels
