// The self-test passes for an engine that keeps its promise and notices each way to break it.
#include "runner/verify_determinism.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "tests/support/fake_engine.h"

namespace moebius::runner {
namespace {

using engine::LocalOptions;

/// An engine whose logits lean by what `lean` makes of options and batch size.
EngineFactory factory(std::function<float(const LocalOptions&, std::size_t)> lean) {
  return [lean = std::move(lean)](const LocalOptions& options) {
    auto engine = std::make_unique<tests::FakeEngine>();
    engine->noise = [lean, options](std::size_t batch) { return lean(options, batch); };
    return engine;
  };
}

std::set<std::string> failed(const DeterminismReport& report) {
  std::set<std::string> names;
  for (const VariantReport& variant : report.variants) {
    if (!variant.pass()) names.insert(variant.name);
  }
  return names;
}

constexpr float kSmall = 1e-5F;

TEST(VerifyDeterminism, HonestEnginePasses) {
  const auto report =
      verify_determinism(factory([](const LocalOptions&, std::size_t) { return 0.0F; }), {});
  EXPECT_TRUE(report.pass());
  EXPECT_EQ(report.lengths, (std::vector<std::int32_t>{5, 64, 65, 150, 600, 150}));
  EXPECT_EQ(report.requests, 18);
  EXPECT_GE(report.variants.size(), 18U);
  for (const VariantReport& variant : report.variants)
    EXPECT_GT(variant.values, 90) << variant.name;
}

TEST(VerifyDeterminism, NoticesBatchSizes) {
  for (const std::size_t size : {2, 7, 64}) {
    const auto report = verify_determinism(
        factory([size](const LocalOptions&, std::size_t n) { return n == size ? kSmall : 0; }), {});
    EXPECT_FALSE(report.pass());
    EXPECT_TRUE(failed(report).contains("batch of " + std::to_string(size)));
    EXPECT_FALSE(failed(report).contains("batch of 1"));
  }
}

TEST(VerifyDeterminism, RunsTheBatchesThatAreAskedFor) {
  const auto load =
      factory([](const LocalOptions&, std::size_t n) { return n == 256 ? kSmall : 0; });
  EXPECT_TRUE(verify_determinism(load, {}).pass());
  EXPECT_EQ(failed(verify_determinism(load, {.batches = {3, 256}})),
            std::set<std::string>{"batch of 256"});
}

TEST(VerifyDeterminism, NoticesOptions) {
  const auto fails = [](std::function<bool(const LocalOptions&)> when) {
    return failed(verify_determinism(
        factory([=](const LocalOptions& o, std::size_t) { return when(o) ? kSmall : 0; }), {}));
  };
  using Names = std::set<std::string>;
  EXPECT_EQ(fails([](const LocalOptions& o) { return o.prefill_chunk == 1; }),
            Names{"prefill chunks of 1"});
  EXPECT_EQ(fails([](const LocalOptions& o) { return o.prefill_chunk == 7; }),
            (Names{"prefill chunks of 7", "2 threads, chunks of 7"}));
  EXPECT_EQ(fails([](const LocalOptions& o) { return o.prefill_chunk == 64; }),
            Names{"prefill chunks of 64"});
  EXPECT_EQ(fails([](const LocalOptions& o) { return o.threads == 2; }),
            (Names{"2 threads", "2 threads, chunks of 7"}));
  EXPECT_EQ(fails([](const LocalOptions& o) { return o.max_batch_rows == 16; }),
            Names{"steps of 16 rows"});
  EXPECT_EQ(fails([](const LocalOptions& o) { return o.share_prefixes; }),
            (Names{"prefixes shared", "prefixes shared, again",
                   "generated, then scored, prefixes shared"}));
}

TEST(VerifyDeterminism, NoticesDevices) {
  const auto run = [](int devices) {
    const auto load =
        factory([](const LocalOptions& o, std::size_t) { return o.devices == 2 ? kSmall : 0; });
    return verify_determinism(load, {.devices = devices});
  };
  EXPECT_TRUE(run(1).pass()) << "one device is not asked of two";
  EXPECT_EQ(failed(run(2)),
            (std::set<std::string>{"2 devices", "2 devices, reverse order",
                                   "2 devices, batch of 64", "2 devices, prefixes shared"}));
  EXPECT_TRUE(run(3).pass());
  EXPECT_EQ(run(3).variants.size(), run(1).variants.size() + 4);
}

TEST(VerifyDeterminism, NoticesWhatIsNotANumberThoughItsBitsAgree) {
  const auto report = verify_determinism(factory([](const LocalOptions&, std::size_t) {
                                           return std::numeric_limits<float>::quiet_NaN();
                                         }),
                                         {});
  EXPECT_FALSE(report.pass());
  EXPECT_GT(report.variants.front().not_finite, 0);
  EXPECT_EQ(report.variants.front().differences, 0);
}

TEST(VerifyDeterminism, NothingComparedIsNoPass) {
  EXPECT_FALSE(DeterminismReport().pass());
  EXPECT_FALSE(VariantReport().pass());
}

}  // namespace
}  // namespace moebius::runner
