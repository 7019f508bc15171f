// Cache writes against a loop over elements: every entry of the cache compared, those
// that must stay included.
#include "kernels/kv_write/kv_write.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "kernels/kv_write/fp8_cache.h"
#include "kernels/simd/convert.h"
#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

constexpr std::int64_t kPages = 7;

// Sequence 0 begins in mid-page and crosses into its second page, 1 has no rows, 2 is one
// token far on, 3 crosses two pages. Pages are in no order; -1 is never looked at.
struct Batch {
  std::vector<std::int32_t> row_begin = {0, 70, 70, 71, 201};
  std::vector<std::int32_t> position_begin = {60, 9, 191, 0};
  std::vector<std::int32_t> pages = {3, 1, 5, -1, -1, -1, -1, -1, 0, 6, 2, 4};

  Ragged ragged() const {
    return {.sequences = 4,
            .rows = row_begin.back(),
            .row_begin = row_begin.data(),
            .position_begin = position_begin.data(),
            .pages = pages.data(),
            .max_pages = 3};
  }
};

/// What the cache holds afterwards, as float32, of which `stored` is what an element keeps.
template <class Stored>
std::vector<float> expected(const KvWriteArgs& a, std::vector<float> cache, Stored stored) {
  const Ragged& b = a.batch;
  for (std::int64_t s = 0; s < b.sequences; ++s) {
    for (std::int64_t row = b.row_begin[s]; row < b.row_begin[s + 1]; ++row) {
      const std::int64_t position = b.position_begin[s] + row - b.row_begin[s];
      const std::int64_t page = b.pages[s * b.max_pages + position / 64];
      for (std::int64_t i = 0; i < a.width; ++i) {
        cache[(page * 64 + position % 64) * a.kv.width + a.offset + i] =
            stored(a.x[row * a.ldx + i]);
      }
    }
  }
  return cache;
}

TEST(KvWrite, WritesTheRightEntriesOnEveryTargetAndThreadCount) {
  const Batch batch;
  for (const std::int64_t width : {1, 15, 16, 17, 64, 512}) {
    const std::int64_t offset = width % 5, ldx = width + 3, entry = width + offset + 2;
    const std::vector<float> x = random_floats(batch.row_begin.back() * ldx, 5, -9, 9);
    KvWriteArgs args{.x = x.data(),
                     .ldx = ldx,
                     .width = width,
                     .offset = offset,
                     .batch = batch.ragged(),
                     .kv = {.pages = kPages, .width = entry}};
    const std::vector<float> before(kPages * 64 * entry, 2.0F);
    on_each_host([&](const Stream& stream) {
      std::vector<float> cache = before;
      args.kv.data = cache.data(), args.kv.dtype = Dtype::kF32;
      kv_write(args, stream);
      EXPECT_TRUE(same_bits(cache, expected(args, before, [](float v) { return v; })));

      std::vector<std::uint16_t> short_cache(before.size(), f32_to_bf16(2.0F));
      args.kv.data = short_cache.data(), args.kv.dtype = Dtype::kBF16;
      kv_write(args, stream);
      std::vector<float> widened;
      for (const std::uint16_t v : short_cache) widened.push_back(bf16_to_f32(v));
      EXPECT_TRUE(same_bits(
          widened, expected(args, before, [](float v) { return bf16_to_f32(f32_to_bf16(v)); })));
    });
  }
}

