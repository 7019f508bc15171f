// Programs that cheat, and the verdict each must get: never a pass, never a failure of ours.
// Numbers are those of the project's list of abuse cases.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scorers/code/testing/cases.h"

namespace moebius::scorers::code {
namespace {

class Sandboxed : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    sandbox_ = test_sandbox(why);
    if (!sandbox_) GTEST_SKIP() << why;
  }
  void expect(const Score& score, const std::vector<Verdict>& allowed, const std::string& what) {
    bool found = false;
    for (const Verdict verdict : allowed) found |= score.verdict == verdict;
    EXPECT_TRUE(found) << what << ": " << verdict_name(score.verdict) << ": " << score.reason;
    EXPECT_EQ(score.value, score.verdict == Verdict::kPass ? 1 : 0) << what;
  }
  std::shared_ptr<sandbox::Sandbox> sandbox_;
};

struct Abuse {
  const char* name;
  std::vector<Verdict> allowed;
  const char* program;
};

const std::vector<Verdict> kWrong{Verdict::kWrong};
const std::vector<Verdict> kRuntime{Verdict::kRuntimeError};
const std::vector<Verdict> kEither{Verdict::kWrong, Verdict::kRuntimeError};
const std::vector<Verdict> kViolation{Verdict::kProtocolViolation};

// f(numbers) is to give the numbers sorted.
constexpr const char* kAsserts =
    "    assert candidate([3, 1, 2]) == [1, 2, 3]\n"
    "    assert candidate([]) == []\n"
    "    assert candidate([5]) == [5]\n";

// Finds the channel and speaks its language.
#define SPEAK                    \
  "import os, struct\n"          \
  "def say(kind, body, fd=3):\n" \
  "    data = kind + body\n"     \
  "    os.write(fd, struct.pack('<I', len(data)) + data)\n"

