"""Conditions on an integer, and branches that return values by them."""

from typing import NamedTuple

from trainer.draw import Draw
from trainer.programs.expressions import expression


class Condition(NamedTuple):
    """A condition in English and Python."""

    english: str
    python: str
    signature: str


def condition(draw: Draw, x: str, others=(), compound: bool = True) -> Condition:
    """A condition on variable `x`, possibly comparing it with one of `others`.

    With `compound` it may be two conditions joined by "and" or "or".
    """
    form = draw.integer(0, 9)
    k = draw.integer(-5, 25)
    if form < 8:
        return _simple(draw, x, form, k)
    if form == 8 and others:
        y = draw.choose(others)
        return Condition(f"{x} is greater than {y}", f"{x} > {y}", "V")
    if not compound:
        return condition(draw, x, others, compound)
    first = condition(draw, x, others, False)
    second = condition(draw, x, others, False)
    if first.signature == second.signature:
        return first
    joint = draw.choose(["and", "or"])
    return Condition(
        f"{first.english} {joint} {second.english}",
        f"{first.python} {joint} {second.python}",
        first.signature + joint[0] + second.signature,
    )


def _simple(draw: Draw, x: str, form: int, k: int) -> Condition:
    if form == 0:
        return Condition(f"{x} is even", f"{x} % 2 == 0", "E")
    if form == 1:
        return Condition(f"{x} is odd", f"{x} % 2 == 1", "O")
    if form == 2:
        english = draw.choose([f"{x} is greater than {k}", f"{x} is larger than {k}"])
        return Condition(english, f"{x} > {k}", ">")
    if form == 3:
        english = draw.choose([f"{x} is less than {k}", f"{x} is smaller than {k}"])
        return Condition(english, f"{x} < {k}", "<")
    if form == 4:
        k = draw.integer(3, 9)
        english = draw.choose([f"{x} is divisible by {k}", f"{x} is a multiple of {k}"])
        return Condition(english, f"{x} % {k} == 0", "D")
    if form == 5:
        return Condition(draw.choose([f"{x} is negative", f"{x} is below zero"]), f"{x} < 0", "N")
    if form == 6:
        end = k + draw.integer(3, 15)
        english = draw.choose([f"{x} is between {k} and {end}", f"{x} lies from {k} to {end}"])
        return Condition(english, f"{k} <= {x} <= {end}", "B")
    k = draw.integer(0, 9)
    return Condition(f"the last digit of {x} is {k}", f"{x} % 10 == {k}", "L")


class Branches(NamedTuple):
    """If-statements that return, and the last return."""

    english: str
    lines: list[str]
    signature: str


def branches(draw: Draw, variables, counts=(1, 2, 2, 3)) -> Branches:
    """As many conditions as one of `counts`, each with an expression to return."""
    count = draw.choose(counts)
    english, lines, signature = [], [], []
    for i in range(count):
        x = draw.choose(variables)
        test = condition(draw, x, [v for v in variables if v != x])
        value = expression(draw, variables, draw.choose([0, 1, 1, 2]))
        start = "if" if i == 0 else "otherwise, if"
        english.append(f"{start} {test.english}, return {value.english}")
        lines += [f"if {test.python}:", f"    return {value.python}"]
        signature += [test.signature, value.signature]
    value = expression(draw, variables, draw.choose([0, 1, 1]))
    english.append(f"otherwise return {value.english}")
    lines.append(f"return {value.python}")
    signature.append(value.signature)
    return Branches("; ".join(english), lines, "|".join(signature))
