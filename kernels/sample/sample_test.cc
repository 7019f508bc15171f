// Philox against its published vectors; sampling against a definition that sorts, and
// the drawn distribution against double.
#include "kernels/sample/sample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "kernels/simd/math.h"
#include "kernels/simd/test_support.h"

namespace moebius::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
using Words = std::array<std::uint32_t, 4>;

// Random123 1.14, tests/kat_vectors, lines "philox4x32 10".
TEST(Philox, PublishedVectors) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const std::uint32_t f = 0xffffffff;
  EXPECT_EQ(philox({f, f, f, f}, {f, f}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

struct Token {
  std::int32_t id;
  float e;
  std::uint64_t mass() const {
    return static_cast<std::uint64_t>(std::floor(std::ldexp(double{e}, 40)));
  }
};

std::uint64_t total(const std::vector<Token>& tokens) {
  std::uint64_t sum = 0;
  for (const Token& t : tokens) sum += t.mass();
  return sum;
}

/// The definition: sort by probability, filter, sort by id, walk.
std::int32_t reference(const std::vector<float>& logits, const Draw& draw) {
  float max = -kInf;
  for (const float x : logits) max = x > max ? x : max;
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const float e = logits[i] == max ? 1.0F : exp_scalar((logits[i] - max) / draw.temperature);
    tokens.push_back({static_cast<std::int32_t>(i), std::isnan(e) ? 0.0F : e});
  }
  std::stable_sort(tokens.begin(), tokens.end(),
                   [](const Token& a, const Token& b) { return a.e > b.e; });
  if (draw.top_k > 0 && static_cast<std::size_t>(draw.top_k) < tokens.size()) {
    tokens.resize(draw.top_k);
  }
  if (draw.top_p < 1) {
    const double wanted = double{draw.top_p} * static_cast<double>(total(tokens));
    std::uint64_t sum = 0;
    std::size_t kept = 0;
    while (static_cast<double>(sum) < wanted) sum += tokens[kept++].mass();
    tokens.resize(kept);
  }
  std::erase_if(tokens, [&](const Token& t) { return t.e < draw.min_p; });
  std::sort(tokens.begin(), tokens.end(),
            [](const Token& a, const Token& b) { return a.id < b.id; });
  const auto w = philox(
      {static_cast<std::uint32_t>(draw.position), static_cast<std::uint32_t>(draw.position >> 32),
       static_cast<std::uint32_t>(draw.sample), static_cast<std::uint32_t>(draw.sample >> 32)},
      {static_cast<std::uint32_t>(draw.seed), static_cast<std::uint32_t>(draw.seed >> 32)});
  const long double u = (static_cast<long double>(w[1]) * 0x1p32L + w[0]) * 0x1p-64L;
  const auto whole = static_cast<long double>(total(tokens));
  std::uint64_t sum = 0;
  for (const Token& t : tokens) {
    sum += t.mass();
    if (static_cast<long double>(sum) > std::floor(u * whole)) return t.id;
  }
  return -2;  // not reached: sum ends at whole, and u < 1
}

std::vector<std::int32_t> run(const std::vector<float>& logits, const std::vector<Draw>& draws,
                              const Stream& stream) {
  const auto rows = static_cast<std::int64_t>(draws.size());
  std::vector<std::int32_t> ids(rows, -7);
  SampleArgs args{.logits = logits.data(),
                  .rows = rows,
                  .vocab = static_cast<std::int64_t>(logits.size()) / rows,
                  .draws = draws.data(),
                  .ids = ids.data()};
  std::vector<char> workspace(sample_workspace_bytes(args, stream));
  args.workspace = workspace.data();
  sample(args, stream);
  return ids;
}

std::vector<std::int32_t> run(const std::vector<float>& logits, const std::vector<Draw>& draws) {
  ThreadPool pool(1);
  return run(logits, draws, Stream::host(pool));
}

std::vector<Draw> many_draws() {
  std::vector<Draw> draws;
  std::uint64_t sample = (std::uint64_t{5} << 32) + 1;
  for (const float temperature : {0.05F, 0.6F, 1.0F, 3.0F, 1e-30F}) {
    for (const std::int32_t top_k : {0, 1, 2, 20, 1000, 1 << 30}) {
      for (const float top_p : {1.0F, 0.95F, 0.5F, 1e-6F, 0.99999994F}) {
        for (const float min_p : {0.0F, 0.05F, 1.0F}) {
          draws.push_back({.temperature = temperature,
                           .top_p = top_p,
                           .min_p = min_p,
                           .top_k = top_k,
                           .seed = 0x123456789ABCDEF0,
                           .sample = sample,
                           .position = (std::uint64_t{1} << 33) + sample % 7});
          ++sample;
        }
      }
    }
  }
  return draws;
}

TEST(Sample, AsTheDefinitionThatSortsOnEveryTargetAndThreadCount) {
  const std::vector<Draw> draws = many_draws();
  for (const std::size_t vocab : {1, 2, 15, 16, 17, 33, 500, 1025}) {
    std::vector<float> logits = random_floats(draws.size() * vocab, 3, -8, 8);
    for (std::size_t r = 0; r < draws.size(); ++r) {
      float* row = logits.data() + r * vocab;
      for (std::size_t i = 0; i < vocab; ++i) {
        if (r % 3 == 1) row[i] = std::round(row[i]);  // ties
        if (r % 3 == 2 && i % 5 == 3) row[i] = i % 2 == 0 ? -kInf : std::nanf("");
        if (r % 7 == 6) row[i] *= 20;  // exponentials down to 0
      }
    }
    std::vector<std::int32_t> want;
    in_kernel_mode([&] {
      for (std::size_t r = 0; r < draws.size(); ++r) {
        want.push_back(
            reference({logits.begin() + r * vocab, logits.begin() + (r + 1) * vocab}, draws[r]));
      }
    });
    on_each_host([&](const Stream& stream) { EXPECT_EQ(run(logits, draws, stream), want); });
  }
}

TEST(Sample, AsTheDefinitionAtAWholeVocabulary) {
  const std::size_t vocab = 129280;
  const std::vector<Draw> all = many_draws();
  std::vector<Draw> draws;
  for (std::size_t i = 0; i < all.size(); i += 75) draws.push_back(all[i]);
  std::vector<float> logits = random_floats(draws.size() * vocab, 4, -6, 6);
  for (float& x : logits) x = x * std::fabs(x);  // a few far ahead of the others
  std::vector<std::int32_t> want;
  in_kernel_mode([&] {
    for (std::size_t r = 0; r < draws.size(); ++r) {
      want.push_back(
          reference({logits.begin() + r * vocab, logits.begin() + (r + 1) * vocab}, draws[r]));
    }
  });
  on_each_target([&] {
    ThreadPool pool(2);
    EXPECT_EQ(run(logits, draws, Stream::host(pool)), want);
  });
}

/// The probabilities of what is kept, by transformers' rules, in double.
std::vector<double> probabilities(const std::vector<float>& logits, const Draw& draw) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  std::vector<double> p(logits.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    p[i] = std::exp(double{logits[i]} / double{draw.temperature});
  }
  const auto sum = [&] { return std::accumulate(p.begin(), p.end(), 0.0); };
  for (std::size_t k = draw.top_k; draw.top_k > 0 && k < order.size(); ++k) p[order[k]] = 0;
  const double whole = sum();
  double before = 0;
  for (const std::size_t i : order) {
    const double own = p[i];
    if (before >= draw.top_p * whole) p[i] = 0;
    before += own;
  }
  for (double& x : p) x = x < draw.min_p * p[order[0]] ? 0 : x;
  const double kept = sum();
  for (double& x : p) x /= kept;
  return p;
}

