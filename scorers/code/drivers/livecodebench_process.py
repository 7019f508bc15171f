# Runs a LiveCodeBench program as a plain process: real standard input and output, __main__, the
# prelude's names beneath its own. What the program is stands in front of this, as SOURCE.


def _run(source, prelude, space):
    import builtins
    import sys

    sys.set_int_max_str_digits(50000)
    for name in ("exit", "quit"):  # site, which defines them, may not be loaded
        if not hasattr(builtins, name):
            setattr(builtins, name, sys.exit)
    for name in [name for name in space if not name.startswith("__")]:
        del space[name]
    exec(prelude, space)
    code = compile(source.decode("utf-8", "replace"), "<program>", "exec", dont_inherit=True)
    try:
        exec(code, space)
    except SystemExit:
        pass  # exit() after the answer is an answer, whatever its number


_run(SOURCE, PRELUDE, globals())
