// What is wanted of rows of logits on the device, against the host's definitions: the sums of
// lm_head(), a full sort, and sample() itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/device/test_support.h"
#include "kernels/lm_head/lm_head.h"
#include "kernels/lm_head/lm_head_core.h"
#include "kernels/lm_head/lm_head_cuda.h"
#include "kernels/lm_head/top_list.h"
#include "kernels/simd/math.h"
#include "tests/support/close.h"
#include "tests/support/random.h"

namespace moebius::kernels {
namespace {

using tests::close;
using Ids = std::vector<std::int32_t>;

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Wants {
  std::int64_t rows = 0, vocab = 0, top_k = 0;
  std::vector<float> logits;
  Ids target_begin, targets, banned_begin, banned;
  std::vector<std::uint8_t> draw_kind;
  std::vector<Draw> draws;
};

struct Answers {
  std::vector<float> logits, logsumexp, target_logits, top_logits, token_logits;
  Ids top_ids, tokens;
};

Answers on_device(const Wants& w) {
  const DeviceStream owner;
  const Stream stream = owner.stream();
  const auto logits = upload(w.logits, stream);
  const auto target_begin = upload(w.target_begin, stream), targets = upload(w.targets, stream);
  const auto banned_begin = upload(w.banned_begin, stream), banned = upload(w.banned, stream);
  const auto kinds = upload(w.draw_kind, stream);
  const auto draws = upload(w.draws, stream);
  const auto logsumexp = poisoned<float>(w.rows, stream);
  const auto target_logits = poisoned<float>(w.targets.size(), stream);
  const auto top_ids = poisoned<std::int32_t>(w.rows * w.top_k, stream);
  const auto top_logits = poisoned<float>(w.rows * w.top_k, stream);
  const auto tokens = poisoned<std::int32_t>(w.rows, stream);
  const auto token_logits = poisoned<float>(w.rows, stream);
  const auto workspace =
      poisoned<std::byte>(logits_cuda_workspace_bytes(w.rows, w.vocab, w.top_k), stream);
  logits_cuda({.logits = logits.data(),
               .rows = w.rows,
               .vocab = w.vocab,
               .logsumexp = logsumexp.data(),
               .target_begin = w.targets.empty() ? nullptr : target_begin.data(),
               .targets = targets.data(),
               .target_logits = target_logits.data(),
               .top_k = w.top_k,
               .top_ids = top_ids.data(),
               .top_logits = top_logits.data(),
               .banned_begin = w.banned.empty() ? nullptr : banned_begin.data(),
               .banned = banned.data(),
               .draw_kind = w.draw_kind.empty() ? nullptr : kinds.data(),
               .draws = draws.data(),
               .tokens = tokens.data(),
               .token_logits = token_logits.data(),
               .workspace = workspace.data()},
              stream);
  return {download(logits, stream),        download(logsumexp, stream),
          download(target_logits, stream), download(top_logits, stream),
          download(token_logits, stream),  download(top_ids, stream),
          download(tokens, stream)};
}

/// Tiles merged as lm_head() does; only the logarithm's last place is the library's.
std::vector<float> logsumexps(const Wants& w) {
  std::vector<float> out;
  ThreadPool pool(1);
  pool.run(1, [&](std::int64_t, int) {
    for (std::int64_t r = 0; r < w.rows; ++r) {
      const float* x = &w.logits[r * w.vocab];
      ExpSum sum;
      for (std::int64_t i = 0; i < w.vocab; i += kVocabTile) {
        const ExpSum tile = tile_exp_sum(x + i, std::min(kVocabTile, w.vocab - i));
        const float m = std::max(sum.m, tile.m);
        sum = i == 0 ? tile
                     : ExpSum{m, std::fma(tile.s, exp_scalar(tile.m - m),
                                          sum.s * exp_scalar(sum.m - m))};
      }
      out.push_back(sum.m + log_scalar(sum.s));
    }
  });
  return out;
}

void expect_top(const Wants& w, const Answers& got) {
  for (std::int64_t r = 0; r < w.rows; ++r) {
    std::vector<std::uint64_t> keys;
    for (std::int64_t i = 0; i < w.vocab; ++i) {
      keys.push_back(top_key(w.logits[r * w.vocab + i], static_cast<std::int32_t>(i)));
    }
    std::partial_sort(keys.begin(), keys.begin() + w.top_k, keys.end(), std::greater<>());
    for (std::int64_t k = 0; k < w.top_k; ++k) {
      const std::int64_t at = r * w.top_k + k;
      ASSERT_EQ(got.top_ids[at], top_id(keys[k])) << "row " << r << ", best " << k;
      const float want = top_logit(keys[k]);
      ASSERT_TRUE(got.top_logits[at] == want ||
                  (std::isnan(want) && std::isnan(got.top_logits[at])));
    }
  }
}

/// Logits after the bans.
std::vector<float> banned_logits(const Wants& w) {
  std::vector<float> logits = w.logits;
  for (std::int64_t r = 0; r < w.rows && !w.banned.empty(); ++r) {
    for (std::int32_t i = w.banned_begin[r]; i < w.banned_begin[r + 1]; ++i) {
      logits[r * w.vocab + w.banned[i]] = -kInf;
    }
  }
  return logits;
}

std::int32_t greedy(const float* x, std::int64_t vocab) {
  std::int32_t best = -1;
  for (std::int64_t i = 0; i < vocab; ++i) {
    if (x[i] > (best < 0 ? -kInf : x[best])) best = static_cast<std::int32_t>(i);
  }
  return best;
}

Ids tokens_of(const Wants& w, const std::vector<float>& logits) {
  ThreadPool pool(0);
  const Stream stream = Stream::host(pool);
  Ids drawn(w.rows);
  SampleArgs args{.logits = logits.data(),
                  .rows = w.rows,
                  .vocab = w.vocab,
                  .draws = w.draws.data(),
                  .ids = drawn.data()};
  std::vector<std::byte> workspace(sample_workspace_bytes(args, stream));
  args.workspace = workspace.data();
  sample(args, stream);
  for (std::int64_t r = 0; r < w.rows; ++r) {
    if (w.draw_kind[r] == 0) drawn[r] = -1;
    if (w.draw_kind[r] == 1) drawn[r] = greedy(&logits[r * w.vocab], w.vocab);
  }
  return drawn;
}

void expect_definitions(const Wants& w) {
  SCOPED_TRACE(testing::Message() << w.rows << " x " << w.vocab << ", top " << w.top_k);
  const Answers got = on_device(w);
  const std::vector<float> want = logsumexps(w);
  for (std::int64_t r = 0; r < w.rows; ++r) {
    if (std::isnan(want[r])) {
      EXPECT_TRUE(std::isnan(got.logsumexp[r])) << r;
    } else {
      EXPECT_TRUE(close(got.logsumexp[r], want[r], {.rel = 0x1p-23F}))
          << r << ": " << got.logsumexp[r] << ", " << want[r];
    }
  }
  for (std::int64_t r = 0; r < w.rows && !w.targets.empty(); ++r) {
    for (std::int32_t i = w.target_begin[r]; i < w.target_begin[r + 1]; ++i) {
      const float want_logit = w.logits[r * w.vocab + w.targets[i]];
      EXPECT_TRUE(got.target_logits[i] == want_logit ||
                  (std::isnan(want_logit) && std::isnan(got.target_logits[i])))
          << "target " << i << ": " << got.target_logits[i] << ", " << want_logit;
    }
  }
  expect_top(w, got);
  const std::vector<float> banned = banned_logits(w);
  for (std::size_t i = 0; i < banned.size(); ++i) {
    ASSERT_TRUE(got.logits[i] == banned[i] || (std::isnan(banned[i]) && std::isnan(got.logits[i])));
  }
  if (w.draw_kind.empty()) return;
  const Ids tokens = tokens_of(w, banned);
  EXPECT_EQ(got.tokens, tokens);
  for (std::int64_t r = 0; r < w.rows; ++r) {
    EXPECT_EQ(got.token_logits[r], tokens[r] < 0 ? -kInf : banned[r * w.vocab + tokens[r]]) << r;
  }
}

/// Random rows with all that can be wanted of them.
Wants wants(std::int64_t rows, std::int64_t vocab, std::int64_t top_k, std::uint64_t seed) {
  tests::Random random(seed);
  Wants w{.rows = rows, .vocab = vocab, .top_k = std::min(top_k, vocab)};
  w.logits.resize(rows * vocab);
  for (auto& x : w.logits) {  // a sum of uniforms: a normal's shape, cheaply
    const std::uint64_t bits = random.next();
    const auto part = [&](int shift) { return static_cast<float>(bits >> shift & 0xFFFF); };
    x = (part(0) + part(16) + part(32) + part(48) - 131070.0F) * 0x1p-14F;
  }
  w.target_begin = w.banned_begin = {0};
  const float temperatures[] = {0.6F, 1, 0.1F, 2.5F, 1e-3F, 100};
  const float top_ps[] = {1, 0.95F, 0.5F, 1e-6F, 0.999999F};
  const float min_ps[] = {0, 0, 0.05F, 1, 1e-4F};
  const std::int32_t top_ks[] = {0, 0, 50, 1, 1000, 1 << 30, 3};
  const auto any = [&](const auto& list) {
    return list[random.integer(0, static_cast<std::int64_t>(std::size(list)) - 1)];
  };
  const auto id = [&] { return static_cast<std::int32_t>(random.integer(0, vocab - 1)); };
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < r % 4; ++i) w.targets.push_back(id());
    for (std::int64_t i = 0; i < (r * 5) % 7 * 30; ++i) w.banned.push_back(id());
    w.target_begin.push_back(static_cast<std::int32_t>(w.targets.size()));
    w.banned_begin.push_back(static_cast<std::int32_t>(w.banned.size()));
    w.draw_kind.push_back(static_cast<std::uint8_t>(r % 8 == 7 ? 0 : r % 8 == 6 ? 1 : 2));
    w.draws.push_back({.temperature = any(temperatures),
                       .top_p = any(top_ps),
                       .min_p = any(min_ps),
                       .top_k = any(top_ks),
                       .seed = random.next(),
                       .sample = random.next() % 1000,
                       .position = random.next() % 100000});
  }
  return w;
}

