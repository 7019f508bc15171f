"""How data is laid out on stdin: in words, as a program that reads it, and written."""

from typing import Callable, NamedTuple

from trainer.draw import Draw
from trainer.humaneval.values import pairs
from trainer.livecodebench.statement import (
    COMMANDS,
    GRID,
    LIST,
    LIST_AND_K,
    NUMBER,
    PAIR,
    RECORDS,
    STRING,
    WORDS,
    Statement,
    code,
)
from trainer.programs.words import WORDS as VOCABULARY


class Format(NamedTuple):
    """One layout of one kind of data; `repeatable` if several test cases can follow each other."""

    name: str
    english: str
    reading: str
    write: Callable[[object], str]
    repeatable: bool = True


def _line(values) -> str:
    return " ".join(map(str, values)) + "\n"


def _column(values) -> str:
    return "".join(f"{value}\n" for value in values)


def _grid(rows) -> str:
    return "".join(map(_line, rows))


_READ_N = "n = int(input())"
_READ_LIST = "a = list(map(int, input().split()))"

FORMATS = {
    LIST: [
        Format(
            "n-list",
            "The first line contains an integer n. The second line contains n integers.",
            code(_READ_N, _READ_LIST),
            lambda a: f"{len(a)}\n" + _line(a),
        ),
        Format(
            "list",
            "A single line contains the integers, separated by spaces.",
            code(_READ_LIST, "n = len(a)"),
            _line,
        ),
        Format(
            "column",
            "The first line contains an integer n. Each of the next n lines contains one integer.",
            code(_READ_N, "a = [int(input()) for _ in range(n)]"),
            lambda a: f"{len(a)}\n" + _column(a),
            repeatable=False,
        ),
        Format(
            "comma",
            "A single line contains the integers, separated by commas.",
            code("a = list(map(int, input().split(',')))", "n = len(a)"),
            lambda a: ",".join(map(str, a)) + "\n",
        ),
    ],
    LIST_AND_K: [
        Format(
            "nk-list",
            "The first line contains two integers n and k. The second line contains n integers.",
            code("n, k = map(int, input().split())", _READ_LIST),
            lambda given: f"{len(given[0])} {given[1]}\n" + _line(given[0]),
        ),
        Format(
            "n-list-k",
            "The first line contains an integer n. The second line contains n integers. The third"
            " line contains an integer k.",
            code(_READ_N, _READ_LIST, "k = int(input())"),
            lambda given: f"{len(given[0])}\n{_line(given[0])}{given[1]}\n",
        ),
        Format(
            "k-list",
            "The first line contains an integer k. The second line contains the integers,"
            " separated by spaces.",
            code("k = int(input())", _READ_LIST, "n = len(a)"),
            lambda given: f"{given[1]}\n" + _line(given[0]),
        ),
    ],
    NUMBER: [
        Format("n", "A single line contains an integer n.", _READ_N, lambda n: f"{n}\n"),
    ],
    PAIR: [
        Format(
            "a-b",
            "A single line contains two integers a and b.",
            "a, b = map(int, input().split())",
            _line,
        ),
        Format(
            "a/b",
            "The first line contains an integer a. The second line contains an integer b.",
            code("a = int(input())", "b = int(input())"),
            _column,
        ),
    ],
    STRING: [
        Format(
            "s",
            "A single line contains a string s of lower case letters.",
            "s = input()",
            lambda s: f"{s}\n",
        ),
        Format(
            "n-s",
            "The first line contains an integer n. The second line contains a string s of n lower"
            " case letters.",
            code(_READ_N, "s = input()"),
            lambda s: f"{len(s)}\n{s}\n",
        ),
    ],
    WORDS: [
        Format(
            "words",
            "A single line contains words separated by spaces.",
            "w = input().split()",
            _line,
        ),
        Format(
            "n-words",
            "The first line contains an integer n. Each of the next n lines contains one word.",
            code(_READ_N, "w = [input() for _ in range(n)]"),
            lambda words: f"{len(words)}\n" + _column(words),
            repeatable=False,
        ),
    ],
    GRID: [
        Format(
            "nm",
            "The first line contains two integers n and m. Each of the next n lines contains m"
            " integers.",
            code(
                "n, m = map(int, input().split())",
                "g = [list(map(int, input().split())) for _ in range(n)]",
            ),
            lambda rows: f"{len(rows)} {len(rows[0])}\n" + _grid(rows),
            repeatable=False,
        ),
        Format(
            "n",
            "The first line contains an integer n. Each of the next n lines contains one row of"
            " the grid.",
            code(_READ_N, "g = [list(map(int, input().split())) for _ in range(n)]"),
            lambda rows: f"{len(rows)}\n" + _grid(rows),
            repeatable=False,
        ),
    ],
    RECORDS: [
        Format(
            "pairs",
            "The first line contains an integer n. Each of the next n lines contains a name and a"
            " number.",
            code(
                _READ_N,
                "p = []",
                "for _ in range(n):",
                "    a, b = input().split()",
                "    p.append((a, int(b)))",
            ),
            lambda records: f"{len(records)}\n" + _grid(records),
            repeatable=False,
        ),
    ],
    COMMANDS: [
        Format(
            "q",
            "The first line contains an integer q. Each of the next q lines contains one command.",
            "",
            str,
            repeatable=False,
        ),
    ],
}


