// moebius eval on GPUs, end to end on the embedded model: interrupts, kills and lost devices cost
// no answer and change no bit, nor does a second device. Needs a GPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <random>

#include "kernels/device/test_support.h"
#include "tests/e2e/eval.h"

namespace moebius::tests {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

/// A run that nobody disturbed.
struct Whole {
  std::vector<json> samples;
  int ms = 0;  // that its process took
};

class EvalGpu : public EvalTest {
 protected:
  EvalGpu() : EvalTest({"--device", "cuda"}) {}
  void SetUp() override { MOEBIUS_NEEDS_GPU(); }

  /// Scored and generated answers, without code to run.
  static std::vector<std::string> questions(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"--tasks", "mini-mmlu:5-shot,mini-math,mini-aime",
                                          "--limit", "150"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  /// Of questions(); made by the first test that asks.
  const Whole& whole() const {
    static const Whole made = [this] {
      const auto start = Clock::now();
      const ProcessResult result = moebius(eval(questions(), "whole.sqlite"));
      EXPECT_EQ(result.exit_code, 0) << result.err;
      Whole run;
      run.ms = static_cast<int>(
          std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count());
      run.samples = samples("whole.sqlite");
      EXPECT_EQ(run.samples.size(), 450U);
      for (const json& sample : run.samples) EXPECT_FALSE(sample.contains("failure")) << sample;
      return run;
    }();
    return made;
  }

  /// The samples of a run that was cut short, each of them as whole() has it; none if it was cut
  /// before there was a run.
  std::vector<json> kept(const std::string& store) const {
    const std::string path = directory_.file(store);
    if (moebius({"runs", "show", "last", "--store", path}).exit_code != 0) return {};
    std::vector<json> found = samples(store);
    for (const json& sample : found) {
      EXPECT_EQ(std::count(whole().samples.begin(), whole().samples.end(), sample), 1) << sample;
    }
    return found;
  }

  /// The same command once more, undisturbed, ends where whole() did.
  void expect_finishes(const std::string& store) const {
    const ProcessResult rest = moebius(eval(questions(), store));
    ASSERT_EQ(rest.exit_code, 0) << rest.err;
    EXPECT_EQ(samples(store), whole().samples) << store;
  }

  /// With a device that is lost in step `step`; `more` are options.
  ProcessResult eval_faulty(int step, const std::string& store,
                            const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command = {
        "/usr/bin/env", "MOEBIUS_TEST_DEVICE_FAULT=" + std::to_string(step), binary()};
    const std::vector<std::string> arguments = eval(questions(more), store);
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_process(command);
  }

  std::string state_of_last_run(const std::string& store) const {
    const auto runs =
        json_lines(moebius({"runs", "list", "--json", "--store", directory_.file(store)}));
    return runs.empty() ? "none" : runs.back().at("state").get<std::string>();
  }
};

/// One line that names the device and what failed there, one that says how to go on, exit code 4.
void expect_lost_device(const ProcessResult& result) {
  EXPECT_EQ(result.exit_code, 4) << result.err;
  EXPECT_EQ(result.out, "");
  int named = 0;
  int advised = 0;
  for (const std::string& line : lines_of(result.err)) {
    if (line.starts_with("moebius: GPU ") && line.find("(cudaError") != std::string::npos) ++named;
    if (line.find("the same command goes on") != std::string::npos) ++advised;
  }
  EXPECT_EQ(named, 1) << result.err;
  EXPECT_EQ(advised, 1) << result.err;
}

TEST_F(EvalGpu, AnInterruptLosesNothing) {
  // Earlier and earlier, until it comes before the end.
  for (int after = whole().ms * 9 / 10, attempt = 0; attempt < 12; after = after * 5 / 6) {
    const std::string store = "cut" + std::to_string(attempt++) + ".sqlite";
    const ProcessResult cut = moebius(eval(questions(), store), {.interrupt_after_ms = after});
    if (cut.exit_code == 0) continue;
    ASSERT_EQ(cut.exit_code, 130) << cut.err;
    EXPECT_EQ(cut.out, "");
    const std::size_t count = kept(store).size();
    if (count == whole().samples.size()) continue;
    ASSERT_GT(count, 0U) << "interrupted after " << after << " ms: nothing was kept";
    EXPECT_EQ(state_of_last_run(store), "incomplete");
    return expect_finishes(store);
  }
  FAIL() << "never interrupted in the middle";
}

TEST_F(EvalGpu, KilledAtAnyMomentAndResumed) {
  std::mt19937_64 random(20261122);
  int killed = 0;
  for (int store = 0; store < 2; ++store) {
    const std::string name = "killed" + std::to_string(store) + ".sqlite";
    for (int kill = 0; kill < 2; ++kill) {
      const int after = whole().ms / 4 + static_cast<int>(random() % (whole().ms / 2));
      const ProcessResult result =
          moebius(eval(questions(), name), {.interrupt_after_ms = after, .signal = SIGKILL});
      if (result.exit_code == 0) break;
      ASSERT_EQ(result.exit_code, 128 + SIGKILL) << result.err;
      ++killed;
      kept(name);
    }
    expect_finishes(name);
  }
  EXPECT_GE(killed, 2);
}

TEST_F(EvalGpu, ALostDeviceLosesNoAnswer) {
  std::size_t before = 0;
  for (const int step : {120, 40, 1}) {
    expect_lost_device(eval_faulty(step, "lost.sqlite"));
    EXPECT_EQ(state_of_last_run("lost.sqlite"), "incomplete");
    const std::size_t count = kept("lost.sqlite").size();
    EXPECT_GE(count, before);
    EXPECT_LT(count, whole().samples.size());
    before = count;
  }
  EXPECT_GT(before, 0U) << "always lost before the first answer";
  expect_finishes("lost.sqlite");
}

TEST_F(EvalGpu, ALostDeviceEndsAProfiledRunToo) {
  const ProcessResult result = eval_faulty(60, "profiled.sqlite", {"--profile"});
  if (result.err.find("libcupti") != std::string::npos) GTEST_SKIP() << result.err;
  expect_lost_device(result);
  expect_finishes("profiled.sqlite");
}

TEST_F(EvalGpu, TwoDevicesAnswerAsOne) {
  if (kernels::device_count() < 2) GTEST_SKIP() << "one GPU is visible, this needs two";
  const ProcessResult two = moebius(eval(questions({"--devices", "2"}), "two.sqlite"));
  ASSERT_EQ(two.exit_code, 0) << two.err;
  EXPECT_EQ(samples("two.sqlite"), whole().samples);
}

TEST_F(EvalGpu, OneOfTwoDevicesLostEndsTheRun) {
  if (kernels::device_count() < 2) GTEST_SKIP() << "one GPU is visible, this needs two";
  expect_lost_device(eval_faulty(100, "half.sqlite", {"--devices", "2"}));
  EXPECT_LT(kept("half.sqlite").size(), whole().samples.size());
  expect_finishes("half.sqlite");
}

TEST_F(EvalGpu, TheProfileExplainsTheTime) {
  const ProcessResult result = moebius(eval(questions({"--profile"}), "profile.sqlite"));
  if (result.err.find("libcupti") != std::string::npos) GTEST_SKIP() << result.err;
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(samples("profile.sqlite"), whole().samples) << "it changes no answer";
  const json profile = json_lines(moebius({"profile", "last", "--json", "--store",
                                           directory_.file("profile.sqlite")}))
                           .at(0);
  EXPECT_NE(profile.at("device"), "cpu");
  EXPECT_EQ(profile.at("lost"), 0);
  // What a kernel was for is known by the name that its launch declared; symbols begin like this.
  double named_ns = 0;
  for (const json& kernel : profile.at("kernels")) {
    const auto name = kernel.at("kernel").get<std::string>();
    if (!name.starts_with("_Z")) named_ns += kernel.at("ns").get<double>();
  }
  EXPECT_GT(profile.at("busy_ns"), 0);
  EXPECT_GE(named_ns, 0.95 * profile.at("busy_ns").get<double>()) << profile;
}

TEST_F(EvalGpu, SaysWhatIsMissing) {
  std::vector<std::string> blind = {"/usr/bin/env", "CUDA_VISIBLE_DEVICES=", binary()};
  const std::vector<std::string> arguments = eval(questions(), "none.sqlite");
  blind.insert(blind.end(), arguments.begin(), arguments.end());
  expect_refused(run_process(blind), "expected a GPU with its driver, found none");
  expect_refused(moebius(eval(questions({"--devices", "64"}), "none.sqlite")), "found 64");
  // All layers of a model whose weights no single GPU holds.
  expect_refused(
      moebius({"bench", "engine", "--shape", "v3-slice", "--layers", "61", "--device", "cuda"}),
      "GPU memory: weights of ");
  EXPECT_NE(moebius({"runs", "list", "--store", directory_.file("none.sqlite")}).exit_code, 0);
}

}  // namespace
}  // namespace moebius::tests
