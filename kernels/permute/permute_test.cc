// Permutation against a stable sort; the slot-ordered sum against a serial reading of its
// contract, bit for bit.
#include "kernels/permute/permute.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

struct Permuted {
  std::vector<std::int32_t> offsets, source_rows, slots;
};

Permuted run(const std::vector<std::int32_t>& ids, std::int64_t top_k, std::int64_t experts) {
  Permuted p{std::vector<std::int32_t>(experts + 1, -7), std::vector<std::int32_t>(ids.size()),
             std::vector<std::int32_t>(ids.size())};
  ThreadPool pool(2);
  permute({.expert_ids = ids.data(),
           .rows = static_cast<std::int64_t>(ids.size()) / top_k,
           .top_k = top_k,
           .experts = experts,
           .offsets = p.offsets.data(),
           .source_rows = p.source_rows.data(),
           .slots = p.slots.data()},
          Stream::host(pool));
  return p;
}

TEST(Permute, IsTheStableSort) {
  std::mt19937 generator(3);
  for (const std::int64_t experts : {1, 2, 7, 256}) {
    for (const std::int64_t rows : {0, 1, 2, 17, 300}) {
      const std::int64_t top_k = std::min<std::int64_t>(experts, 8);
      std::vector<std::int32_t> ids(rows * top_k);
      // Repeats within a row are outside the router's habits, and still well defined.
      for (std::int32_t& id : ids) id = static_cast<std::int32_t>(generator() % experts);
      std::vector<std::int32_t> order(ids.size());
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(),
                       [&](std::int32_t a, std::int32_t b) { return ids[a] < ids[b]; });
      const Permuted got = run(ids, top_k, experts);
      for (std::size_t place = 0; place < order.size(); ++place) {
        ASSERT_EQ(got.source_rows[place], order[place] / top_k);
        ASSERT_EQ(got.slots[order[place]], static_cast<std::int32_t>(place));
      }
      for (std::int64_t e = 0; e <= experts; ++e) {
        ASSERT_EQ(got.offsets[e],
                  std::count_if(ids.begin(), ids.end(), [&](std::int32_t id) { return id < e; }));
      }
    }
  }
}

TEST(Permute, RefusesBrokenLimits) {
  EXPECT_THROW(run({0, 3}, 1, 3), std::invalid_argument);
  EXPECT_THROW(run({0, -1}, 1, 3), std::invalid_argument);
  std::int32_t ids[4] = {}, offsets[4], out[4];
  const PermuteArgs good{.expert_ids = ids,
                         .rows = 2,
                         .top_k = 2,
                         .experts = 3,
                         .offsets = offsets,
                         .source_rows = out,
                         .slots = out};
  ThreadPool pool(1);
  const auto refused = [&](auto change) {
    PermuteArgs args = good;
    change(args);
    EXPECT_THROW(permute(args, Stream::host(pool)), std::invalid_argument);
  };
  refused([](PermuteArgs& a) { a.rows = -1; });
  refused([](PermuteArgs& a) { a.rows = std::int64_t{1} << 31; });
  refused([](PermuteArgs& a) { a.top_k = 0; });
  refused([](PermuteArgs& a) { a.experts = 0; });
  refused([](PermuteArgs& a) { a.expert_ids = nullptr; });
  refused([](PermuteArgs& a) { a.offsets = nullptr; });
  refused([](PermuteArgs& a) { a.source_rows = nullptr; });
  refused([](PermuteArgs& a) { a.slots = nullptr; });
}

TEST(Permute, LogsItsBytes) {
  const std::int32_t ids[] = {0, 1, 2, 1};
  std::int32_t offsets[4], rows[4], slots[4];
  const Launch got = only_launch([&](const Stream& stream) {
    permute({.expert_ids = ids,
             .rows = 2,
             .top_k = 2,
             .experts = 3,
             .offsets = offsets,
             .source_rows = rows,
             .slots = slots},
            stream);
  });
  EXPECT_EQ(got.kernel, "permute");
  EXPECT_EQ(got.bytes, 4 * (4 + 4 + 4 + 4));
  EXPECT_EQ(got.flops, 0);
}