TEST(LogitsCuda, SmallVocabularies) {
  MOEBIUS_NEEDS_GPU();
  std::uint64_t seed = tests::seed_or(51);
  for (const std::int64_t vocab : {1, 5, 512, 1023, 1536, 8193}) {
    for (const std::int64_t rows : {0, 1, 7, 64}) {
      expect_definitions(wants(rows, vocab, 20, ++seed));
    }
  }
  expect_definitions(wants(64, 1536, 1024, ++seed));
  expect_definitions(wants(1000, 1536, 0, ++seed));
}

TEST(LogitsCuda, ModelVocabularies) {
  MOEBIUS_NEEDS_GPU();
  std::uint64_t seed = tests::seed_or(52);
  for (const std::int64_t vocab : {102400, 129280, 151936, 50257}) {
    expect_definitions(wants(48, vocab, vocab == 102400 ? 1024 : 5, ++seed));
  }
}

TEST(LogitsCuda, VocabulariesBeyondSharedMemory) {
  MOEBIUS_NEEDS_GPU();
  expect_definitions(wants(3, 500'000, 7, tests::seed_or(53)));
}

// Few levels: whole crowds of equals at every threshold, which the lower ids win.
TEST(LogitsCuda, TiesNanAndInfinities) {
  MOEBIUS_NEEDS_GPU();
  const std::uint64_t seed = tests::seed_or(54);
  for (const std::int64_t vocab : {1536, 20000}) {
    Wants w = wants(64, vocab, 100, seed);
    for (std::int64_t r = 0; r < w.rows; ++r) {
      float* x = &w.logits[r * vocab];
      for (std::int64_t i = 0; i < vocab; ++i) {
        x[i] = std::floor(x[i]);
        if (r % 5 == 1 && i % 7 == 0) x[i] = -kInf;
        if (r % 5 == 2 && i % 11 == 0) x[i] = std::nanf("");
        if (r % 5 == 3) x[i] = i % 2 == 0 ? 0.0F : -0.0F;
        if (r == 24) x[i] = -kInf;
        if (r == 29) x[i] = std::nanf("");
      }
    }
    expect_definitions(w);
  }
}

TEST(LogitsCuda, ManySeedsDrawTheHostsTokens) {
  MOEBIUS_NEEDS_GPU();
  Wants w = wants(1024, 1536, 0, tests::seed_or(55));
  for (std::int64_t r = 1; r < w.rows; ++r) {  // one row's logits, a thousand seeds
    std::copy_n(w.logits.begin(), w.vocab, w.logits.begin() + r * w.vocab);
    w.draw_kind[r] = 2;
  }
  expect_definitions(w);
}

TEST(LogitsCuda, ScoringAlone) {
  MOEBIUS_NEEDS_GPU();
  std::uint64_t seed = tests::seed_or(57);
  for (const std::int64_t vocab : {1, 1023, 1536, 102400}) {
    for (const std::int64_t rows : {1, 7, 64}) {
      Wants w = wants(rows, vocab, 0, ++seed);
      w.draw_kind.clear();
      w.banned.clear();
      expect_definitions(w);
    }
  }
}

TEST(LogitsCuda, ARowAloneHasTheBitsItHasInCompany) {
  MOEBIUS_NEEDS_GPU();
  const Wants all = wants(64, 102400, 5, tests::seed_or(56));
  const Answers want = on_device(all);
  for (const std::int64_t row : {0, 21, 63}) {
    Wants one{.rows = 1, .vocab = all.vocab, .top_k = 5};
    one.logits.assign(all.logits.begin() + row * all.vocab,
                      all.logits.begin() + (row + 1) * all.vocab);
    const Answers got = on_device(one);
    EXPECT_EQ(got.logsumexp[0], want.logsumexp[row]);
    EXPECT_EQ(got.top_ids[4], want.top_ids[row * 5 + 4]);
  }
}

}  // namespace
}  // namespace moebius::kernels