TEST(Sample, DrawsTheDistribution) {
  const std::vector<float> logits = random_floats(40, 11, -2, 2);
  const std::size_t count = 20'000;
  for (const Draw& base :
       {Draw{}, Draw{.temperature = 0.5F}, Draw{.top_k = 7}, Draw{.top_p = 0.7F},
        Draw{.min_p = 0.2F}, Draw{.temperature = 1.7F, .top_p = 0.8F, .min_p = 0.1F, .top_k = 20},
        Draw{.seed = 99}}) {
    std::vector<Draw> draws(count, base);
    std::vector<float> rows;
    for (std::size_t i = 0; i < count; ++i) {
      draws[i].sample = i / 2;
      draws[i].position = i % 2;
      rows.insert(rows.end(), logits.begin(), logits.end());
    }
    std::vector<double> seen(logits.size());
    for (const std::int32_t id : run(rows, draws)) ++seen.at(id);
    double chi_square = 0, freedom = -1;
    const std::vector<double> p = probabilities(logits, base);
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double want = p[i] * count;
      if (want == 0) {
        EXPECT_EQ(seen[i], 0) << i;
        continue;
      }
      chi_square += (seen[i] - want) * (seen[i] - want) / want;
      ++freedom;
    }
    // Mean and five standard deviations; the seeds are fixed, so this is decided once.
    EXPECT_LT(chi_square, freedom + 5 * std::sqrt(2 * freedom));
    EXPECT_GT(chi_square, freedom - 5 * std::sqrt(2 * freedom)) << "too good to be random";
  }
}

