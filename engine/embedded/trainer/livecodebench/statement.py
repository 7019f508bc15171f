"""What a program task is made of, before and after its tests are computed."""

from dataclasses import dataclass, field
from typing import Callable

from trainer.draw import Draw

LIST = "a list of integers"
LIST_AND_K = "a list of integers and an integer k"
NUMBER = "an integer n"
PAIR = "two integers a and b"
STRING = "a string s"
WORDS = "a list of words"
GRID = "a grid of integers"
RECORDS = "a list of names with numbers"
COMMANDS = ""


@dataclass
class Statement:
    """What is asked about given data, in one or two phrasings, and its Python.

    The program reads variables by the kind of the data (formats.py), runs `setup` and prints
    `expression`. `constant` bounds the integer that is drawn as n or k. A `whole` text is
    complete sentences, otherwise it is what to print or, with `yes_no`, a condition.
    """

    given: str
    name: str
    title: str
    texts: list[str]
    expression: str
    setup: str = ""
    yes_no: bool = False
    prints_list: bool = False
    constant: tuple[int, int] | None = None
    whole: bool = False
    family: str = "base"
    write: Callable[[Draw], str] | None = None  # of commands: makes the input

    def print_line(self) -> str:
        if self.yes_no:
            return f"print('YES' if {self.expression} else 'NO')"
        if self.prints_list:
            return f"print(*{self.expression})"
        return f"print({self.expression})"


def code(*lines: str) -> str:
    return "\n".join(lines)


@dataclass
class ProgramItem:
    """A task in the form of LiveCodeBench, its solution and its tests (input, output)."""

    title: str
    content: str
    program: str
    difficulty: str
    family: str
    key: str
    tests: list[tuple[str, str]] = field(default_factory=list)

    def prompt(self) -> str:
        return (
            f"<｜User｜>### Question:\n{self.content}\n\n### Format: Read the input from stdin and"
            " write the answer to stdout.\n```python\n# YOUR CODE HERE\n```\n\n### Answer:\n"
            "<｜Assistant｜>"
        )

    def completion(self) -> str:
        return f"```python\n{self.program}```"
