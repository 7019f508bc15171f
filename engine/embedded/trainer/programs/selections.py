"""Selections from a list: which values, what of each, and what is made of them.

Placeholders: @a the list, @K and @J bounds, @D a digit, @M a modulus; in the Python of an
aggregate @E is a generator, @G the same in parentheses and @F the condition.
"""

from typing import NamedTuple

from trainer.draw import Draw


class Filter(NamedTuple):
    """Which values of the list are taken; `label` goes into function names."""

    name: str
    python: str
    english: list[str]
    label: str


class Mapping(NamedTuple):
    """What is computed from each value."""

    name: str
    python: str
    english: str
    label: str


class Aggregate(NamedTuple):
    """What is made of all of them."""

    name: str
    english: str
    returns: str
    python: str


FILTERS = [
    Filter("", "", ["numbers in @a", "elements of @a"], "all"),
    Filter("even", "x % 2 == 0", ["even numbers in @a", "even elements of @a"], "even"),
    Filter("odd", "x % 2 == 1", ["odd numbers in @a", "odd elements of @a"], "odd"),
    Filter(
        "positive",
        "x > 0",
        ["positive numbers in @a", "elements of @a that are positive"],
        "positive",
    ),
    Filter(
        "negative",
        "x < 0",
        ["negative numbers in @a", "elements of @a that are negative"],
        "negative",
    ),
    Filter(
        "gt",
        "x > @K",
        ["numbers in @a greater than @K", "elements of @a that are larger than @K"],
        "large",
    ),
    Filter(
        "lt",
        "x < @K",
        ["numbers in @a less than @K", "elements of @a that are smaller than @K"],
        "small",
    ),
    Filter(
        "mul",
        "x % @K == 0",
        ["multiples of @K in @a", "elements of @a divisible by @K"],
        "multiples",
    ),
    Filter(
        "notmul",
        "x % @K != 0",
        ["numbers in @a that are not multiples of @K", "elements of @a not divisible by @K"],
        "nonmultiples",
    ),
    Filter(
        "ge",
        "x >= @K",
        ["numbers in @a that are at least @K", "elements of @a greater than or equal to @K"],
        "large",
    ),
    Filter(
        "le",
        "x <= @K",
        ["numbers in @a that are at most @K", "elements of @a less than or equal to @K"],
        "small",
    ),
    Filter(
        "ne",
        "x != @K",
        ["numbers in @a different from @K", "elements of @a not equal to @K"],
        "other",
    ),
    Filter(
        "btw",
        "@K <= x <= @J",
        ["numbers in @a from @K to @J", "elements of @a between @K and @J inclusive"],
        "between",
    ),
    Filter(
        "last",
        "x % 10 == @D",
        ["numbers in @a ending in the digit @D", "elements of @a whose last digit is @D"],
        "ending",
    ),
]

MAPPINGS = [
    Mapping("", "x", "", ""),
    Mapping("squares", "x * x", "squares of the ", "squares"),
    Mapping("cubes", "x ** 3", "cubes of the ", "cubes"),
    Mapping("abs", "abs(x)", "absolute values of the ", "abs"),
    Mapping("double", "2 * x", "doubles of the ", "doubles"),
    Mapping("neg", "-x", "negatives of the ", "negated"),
    Mapping("mod", "x % @M", "remainders modulo @M of the ", "remainders"),
    Mapping("half", "x // 2", "halves (rounded down) of the ", "halves"),
    Mapping("dig", "x % 10", "last digits of the ", "digits"),
]

AGGREGATES = [
    Aggregate("sum", "sum of the ", "int", "sum(@E)"),
    Aggregate("max", "largest of the ", "int", "max(@G, default=0)"),
    Aggregate("min", "smallest of the ", "int", "min(@G, default=0)"),
    Aggregate("count", "", "int", "sum(1 for x in @a if @F)"),
    Aggregate("list", "list of the ", "List[int]", "[@E]"),
    Aggregate("sorted", "sorted list of the ", "List[int]", "sorted(@E)"),
    Aggregate("desc", "list in decreasing order of the ", "List[int]", "sorted(@G, reverse=True)"),
    Aggregate("distinct", "number of different ", "int", "len(set(@E))"),
    Aggregate("rev", "reversed list of the ", "List[int]", "[@E][::-1]"),
]


class Selection(NamedTuple):
    """One of each; `key` names the combination."""

    filter: Filter
    mapping: Mapping
    aggregate: Aggregate

    @property
    def key(self) -> str:
        return f"c|{self.filter.name}|{self.mapping.name}|{self.aggregate.name}"

    @property
    def ending(self) -> str:
        """What a description adds where there may be no value."""
        return ", or 0 if there are none" if self.aggregate.name in ("max", "min") else ""

    def python(self) -> str:
        condition = f" if {self.filter.python}" if self.filter.python else ""
        generator = f"{self.mapping.python} for x in @a{condition}"
        return (
            self.aggregate.python.replace("@E", generator)
            .replace("@G", f"({generator})")
            .replace("@F", self.filter.python)
        )


def selection(draw: Draw) -> Selection:
    """A selection that does something: it filters or maps, and counts only what it filters."""
    while True:
        chosen = Selection(draw.choose(FILTERS), draw.choose(MAPPINGS), draw.choose(AGGREGATES))
        if chosen.aggregate.name == "count":
            if chosen.filter.name and not chosen.mapping.name:
                return chosen
        elif chosen.filter.name or chosen.mapping.name:
            return chosen


def bound(draw: Draw, chosen: Selection) -> int:
    """The bound @K that suits the filter."""
    if chosen.filter.name in ("mul", "notmul"):
        return draw.integer(2, 9)
    return draw.integer(-5, 25)


def constants(draw: Draw, k: int) -> dict[str, str]:
    """Values for the placeholders, given the bound @K."""
    return {
        "@K": str(k),
        "@J": str(k + draw.integer(3, 20)),
        "@D": str(draw.integer(0, 9)),
        "@M": str(draw.integer(3, 10)),
    }