TEST(Sample, KeyAndCounterAllMatter) {
  const std::vector<float> logits = random_floats(1000, 12);
  const auto drawn = [&](auto change) {
    std::vector<Draw> draws(8);
    std::vector<float> rows;
    for (std::size_t i = 0; i < draws.size(); ++i) {
      draws[i].position = i;
      change(draws[i]);
      rows.insert(rows.end(), logits.begin(), logits.end());
    }
    return run(rows, draws);
  };
  const auto base = drawn([](Draw&) {});
  EXPECT_EQ(base, drawn([](Draw&) {}));
  EXPECT_NE(base, drawn([](Draw& d) { d.seed = 1; }));
  EXPECT_NE(base, drawn([](Draw& d) { d.seed = std::uint64_t{1} << 32; }));
  EXPECT_NE(base, drawn([](Draw& d) { d.sample = 1; }));
  EXPECT_NE(base, drawn([](Draw& d) { d.sample = std::uint64_t{1} << 32; }));
  EXPECT_NE(base, drawn([](Draw& d) { d.position += 1; }));
  EXPECT_NE(base, drawn([](Draw& d) { d.position += std::uint64_t{1} << 32; }));
}

TEST(Sample, Corners) {
  const float nan = std::nanf("");
  const auto one = [](const std::vector<float>& logits, const Draw& draw) {
    return run(logits, {draw})[0];
  };
  EXPECT_EQ(one({nan, nan, nan}, {}), -1);
  EXPECT_EQ(one({-kInf, nan, -kInf}, {}), -1);
  EXPECT_EQ(one({-kInf, -3, nan}, {}), 1);
  EXPECT_EQ(one({1, kInf, 3}, {}), 1);
  EXPECT_EQ(one({5, 7, 7, 6}, {.top_k = 1}), 1) << "ties go to the lower id";
  EXPECT_EQ(one({5, 7, 7, 6}, {.top_p = 1e-9F}), 1);
  EXPECT_EQ(one({5, 6.9F, 7, 6}, {.min_p = 1}), 2);
  EXPECT_EQ(one({-3e38F, 3e38F, 0}, {.temperature = 1e-38F}), 1);
}

/// A draw whose u is `wanted` / 2^64: philox run backwards (key 0), for the cases that a
/// random u would meet once in 2^40.
Draw draw_of(std::uint64_t wanted) {
  const std::uint32_t multiply[] = {0xD2511F53, 0xCD9E8D57};
  std::uint32_t inverse[] = {1, 1};
  for (int i = 0; i < 5; ++i) {
    for (int m = 0; m < 2; ++m) inverse[m] *= 2 - multiply[m] * inverse[m];  // Newton, mod 2^32
  }
  Words w = {static_cast<std::uint32_t>(wanted), static_cast<std::uint32_t>(wanted >> 32), 7, 8};
  const auto high = [](std::uint64_t a, std::uint64_t b) {
    return static_cast<std::uint32_t>(a * b >> 32);
  };
  for (std::uint32_t round = 10; round-- > 0;) {
    const std::uint32_t c0 = w[3] * inverse[0], c2 = w[1] * inverse[1];
    w = {c0, w[0] ^ high(multiply[1], c2) ^ (round * 0x9E3779B9), c2,
         w[2] ^ high(multiply[0], c0) ^ (round * 0xBB67AE85)};
  }
  EXPECT_EQ(philox(w, {0, 0})[0], static_cast<std::uint32_t>(wanted));
  EXPECT_EQ(philox(w, {0, 0})[1], static_cast<std::uint32_t>(wanted >> 32));
  return {.sample = std::uint64_t{w[3]} << 32 | w[2], .position = std::uint64_t{w[1]} << 32 | w[0]};
}

constexpr std::uint64_t kMost = ~std::uint64_t{0};

TEST(Sample, TheEndsOfEachInterval) {
  const auto one = [](const std::vector<float>& logits, std::uint64_t u) {
    return run(logits, {draw_of(u)})[0];
  };
  const std::vector<float> four = {-kInf, 2, 2, -kInf, 2, 2, -kInf};  // a quarter each
  EXPECT_EQ(one(four, 0), 1);
  for (const std::int32_t quarter : {1, 2, 3}) {
    const std::int32_t ids[] = {1, 2, 4, 5};
    EXPECT_EQ(one(four, (std::uint64_t{1} << 62) * quarter - 1), ids[quarter - 1]);
    EXPECT_EQ(one(four, (std::uint64_t{1} << 62) * quarter), ids[quarter]);
  }
  EXPECT_EQ(one(four, kMost), 5);
}