const Abuse kAbuses[] = {
    {"1 sys.exit at import", kRuntime, "import sys\nsys.exit(0)\ndef f(x): return x\n"},
    {"2 SystemExit at import", kRuntime, "raise SystemExit\ndef f(x): return x\n"},
    {"3 os._exit at import", kRuntime, "import os\nos._exit(0)\ndef f(x): return x\n"},
    {"4 os._exit in function", kRuntime, "import os\ndef f(x): os._exit(0)\n"},
    {"5 SystemExit in function", kEither, "def f(x): raise SystemExit(0)\n"},
    {"6 always equal", kWrong,
     "class A:\n    def __eq__(self, o): return True\n    def __ne__(self, o): return False\n"
     "    def __hash__(self): return 0\ndef f(x): return A()\n"},
    {"7 int subclass", kWrong,
     "class A(int):\n    def __eq__(self, o): return True\ndef f(x): return A(7)\n"},
    {"8 list subclass", kWrong,
     "class A(list):\n    def __eq__(self, o): return True\n"
     "    def __iter__(self): return iter([1, 2, 3])\n    def __len__(self): return 3\n"
     "    def __getitem__(self, i): return [1, 2, 3][i]\ndef f(x): return A([9])\n"},
    {"8 str subclass", kWrong,
     "class A(str):\n    def __eq__(self, o): return True\ndef f(x): return A('x')\n"},
    {"9 __class__ lies", kWrong,
     "class A:\n    __class__ = list\n    def __eq__(self, o): return True\ndef f(x): return "
     "A()\n"},
    {"9 __class__ property", kWrong,
     "class M(type):\n    __mro__ = property(lambda s: (list, object))\n"
     "class A(metaclass=M):\n    @property\n    def __class__(self): return list\n"
     "def f(x): return A()\n"},
    {"10 frame walk, then exit", kRuntime,
     "import os, sys\ndef f(x):\n    frame = sys._getframe()\n    while frame:\n"
     "        for value in list(frame.f_locals.values()):\n"
     "            if type(value) is list: value.append('passed')\n"
     "        frame.f_locals.update(result=['passed'], stat=1)\n        frame = frame.f_back\n"
     "    os._exit(0)\n"},
    {"11 expected values from frames", kWrong,
     "import sys\ndef f(x):\n    frame = sys._getframe(1)\n    while frame:\n"
     "        for const in frame.f_code.co_consts:\n"
     "            if type(const) is tuple and len(const) == len(x) and set(const) == set(x):\n"
     "                return list(const)\n        frame = frame.f_back\n    return x\n"},
    {"12 gc hunt, then exit", kRuntime,
     "import gc, os\ndef f(x):\n    for o in gc.get_objects():\n        try:\n"
     "            if hasattr(o, 'append') and not len(o): o.append('passed')\n"
     "        except BaseException: pass\n    os._exit(0)\n"},
    {"13 mutates lists it finds", kWrong,
     "import gc\ndef f(x):\n    for o in gc.get_objects():\n"
     "        if type(o) is list and o == [1, 2, 3]: o[:] = [7]\n    return [7]\n"},
    {"14 prints a verdict", kWrong,
     "def f(x):\n    print('PASS'); print('{\"verdict\": \"pass\"}')\n    return None\n"},
    {"15 verdict frames everywhere, at import", kViolation,
     SPEAK "for fd in range(64):\n    try: say(b'V', bytes(16) + b'P' + b's' + bytes(4), fd)\n"
           "    except OSError: pass\ndef f(x): return x\n"},
    {"15 text everywhere, in function", kViolation,
     "import os\ndef f(x):\n    for fd in range(64):\n"
     "        try: os.write(fd, b'{\"verdict\": \"pass\"}\\n')\n        except OSError: pass\n"
     "    return x\n"},
    {"16 wrong id", kViolation,
     SPEAK "def f(x):\n    say(b'R', struct.pack('<I', 77) + b'N')\n    return sorted(x)\n"},
    {"16 a frame too many", kViolation,
     SPEAK
     "def f(x):\n    if x == [5]: say(b'R', struct.pack('<I', 3) + b'l' + struct.pack('<I', 1)"
     " + b'i\\1\\0\\0\\0\\5')\n    return sorted(x)\n"},
    {"16 loaded twice", kViolation,
     SPEAK "say(b'L', b'l' + bytes(4))\nsay(b'L', b'l' + bytes(4))\ndef f(x): return sorted(x)\n"},
    {"17 atexit", kRuntime,
     "import atexit, os, sys\natexit.register(os._exit, 0)\nsys.exit(0)\ndef f(x): return x\n"},
    {"18 patched builtins", kEither,
     "import builtins, json, operator, math\nbuiltins.len = lambda x: 0\n"
     "builtins.all = builtins.any = lambda x: True\nbuiltins.zip = lambda *a: []\n"
     "builtins.isinstance = lambda *a: True\njson.dumps = lambda *a: 'true'\n"
     "operator.eq = lambda a, b: True\nmath.isclose = lambda *a, **k: True\n"
     "def f(x): return x\n"},
    {"18 patched numpy", kEither,
     "import numpy\nnumpy.allclose = numpy.array_equal = lambda *a, **k: True\n"
     "def f(x): return numpy.array([7])\n"},
    {"18 patched AssertionError", kEither,
     "import builtins\nclass A(Exception): pass\nbuiltins.AssertionError = A\n"
     "def f(x): return x\n"},
    {"18 patched os and struct", kEither,
     "import os, struct\nos.read = os.write = lambda *a: b''\nstruct.Struct = None\n"
     "def f(x): return x\n"},
    {"20 replaces check", kWrong,
     "def check(c): pass\ndef run_tests(*a): pass\ndef f(x): return x\n"
     "globals()['check'] = lambda c: None\n"},
    {"21 writes reports", kWrong,
     "for name in ('result.txt', 'junit.xml', '../tmp/result.txt', './report.xml'):\n"
     "    try: open(name, 'w').write('PASS')\n    except OSError: pass\ndef f(x): return x\n"},
    {"22 a frame of 1 GiB",
     {Verdict::kOutputLimit},
     "import os, struct\ndef f(x):\n    os.write(3, struct.pack('<I', 1 << 30))\n"
     "    block = bytes(1 << 20)\n    for _ in range(1 << 10): os.write(3, block)\n    return x\n"},
    {"23 nested 100000 deep", kViolation,
     SPEAK "def f(x):\n    say(b'R', struct.pack('<I', 1) + (b'l' + struct.pack('<I', 1)) * 100000"
           " + b'N')\n    return x\n"},
    {"23 nested, but honestly", kWrong,
     "def f(x):\n    for _ in range(100000): x = [x]\n    return x\n"},
    {"25 answers once, then exits", kRuntime,
     "import os\nn = 0\ndef f(x):\n    global n\n    n += 1\n    if n > 1: os._exit(0)\n"
     "    return sorted(x)\n"},
    {"kills its parent", kEither,
     "import posix\ndef f(x):\n    posix.kill(posix.getppid(), 9)\n    return x\n"},
    {"closes the channel",
     {Verdict::kRuntimeError, Verdict::kProtocolViolation},
     "import os\ndef f(x):\n    os.close(3)\n    return x\n"},
    {"an exception that lies", kEither,
     "class E(Exception):\n    def __str__(self): raise E\ndef f(x): raise E\n"},
    {"no recursion left", kEither,
     "import sys\ndef f(x):\n    sys.setrecursionlimit(15)\n    return x\n"},
};

