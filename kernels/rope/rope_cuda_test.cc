// Rotation tables, the two preparations and page copies on the device against the host's
// rope(), serial norms and a loop over the cache's entries.
#include "kernels/rope/rope_cuda.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/device/test_support.h"
#include "kernels/kv_write/fp8_cache.h"
#include "kernels/rms_norm/rms_norm_cuda.h"
#include "kernels/rope/rope_cuda_case.h"
#include "tests/support/close.h"
#include "tests/support/random.h"

namespace moebius::kernels {
namespace {

using tests::close;

/// A NaN in `want` must still be the poison; others are within `rel` of theirs.
void expect_written(const std::vector<float>& got, const std::vector<float>& want, float rel) {
  ASSERT_EQ(got.size(), want.size());
  int wrong = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const bool right =
        std::isnan(want[i]) ? std::isnan(got[i]) : close(got[i], want[i], {.rel = rel});
    if (!right && wrong++ == 0) ADD_FAILURE() << "[" << i << "]: " << got[i] << ", " << want[i];
  }
  EXPECT_EQ(wrong, 0);
}

/// x * w / rms(x), in double.
void normalize(float* x, const float* weight, std::int64_t dim, double squares,
               std::int64_t columns) {
  const double factor = 1 / std::sqrt(squares / static_cast<double>(columns) + double{kEps});
  for (std::int64_t i = 0; i < dim; ++i) x[i] = static_cast<float>(weight[i] * (x[i] * factor));
}
double squares_of(const float* x, std::int64_t dim) {
  double sum = 0;
  for (std::int64_t i = 0; i < dim; ++i) sum += double{x[i]} * x[i];
  return sum;
}

/// A latent's norm: its sum of squares passes through at most 8 packets of 4 in a chain, 5 steps
/// of a tree and 16 warps, each off by 2^-24 of it, its root by half; then six roundings. bf16:
/// one unit in the last place, where the two round apart.
float norm_error(Dtype dtype) {
  return dtype == Dtype::kF32 ? 33 * 0x1p-24F : 0x1p-7F;
}

TEST(RopeTableCuda, TheHostsTableToOneUnit) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  tests::Random random(tests::seed_or(41));
  constexpr std::int64_t kRows = 300, kHalf = 32;
  std::vector<float> inv_freq;
  for (int i = 0; i < kHalf; ++i) {
    inv_freq.push_back(static_cast<float>(std::pow(10000.0, -i / 32.0)));
  }
  std::vector<std::int32_t> positions, row_begin{0}, begins;
  for (std::int64_t r = 0; r < kRows; ++r) {
    positions.push_back(static_cast<std::int32_t>(random.integer(0, r < 200 ? 4096 : 1 << 20)));
    row_begin.push_back(static_cast<std::int32_t>(r + 1));
  }
  std::vector<float> want_cos(kRows * kHalf), want_sin(kRows * kHalf);
  const std::vector<std::int32_t> pages(kRows * 16385, 0);
  ThreadPool pool(1);
  rope_table({.inv_freq = inv_freq.data(),
              .half = kHalf,
              .scale = 0.75F,
              .batch = {.sequences = kRows,
                        .rows = kRows,
                        .row_begin = row_begin.data(),
                        .position_begin = positions.data(),
                        .pages = pages.data(),
                        .max_pages = 16385},
              .cos = want_cos.data(),
              .sin = want_sin.data()},
             Stream::host(pool));
  const auto device_freq = upload(inv_freq, stream);
  const auto device_positions = upload(positions, stream);
  const auto cos = poisoned<float>(kRows * kHalf, stream);
  const auto sin = poisoned<float>(kRows * kHalf, stream);
  rope_table_cuda({.inv_freq = device_freq.data(),
                   .half = kHalf,
                   .scale = 0.75F,
                   .row_position = device_positions.data(),
                   .rows = kRows,
                   .cos = cos.data(),
                   .sin = sin.data()},
                  stream);
  // Both round the double's nearest; a neighbour may come out where it lies at a tie.
  EXPECT_TRUE(close(download(cos, stream), want_cos, {.rel = 0x1p-23F}));
  EXPECT_TRUE(close(download(sin, stream), want_sin, {.rel = 0x1p-23F}));
}

struct MlaShape {
  std::int64_t heads, qk_nope, kv_lora, half;
  RopePairs pairs;
};

