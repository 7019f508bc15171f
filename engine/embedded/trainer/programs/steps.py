"""Chains of operations on one list or one string.

Placeholders: @a the value, @K a bound, @P a small number, @S a length, @R a repetition, @C and
@E letters, @B a sign.
"""

from typing import NamedTuple

from trainer.draw import Draw


class Operation(NamedTuple):
    """One step, said in one of several ways."""

    name: str
    phrasings: list[str]
    python: str


class Ending(NamedTuple):
    """What is returned after the last step."""

    name: str
    english: str
    returns: str
    python: str


LIST_OPERATIONS = [
    Operation("even", ["keep only the even numbers"], "@a = [x for x in @a if x % 2 == 0]"),
    Operation("odd", ["keep only the odd numbers"], "@a = [x for x in @a if x % 2 == 1]"),
    Operation(
        "gt",
        ["keep only the numbers greater than @K", "drop the numbers that are at most @K"],
        "@a = [x for x in @a if x > @K]",
    ),
    Operation(
        "lt",
        ["keep only the numbers less than @K", "drop the numbers that are at least @K"],
        "@a = [x for x in @a if x < @K]",
    ),
    Operation("mul", ["keep only the multiples of @P"], "@a = [x for x in @a if x % @P == 0]"),
    Operation("rmv", ["remove every @K"], "@a = [x for x in @a if x != @K]"),
    Operation(
        "add",
        ["add @P to every number", "increase every number by @P"],
        "@a = [x + @P for x in @a]",
    ),
    Operation(
        "sub",
        ["subtract @P from every number", "decrease every number by @P"],
        "@a = [x - @P for x in @a]",
    ),
    Operation("times", ["multiply every number by @P"], "@a = [x * @P for x in @a]"),
    Operation("sq", ["square every number"], "@a = [x * x for x in @a]"),
    Operation("abs", ["replace every number by its absolute value"], "@a = [abs(x) for x in @a]"),
    Operation("neg", ["negate every number"], "@a = [-x for x in @a]"),
    Operation(
        "mod", ["replace every number by its remainder modulo @P"], "@a = [x % @P for x in @a]"
    ),
    Operation(
        "cap",
        ["replace every number above @K by @K", "cap every number at @K"],
        "@a = [min(x, @K) for x in @a]",
    ),
    Operation("rev", ["reverse the list"], "@a = @a[::-1]"),
    Operation("sort", ["sort the list"], "@a = sorted(@a)"),
    Operation("desc", ["sort the list in decreasing order"], "@a = sorted(@a, reverse=True)"),
    Operation("first", ["take the first @S elements"], "@a = @a[:@S]"),
    Operation("last", ["take the last @S elements"], "@a = @a[-@S:]"),
    Operation("dropf", ["drop the first @S elements"], "@a = @a[@S:]"),
    Operation("uniq", ["remove duplicates"], "@a = list(dict.fromkeys(@a))"),
    Operation("every", ["take every second element"], "@a = @a[::2]"),
]

STRING_OPERATIONS = [
    Operation("rev", ["reverse the string"], "@a = @a[::-1]"),
    Operation("up", ["convert it to upper case"], "@a = @a.upper()"),
    Operation("low", ["convert it to lower case"], "@a = @a.lower()"),
    Operation("swap", ["swap the case of all letters"], "@a = @a.swapcase()"),
    Operation(
        "novow", ["remove all vowels"], "@a = ''.join(c for c in @a if c.lower() not in 'aeiou')"
    ),
    Operation("nosp", ["remove all spaces"], "@a = @a.replace(' ', '')"),
    Operation("rmc", ["remove every '@C'"], "@a = @a.replace('@C', '')"),
    Operation("repl", ["replace every '@C' by '@B'"], "@a = @a.replace('@C', '@B')"),
    Operation("dbl", ["double every character"], "@a = ''.join(c * 2 for c in @a)"),
    Operation("first", ["keep the first @S characters"], "@a = @a[:@S]"),
    Operation("last", ["keep the last @S characters"], "@a = @a[-@S:]"),
    Operation("dropf", ["drop the first @S characters"], "@a = @a[@S:]"),
    Operation("sort", ["sort the characters"], "@a = ''.join(sorted(@a))"),
    Operation("every", ["take every second character"], "@a = @a[::2]"),
    Operation("pre", ["put '@B' in front of it"], "@a = '@B' + @a"),
    Operation("suf", ["append '@B' to it"], "@a = @a + '@B'"),
    Operation("rep", ["repeat it @R times"], "@a = @a * @R"),
]

LIST_ENDINGS = [
    Ending("list", "return the list", "List[int]", "return @a"),
    Ending("sum", "return the sum", "int", "return sum(@a)"),
    Ending("len", "return the number of elements left", "int", "return len(@a)"),
    Ending(
        "max", "return the maximum, or 0 if the list is empty", "int", "return max(@a, default=0)"
    ),
    Ending(
        "min", "return the minimum, or 0 if the list is empty", "int", "return min(@a, default=0)"
    ),
]

STRING_ENDINGS = [
    Ending("str", "return the string", "str", "return @a"),
    Ending("len", "return its length", "int", "return len(@a)"),
    Ending("cnt", "count the letter '@E'", "int", "return @a.count('@E')"),
]


def fill(text: str, values: dict[str, str]) -> str:
    """The text with its placeholders replaced."""
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def constants(draw: Draw) -> dict[str, str]:
    """Fresh values for the placeholders of one step."""
    return {
        "@K": str(draw.integer(-5, 25)),
        "@P": str(draw.integer(2, 9)),
        "@S": str(draw.integer(2, 5)),
        "@R": str(draw.integer(2, 4)),
        "@C": draw.choose("aeionrst"),
        "@B": draw.choose("xyz*#-_"),
        "@E": draw.choose("aeionrst"),
    }


def operations(draw: Draw, available: list[Operation], count: int) -> list[Operation]:
    """`count` operations, none directly after itself."""
    while True:
        chosen = [draw.choose(available) for _ in range(count)]
        if all(first.name != second.name for first, second in zip(chosen, chosen[1:])):
            return chosen


def write_out(draw: Draw, chosen: list[Operation]) -> tuple[list[str], list[str]]:
    """The operations with constants: descriptions and lines of Python."""
    english, lines = [], []
    for operation in chosen:
        values = constants(draw)
        english.append(fill(draw.choose(operation.phrasings), values))
        lines.append(fill(operation.python, values))
    return english, lines
