// Correct programs of every style: each must pass. The other half of the abuse cases.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scorers/code/testing/cases.h"

namespace moebius::scorers::code {
namespace {

class Honest : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    sandbox_ = test_sandbox(why);
    if (!sandbox_) GTEST_SKIP() << why;
  }
  std::shared_ptr<sandbox::Sandbox> sandbox_;
};

// Reads numbers until the end of the input, prints their sum.
constexpr const char* kStyles[] = {
    "import sys\nprint(sum(int(w) for line in sys.stdin for w in line.split()))",
    "import sys\ninput = sys.stdin.buffer.readline\nn = int(input())\nprint(n + int(input()) + "
    "int(input()))",
    "import sys\nprint(sum(map(int, sys.stdin.buffer.readlines())))",
    "print(sum(map(int, open(0).read().split())))",
    "import os\nprint(sum(map(int, os.read(0, 1 << 20).split())))",
    "import sys\nsys.stdout.buffer.write(b'%d\\n' % sum(map(int, sys.stdin.read().split())))",
    "import os, sys\nos.write(1, str(sum(map(int, sys.stdin.read().split()))).encode())",
    "import sys\ntotal = 0\ndef add(n):\n    global total\n    total += n\n"
    "for w in sys.stdin.read().split(): add(int(w))\nprint(total)",
    "from __future__ import annotations\nimport sys\ndef f(x: Later) -> Later: return x\n"
    "print(f(sum(map(int, sys.stdin))))",
    "def main():\n    print(int(input()) + int(input()) + int(input()))\n"
    "if __name__ == '__main__':\n    main()\nunused = 1",
    "X = 0\nfor _ in range(3): globals()['X'] += int(input())\nprint(globals()['X'])",
    "import os, sys\nprint(sum(map(int, sys.stdin)))\nsys.stdout.flush()\nos._exit(0)",
    "print(int(input()) + int(input()) + int(input()))",
    "import sys\ns = 0\nwhile line := sys.stdin.readline(): s += int(line)\nprint(s)",
    "import sys\nprint(sum(map(int, sys.stdin.buffer.read().split())))",
    "s = 0\ntry:\n    while True: s += int(input())\nexcept EOFError:\n    print(s)",
    "import sys, threading\nthreading.stack_size(64 << 20)\n"
    "def main(): print(sum(map(int, sys.stdin)))\nt = threading.Thread(target=main)\nt.start()\n"
    "t.join()",
    "import sys\nsys.setrecursionlimit(10 ** 6)\ndef deep(n): return 0 if n == 0 else deep(n - 1)\n"
    "print(deep(20000) + sum(map(int, sys.stdin)))",
    "import sys\nprint(sum(map(int, sys.stdin)))\nexit()",
    "import sys\nprint(sum(map(int, sys.stdin)) * pow(3, 4, 5))",
    "import sys\nprint(sum(map(int, sys.stdin.readlines())))\nsys.exit(0)",
    "from sys import stdin, stdout\nstdout.write(str(sum(int(x) for x in stdin)) + '\\n')\nquit()",
    "import fileinput\nprint(sum(map(int, fileinput.input())))",
    "import sys\nfrom io import StringIO\nsys.stdin = StringIO(sys.stdin.read())\n"
    "print(sum(int(input()) for _ in range(3)))",
    "print(sum(map(int, __import__('sys').stdin)), end='')",
};

TEST_F(Honest, StandardInput) {
  for (const char* program : kStyles) {
    const Score score = judge_livecodebench(program, "", {{"1\n2\n3\n", "6\n"}},
                                            LiveCodeBenchMode::kSubprocess, sandbox_);
    EXPECT_EQ(score.verdict, Verdict::kPass) << program << "\n" << score.reason;
  }
}

struct Returned {
  const char* program;
  const char* expected;  // in Python
};

constexpr Returned kReturned[] = {
    {"from collections import Counter\ndef f(x): return Counter('aab')", "{'a': 2, 'b': 1}"},
    {"from collections import OrderedDict\ndef f(x): return OrderedDict(b=1, a=2)",
     "{'a': 2, 'b': 1}"},
    {"from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef f(x): return P(1, 2)",
     "(1, 2)"},
    {"from enum import IntEnum\nclass E(IntEnum):\n    A = 4\ndef f(x): return E.A", "4"},
    {"import numpy\ndef f(x): return numpy.int64(4)", "4"},
    {"import numpy\ndef f(x): return numpy.float64(0.5)", "0.5"},
    {"import numpy\ndef f(x): return numpy.bool_(True)", "True"},
    {"import numpy\ndef f(x): return list(numpy.array([1, 2]))", "[1, 2]"},
    {"import numpy\ndef f(x): return numpy.array([[1, 2], [3, 4]])", "[[1, 2], [3, 4]]"},
    {"from fractions import Fraction\ndef f(x): return Fraction(1, 2)", "0.5"},
    {"from decimal import Decimal\ndef f(x): return Decimal('0.5')", "0.5"},
    {"def f(x): return range(3)", "range(3)"},
    {"def f(x): return {1: 2}.keys()", "{1}"},
    {"def f(x): return 2 + 0j", "2"},
    {"def f(x): return b'ab'", "b'ab'"},
    {"def f(x): return {frozenset({1})}", "{frozenset({1})}"},
    {"def f(x):\n    for _ in range(20000): print('x' * 100)\n    return 1", "1"},
    {"import sys\nsys.setrecursionlimit(30000)\ndef g(n): return n and g(n - 1)\n"
     "def f(x): return g(20000)",
     "0"},
    {"import threading\nthreading.stack_size(64 << 20)\ndef f(x):\n    out = []\n"
     "    t = threading.Thread(target=out.append, args=(5,))\n    t.start()\n    t.join()\n"
     "    return out",
     "[5]"},
    {"import sys\ndef f(x):\n    print('a warning', file=sys.stderr)\n    return 1", "1"},
};

TEST_F(Honest, ReturnedValues) {
  for (const Returned& returned : kReturned) {
    const HumanEvalProblem problem =
        small_problem("    assert candidate(0) == " + std::string(returned.expected) + "\n");
    const Score score = judge_humaneval(problem, returned.program, sandbox_);
    EXPECT_EQ(score.verdict, Verdict::kPass) << returned.program << "\n" << score.reason;
  }
}

TEST_F(Honest, ScoresTellWhereTheyWereReached) {
  const Score score = judge_livecodebench("print(1)", "", {{"", "1"}, {"", "1"}},
                                          LiveCodeBenchMode::kSubprocess, sandbox_);
  EXPECT_EQ(score.tests.size(), 2u);
  EXPECT_EQ(score.extracted, "print(1)");
  EXPECT_NE(score.sandbox.find(sandbox_->stamp()), std::string::npos);
  EXPECT_NE(score.sandbox.find("memory 4096 MiB"), std::string::npos) << score.sandbox;
  EXPECT_NE(score.sandbox.find("subprocess"), std::string::npos);
}

}  // namespace
}  // namespace moebius::scorers::code
