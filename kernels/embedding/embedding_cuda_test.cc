// The device's embedding against the host's: every bit.
#include "kernels/embedding/embedding_cuda.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/device/test_support.h"
#include "kernels/embedding/embedding.h"
#include "tests/support/close.h"
#include "tests/support/random.h"

namespace moebius::kernels {
namespace {

using tests::close;

constexpr std::int64_t kVocab = 257;

struct Shape {
  std::int64_t dim;
  std::int64_t ld;
};

std::vector<float> host_rows(const std::vector<float>& table, const std::vector<std::int32_t>& ids,
                             std::int64_t dim) {
  ThreadPool pool(1);
  std::vector<float> y(ids.size() * dim);
  embedding({.ids = ids.data(),
             .rows = std::ssize(ids),
             .table = {.data = table.data(), .rows = kVocab, .cols = dim},
             .y = y.data()},
            Stream::host(pool));
  return y;
}

/// `table` with rows ld apart, what is between them NaN.
std::vector<float> padded(const std::vector<float>& table, const Shape& shape) {
  std::vector<float> rows(kVocab * shape.ld, std::nanf(""));
  for (std::int64_t r = 0; r < kVocab; ++r) {
    std::copy_n(&table[r * shape.dim], shape.dim, &rows[r * shape.ld]);
  }
  return rows;
}

void expect_host_rows(const Shape& shape, std::int64_t rows, Dtype dtype, std::uint64_t seed) {
  SCOPED_TRACE(testing::Message() << rows << " x " << shape.dim << " " << dtype_name(dtype));
  const DeviceStream owner;
  const Stream stream = owner.stream();
  tests::Random random(seed);
  std::vector<float> table = random.normals(kVocab * shape.dim);
  if (dtype == Dtype::kBF16) {
    for (float& x : table) x = bf16_to_f32(f32_to_bf16(x));
  }
  std::vector<std::int32_t> ids(rows);
  for (auto& id : ids) id = static_cast<std::int32_t>(random.integer(0, kVocab - 1));
  const auto f32 = upload(padded(table, shape), stream);
  const auto bf16 = upload_bf16(padded(table, shape), stream);
  const auto device_ids = upload(ids, stream);
  const auto y = poisoned<float>(rows * shape.dim, stream);
  embedding_cuda({.ids = device_ids.data(),
                  .rows = rows,
                  .table = {.data = dtype == Dtype::kF32 ? static_cast<void*>(f32.data())
                                                         : static_cast<void*>(bf16.data()),
                            .dtype = dtype,
                            .rows = kVocab,
                            .cols = shape.dim,
                            .ld = shape.ld},
                  .y = y.data()},
                 stream);
  EXPECT_TRUE(close(download(y, stream), host_rows(table, ids, shape.dim), {}));
}

TEST(EmbeddingCuda, EveryBitOfTheHosts) {
  MOEBIUS_NEEDS_GPU();
  const std::uint64_t seed = tests::seed_or(11);
  for (const Shape& shape : {Shape{2048, 2048}, {7168, 7168}, {100, 104}, {33, 40}, {1, 8}}) {
    for (const std::int64_t rows : {0, 1, 7, 64, 1000}) {
      expect_host_rows(shape, rows, Dtype::kF32, seed);
      expect_host_rows(shape, rows, Dtype::kBF16, seed + 1);
    }
  }
}

TEST(EmbeddingCuda, RefusesWhatItCannotRead) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  const std::int32_t id = 0;
  float y = 0;
  const EmbeddingCudaArgs fp8{
      .ids = &id,
      .rows = 1,
      .table = {.data = &y, .dtype = Dtype::kF8E4M3, .rows = 1, .cols = 16, .ld = 16},
      .y = &y};
  EXPECT_THROW(embedding_cuda(fp8, owner.stream()), std::invalid_argument);
}

}  // namespace
}  // namespace moebius::kernels
