// Programs that must be run to the letter: streams, ends, warm modules, sessions, many at once.
#include "scorers/sandbox/sandbox.h"

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "scorers/sandbox/testing.h"

namespace moebius::scorers::sandbox {
namespace {

using Honest = SandboxTest;

TEST_F(Honest, StampSaysWhatHolds) {
  EXPECT_EQ(sandbox_->stamp().find("sandbox=full python=3."), 0U) << sandbox_->stamp();
  EXPECT_EQ(sandbox_->stamp().find('\n'), std::string::npos);
  EXPECT_GE(sandbox_->workers(), 1);
}

TEST_F(Honest, ReadsInputEveryWay) {
  const std::string input = "3\n1 2\n3 4\n5 6\n";
  for (const char* code : {
           "n=int(input())\nprint(sum(sum(map(int,input().split())) for _ in range(n)))",
           "import sys\nprint(sum(map(int,sys.stdin.read().split()[1:])))",
           "import sys\nnext(sys.stdin)\nprint(sum(int(w) for l in sys.stdin for w in l.split()))",
           "import sys\nr=sys.stdin.buffer.readline\nr()\nprint(sum(sum(map(int,r().split())) for "
           "_ in range(3)))",
           "import sys\nprint(sum(map(int,b' '.join(sys.stdin.buffer.readlines()[1:]).split())))",
           "print(sum(map(int,open(0).read().split()[1:])))",
           "import os\nprint(sum(map(int,os.read(0,999).split()[1:])))",
           "import "
           "sys\nsys.stdout.buffer.write(b'%d\\n'%sum(map(int,sys.stdin.read().split()[1:])))",
           "import os,sys\nos.write(1,b'%d\\n'%sum(map(int,sys.stdin.read().split()[1:])))",
           "from __future__ import annotations\nimport "
           "sys\nx:int=sum(map(int,sys.stdin.read().split()[1:]))\nprint(x)",
           "import sys\nif __name__=='__main__':\n "
           "print(sum(map(int,sys.stdin.read().split()[1:])))\ny=1",
           "import "
           "sys,os\nprint(sum(map(int,sys.stdin.read().split()[1:])),flush=True)\nos._exit(0)",
           "x=0\ndef f():\n global x\n "
           "x=sum(map(int,open(0).read().split()[1:]))\nf()\nprint(globals()['x'])",
       }) {
    const Outcome outcome = run(code, input);
    EXPECT_EQ(outcome.out, "21\n") << code << "\n" << outcome.err;
    EXPECT_STREQ(end_name(outcome.end), "exited") << code;
    EXPECT_EQ(outcome.code, 0) << code;
  }
}

TEST_F(Honest, EndsAsTheInterpreterWould) {
  EXPECT_EQ(run("import sys; sys.exit(3)").code, 3);
  EXPECT_EQ(run("raise SystemExit").code, 0);
  const Outcome text = run("import sys; sys.exit('why')");
  EXPECT_EQ(text.code, 1);
  EXPECT_EQ(text.err, "why\n");
  const Outcome raised = run("def f():\n  return 1 / 0\nf()\n");
  EXPECT_EQ(raised.code, 1);
  EXPECT_EQ(raised.err,
            "Traceback (most recent call last):\n  File \"main.py\", line 3, in <module>\n"
            "  File \"main.py\", line 2, in f\nZeroDivisionError: division by zero\n");
  const Outcome wrong = run("print(1\n");
  EXPECT_EQ(wrong.code, 1);
  EXPECT_NE(wrong.err.find("SyntaxError"), std::string::npos) << wrong.err;
  EXPECT_EQ(wrong.out, "");
  EXPECT_EQ(run("import atexit; atexit.register(print, 'last'); print('first')").out,
            "first\nlast\n");
  EXPECT_EQ(run("import threading,time\n"
                "threading.Thread(target=lambda: (time.sleep(.2), print('thread'))).start()\n"
                "print('main')")
                .out,
            "main\nthread\n");
  EXPECT_EQ(run("import sys, io\nold = sys.stdout\nprint('kept', end='', file=old)\n"
                "sys.stdout = io.StringIO()")
                .out,
            "kept");
}

TEST_F(Honest, HeavyButRightProgramsPass) {
  struct Case {
    const char* code;
    const char* out;
  };
  for (const Case& each : {
           Case{"import sys\nsys.setrecursionlimit(30000)\ndef f(n): return n and "
                "1+f(n-1)\nprint(f(20000))",
                "20000\n"},
           Case{
               "import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(64<<20)\n"
               "def f(n): return n and 1+f(n-1)\nr=[]\n"
               "t=[threading.Thread(target=lambda: r.append(f(20000))) for _ in range(8)]\n"
               "[x.start() for x in t]; [x.join() for x in t]; print(sum(r))",
               "160000\n"},
           Case{"import resource\nresource.setrlimit(resource.RLIMIT_STACK,\n"
                "  (256 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1]))\nprint('raised')",
                "raised\n"},
           Case{"import collections, enum, decimal, fractions\nprint(collections.Counter('aab'))",
                "Counter({'a': 2, 'b': 1})\n"},
           Case{"import asyncio\nasync def f(): await asyncio.sleep(0); return "
                "5\nprint(asyncio.run(f()))",
                "5\n"},
           Case{"import "
                "subprocess\nprint(subprocess.run(['/bin/echo','hi'],capture_output=True).stdout)",
                "b'hi\\n'\n"},
           Case{"import multiprocessing as m\ndef f(x): return x*x\n"
                "with m.Pool(2) as p: print(p.map(f, range(4)))",
                "[0, 1, 4, 9]\n"},
           Case{"import tempfile\nwith tempfile.TemporaryFile() as f: f.write(b'x'); "
                "print(f.tell())",
                "1\n"},
           Case{"import pickle\nclass A: x=3\nprint(pickle.loads(pickle.dumps(A())).x)", "3\n"},
           Case{"print('\\udcff'.encode('utf-8','surrogateescape'), 'äöü')", "b'\\xff' äöü\n"},
       }) {
    const Outcome outcome = run(each.code);
    EXPECT_EQ(outcome.out, each.out) << each.code << "\n" << outcome.err;
    EXPECT_STREQ(end_name(outcome.end), "exited") << each.code;
  }
}

TEST_F(Honest, PrintHeavyProgramsPass) {
  Program made = program("for i in range(200000): print(i)");
  made.limits.output_bytes = 4 << 20;
  const Outcome outcome = sandbox_->run(made);
  EXPECT_STREQ(end_name(outcome.end), "exited");
  EXPECT_EQ(outcome.out.size(), 1288890U);
}

TEST_F(Honest, OutputMayFillItsLimitButNotPassIt) {
  Program made = program("print('x' * 999)");
  made.limits.output_bytes = 1000;
  EXPECT_STREQ(end_name(sandbox_->run(made).end), "exited");
  made.limits.output_bytes = 999;
  const Outcome over = sandbox_->run(made);
  EXPECT_STREQ(end_name(over.end), "output limit");
  EXPECT_EQ(over.out.size(), 999U);
}

TEST_F(Honest, LargeInputArrivesWhole) {
  const std::string input(20 << 20, 'a');
  EXPECT_EQ(run("import sys; print(len(sys.stdin.read()))", input).out, "20971520\n");
}

TEST_F(Honest, NumpyWorksIfItIsInstalled) {
  if (sandbox_->stamp().find("numpy=-") != std::string::npos) GTEST_SKIP() << "no numpy here";
  const Outcome outcome =
      run("import numpy as np\na = np.arange(10000.).reshape(100, 100)\nprint(int((a @ a).sum()))\n"
          "print(np.linalg.solve(np.eye(3), np.ones(3)))");
  EXPECT_EQ(outcome.out, "25078325250000\n[1. 1. 1.]\n") << outcome.err;
}

TEST_F(Honest, TimesAndPeakAreTheProgramsOwn) {
  const Outcome sleeper = run("import time; time.sleep(0.5)");
  EXPECT_GE(sleeper.wall_seconds, 0.49);
  EXPECT_LT(sleeper.cpu_seconds, 0.2);
  const Outcome worker = run("import time\nwhile time.process_time() < 0.5: pass");
  EXPECT_GE(worker.cpu_seconds, 0.45);
  EXPECT_LT(worker.cpu_seconds, 0.8);
  const Outcome hungry = run("x = bytearray(100 << 20)\nx[::4096] = b'x' * len(x[::4096])");
  EXPECT_GE(hungry.peak_bytes, 100 << 20);
}

TEST_F(Honest, ManyCallersAtOnce) {
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 12; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const std::string number = std::to_string(1000 * t + i);
        if (run("print(input())", number).out == number + "\n") ++right;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 120);
}

TEST_F(Honest, WaitingForAProcessorIsNotTheProgramsTime) {
  // Together they need far longer by the clock than each is given.
  Program made = program("import time\nwhile time.process_time() < 0.3: pass\nprint(1)");
  made.limits.wall_seconds = 0.5;
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  const int callers = std::min(sandbox_->workers(), 4);
  for (int t = 0; t < callers; ++t)
    threads.emplace_back([&] {
      if (sandbox_->run(made).out == "1\n") ++right;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, callers);
}

TEST_F(Honest, AloneMeansAlone) {
  std::atomic<int> shared{0};
  std::atomic<bool> stop{false}, overlapped{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      while (!stop) {
        const std::unique_ptr<Session> session = sandbox_->start(program("pass"));
        ++shared;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        --shared;
        (void)session->finish();
      }
    });
  for (int i = 0; i < 5; ++i) {
    const std::unique_ptr<Session> session =
        sandbox_->start_alone(program("import time; time.sleep(.05)"));
    if (shared != 0) overlapped = true;
    EXPECT_EQ(sandbox_->run_alone(program("print(1)")).out, "1\n");  // the same thread may
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(overlapped);
}

// ---- sessions -------------------------------------------------------------------------

constexpr const char* kEcho = R"(
import os
fd = int(os.environ['MOEBIUS_FD'])
def read(n):
    data = b''
    while len(data) < n:
        part = os.read(fd, n - len(data))
        if not part: raise SystemExit(5)
        data += part
    return data
def receive(): return read(int.from_bytes(read(4), 'little'))
def send(data):
    data = len(data).to_bytes(4, 'little') + data
    while data: data = data[os.write(fd, data):]
)";

TEST_F(Honest, SessionEchoes) {
  const auto session =
      sandbox_->start(program(std::string(kEcho) + "while True: send(receive()[::-1])"));
  std::string frame;
  for (const std::string& text :
       {std::string("abc"), std::string(), std::string(3 << 20, 'x') + "y"}) {
    ASSERT_TRUE(session->send(text));
    ASSERT_EQ(session->receive(frame, 3, 4 << 20), Session::Heard::kFrame);
    EXPECT_EQ(frame, std::string(text.rbegin(), text.rend()));
  }
  EXPECT_STREQ(end_name(session->finish().end), "stopped");
  EXPECT_THROW((void)session->finish(), Error);
}

TEST_F(Honest, SessionTellsHowTheProgramEnded) {
  const auto session = sandbox_->start(
      program(std::string(kEcho) + "send(b'one')\nprint('out')\nimport sys; sys.exit(4)"));
  std::string frame;
  EXPECT_EQ(session->receive(frame, 3, 100), Session::Heard::kFrame);
  EXPECT_EQ(session->receive(frame, 3, 100), Session::Heard::kEnded);
  EXPECT_FALSE(session->send("late") && session->send("later"));
  const Outcome outcome = session->finish();
  EXPECT_STREQ(end_name(outcome.end), "exited");
  EXPECT_EQ(outcome.code, 4);
  EXPECT_EQ(outcome.out, "out\n");
}

TEST_F(Honest, SessionBoundsEachAnswer) {
  std::string frame;
  const auto slow = sandbox_->start(program(std::string(kEcho) + "receive()\nwhile True: pass"));
  ASSERT_TRUE(slow->send("go"));
  EXPECT_EQ(slow->receive(frame, 0.2, 100), Session::Heard::kTimeLimit);
  EXPECT_STREQ(end_name(slow->finish().end), "stopped");

  const auto whole = sandbox_->start(program("while True: pass"));
  EXPECT_EQ(whole->receive(frame, 60, 100), Session::Heard::kTimeLimit);
  EXPECT_STREQ(end_name(whole->finish().end), "cpu limit");

  const auto long_one = sandbox_->start(program(std::string(kEcho) + "send(bytes(1000))"));
  EXPECT_EQ(long_one->receive(frame, 3, 999), Session::Heard::kTooLong);

  const auto huge =
      sandbox_->start(program("import os\nos.write(3, b'\\xff\\xff\\xff\\xff' + "
                              "bytes(10000))\nimport time; time.sleep(9)"));
  EXPECT_EQ(huge->receive(frame, 3, 1 << 20), Session::Heard::kTooLong);

  const auto cut = sandbox_->start(program("import os; os.write(3, b'\\x09\\0\\0\\0abc')"));
  EXPECT_EQ(cut->receive(frame, 3, 100), Session::Heard::kEnded);
  const auto mute = sandbox_->start(program("import os; os.close(3)\nimport time; time.sleep(9)"));
  EXPECT_EQ(mute->receive(frame, 3, 100), Session::Heard::kEnded);
}

TEST_F(Honest, OnlyItsOwnSleepIsTheProgramsSleep) {
  std::string frame;
  const auto kept_waiting = sandbox_->start(program(std::string(kEcho) + "receive()\nsend(b'x')"));
  std::this_thread::sleep_for(std::chrono::seconds(1));
  ASSERT_TRUE(kept_waiting->send("go"));
  EXPECT_EQ(kept_waiting->receive(frame, 3, 9), Session::Heard::kFrame);
  const Outcome waited = kept_waiting->finish();
  EXPECT_GE(waited.wall_seconds, 0.9);
  EXPECT_LT(waited.asleep_seconds, 0.5) << "the harness slept, not the program";

  const auto sleeper = sandbox_->start(
      program(std::string(kEcho) + "receive()\nimport time; time.sleep(0.8)\nsend(b'x')"));
  ASSERT_TRUE(sleeper->send("go"));
  EXPECT_EQ(sleeper->receive(frame, 3, 9), Session::Heard::kFrame);
  EXPECT_GE(sleeper->finish().asleep_seconds, 0.7);

  EXPECT_GE(run("import time; time.sleep(0.8)").asleep_seconds, 0.7);
  EXPECT_LT(run("import time\nwhile time.process_time() < 0.8: pass").asleep_seconds, 0.4);
}

TEST_F(Honest, SessionSurvivesAProgramThatDoesNotListen) {
  Program deaf = program("import time; time.sleep(60)");
  deaf.limits.wall_seconds = 1;
  const auto session = sandbox_->start(deaf);
  EXPECT_FALSE(session->send(std::string(8 << 20, 'x')));
  EXPECT_STREQ(end_name(session->finish().end), "wall limit");
}

TEST_F(Honest, TwoSessionsOfOneThreadNeedNoSecondPlace) {
  Options options;
  options.workers = 1;
  const std::shared_ptr<Sandbox> narrow = open(options);
  const auto first = narrow->start(program(std::string(kEcho) + "send(b'a')\nreceive()"));
  const auto second = narrow->start(program(std::string(kEcho) + "send(b'b')\nreceive()"));
  std::string frame;
  EXPECT_EQ(first->receive(frame, 3, 9), Session::Heard::kFrame);
  EXPECT_EQ(frame, "a");
  EXPECT_EQ(second->receive(frame, 3, 9), Session::Heard::kFrame);
  EXPECT_EQ(frame, "b");
}

}  // namespace
}  // namespace moebius::scorers::sandbox
