# Solver half of a HumanEval verdict: runs the program and answers calls. It knows no test.


def _solve():
    import io
    import sys

    class WriteOnly(io.StringIO):
        def read(self, *args, **kwargs):
            raise OSError

        readline = readlines = read

        def readable(self, *args, **kwargs):
            return False

    channel = Channel()
    program, entry = decode(channel.receive(), 1)
    hush()
    guard(without_exit=True)
    sys.stdin = sys.stdout = sys.stderr = WriteOnly()
    space = {"__builtins__": _builtins.__dict__}
    try:
        code = compile(program, "<string>", "exec", dont_inherit=True)
    except BaseException as error:
        channel.send(b"X", b"S", encode(describe(error)))
        return
    try:
        exec(code, space)
        candidate = space[entry] if entry in space else eval(entry, space)
    except BaseException as error:
        channel.send(b"X", b"R", encode(describe(error)))
        return
    channel.send(b"L", encode([name for name in space if type(name) is str]))
    while True:
        frame = channel.receive()
        if frame[:1] != b"C":
            break
        args, kwargs = decode(frame, 5)
        try:
            reply = encode(candidate(*args, **kwargs))
        except BaseException as error:
            channel.send(b"E", frame[1:5], encode(describe(error)))
            continue
        channel.send(b"R", frame[1:5], reply)
    channel.send(b"B")


_solve()