TEST(Sample, MassHasFortyBits) {
  const auto log2 = [](float x) { return x * 0.6931472F; };
  EXPECT_EQ(run({0, log2(-39.9F)}, {draw_of(kMost)})[0], 1);
  EXPECT_EQ(run({0, log2(-40.1F)}, {draw_of(kMost)})[0], 0);
}

// The last token is drawn if min_p lets it pass; min_p is its e, then the next above.
void expect_exact_e(std::size_t vocab, float x, float temperature) {
  std::vector<float> logits(vocab, -50);
  logits[vocab - 2] = 4.1F;
  logits[vocab - 1] = x;
  const auto last = static_cast<std::int32_t>(vocab) - 1;
  const float e = exp_scalar((x - 4.1F) / temperature);
  Draw draw = draw_of(kMost);
  draw.temperature = temperature;
  draw.min_p = e;
  EXPECT_EQ(run(logits, {draw})[0], last) << x << " / " << temperature;
  draw.min_p = std::nextafter(e, 2.0F);
  EXPECT_EQ(run(logits, {draw})[0], last - 1) << x << " / " << temperature;
}

TEST(Sample, TheExponentialIsExactInVectorsAndTails) {
  on_each_target([] {
    for (float x = -3; x < 4; x += 0.37F) {
      for (const float temperature : {0.3F, 0.7F, 1.0F}) {
        expect_exact_e(2, x, temperature);
        expect_exact_e(48, x, temperature);
      }
    }
  });
}

TEST(Sample, AnInfiniteLogitTakesAll) {
  on_each_target([] {
    for (const std::size_t vocab : {1, 16, 40}) {
      for (std::size_t at = 0; at < vocab; at += 5) {
        std::vector<float> logits(vocab, 3);
        logits[at] = kInf;
        EXPECT_EQ(run(logits, {Draw{}})[0], static_cast<std::int32_t>(at));
      }
    }
  });
}

TEST(Sample, LogsItsBytes) {
  const Launch got = only_launch([&](const Stream& stream) {
    run(std::vector<float>(24), {Draw{}, Draw{}, Draw{}}, stream);
  });
  EXPECT_EQ(got.kernel, "sample");
  EXPECT_EQ(got.bytes, 4 * (24 + 3));
  EXPECT_EQ(got.flops, 2 * 24);
}

TEST(Sample, RefusesBrokenLimits) {
  std::vector<float> logits(8), workspace(64);
  std::vector<std::int32_t> ids(2);
  std::vector<Draw> draws(2);
  ThreadPool pool(1);
  const SampleArgs good{.logits = logits.data(),
                        .rows = 2,
                        .vocab = 4,
                        .draws = draws.data(),
                        .ids = ids.data(),
                        .workspace = workspace.data()};
  const auto refused = [&](auto change) {
    SampleArgs args = good;
    change(args);
    EXPECT_THROW(sample(args, Stream::host(pool)), std::invalid_argument);
  };
  EXPECT_NO_THROW(sample(good, Stream::host(pool)));
  refused([](SampleArgs& a) { a.rows = -1; });
  refused([](SampleArgs& a) { a.vocab = 0; });
  refused([](SampleArgs& a) { a.vocab = (1 << 22) + 1; });
  refused([](SampleArgs& a) { a.logits = nullptr; });
  refused([](SampleArgs& a) { a.draws = nullptr; });
  refused([](SampleArgs& a) { a.ids = nullptr; });
  refused([](SampleArgs& a) { a.workspace = nullptr; });
  const auto refused_draw = [&](const Draw& draw) {
    draws[1] = draw;
    EXPECT_THROW(sample(good, Stream::host(pool)), std::invalid_argument);
  };
  const float nan = std::nanf("");
  for (const float t : {0.0F, -1.0F, nan, kInf}) refused_draw({.temperature = t});
  for (const float p : {0.0F, 1.1F, nan}) refused_draw({.top_p = p});
  for (const float p : {-0.1F, 1.1F, nan}) refused_draw({.min_p = p});
  refused_draw({.top_k = -1});
}

}  // namespace
}  // namespace moebius::kernels