void expect_mla(const MlaShape& s, Dtype dtype, Dtype kv_dtype, std::uint64_t seed) {
  SCOPED_TRACE(testing::Message() << s.heads << " heads, latent " << s.kv_lora << ", "
                                  << dtype_name(dtype) << ", cache " << dtype_name(kv_dtype));
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const Batch b;
  const OnDevice on(b, stream);
  tests::Random random(seed);
  const std::int64_t rope = 2 * s.half, head = s.qk_nope + rope, width = s.kv_lora + rope;
  const auto ld = [](std::int64_t columns) { return (columns + 7) / 8 * 8; };
  const std::int64_t q_ld = ld(s.heads * head), latent_ld = ld(width), out_ld = ld(s.heads * width);
  const Tensor q(random.normals(b.rows * q_ld), dtype, stream);
  const Tensor latent(random.normals(b.rows * latent_ld), dtype, stream);
  const std::vector<float> norm = random.normals(s.kv_lora);
  const auto device_norm = upload(norm, stream);
  const Angles angles(b.rows, s.half, s.pairs, tests::Random(seed + 1), stream);
  const Tensor out(b.rows * out_ld, dtype, stream);
  const Tensor cache(kPages * 64 * width, kv_dtype, stream);
  mla_prepare_cuda(
      {.q = {.data = q.data(), .dtype = dtype, .ld = q_ld},
       .latent = {.data = latent.data(), .dtype = dtype, .ld = latent_ld},
       .norm = device_norm.data(),
       .eps = kEps,
       .rope = angles.angles(),
       .q_latent = {.data = out.data(), .dtype = dtype, .ld = out_ld},
       .batch = on.batch,
       .kv = {.data = cache.data(), .dtype = kv_dtype, .pages = kPages, .width = width},
       .heads = s.heads,
       .qk_nope = s.qk_nope,
       .kv_lora = s.kv_lora},
      stream);
  Wanted want_q(b.rows * out_ld), want_latent(kPages * 64 * width);
  std::vector<float> turned(rope), row(s.kv_lora);
  for (std::int64_t r = 0; r < b.rows; ++r) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      std::copy_n(&q.values[r * q_ld + h * head + s.qk_nope], rope, turned.data());
      angles.rotate(turned.data(), r);
      for (std::int64_t i = 0; i < rope; ++i) {
        want_q.values[r * out_ld + h * width + s.kv_lora + i] = rounded(turned[i], dtype);
      }
    }
    std::copy_n(&latent.values[r * latent_ld], s.kv_lora, row.data());
    normalize(row.data(), norm.data(), s.kv_lora, squares_of(row.data(), s.kv_lora), s.kv_lora);
    std::copy_n(&latent.values[r * latent_ld + s.kv_lora], rope, turned.data());
    angles.rotate(turned.data(), r);
    float* entry = &want_latent.values[b.entry(r) * width];
    for (std::int64_t i = 0; i < s.kv_lora; ++i) entry[i] = rounded(row[i], kv_dtype);
    for (std::int64_t i = 0; i < rope; ++i) entry[s.kv_lora + i] = rounded(turned[i], kv_dtype);
  }
  expect_written(out.get(stream), want_q.values, 0);
  expect_written(cache.get(stream), want_latent.values, norm_error(kv_dtype));
  // The rotated key is exact.
  const std::vector<float> got = cache.get(stream);
  for (std::int64_t r = 0; r < b.rows; ++r) {
    for (std::int64_t i = s.kv_lora; i < width; ++i) {
      ASSERT_EQ(got[b.entry(r) * width + i], want_latent.values[b.entry(r) * width + i]) << r;
    }
  }
}

TEST(MlaPrepareCuda, RotatesNormalisesAndWritesTheCache) {
  MOEBIUS_NEEDS_GPU();
  std::uint64_t seed = tests::seed_or(42);
  for (const MlaShape& shape : {MlaShape{16, 128, 512, 32, RopePairs::kInterleaved},
                                {3, 128, 512, 32, RopePairs::kHalves},
                                {2, 24, 40, 4, RopePairs::kInterleaved},
                                {2, 9, 33, 3, RopePairs::kInterleaved},
                                {1, 0, 2048, 8, RopePairs::kInterleaved}}) {
    expect_mla(shape, Dtype::kF32, Dtype::kF32, ++seed);
    expect_mla(shape, Dtype::kF32, Dtype::kBF16, ++seed);
    expect_mla(shape, Dtype::kBF16, Dtype::kBF16, ++seed);
  }
}

