// The two-process protocol and the drivers, on plain processes: what needs no isolation to show.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "scorers/code/testing/cases.h"
#include "scorers/code/testing/fake_sandbox.h"

namespace moebius::scorers::code {
namespace {

const auto kBox = make_fake_sandbox();

Score he(const std::string& asserts, const std::string& program, const std::string& helpers = "") {
  return judge_humaneval(small_problem(asserts, helpers), program, kBox);
}

void expect(const Score& score, Verdict verdict) {
  EXPECT_STREQ(verdict_name(score.verdict), verdict_name(verdict)) << score.reason;
  EXPECT_EQ(score.value, score.verdict == Verdict::kPass ? 1 : 0);
}

TEST(HumanEvalProtocol, PassAndWrong) {
  expect(he("    assert candidate(1) == 2\n", "def f(x):\n    return x + 1\n"), Verdict::kPass);
  expect(he("    assert candidate(1) == 2\n", "def f(x):\n    return x\n"), Verdict::kWrong);
}

TEST(HumanEvalProtocol, TheTestMayCallTheEntryPointByName) {
  expect(he("    assert candidate(1) == f(1)\n", "def f(x):\n    return x\n"), Verdict::kPass);
}

TEST(HumanEvalProtocol, HelpersComeFromThePrompt) {
  const std::string helper = "def twice(x):\n    return 2 * x\n\n";
  const std::string test = "    assert candidate(1) == twice(1)\n";
  expect(he(test, helper + "def f(x):\n    return x + x\n", helper), Verdict::kPass);
  expect(he(test, "def twice(x): return 7\ndef f(x): return 7\n", helper), Verdict::kWrong);
  // Not defined by the program, so not there for the test either, as in the original.
  const Score missing = he(test, "def f(x):\n    return x + x\n", helper);
  expect(missing, Verdict::kWrong);
  EXPECT_NE(missing.reason.find("NameError"), std::string::npos) << missing.reason;
}

TEST(HumanEvalProtocol, ExceptionsCrossWithTheirType) {
  const std::string test =
      "    try:\n        candidate(1)\n    except KeyError:\n        return\n"
      "    assert False\n";
  expect(he(test, "class Own(KeyError): pass\ndef f(x):\n    raise Own('k')\n"), Verdict::kPass);
  const Score other = he(test, "def f(x):\n    return [][1]\n");
  expect(other, Verdict::kRuntimeError);
  EXPECT_EQ(other.reason, "IndexError: list index out of range");
}

TEST(HumanEvalProtocol, ArgumentsAreCopies) {
  expect(he("    a = [3, 1]\n    candidate(a)\n    assert a == [3, 1]\n",
            "def f(x):\n    x.sort()\n    return x\n"),
         Verdict::kPass);
}

TEST(HumanEvalProtocol, KeywordArguments) {
  expect(he("    assert candidate(1, k={'a': (1, 2)}) == {'a': (1, 2)}\n",
            "def f(x, k):\n    return k\n"),
         Verdict::kPass);
}

TEST(HumanEvalProtocol, LoadFailures) {
  const std::string test = "    assert candidate(1) == 1\n";
  expect(he(test, "def f(x:\n"), Verdict::kSyntaxError);
  expect(he(test, "import nothing_of_that_name\ndef f(x): return x\n"), Verdict::kRuntimeError);
  expect(he(test, "def g(x): return x\n"), Verdict::kRuntimeError);
  expect(he(test, "   "), Verdict::kNoAnswer);
}

TEST(HumanEvalProtocol, DatasetFaultsAreOurs) {
  EXPECT_THROW(he("    pass\n", "def f(x): return x\n"), Error);
  EXPECT_THROW(he("    assert candidate(1\n", "def f(x): return x\n"), Error);
  EXPECT_THROW(he("    assert candidate(object()) is None\n", "def f(x): return None\n"), Error);
}

TEST(HumanEvalProtocol, OriginalGuard) {
  const std::string test = "    assert candidate() == 1\n";
  const Score popen =
      he(test, "def f():\n    import subprocess\n    subprocess.check_output('ls')\n");
  EXPECT_EQ(popen.reason, "TypeError: 'NoneType' object is not callable");
  expect(he(test, "def f():\n    return input('a number')\n"), Verdict::kRuntimeError);
  expect(he(test, "def f():\n    exit()\n"), Verdict::kRuntimeError);
  expect(he(test, "def f():\n    print('x' * 100000)\n    return 1\n"), Verdict::kPass);
}

TEST(HumanEvalProtocol, TruthOfObjectsCrosses) {
  expect(he("    assert candidate('<>')\n    assert not candidate('<')\n",
            "import re\ndef f(s):\n    return re.fullmatch('<>', s)\n"),
         Verdict::kPass);
  expect(
      he("    assert tuple(candidate(3)) == (0, 1, 2)\n", "def f(n):\n    yield from range(n)\n"),
      Verdict::kPass);
  expect(he("    assert candidate(3) == [0, 1, 2]\n", "def f(n):\n    yield from range(n)\n"),
         Verdict::kWrong);
}

TEST(HumanEvalProtocol, ThinkUnclosed) {
  const ScorerPtr scorer = make_humaneval_scorer(small_problem("    assert candidate(1) == 1\n"),
                                                 CodeExtraction::kWholeProgram, false, kBox);
  expect(scorer->score({.text = "<think>def f(x): return x"}), Verdict::kThinkUnclosed);
  expect(scorer->score({.text = "<think>hm</think>def f(x): return x"}), Verdict::kPass);
}

/// A file that is not there yet, and gone at the end.
class Mark {
 public:
  explicit Mark(const std::string& name)
      : path_(::testing::TempDir() + "moebius_" + name + "_" + std::to_string(::getpid())) {
    std::remove(path_.c_str());
  }
  ~Mark() { std::remove(path_.c_str()); }
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A program that is killed from outside, as far as anyone can tell, when it first runs: `then`
/// after that.
std::string killed_once(const std::string& mark, const std::string& then) {
  return "import os, signal\nif not os.path.exists('" + mark + "'):\n    open('" + mark +
         "', 'w').close()\n    signal.raise_signal(signal.SIGKILL)\n" + then;
}

TEST(HumanEvalProtocol, AKillFromOutsideIsNoVerdict) {
  const Mark mark("humaneval_killed");
  expect(he("    assert candidate(1) == 2\n",
            killed_once(mark.path(), "def f(x):\n    return x + 1\n")),
         Verdict::kPass);
  const Score again = he("    assert candidate(1) == 2\n",
                         "import signal\ndef f(x):\n    signal.raise_signal(9)\n");
  expect(again, Verdict::kRuntimeError);
  EXPECT_EQ(again.reason, "killed by signal 9");
}

Score lcb(const std::string& program, const std::string& fn, std::vector<ProgramTest> tests,
          LiveCodeBenchMode mode) {
  return judge_livecodebench(program, fn, std::move(tests), mode, kBox);
}

TEST(LiveCodeBench, BothModes) {
  for (const auto mode : {LiveCodeBenchMode::kSubprocess, LiveCodeBenchMode::kOfficial}) {
    expect(lcb("print(int(input()) * 2)", "", {{"3\n", "6\n"}, {"4\n", "8\n"}}, mode),
           Verdict::kPass);
    const Score wrong = lcb("print(6)", "", {{"3\n", "6\n"}, {"4\n", "8\n"}}, mode);
    expect(wrong, Verdict::kWrong);
    EXPECT_EQ(wrong.tests.size(), 2u);
    expect(lcb("print(1", "", {{"", "1"}}, mode), Verdict::kSyntaxError);
    expect(lcb("print(1)\nraise ValueError('no')", "", {{"", "1"}}, mode), Verdict::kRuntimeError);
    expect(lcb("print(gcd(4, 6))\nexit(1)", "", {{"", "2"}}, mode), Verdict::kPass);
    expect(lcb("class Solution:\n    def f(self, a): return tuple(a)", "f", {{"[1, 2]", "[1, 2]"}},
               mode),
           Verdict::kPass);
    expect(lcb("def f(a, b): return a - b", "f", {{"5\n3", "2"}, {"1\n1", "1"}}, mode),
           Verdict::kWrong);
    expect(lcb("def g(a): return a", "f", {{"5", "5"}}, mode), Verdict::kRuntimeError);
    EXPECT_THROW(lcb("def f(a): return a", "f", {{"5 6", "5"}}, mode), Error);
    EXPECT_THROW(lcb("def f(a): return a", "f", {{"5", "5]"}}, mode), Error);
  }
}

TEST(LiveCodeBench, AKillFromOutsideIsNoVerdict) {
  for (const auto mode : {LiveCodeBenchMode::kSubprocess, LiveCodeBenchMode::kOfficial}) {
    const Mark mark("livecodebench_killed");
    expect(lcb(killed_once(mark.path(), "print(1)"), "", {{"", "1"}}, mode), Verdict::kPass);
    expect(lcb("import signal\nsignal.raise_signal(9)", "", {{"", "1"}}, mode),
           Verdict::kRuntimeError);
  }
}

TEST(LiveCodeBench, ModesDifferWhereTheOriginalIsWrong) {
  const std::string iterates = "import sys\nprint(sum(int(l) for l in sys.stdin))";
  const std::vector<ProgramTest> tests{{"1\n2\n", "3\n"}};
  expect(lcb(iterates, "", tests, LiveCodeBenchMode::kSubprocess), Verdict::kPass);
  expect(lcb(iterates, "", tests, LiveCodeBenchMode::kOfficial), Verdict::kRuntimeError);
}

TEST(LiveCodeBench, ExtractionOfAnswers) {
  auto problem = std::make_shared<LiveCodeBenchProblem>();
  problem->tests = {{"", "1\n"}};
  const ScorerPtr scorer =
      make_livecodebench_scorer(problem, LiveCodeBenchMode::kSubprocess, false, false, false, kBox);
  expect(scorer->score({.text = "```python\nprint(1)\n```"}), Verdict::kPass);
  expect(scorer->score({.text = "print(1)"}), Verdict::kNoAnswer);
  expect(scorer->score({.text = "<think> ```\nprint(1)\n```"}), Verdict::kThinkUnclosed);
}

}  // namespace
}  // namespace moebius::scorers::code
