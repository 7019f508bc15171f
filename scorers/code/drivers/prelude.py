# The names a LiveCodeBench program finds without importing them (lcb_runner/evaluation/
# testing_util.py, import_string): 18 star imports, then plain ones, and deep recursion.
_STARS = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools"
    " operator io sys json builtins typing"
).split()
_PLAIN = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools"
    " operator io sys json"
).split()
PRELUDE = (
    "".join("from " + name + " import *\n" for name in _STARS)
    + "".join("import " + name + "\n" for name in _PLAIN)
    + "sys.setrecursionlimit(50000)\n"
)