// The attention of one engine may get its latents from either kernel.
TEST(MlaPrepareCuda, TheLatentHasTheBitsOfRmsNormCuda) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const Batch b;
  const OnDevice on(b, stream);
  tests::Random random(tests::seed_or(43));
  const Tensor q(random.normals(b.rows * 16 * 192), Dtype::kF32, stream);
  const Tensor latent(random.normals(b.rows * 576), Dtype::kF32, stream);
  const auto norm = upload(random.normals(512), stream);
  const Angles angles(b.rows, 32, RopePairs::kInterleaved, tests::Random(1), stream);
  const Tensor out(b.rows * 16 * 576, Dtype::kF32, stream);
  const Tensor cache(kPages * 64 * 576, Dtype::kF32, stream);
  mla_prepare_cuda(
      {.q = {.data = q.data(), .dtype = Dtype::kF32, .ld = 16 * 192},
       .latent = {.data = latent.data(), .dtype = Dtype::kF32, .ld = 576},
       .norm = norm.data(),
       .eps = kEps,
       .rope = angles.angles(),
       .q_latent = {.data = out.data(), .dtype = Dtype::kF32, .ld = 16 * 576},
       .batch = on.batch,
       .kv = {.data = cache.data(), .dtype = Dtype::kF32, .pages = kPages, .width = 576},
       .heads = 16,
       .qk_nope = 128,
       .kv_lora = 512},
      stream);
  const auto y = poisoned<float>(b.rows * 512, stream);
  rms_norm_cuda({.add = {.data = latent.data(), .dtype = Dtype::kF32, .ld = 576},
                 .weight = norm.data(),
                 .y = {.data = y.data(), .dtype = Dtype::kF32, .ld = 512},
                 .rows = b.rows,
                 .dim = 512,
                 .eps = kEps},
                stream);
  const auto got = download(cache.f32, stream), want = download(y, stream);
  for (std::int64_t r = 0; r < b.rows; ++r) {
    for (std::int64_t i = 0; i < 512; ++i) {
      ASSERT_EQ(got[b.entry(r) * 576 + i], want[r * 512 + i]) << r << ", " << i;
    }
  }
}

struct GqaShape {
  std::int64_t heads, kv_heads, head_dim, half;
  HeadNorm norm;
  float clip;
  RopePairs pairs = RopePairs::kHalves;
};