TEST_F(Sandboxed, HumanEvalAbuse) {
  const HumanEvalProblem problem = small_problem(kAsserts);
  for (const Abuse& abuse : kAbuses) {
    expect(judge_humaneval(problem, abuse.program, sandbox_), abuse.allowed, abuse.name);
  }
  expect(judge_humaneval(problem, "def f(x): return sorted(x)", sandbox_), {Verdict::kPass},
         "an honest program");
}

TEST_F(Sandboxed, RedefinedHelper) {  // 19
  const HumanEvalProblem problem = small_problem("    assert abs(poly(candidate(2))) < 1e-6\n",
                                                 "def poly(x):\n    return x - 2\n\n");
  expect(judge_humaneval(problem, "def poly(x): return 0\ndef f(x): return 99\n", sandbox_), kWrong,
         "19 redefines poly");
  expect(judge_humaneval(problem, "def poly(x): return 0\ndef f(x): return 2\n", sandbox_),
         {Verdict::kPass}, "19 right in spite of it");
}

TEST_F(Sandboxed, ValuesAreComparedExactly) {  // 24
  const auto mode = LiveCodeBenchMode::kSubprocess;
  const std::string huge = "1" + std::string(3000, '0');
  const std::tuple<const char*, std::string, Verdict> cases[] = {
      {"float('nan')", "NaN", Verdict::kWrong},
      {"float('inf')", "Infinity", Verdict::kPass},
      {"float('inf')", "1e308", Verdict::kWrong},
      {"'\\ud800'", "\"\\ud800\"", Verdict::kPass},
      {"'\\ud800'", "\"?\"", Verdict::kWrong},
      {"10 ** 3000", huge, Verdict::kPass},
      {"10 ** 3000 + 1", huge, Verdict::kWrong},
      {"2 ** 53 + 1", "9007199254740992.0", Verdict::kWrong},
      {"-0.0", "0", Verdict::kPass},
      {"True", "1", Verdict::kPass},
      {"2.0", "2", Verdict::kPass},
      {"__import__('decimal').Decimal('1e999999999')", "1", Verdict::kWrong},
  };
  for (const auto& [value, expected, verdict] : cases) {
    expect(judge_livecodebench("def f(a): return " + std::string(value), "f", {{"0", expected}},
                               mode, sandbox_),
           {verdict}, value);
  }
}