/// Two blocks of 32 and 5 plain columns, written in two pieces.
TEST(KvWrite, Fp8BlocksOnEveryTarget) {
  const Batch batch;
  constexpr std::int64_t kBlock = 32, kEntry = 69;
  const std::vector<float> x = random_floats(batch.row_begin.back() * kEntry, 6, -9, 9);
  const std::vector<std::uint16_t> before(kPages * 64 * kEntry, f32_to_bf16(2.0F));
  std::vector<float> wide(before.size(), 2.0F), quantised = x;
  for (std::int64_t row = 0; row < batch.row_begin.back(); ++row) {
    for (std::int64_t i = row * kEntry; i < row * kEntry + 2 * kBlock; i += kBlock) {
      std::uint8_t codes[kBlock];
      const std::uint16_t scale = quantize_block(&x[i], kBlock, codes);
      for (std::int64_t j = 0; j < kBlock; ++j) quantised[i + j] = fp8_value(codes[j], scale);
    }
  }
  const KvWriteArgs all{.x = quantised.data(),
                        .ldx = kEntry,
                        .width = kEntry,
                        .batch = batch.ragged(),
                        .kv = {.width = kEntry}};
  const auto want = expected(all, wide, [](float v) { return bf16_to_f32(f32_to_bf16(v)); });
  on_each_host([&](const Stream& stream) {
    std::vector<std::uint16_t> cache = before;
    KvWriteArgs args = all;
    args.kv = {.data = cache.data(),
               .dtype = Dtype::kBF16,
               .pages = kPages,
               .width = kEntry,
               .block = kBlock,
               .plain = 5};
    args.x = x.data(), args.width = kBlock;
    kv_write(args, stream);
    args.x = x.data() + kBlock, args.offset = kBlock, args.width = kBlock + 5;
    kv_write(args, stream);
    std::vector<float> widened;
    for (const std::uint16_t v : cache) widened.push_back(bf16_to_f32(v));
    EXPECT_TRUE(same_bits(widened, want));
  });
}

TEST(KvWrite, LogsItsBytes) {
  const Batch batch;
  std::vector<float> x(batch.row_begin.back() * 4);
  std::vector<std::uint16_t> cache(kPages * 64 * 4);
  const Launch got = only_launch([&](const Stream& stream) {
    kv_write({.x = x.data(),
              .ldx = 4,
              .width = 4,
              .batch = batch.ragged(),
              .kv = {.data = cache.data(), .dtype = Dtype::kBF16, .pages = kPages, .width = 4}},
             stream);
  });
  EXPECT_EQ(got.kernel, "kv_write");
  EXPECT_EQ(got.bytes, 201 * 4 * (4 + 2));
  EXPECT_EQ(got.flops, 0);
}

TEST(KvWrite, RefusesBrokenLimits) {
  Batch batch;
  const std::int64_t width = 4;
  std::vector<float> x(batch.row_begin.back() * width), cache(kPages * 64 * 8);
  ThreadPool pool(1);
  const KvWriteArgs good{.x = x.data(),
                         .ldx = width,
                         .width = width,
                         .offset = 4,
                         .batch = batch.ragged(),
                         .kv = {.data = cache.data(), .pages = kPages, .width = 8}};
  const auto refused = [&](auto change) {
    KvWriteArgs args = good;
    change(args);
    EXPECT_THROW(kv_write(args, Stream::host(pool)), std::invalid_argument);
  };
  EXPECT_NO_THROW(kv_write(good, Stream::host(pool)));
  refused([](KvWriteArgs& a) { a.kv.dtype = Dtype::kF16; });
  refused([](KvWriteArgs& a) { a.kv.block = 4; });  // not bf16
  refused([](KvWriteArgs& a) { a.kv.dtype = Dtype::kBF16, a.kv.block = 3; });
  refused([](KvWriteArgs& a) { a.kv.dtype = Dtype::kBF16, a.kv.block = 8; });
  refused([](KvWriteArgs& a) { a.kv.dtype = Dtype::kBF16, a.kv.block = 4, a.kv.plain = 9; });
  refused([](KvWriteArgs& a) { a.offset = 5; });
  refused([](KvWriteArgs& a) { a.offset = -1; });
  refused([](KvWriteArgs& a) { a.width = 0; });
  refused([](KvWriteArgs& a) { a.ldx = 3; });
  refused([](KvWriteArgs& a) { a.x = nullptr; });
  refused([](KvWriteArgs& a) { a.kv.data = nullptr; });
  refused([](KvWriteArgs& a) { a.kv.pages = 6; });
  refused([](KvWriteArgs& a) { a.batch.pages = nullptr; });
  refused([](KvWriteArgs& a) { a.batch.max_pages = 2; });
  refused([](KvWriteArgs& a) { a.batch.rows = 200; });
  refused([&](KvWriteArgs&) { batch.pages[1] = -1; });
}

}  // namespace
}  // namespace moebius::kernels