void expect_gqa(const GqaShape& s, Dtype dtype, Dtype kv_dtype, std::uint64_t seed) {
  SCOPED_TRACE(testing::Message() << s.heads << " heads of " << s.head_dim << ", norm "
                                  << static_cast<int>(s.norm) << ", " << dtype_name(dtype)
                                  << ", cache " << dtype_name(kv_dtype));
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const Batch b;
  const OnDevice on(b, stream);
  tests::Random random(seed);
  const std::int64_t all = s.heads + 2 * s.kv_heads, d = s.head_dim, width = 2 * s.kv_heads * d;
  const auto ld = [](std::int64_t columns) { return (columns + 7) / 8 * 8; };
  const std::int64_t qkv_ld = ld(all * d), q_ld = ld(s.heads * d);
  const Tensor qkv(random.normals(b.rows * qkv_ld), dtype, stream);
  const std::vector<float> q_norm = random.normals(s.heads * d),
                           k_norm = random.normals(s.heads * d);
  const auto device_q_norm = upload(q_norm, stream), device_k_norm = upload(k_norm, stream);
  const Angles angles(b.rows, s.half, s.pairs, tests::Random(seed + 1), stream);
  const Tensor q(b.rows * q_ld, dtype, stream);
  const Tensor cache(kPages * 64 * width, kv_dtype, stream);
  gqa_prepare_cuda(
      {.qkv = {.data = qkv.data(), .dtype = dtype, .ld = qkv_ld},
       .head_norm = s.norm,
       .q_norm = device_q_norm.data(),
       .k_norm = device_k_norm.data(),
       .eps = kEps,
       .clip = s.clip,
       .rope = angles.angles(),
       .q = {.data = q.data(), .dtype = dtype, .ld = q_ld},
       .batch = on.batch,
       .kv = {.data = cache.data(), .dtype = kv_dtype, .pages = kPages, .width = width},
       .heads = s.heads,
       .kv_heads = s.kv_heads,
       .head_dim = d},
      stream);
  Wanted want_q(b.rows * q_ld), want_kv(kPages * 64 * width);
  std::vector<float> x(d);
  for (std::int64_t r = 0; r < b.rows; ++r) {
    const float* row = &qkv.values[r * qkv_ld];
    for (std::int64_t h = 0; h < all; ++h) {
      const bool query = h < s.heads, value = h >= s.heads + s.kv_heads;
      std::copy_n(row + h * d, d, x.data());
      if (!value && s.norm == HeadNorm::kPerHead) {
        normalize(x.data(), query ? q_norm.data() : k_norm.data(), d, squares_of(x.data(), d), d);
      } else if (!value && s.norm == HeadNorm::kFull) {
        const std::int64_t first = query ? 0 : s.heads,
                           columns = (query ? s.heads : s.kv_heads) * d;
        const float* weight = (query ? q_norm.data() : k_norm.data()) + (h - first) * d;
        normalize(x.data(), weight, d, squares_of(row + first * d, columns), columns);
      }
      for (float& v : x) v = s.clip > 0 ? std::clamp(v, -s.clip, s.clip) : v;
      if (!value) angles.rotate(x.data(), r);
      float* to = query ? &want_q.values[r * q_ld + h * d]
                        : &want_kv.values[b.entry(r) * width + (h - s.heads) * d];
      for (std::int64_t i = 0; i < d; ++i) to[i] = rounded(x[i], query ? dtype : kv_dtype);
    }
  }
  if (s.norm == HeadNorm::kNone) {
    expect_written(q.get(stream), want_q.values, 0);
    expect_written(cache.get(stream), want_kv.values, 0);
    return;
  }
  // A rotation subtracts: what is left may be small against what went in, at most about 4 times
  // 4 (four deviations of a normal, of weight and of angle each 0.7).
  const auto near = [&](const std::vector<float>& got, const std::vector<float>& want, Dtype type) {
    const float rel = norm_error(type);
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (std::isnan(want[i])) {
        ASSERT_TRUE(std::isnan(got[i])) << i;
      } else {
        ASSERT_TRUE(close(got[i], want[i], {.abs = 33 * 0x1p-24F * 50, .rel = rel}))
            << i << ": " << got[i] << ", " << want[i];
      }
    }
  };
  near(q.get(stream), want_q.values, dtype);
  near(cache.get(stream), want_kv.values, kv_dtype);
}

TEST(GqaPrepareCuda, NormsClipsRotatesAndWritesTheCache) {
  MOEBIUS_NEEDS_GPU();
  std::uint64_t seed = tests::seed_or(44);
  for (const GqaShape& shape : {GqaShape{32, 4, 128, 64, HeadNorm::kPerHead, 0},
                                {16, 16, 128, 64, HeadNorm::kFull, 2.5F},
                                {8, 2, 64, 32, HeadNorm::kNone, 1.5F},
                                {4, 1, 80, 16, HeadNorm::kNone, 0},  // only the first columns turn
                                {2, 1, 10, 5, HeadNorm::kPerHead, 0},
                                {2, 2, 64, 32, HeadNorm::kNone, 0, RopePairs::kInterleaved}}) {
    expect_gqa(shape, Dtype::kF32, Dtype::kF32, ++seed);
    expect_gqa(shape, Dtype::kF32, Dtype::kBF16, ++seed);
    expect_gqa(shape, Dtype::kBF16, Dtype::kBF16, ++seed);
  }
}

TEST(CopyPageCuda, TheFirstTokensOfEveryLayer) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  tests::Random random(tests::seed_or(45));
  for (const std::int64_t width : {576, 1024, 33}) {
    for (const std::int32_t tokens : {0, 1, 7, 64}) {
      SCOPED_TRACE(testing::Message() << tokens << " of width " << width);
      constexpr std::int64_t kLayers = 3, kSmall = 4;
      const std::int64_t page = 64 * width, layer = kSmall * page;
      std::vector<std::uint16_t> cache(kLayers * layer);
      for (auto& x : cache) x = static_cast<std::uint16_t>(random.next());
      const auto device = upload(cache, stream);
      copy_page_cuda(
          {.first = {.data = device.data(), .dtype = Dtype::kBF16, .pages = kSmall, .width = width},
           .layers = kLayers,
           .layer_bytes = 2 * layer,
           .from = 2,
           .to = 1,
           .tokens = tokens},
          stream);
      std::vector<std::uint16_t> want = cache;
      for (std::int64_t l = 0; l < kLayers; ++l) {
        std::copy_n(&cache[l * layer + 2 * page], tokens * width, &want[l * layer + page]);
        std::fill_n(&want[l * layer + page + tokens * width], page - tokens * width, 0);
      }
      EXPECT_EQ(download(device, stream) == want, true);
    }
  }
}

