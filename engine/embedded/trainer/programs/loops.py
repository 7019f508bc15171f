"""Loops that update one number, the accumulator, for each value of a list."""

from typing import NamedTuple

from trainer.draw import Draw
from trainer.programs.conditions import condition


class Update(NamedTuple):
    """One statement on the accumulator."""

    english: str
    python: str
    signature: str


def update(draw: Draw, x: str, total: str) -> Update:
    """A statement that changes `total` by the value `x` or by a constant."""
    form = draw.integer(0, 9)
    k = draw.integer(2, 9)
    if form == 0:
        english = f"add {x} to {total}" if draw.chance(0.5) else f"increase {total} by {x}"
        return Update(english, f"{total} += {x}", "+x")
    if form == 1:
        english = f"subtract {x} from {total}" if draw.chance(0.5) else f"decrease {total} by {x}"
        return Update(english, f"{total} -= {x}", "-x")
    if form == 2:
        english = f"add {k} to {total}" if draw.chance(0.5) else f"increase {total} by {k}"
        return Update(english, f"{total} += {k}", "+k")
    if form == 3:
        english = f"subtract {k} from {total}" if draw.chance(0.5) else f"decrease {total} by {k}"
        return Update(english, f"{total} -= {k}", "-k")
    if form == 4:
        k = draw.integer(2, 3)
        return Update(f"multiply {total} by {k}", f"{total} *= {k}", "*k")
    if form == 5:
        return Update(f"add the square of {x} to {total}", f"{total} += {x} * {x}", "+s")
    if form == 6:
        english = f"set {total} to the larger of {total} and {x}"
        return Update(english, f"{total} = max({total}, {x})", "M")
    if form == 7:
        english = f"set {total} to the smaller of {total} and {x}"
        return Update(english, f"{total} = min({total}, {x})", "m")
    if form == 8:
        return Update(f"negate {total}", f"{total} = -{total}", "n")
    k = draw.integer(7, 99)
    return Update(f"replace {total} by its remainder modulo {k}", f"{total} %= {k}", "%k")


class Loop(NamedTuple):
    """A loop as sentences and lines, and the result as words and expression."""

    english: list[str]
    lines: list[str]
    result_english: str
    result: str
    signature: list[str]


def loop(draw: Draw, values: str, total: str, counts=(1, 2, 2, 3)) -> Loop:
    """A loop over the list `values` with as many conditions as one of `counts`."""
    x = draw.choose(["x", "v", "e"])
    if x in (values, total):
        x = "x" if "x" not in (values, total) else "v"
    start = draw.choose([0, 0, 1, draw.integer(2, 20)])
    count = draw.choose(counts)
    english = [f"start with {total} = {start}"]
    lines = [f"{total} = {start}", f"for {x} in {values}:"]
    if count == 1 and draw.chance(0.5):
        first, second = update(draw, x, total), update(draw, x, total)
        english.append(f"for each {x} in {values} {first.english} and then {second.english}")
        lines += ["    " + first.python, "    " + second.python]
        signature = ["2", first.signature, second.signature]
    else:
        signature = _conditional_body(draw, x, values, total, count, english, lines)
    result_english, result, ending = _result(draw, total)
    return Loop(english, lines, result_english, result, signature + [ending])


def _conditional_body(draw: Draw, x, values, total, count, english, lines) -> list[str]:
    """Appends the body of the loop to `english` and `lines`; returns its signature."""
    parts, signature = [], []
    for i in range(count):
        test = condition(draw, x)
        change = update(draw, x, total)
        start = "if" if i == 0 else "otherwise, if"
        parts.append(f"{start} {test.english}, {change.english}")
        lines += [f"    {'if' if i == 0 else 'elif'} {test.python}:", "        " + change.python]
        signature += [test.signature, change.signature]
    if draw.chance(0.75):
        change = update(draw, x, total)
        parts.append(f"otherwise {change.english}")
        lines += ["    else:", "        " + change.python]
        signature += ["e", change.signature]
    english.append(f"for each {x} in {values}: " + "; ".join(parts))
    if draw.chance(0.12):
        limit = draw.integer(50, 200)
        english.append(f"stop as soon as {total} is greater than {limit}")
        lines += [f"    if {total} > {limit}:", "        break"]
        signature.append("brk")
    return signature


def _result(draw: Draw, total: str):
    """What is done with the accumulator at the end: (English, Python, signature)."""
    form = draw.integer(0, 4)
    if form == 0:
        k = draw.integer(2, 50)
        return f"{total} modulo {k}", f"{total} % {k}", "f%"
    if form == 1:
        return f"the absolute value of {total}", f"abs({total})", "fa"
    if form == 2:
        k = draw.integer(2, 30)
        return f"{total} plus {k}", f"{total} + {k}", "f+"
    return total, total, "f"
