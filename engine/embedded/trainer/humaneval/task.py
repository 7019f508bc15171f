"""What a function task is made of, before and after examples are computed for it."""

from dataclasses import dataclass, field
from typing import NamedTuple

SEPARATORS = ["-", "+", "/", "_", "*", ";"]


class Task(NamedTuple):
    """A named function, described in several ways.

    `names` and `kinds` (of the arguments, see values.py) are apart by spaces. In texts and
    body @a, @b, @c are the parameters, @K and @J constants out of `constant` and `second`.
    """

    names: str
    kinds: str
    returns: str
    descriptions: list[str]
    body: str
    constant: tuple[int, int] | list[str] = (2, 9)
    second: tuple[int, int] | None = None


def code(*lines: str) -> str:
    return "\n".join(lines)


@dataclass
class Function:
    """A function to be written; `key` is the content that decides the held-out side."""

    name: str
    kinds: list[str]
    parameters: list[str]
    returns: str
    description: str
    body: str
    key: str
    family: str
    examples: list = field(default_factory=list)  # argument tuples to show, if not random ones


@dataclass
class FunctionItem:
    """A prompt in the form of HumanEval, its solution and its test."""

    prompt: str
    solution: str
    entry_point: str
    test: str
    family: str
    key: str