// A NaN that an earlier sequence left behind a row's page must not reach its sums as 0 * NaN.
TEST(ClearPages, ThoseThatBeginInTheBatchAndNoOthers) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  constexpr std::int64_t kLayers = 3, kWidth = 40, kPages = 9, kMaxPages = 4;
  constexpr std::int64_t kPage = kPageTokens * kWidth, kLayer = kPages * kPage;
  // Sequence 0 goes on in its first page and begins its second; 1 goes on; 2 begins two; 3 begins.
  struct Piece {
    std::int32_t first, rows;
  };
  const std::vector<Piece> pieces = {{60, 10}, {70, 3}, {0, 65}, {64, 1}};
  const std::vector<std::int32_t> pages = {7, 1, 0, 0, 2, 3, 0, 0, 8, 5, 0, 0, 6, 4, 0, 0};
  std::vector<std::int32_t> position, sequence;
  for (std::size_t s = 0; s < pieces.size(); ++s) {
    for (std::int32_t r = 0; r < pieces[s].rows; ++r) {
      position.push_back(pieces[s].first + r);
      sequence.push_back(static_cast<std::int32_t>(s));
    }
  }
  const std::vector<std::uint16_t> cache(kLayers * kLayer, 0x7FC0);  // NaN
  const auto device = upload(cache, stream);
  const auto device_pages = upload(pages, stream);
  const auto device_position = upload(position, stream), device_sequence = upload(sequence, stream);
  clear_pages_cuda(
      {.first = {.data = device.data(), .dtype = Dtype::kBF16, .pages = kPages, .width = kWidth},
       .layers = kLayers,
       .layer_bytes = 2 * kLayer,
       .batch = {.ragged = {.sequences = std::ssize(pieces),
                            .rows = std::ssize(position),
                            .pages = device_pages.data(),
                            .max_pages = kMaxPages},
                 .row_position = device_position.data(),
                 .row_sequence = device_sequence.data()},
       .pages = 4},
      stream);
  std::vector<std::uint16_t> want = cache;
  for (std::int64_t l = 0; l < kLayers; ++l) {
    for (const std::int64_t page : {1, 8, 5, 4}) {
      std::fill_n(&want[l * kLayer + page * kPage], kPage, 0);
    }
  }
  EXPECT_EQ(download(device, stream) == want, true);
}

// Of an fp8 page's planes the first tokens stay, the others become zero.
TEST(CopyPage, OfAnFp8Cache) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const Stream stream = owner.stream();
  tests::Random random(77);
  const KvLayer shape{.dtype = Dtype::kF8E4M3, .pages = 3, .width = 576, .block = 128, .plain = 64};
  const Fp8Page page(shape);
  for (const std::int32_t tokens : {0, 1, 7, 8, 9, 63, 64}) {
    std::vector<std::uint8_t> cache(static_cast<std::size_t>(2 * 3 * page.bytes));
    for (auto& x : cache) x = static_cast<std::uint8_t>(random.next());
    const auto device = upload(cache, stream);
    KvLayer first = shape;
    first.data = device.data();
    copy_page_cuda({.first = first,
                    .layers = 2,
                    .layer_bytes = 3 * page.bytes,
                    .from = 2,
                    .to = 1,
                    .tokens = tokens},
                   stream);
    std::vector<std::uint8_t> want = cache;
    for (std::int64_t l = 0; l < 2; ++l) {
      const std::uint8_t* from = &cache[(3 * l + 2) * page.bytes];
      std::uint8_t* to = &want[(3 * l + 1) * page.bytes];
      const auto keep = [&](std::int64_t at, std::int64_t entry) {
        for (std::int64_t i = 0; i < kPageTokens * entry; ++i) {
          to[at + i] = i < tokens * entry ? from[at + i] : 0;
        }
      };
      for (std::int64_t b = 0; b < page.blocks; ++b) {
        keep(b * kPageTokens * shape.block, shape.block);
        keep(page.scales_at + b * kPageTokens * 2, 2);
      }
      keep(page.plain_at, 2 * shape.plain);
    }
    EXPECT_EQ(download(device, stream) == want, true) << tokens;
  }
}

}  // namespace
}  // namespace moebius::kernels
