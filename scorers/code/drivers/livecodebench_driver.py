# Runs a LiveCodeBench program the way lcb_runner/evaluation/testing_util.py does, quirks and all,
# and gives back what each test printed or returned. It knows no expected output.
#
# One addition: the alarm of the original counts the clock; here it goes off only if the program
# has used its seconds of processor time or has slept, so that a busy machine changes no verdict.
import ast
import io
import json
import signal
import sys
import time
import types


class TimeoutException(Exception):
    pass


class _Alarm:
    def __init__(self, seconds):
        self.seconds = seconds
        self.clocks = (time.monotonic, time.process_time)
        signal.signal(signal.SIGALRM, self.ring)

    def set(self):
        self.wall, self.cpu = [clock() for clock in self.clocks]
        signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def off(self):
        signal.setitimer(signal.ITIMER_REAL, 0)

    def used(self):
        return max(0.0, self.clocks[1]() - self.cpu)

    def ring(self, signum, frame):
        waited = self.clocks[0]() - self.wall
        used = self.used()
        if used < self.seconds and used > waited / 40:
            signal.setitimer(signal.ITIMER_REAL, max(0.05, self.seconds - used))
            return
        print("timeout occured: alarm went off")
        raise TimeoutException


class _Buffer:
    """sys.stdin.buffer of the original: readline gives the first line for ever."""

    def __init__(self, text):
        self.inputs = text.encode("utf-8")

    def read(self, *args):
        return self.inputs

    def readline(self, *args):
        return self.inputs.split(b"\n")[0] + b"\n"


class MockStdinWithBuffer:  # the name shows in recorded error messages
    def __init__(self, text):
        lines = iter(text.split("\n"))
        self.inputs = text
        self._stringio = io.StringIO(text)
        self.buffer = _Buffer(text)
        # Lines without their newline, StopIteration at the end, one empty line too many.
        self.readline = lambda *args: next(lines)
        self.readlines = lambda *args: text.split("\n")
        self.read = lambda *args: text

    def __getattr__(self, name):
        return getattr(self._stringio, name)


def _without_main_guard(code):
    try:
        tree = ast.parse(code)
        last = tree.body[-1]
        if isinstance(last, ast.If) and ast.unparse(last.test).strip() == "__name__ == '__main__'":
            return ast.unparse(tree.body[:-1]) + "\n" + ast.unparse(last.body)
    except Exception:
        pass
    return code


def _as_function(code):
    """Imports stay at the top; everything else becomes the body of wrapped_function."""
    try:
        body = ast.parse(code).body
        is_import = lambda node: isinstance(node, (ast.Import, ast.ImportFrom))
        function = ast.FunctionDef(
            name="wrapped_function",
            args=ast.arguments(
                posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[]
            ),
            body=[node for node in body if not is_import(node)],
            decorator_list=[],
            lineno=-1,
        )
        imports = ast.unparse([node for node in body if is_import(node)])
        return PRELUDE + "\n" + imports + "\n" + ast.unparse(function)
    except Exception:
        return code


def _load(code, name, alarm):
    """The function to call, or None; what the program raises passes through."""
    alarm.set()
    try:
        module = types.ModuleType("tmp_sol", "")
        module.__builtins__ = _builtins.__dict__
        exec(compile(code, "<string>", "exec", dont_inherit=True), module.__dict__)
        found = module.Solution() if "class Solution" in code else module
    finally:
        alarm.off()
    return getattr(found, name, None)


def _mocked_open(text):
    def opened(*args, **kwargs):
        return io.StringIO(text)

    return opened


def _run_stdin(method, text, alarm):
    stdout, stdin, opener = sys.stdout, sys.stdin, _builtins.open
    sys.stdout = captured = io.StringIO()
    captured.close = lambda x: 1
    alarm.set()
    try:
        _builtins.open = _mocked_open(text)
        sys.stdin = MockStdinWithBuffer(text)
        try:
            method()
        except SystemExit:
            pass
        finally:
            _builtins.open = opener
            sys.stdin = stdin
    finally:
        alarm.off()
        sys.stdout = stdout
    return captured.getvalue()


def _run_call(method, args, alarm):
    alarm.set()
    try:
        return method(*args)
    finally:
        alarm.off()


def _is_timeout(error):
    try:
        return "timeoutexception" in repr(error).lower()
    except Exception:
        return False


def _solve():
    channel = Channel()
    loads = json.loads
    code, name, seconds, official = decode(channel.receive(), 1)
    hush()
    sys.set_int_max_str_digits(50000)
    sys.setrecursionlimit(1000)
    alarm = _Alarm(seconds if official else 1e6)
    if official:
        guard(without_exit=False)
    try:
        if name is None:
            method = _load(_as_function(_without_main_guard(code)), "wrapped_function", alarm)
        else:
            method = _load(PRELUDE + "\n\n" + code, name, alarm)
        if method is None:
            raise NameError("the program does not define " + str(name))
    except BaseException as error:
        kind = b"R"
        if _is_timeout(error):
            kind = b"T"
        elif isinstance(error, SyntaxError):
            kind = b"S"
        channel.send(b"X", kind, encode(describe(error)))
        return
    channel.send(b"L", encode(None))
    while True:
        frame = channel.receive()
        if frame[:1] != b"C":
            break
        text = decode(frame, 5)
        try:
            if name is None:
                result = _run_stdin(method, text, alarm)
            else:
                result = _run_call(method, [loads(line) for line in text.split("\n")], alarm)
            used = _f64.pack(alarm.used())
            channel.send(b"R", frame[1:5], used, encode(result))
        except BaseException as error:
            used = _f64.pack(alarm.used())
            kind = b"T" if _is_timeout(error) else b"R"
            channel.send(b"E", frame[1:5], used, kind, encode(describe(error)))
    channel.send(b"B")


_solve()