void reference(const CombineArgs& a) {
  for (std::int64_t r = 0; r < a.rows; ++r) {
    for (std::int64_t i = 0; i < a.dim; ++i) {
      float y = 0;
      for (std::int64_t k = 0; k < a.top_k; ++k) {
        const std::int64_t place = a.slots[r * a.top_k + k];
        y = std::fma(a.weights[r * a.top_k + k], a.expert_out[place * a.dim + i], y);
      }
      a.y[r * a.dim + i] = a.shared ? y + a.shared[r * a.dim + i] : y;
    }
  }
}

TEST(Combine, CanonicalBitsOnEveryTargetAndThreadCount) {
  for (const std::int64_t dim : {1, 15, 16, 17, 2047, 2048, 2049, 7168}) {
    for (const std::int64_t top_k : {1, 2, 8}) {
      for (const std::int64_t rows : {0, 1, 13}) {
        const std::vector<float> out = random_floats(rows * top_k * dim, 1, -5, 5);
        const std::vector<float> weights = random_floats(rows * top_k, 2);
        const std::vector<float> shared = random_floats(rows * dim, 3);
        std::vector<std::int32_t> slots(rows * top_k);
        std::iota(slots.begin(), slots.end(), 0);
        std::shuffle(slots.begin(), slots.end(), std::mt19937(4));
        CombineArgs args{.expert_out = out.data(),
                         .slots = slots.data(),
                         .weights = weights.data(),
                         .rows = rows,
                         .top_k = top_k,
                         .dim = dim};
        for (const bool with_shared : {false, true}) {
          args.shared = with_shared ? shared.data() : nullptr;
          std::vector<float> want(rows * dim + 1, -7.0F);
          args.y = want.data();
          in_kernel_mode([&] { reference(args); });
          on_each_host([&](const Stream& stream) {
            std::vector<float> got(rows * dim + 1, -7.0F);
            args.y = got.data();
            combine(args, stream);
            EXPECT_TRUE(same_bits(got, want)) << rows << " x " << dim << " of " << top_k;
          });
        }
      }
    }
  }
}

TEST(Combine, LogsItsBytes) {
  std::vector<float> x(64), y(16);
  const std::vector<std::int32_t> slots = {0, 1, 2, 3};
  const Launch got = only_launch([&](const Stream& stream) {
    combine({.expert_out = x.data(),
             .slots = slots.data(),
             .weights = x.data(),
             .shared = x.data(),
             .y = y.data(),
             .rows = 2,
             .top_k = 2,
             .dim = 8},
            stream);
  });
  EXPECT_EQ(got.kernel, "combine");
  EXPECT_EQ(got.bytes, 4 * (4 * 8 + 2 * 8 + 2 * 8 + 4 + 4));
  EXPECT_EQ(got.flops, 2 * 4 * 8 + 2 * 8);
}

TEST(Combine, RefusesBrokenLimits) {
  std::vector<float> x(64);
  std::vector<std::int32_t> slots = {0, 1, 2, 3};
  ThreadPool pool(1);
  const CombineArgs good{.expert_out = x.data(),
                         .slots = slots.data(),
                         .weights = x.data(),
                         .y = x.data() + 32,
                         .rows = 2,
                         .top_k = 2,
                         .dim = 8};
  const auto refused = [&](auto change) {
    CombineArgs args = good;
    change(args);
    EXPECT_THROW(combine(args, Stream::host(pool)), std::invalid_argument);
  };
  EXPECT_NO_THROW(combine(good, Stream::host(pool)));
  refused([](CombineArgs& a) { a.rows = -1; });
  refused([](CombineArgs& a) { a.top_k = 0; });
  refused([](CombineArgs& a) { a.dim = 0; });
  refused([](CombineArgs& a) { a.expert_out = nullptr; });
  refused([](CombineArgs& a) { a.slots = nullptr; });
  refused([](CombineArgs& a) { a.weights = nullptr; });
  refused([](CombineArgs& a) { a.y = nullptr; });
  refused([&](CombineArgs&) { slots[3] = 4; });
  refused([&](CombineArgs&) { slots[3] = -1; });
}

}  // namespace
}  // namespace moebius::kernels
