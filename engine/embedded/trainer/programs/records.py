"""Queries over a list of pairs of a name and a number."""

from typing import NamedTuple

from trainer.draw import Draw

# English, Python over the list @v with the condition @c, type of the result.
_RESULTS = [
    ("the list of names of the pairs", "[a for a, b in @v@c]", "List[str]"),
    ("the sum of the numbers of the pairs", "sum(b for a, b in @v@c)", "int"),
    ("the number of pairs", "sum(1 for a, b in @v@c)", "int"),
    ("the sorted list of names of the pairs", "sorted(a for a, b in @v@c)", "List[str]"),
    (
        "the largest number of the pairs, or 0 if there are none,",
        "max((b for a, b in @v@c), default=0)",
        "int",
    ),
    ("the numbers of the pairs in increasing order", "sorted(b for a, b in @v@c)", "List[int]"),
    (
        "the names ordered by decreasing number for the pairs",
        "[a for a, b in sorted(@v, key=lambda p: -p[1])@c]",
        "List[str]",
    ),
    (
        "the names ordered by increasing number for the pairs",
        "[a for a, b in sorted(@v, key=lambda p: p[1])@c]",
        "List[str]",
    ),
    ("the names joined by commas for the pairs", "','.join(a for a, b in @v@c)", "str"),
    ("a dictionary from name to number for the pairs", "{a: b for a, b in @v@c}", "Dict[str, int]"),
    (
        "the total number of letters in the names of the pairs",
        "sum(len(a) for a, b in @v@c)",
        "int",
    ),
]


class Query(NamedTuple):
    """A query in English and Python, with the type of its result."""

    english: str
    python: str
    returns: str
    signature: str


def _conditions(limit: int, small: int):
    """English and Python of the conditions on a pair (a, b)."""
    letter = "abcdefghst"[limit % 10]
    return [
        ("", ""),
        (f"whose number is greater than {limit}", f" if b > {limit}"),
        (f"whose number is at most {limit}", f" if b <= {limit}"),
        ("whose number is even", " if b % 2 == 0"),
        (f"whose name has more than {small + 3} letters", f" if len(a) > {small + 3}"),
        ("whose name contains the letter 'e'", " if 'e' in a"),
        (f"whose name starts with '{letter}'", f" if a.startswith('{letter}')"),
        (f"whose number is divisible by {small + 1}", f" if b % {small + 1} == 0"),
    ]


def query(draw: Draw, pairs: str) -> Query:
    """A query over the list named `pairs`."""
    conditions = _conditions(draw.integer(5, 60), draw.integer(1, 3))
    condition = draw.integer(0, len(conditions) - 1)
    result = draw.integer(0, len(_RESULTS) - 1)
    english, python, returns = _RESULTS[result]
    return Query(
        f"{english} {conditions[condition][0]}".strip(),
        python.replace("@v", pairs).replace("@c", conditions[condition][1]),
        returns,
        f"{result}|{condition}",
    )
