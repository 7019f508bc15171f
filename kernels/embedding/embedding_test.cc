// Embedding lookup against a loop over elements, bit for bit.
#include "kernels/embedding/embedding.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <vector>

#include "kernels/simd/convert.h"
#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

/// Random finite values of `dtype`, subnormals included, as raw words of its width.
std::vector<std::uint32_t> random_words(Dtype dtype, std::size_t count) {
  std::mt19937 generator(7);
  std::vector<std::uint32_t> words(count);
  const std::uint32_t exponent = dtype == Dtype::kF32    ? 0x7F800000
                                 : dtype == Dtype::kBF16 ? 0x7F80
                                                         : 0x7C00;
  for (std::uint32_t& word : words) {
    word = static_cast<std::uint32_t>(generator()) & (dtype == Dtype::kF32 ? 0xFFFFFFFF : 0xFFFF);
    if ((word & exponent) == exponent) word = 1;  // a subnormal instead of infinity or NaN
  }
  return words;
}

float widened(Dtype dtype, std::uint32_t word) {
  if (dtype == Dtype::kF32) return std::bit_cast<float>(word);
  const auto half = static_cast<std::uint16_t>(word);
  return dtype == Dtype::kBF16 ? bf16_to_f32(half) : f16_to_f32(half);
}

TEST(Embedding, WidensTheRightRowsOnEveryTargetAndThreadCount) {
  constexpr std::int64_t kVocab = 19;
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBF16}) {
    for (const std::int64_t dim : {1, 15, 16, 17, 100, 2048}) {
      const auto words = random_words(dtype, kVocab * dim);
      std::vector<std::uint16_t> halves(words.begin(), words.end());
      const void* data = dtype == Dtype::kF32 ? static_cast<const void*>(words.data())
                                              : static_cast<const void*>(halves.data());
      for (const std::int64_t rows : {0, 1, 2, 40}) {
        std::vector<std::int32_t> ids(rows);
        for (std::int64_t r = 0; r < rows; ++r) ids[r] = static_cast<std::int32_t>(r * 7 % kVocab);
        std::vector<float> want(rows * dim + 1, -7.0F);
        for (std::int64_t r = 0; r < rows; ++r) {
          for (std::int64_t i = 0; i < dim; ++i) {
            want[r * dim + i] = widened(dtype, words[ids[r] * dim + i]);
          }
        }
        on_each_host([&](const Stream& stream) {
          std::vector<float> got(rows * dim + 1, -7.0F);
          embedding({.ids = ids.data(),
                     .rows = rows,
                     .table = {.data = data, .dtype = dtype, .rows = kVocab, .cols = dim},
                     .y = got.data()},
                    stream);
          EXPECT_TRUE(same_bits(got, want)) << dtype_name(dtype) << " " << rows << " x " << dim;
        });
      }
    }
  }
}

TEST(Embedding, LogsItsBytes) {
  const std::vector<std::uint16_t> table(12);
  const std::vector<std::int32_t> ids = {0, 2};
  std::vector<float> y(8);
  const Launch got = only_launch([&](const Stream& stream) {
    embedding({.ids = ids.data(),
               .rows = 2,
               .table = {.data = table.data(), .dtype = Dtype::kBF16, .rows = 3, .cols = 4},
               .y = y.data()},
              stream);
  });
  EXPECT_EQ(got.kernel, "embedding");
  EXPECT_EQ(got.bytes, 2 * (4 + 4 * 2 + 4 * 4));
  EXPECT_EQ(got.flops, 0);
}

TEST(Embedding, RefusesBrokenLimits) {
  const std::vector<float> table(12);
  std::vector<float> y(8);
  std::vector<std::int32_t> ids = {0, 2};
  ThreadPool pool(1);
  const EmbeddingArgs good{.ids = ids.data(),
                           .rows = 2,
                           .table = {.data = table.data(), .rows = 3, .cols = 4},
                           .y = y.data()};
  const auto refused = [&](auto change) {
    EmbeddingArgs args = good;
    change(args);
    EXPECT_THROW(embedding(args, Stream::host(pool)), std::invalid_argument);
  };
  EXPECT_NO_THROW(embedding(good, Stream::host(pool)));
  refused([](EmbeddingArgs& a) { a.rows = -1; });
  refused([](EmbeddingArgs& a) { a.table.data = nullptr; });
  refused([](EmbeddingArgs& a) { a.table.rows = 2; });
  refused([](EmbeddingArgs& a) { a.table.cols = 0; });
  refused([](EmbeddingArgs& a) { a.table.dtype = Dtype::kF8E4M3; });
  refused([](EmbeddingArgs& a) { a.table.dtype = Dtype::kI4; });
  refused([](EmbeddingArgs& a) { a.ids = nullptr; });
  refused([](EmbeddingArgs& a) { a.y = nullptr; });
  refused([&](EmbeddingArgs&) { ids[1] = -1; });
  refused([&](EmbeddingArgs&) { ids[1] = std::numeric_limits<std::int32_t>::max(); });
}

}  // namespace
}  // namespace moebius::kernels
