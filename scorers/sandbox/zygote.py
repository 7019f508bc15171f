# The fork server's Python side: warms the interpreter up, then becomes each program's process.
# Model code never runs in the server itself: moebius_serve() returns in locked-down children only.
import ctypes
import os
import sys

_inside = ctypes.PyDLL("/proc/self/fd/4")
_inside.moebius_hello.argtypes = [ctypes.c_char_p]
_inside.moebius_enter()


def _warm_up(numpy):
    for name in ("string re datetime collections heapq bisect copy math random statistics "
                 "itertools functools operator io sys json builtins typing "
                 "atexit threading traceback types linecache subprocess shutil faulthandler ast "
                 "fractions decimal").split():
        __import__(name)
    version = "%d.%d.%d" % sys.version_info[:3]
    if numpy:
        base = "%s/lib/python" % sys.base_prefix
        for path in (base + "3/dist-packages",
                     base + "%d.%d/site-packages" % sys.version_info[:2]):
            if os.path.isdir(path):
                sys.path.append(path)
        try:
            import numpy
            numpy.array([1.0]).dot(numpy.array([1.0]))
            numpy.random.seed(0)
            return version + " " + numpy.__version__
        except ImportError:
            pass
    return version + " -"


def _standard_streams():
    """Of the programs: made once, while 1 and 2 are pipes as they will be there."""
    import io
    reading, writing = os.pipe()
    os.dup2(writing, 1)
    os.dup2(writing, 2)

    def stream(number, mode, name, errors, **more):
        raw = io.FileIO(number, mode, closefd=False)
        raw.name = name
        buffered = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
        text = io.TextIOWrapper(buffered, encoding="utf-8", errors=errors, **more)
        text.mode = mode
        return text

    sys.stdin = sys.__stdin__ = stream(0, "r", "<stdin>", "surrogateescape")
    sys.stdout = sys.__stdout__ = stream(1, "w", "<stdout>", "surrogateescape")
    sys.stderr = sys.__stderr__ = stream(2, "w", "<stderr>", "backslashreplace",
                                         line_buffering=True)
    for number in (1, 2):
        os.dup2(0, number)
    os.close(reading)
    os.close(writing)
    return sys.stdout, sys.stderr


def _read_all(number):
    parts = []
    while part := os.read(number, 1 << 20):
        parts.append(part)
    os.close(number)
    return b"".join(parts)


def _exit_code(error):
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _guarded(action):
    """0, or the exit code of what `action` raised, reported as the interpreter does."""
    try:
        action()
        return 0
    except SystemExit as error:
        return _exit_code(error)
    except BaseException as error:
        trace = error.__traceback__
        for _ in range(2):  # this frame and the caller's are not the program's
            trace = trace.tb_next if trace is not None else None
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 1


def _run(source):
    import random
    import types
    random.seed(0)  # not once for all: forking made it random again
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__="main.py", __builtins__=__builtins__)
    sys.modules["__main__"] = main
    sys.argv[:] = ["main.py"]

    def program():
        exec(compile(source, "main.py", "exec", dont_inherit=True), main.__dict__)

    return _guarded(program)


def _finish(code):
    """What the interpreter does at its end that a program can notice, without its slow rest."""
    import atexit
    import threading
    _guarded(threading._shutdown)
    _guarded(atexit._run_exitfuncs)
    for stream in (sys.stdout, sys.stderr) + _streams:
        try:
            stream.flush()
        except BaseException:
            code = code or 120
    os._exit(code)


_versions = _warm_up("--numpy" in sys.argv)
_streams = _standard_streams()
_inside.moebius_hello(_versions.encode())
import gc
gc.collect()
gc.freeze()
_code = _inside.moebius_serve()
if _code >= 1024:
    os.environ["MOEBIUS_FD"] = "3"
_finish(_run(_read_all(_code & 1023)))