def data(draw: Draw, statement: Statement):
    """Values of the kind that the statement is about."""
    given = statement.given
    if given == GRID:
        rows, columns = draw.integer(2, 4), draw.integer(2, 4)
        return [[draw.integer(0, 20) for _ in range(columns)] for _ in range(rows)]
    if given == RECORDS:
        return pairs(draw)
    if given == LIST:
        return _integers(draw, statement)
    if given == LIST_AND_K:
        return _integers_and_k(draw, statement)
    if given == NUMBER:
        return draw.integer(*(statement.constant or (1, 60)))
    if given == PAIR:
        return _pair(draw, statement)
    if given == STRING:
        return _string(draw)
    return [draw.choose(VOCABULARY) for _ in range(draw.integer(2, 5))]


def _integers(draw: Draw, statement: Statement) -> list[int]:
    count = draw.integer(3, 7)
    positive = statement.name in ("xor", "prod")
    if draw.chance(0.4):
        low, high = 0, 9
    elif positive or draw.chance(0.6):
        low, high = 1, 60
    else:
        low, high = -20, 40
    if positive:
        low = max(low, 1)
    values = [draw.integer(low, high) for _ in range(count)]
    if statement.yes_no and draw.chance(0.4):
        # So that conditions on order and symmetry hold often enough.
        return sorted(values) if draw.chance(0.5) else values[:3] + values[:3][::-1]
    return values


def _integers_and_k(draw: Draw, statement: Statement) -> tuple[list[int], int]:
    values = _integers(draw, statement)
    if statement.constant:
        return values, draw.integer(*statement.constant)
    if "div" in statement.name:
        return values, draw.integer(2, 7)
    return values, draw.choose(values) + draw.choose([0, 0, 1, -1])


def _pair(draw: Draw, statement: Statement) -> tuple[int, int]:
    a, b = draw.integer(1, 60), draw.integer(1, 60)
    if statement.name == "pdiv" and draw.chance(0.5):
        a = b * draw.integer(1, 9)
    if statement.name == "prange" and a > b:
        a, b = b, a
    return a, b


def _string(draw: Draw) -> str:
    word = draw.choose(VOCABULARY)
    form = draw.fraction()
    if form < 0.3:
        return word[:3] + word[:3][::-1]
    if form < 0.5:
        return "".join(draw.choose("abc") * draw.integer(1, 3) for _ in range(draw.integer(2, 4)))
    return word