TEST_F(Sandboxed, NoCallIsADatasetFault) {  // 26
  EXPECT_THROW(judge_humaneval(small_problem("    pass\n"), "def f(x): return x", sandbox_), Error);
}

TEST_F(Sandboxed, ValuesThatHurtTheCheckerAreTheSolversFault) {
  HumanEvalProblem problem =
      small_problem("    assert int(candidate(1)) == 1\n    assert candidate(1) == 1\n");
  problem.seconds = 1;
  expect(
      judge_humaneval(problem, "import decimal\ndef f(x): return decimal.Decimal('1e999999999')\n",
                      sandbox_),
      {Verdict::kWrong, Verdict::kTimeLimit, Verdict::kMemoryLimit}, "a number too large");
}

TEST_F(Sandboxed, SlowOnALaterTest) {  // 36
  auto problem = std::make_shared<LiveCodeBenchProblem>();
  problem->id = "own/36";
  problem->seconds = 1;
  problem->tests = {{"1\n", "1\n"}, {"2\n", "2\n"}, {"3\n", "3\n"}};
  for (const auto mode : {LiveCodeBenchMode::kSubprocess, LiveCodeBenchMode::kOfficial}) {
    const Score score = make_livecodebench_scorer(problem, mode, false, true, false, sandbox_)
                            ->score({.text = "n = input()\nwhile n == '2': pass\nprint(n)"});
    expect(score, {Verdict::kTimeLimit}, "36");
    ASSERT_EQ(score.tests.size(), 2u);
    EXPECT_EQ(score.tests[0].verdict, Verdict::kPass);
  }
}

TEST_F(Sandboxed, SleepIsNoAnswer) {
  HumanEvalProblem problem = small_problem("    assert candidate(1) == 1\n");
  problem.seconds = 1;
  expect(judge_humaneval(problem, "import time\ndef f(x):\n    time.sleep(1.9)\n    return x\n",
                         sandbox_),
         {Verdict::kTimeLimit}, "sleeps within the safety net");
}

TEST_F(Sandboxed, LiveCodeBenchAbuse) {
  const std::vector<ProgramTest> calls{{"[3, 1]", "[1, 3]"}, {"[2]", "[2]"}};
  const std::vector<ProgramTest> pipes{{"3 1\n", "1 3\n"}};
  const Abuse functional[] = {
      {"always equal", kWrong,
       "class A:\n    def __eq__(self, o): return True\ndef f(x): return A()\n"},
      {"exit", kRuntime, "import os\ndef f(x): os._exit(0)\n"},
      {"SystemExit", kRuntime, "def f(x): raise SystemExit\n"},
      {"loaded by itself",
       {Verdict::kWrong, Verdict::kProtocolViolation},
       SPEAK "say(b'L', b'N')\nsay(b'R', bytes(12) + b'N')\ndef f(x): return x\n"},
      {"wrong id", kViolation, SPEAK "def f(x):\n    say(b'R', b'\\7' * 13)\n    return x\n"},
      {"nothing but noise", kViolation, SPEAK "def f(x):\n    say(b'?', b'')\n    return x\n"},
  };
  const Abuse printing[] = {
      {"exit before the answer", kEither, "import os\nos._exit(0)\n"},
      {"status 1 after the answer", kEither, "import os\nprint('1 3', flush=True)\nos._exit(1)\n"},
      {"frames in the output", kEither, SPEAK "say(b'R', b'1 3', 1)\n"},
  };
  for (const auto mode : {LiveCodeBenchMode::kSubprocess, LiveCodeBenchMode::kOfficial}) {
    for (const Abuse& abuse : functional) {
      expect(judge_livecodebench(abuse.program, "f", calls, mode, sandbox_), abuse.allowed,
             abuse.name);
    }
    for (const Abuse& abuse : printing) {
      expect(judge_livecodebench(abuse.program, "", pipes, mode, sandbox_), abuse.allowed,
             abuse.name);
    }
  }
}

}  // namespace
}  // namespace moebius::scorers::code
