// The device's router, permutation and gather against the host's router() and permute(): ids,
// weights, offsets and places must be equal, bit by bit.
#include "kernels/router/router_cuda.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/device/test_support.h"
#include "kernels/permute/permute.h"
#include "tests/support/close.h"
#include "tests/support/random.h"

namespace moebius::kernels {
namespace {

using tests::close;
using Ids = std::vector<std::int32_t>;

struct Routed {
  Ids ids, offsets, source_rows, slots;
  std::vector<float> weights;
  std::vector<std::int64_t> loads;
};

/// router() and permute() on the host, shared experts behind the chosen.
Routed on_host(RouterArgs r, std::int64_t shared, const std::vector<float>& logits,
               const std::vector<float>& bias) {
  ThreadPool pool(1);
  const Stream stream = Stream::host(pool);
  const std::int64_t slots = r.top_k + shared;
  Ids chosen(r.rows * r.top_k);
  std::vector<float> weights(r.rows * r.top_k);
  r.logits = logits.data();
  r.bias = bias.empty() ? nullptr : bias.data();
  r.expert_ids = chosen.data();
  r.expert_weights = weights.data();
  router(r, stream);
  Routed out;
  out.loads.resize(r.experts);
  for (std::int64_t row = 0; row < r.rows; ++row) {
    for (std::int64_t k = 0; k < r.top_k; ++k) {
      out.ids.push_back(chosen[row * r.top_k + k]);
      out.weights.push_back(weights[row * r.top_k + k]);
      ++out.loads[out.ids.back()];
    }
    for (std::int64_t k = 0; k < shared; ++k) {
      out.ids.push_back(static_cast<std::int32_t>(r.experts + k));
      out.weights.push_back(1);
    }
  }
  out.offsets.resize(r.experts + shared + 1);
  out.source_rows.resize(r.rows * slots);
  out.slots.resize(r.rows * slots);
  permute({.expert_ids = out.ids.data(),
           .rows = r.rows,
           .top_k = slots,
           .experts = r.experts + shared,
           .offsets = out.offsets.data(),
           .source_rows = out.source_rows.data(),
           .slots = out.slots.data()},
          stream);
  return out;
}

constexpr std::int64_t kLoad = 1000;  // what the counters hold before

Routed on_device(RouterArgs r, std::int64_t shared, const std::vector<float>& logits,
                 const std::vector<float>& bias) {
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const std::int64_t slots = r.top_k + shared, pairs = r.rows * slots;
  const auto device_logits = upload(logits, stream);
  const auto device_bias = upload(bias, stream);
  const auto ids = poisoned<std::int32_t>(pairs, stream);
  const auto weights = poisoned<float>(pairs, stream);
  const auto offsets = poisoned<std::int32_t>(r.experts + shared + 1, stream);
  const auto source_rows = poisoned<std::int32_t>(pairs, stream);
  const auto places = poisoned<std::int32_t>(pairs, stream);
  const auto loads = upload(std::vector<std::int64_t>(r.experts, kLoad), stream);
  const auto workspace =
      poisoned<std::byte>(router_cuda_workspace_bytes(r.rows, r.experts, slots), stream);
  r.logits = device_logits.data();
  r.bias = bias.empty() ? nullptr : device_bias.data();
  r.expert_ids = ids.data();
  r.expert_weights = weights.data();
  router_cuda({.router = r,
               .shared = shared,
               .offsets = offsets.data(),
               .source_rows = source_rows.data(),
               .slots = places.data(),
               .loads = loads.data(),
               .workspace = workspace.data()},
              stream);
  Routed out{download(ids, stream),    download(offsets, stream), download(source_rows, stream),
             download(places, stream), download(weights, stream), download(loads, stream)};
  for (auto& load : out.loads) load -= kLoad;
  return out;
}

void expect_host(const RouterArgs& r, std::int64_t shared, const std::vector<float>& logits,
                 const std::vector<float>& bias) {
  SCOPED_TRACE(testing::Message() << r.rows << " rows, " << r.experts << " experts, top " << r.top_k
                                  << ", " << r.groups << " groups, shared " << shared);
  const Routed want = on_host(r, shared, logits, bias);
  const Routed got = on_device(r, shared, logits, bias);
  ASSERT_EQ(got.ids, want.ids);
  EXPECT_EQ(got.offsets, want.offsets);
  EXPECT_EQ(got.source_rows, want.source_rows);
  EXPECT_EQ(got.slots, want.slots);
  EXPECT_EQ(got.loads, want.loads);
  for (std::size_t i = 0; i < want.weights.size(); ++i) {
    // NaN weights come from NaN logits, the same on both sides.
    if (std::isnan(want.weights[i]) && std::isnan(got.weights[i])) continue;
    ASSERT_EQ(got.weights[i], want.weights[i]) << "slot " << i;
  }
}

struct Family {
  RouterArgs args;
  std::int64_t shared = 0;
  bool biased = false;
};

std::vector<Family> families() {
  const auto v3 = [](std::int64_t experts) {
    return RouterArgs{.experts = experts,
                      .top_k = 8,
                      .score = RouterScore::kSigmoid,
                      .groups = 8,
                      .top_groups = 4,
                      .group_score = GroupScore::kTop2Sum,
                      .normalize = true,
                      .scale = 2.5F};
  };
  return {
      {v3(256), 1, true},
      {{.experts = 160, .top_k = 6, .groups = 8, .top_groups = 3, .scale = 16}, 2},
      {{.experts = 64, .top_k = 6}, 2},
      {{.experts = 128, .top_k = 8, .normalize = true}},
      {{.experts = 16, .top_k = 4, .normalize = true}, 1},
      {{.experts = 8, .top_k = 2, .normalize = true}},
      {{.experts = 17, .top_k = 17}},
      {{.experts = 1, .top_k = 1, .score = RouterScore::kSigmoid}},
      {{.experts = 500, .top_k = 40, .groups = 50, .top_groups = 5}, 3},
      {{.experts = 12,
        .top_k = 3,
        .score = RouterScore::kSigmoid,
        .groups = 6,
        .top_groups = 2,
        .group_score = GroupScore::kTop2Sum},
       0,
       true},
  };
}

void expect_families(const std::vector<std::int64_t>& row_counts, std::uint64_t seed) {
  tests::Random random(seed);
  for (const Family& family : families()) {
    RouterArgs r = family.args;
    const std::vector<float> bias =
        family.biased ? random.normals(r.experts, 0.1F) : std::vector<float>();
    for (const std::int64_t rows : row_counts) {
      r.rows = rows;
      expect_host(r, family.shared, random.normals(rows * r.experts, 2), bias);
    }
  }
}

TEST(RouterCuda, SmallBatchesOfEveryFamily) {
  MOEBIUS_NEEDS_GPU();
  expect_families({0, 1, 7, 16, 17, 64}, tests::seed_or(31));
}

TEST(RouterCuda, LargeBatchesOfEveryFamily) {
  MOEBIUS_NEEDS_GPU();
  expect_families({129, 512, 513, 1000, 8192}, tests::seed_or(32));
}

TEST(RouterCuda, TiesNanAndInfinitiesAsTheHost) {
  MOEBIUS_NEEDS_GPU();
  tests::Random random(tests::seed_or(33));
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const float levels[] = {0, 1, -1, 2, std::nanf(""), -kInf, 1, 0.5F};
  for (const Family& family : families()) {
    RouterArgs r = family.args;
    r.rows = 100;
    std::vector<float> logits(r.rows * r.experts);
    for (std::int64_t row = 0; row < r.rows; ++row) {
      // Few levels make ties; only every third row has odd ones, and some have nothing else.
      const std::int64_t last = row % 10 == 9 ? 0 : row % 3 == 2 ? 7 : 3;
      for (std::int64_t e = 0; e < r.experts; ++e) {
        logits[row * r.experts + e] = levels[random.integer(0, last)];
        if (row % 20 == 19) logits[row * r.experts + e] = std::nanf("");
      }
    }
    const std::vector<float> bias =
        family.biased ? random.normals(r.experts, 0.1F) : std::vector<float>();
    expect_host(r, family.shared, logits, bias);
  }
}

TEST(RouterCuda, RefusesBrokenLimits) {
  MOEBIUS_NEEDS_GPU();
  const DeviceStream owner;
  std::int32_t offsets = 0;
  const auto refused = [&](RouterArgs r, std::int64_t shared) {
    EXPECT_THROW(router_cuda({.router = r, .shared = shared, .offsets = &offsets}, owner.stream()),
                 std::invalid_argument);
  };
  refused({.experts = 513, .top_k = 8}, 0);
  refused({.experts = 512, .top_k = 8}, 513);
  refused({.experts = 64, .top_k = 65}, 0);
  refused({.experts = 64, .top_k = 8, .groups = 7}, 0);
  refused({.rows = 1, .experts = 64, .top_k = 8}, 0);
}

/// Rows of `bytes` random bytes, ld_bytes apart, gathered on both sides.
void expect_gathered(Dtype dtype, std::int64_t rows, std::int64_t width, std::uint64_t seed) {
  SCOPED_TRACE(testing::Message() << rows << " x " << width << " " << dtype_name(dtype));
  constexpr std::int64_t kSources = 37;
  const DeviceStream owner;
  const Stream stream = owner.stream();
  tests::Random random(seed);
  const auto element = static_cast<std::int64_t>(dtype_bytes(dtype));
  const std::int64_t x_ld = (width + 15) / 16 * 16, y_ld = x_ld + 16;
  const std::int64_t columns = (width + 127) / 128, y_scale_ld = (rows + 3) / 4 * 4;
  std::vector<std::uint8_t> bytes(kSources * x_ld * element);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
  const std::vector<float> scale = random.normals(columns * 40);
  Ids sources(rows);
  for (auto& s : sources) s = static_cast<std::int32_t>(random.integer(0, kSources - 1));
  const auto x = upload(bytes, stream);
  const auto x_scale = upload(scale, stream);
  const auto source_rows = upload(sources, stream);
  const auto y = poisoned<std::uint8_t>(rows * y_ld * element, stream);
  const auto y_scale = poisoned<float>(columns * y_scale_ld, stream);
  gather_rows_cuda(
      {.x = {.data = x.data(), .dtype = dtype, .ld = x_ld, .scale = x_scale.data(), .scale_ld = 40},
       .source_rows = source_rows.data(),
       .y = {.data = y.data(),
             .dtype = dtype,
             .ld = y_ld,
             .scale = y_scale.data(),
             .scale_ld = y_scale_ld},
       .rows = rows,
       .width = width},
      stream);
  const auto got = download(y, stream);
  const auto got_scale = download(y_scale, stream);
  std::vector<std::uint8_t> want(got.size(), 0xff);
  for (std::int64_t r = 0; r < rows; ++r) {
    std::copy_n(&bytes[sources[r] * x_ld * element], width * element, &want[r * y_ld * element]);
    for (std::int64_t c = 0; dtype == Dtype::kF8E4M3 && c < columns; ++c) {
      ASSERT_EQ(got_scale[c * y_scale_ld + r], scale[c * 40 + sources[r]]) << r << ", " << c;
    }
  }
  EXPECT_EQ(got == want, true);
}

TEST(GatherRowsCuda, WidthsDtypesAndScales) {
  MOEBIUS_NEEDS_GPU();
  std::uint64_t seed = tests::seed_or(34);
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBF16, Dtype::kF8E4M3}) {
    for (const std::int64_t width : {1, 100, 129, 2048, 7168}) {
      for (const std::int64_t rows : {0, 1, 7, 64, 1000}) {
        expect_gathered(dtype, rows, width, ++seed);
      }
    }
  }
}

}  // namespace
}  // namespace moebius::kernels
