"""The mixed held-out set: the first core items of each family, and stress items."""

from collections import Counter
from typing import Callable, Iterable

from trainer.draw import Draw
from trainer.heldout import (
    ID_FIELDS,
    aime_row,
    humaneval_row,
    lcb_row,
    math_row,
    mmlu_row,
)
from trainer.mmlu.question import Question
from trainer.stress import aime, humaneval, livecodebench, mathematics, mmlu

MIXED_SEED = 90210

_MATH_COUNTS = {"chainword": 12, "word": 8}  # of others 4
_AIME_COUNTS = {"modular power": 14, "two parts": 12}  # of others 5
_FUNCTION_COUNTS = {
    "single": 40,
    "compose": 20,
    "chain": 35,
    "expression": 20,
    "branches": 25,
    "loop": 25,
    "characters": 15,
    "records": 8,
    "from examples": 12,
}
_PROGRAM_COUNTS = {
    "base": 30,
    "compose": 20,
    "chain": 35,
    "loop": 30,
    "branches": 25,
    "expression": 12,
    "characters": 15,
    "grid": 4,
    "records": 9,
    "commands": 20,
}


def mixed(core_files: Iterable[tuple[str, list[dict]]]):
    """Yields (file name, rows), given what heldout.core() yields."""
    core = dict(core_files)
    stress = StressRows(core["mmlu_dev"])
    yield "mmlu_dev", core["mmlu_dev"]
    rows = _first(core["mmlu_test"], "subject", lambda subject: 13)
    yield "mmlu_test", _renumbered("mmlu_test", rows + stress.mmlu())
    rows = _first(core["math_test"], "family", lambda family: _MATH_COUNTS.get(family, 4))
    yield "math_test", _renumbered("math_test", rows + stress.math())
    rows = _first(core["aime_test"], "type", lambda kind: _AIME_COUNTS.get(kind, 5))
    rows = [row | {"family": row["type"]} for row in rows]
    yield "aime_test", _renumbered("aime_test", rows + stress.aime())
    rows = _first(core["humaneval_test"], "family", _FUNCTION_COUNTS.__getitem__)
    yield "humaneval_test", _renumbered("humaneval_test", rows + stress.humaneval())
    rows = _first(core["lcb_test"], "family", _PROGRAM_COUNTS.__getitem__)
    yield "lcb_test", _renumbered("lcb_test", rows + stress.lcb())


def _first(rows: list[dict], field: str, count: Callable[[str], int]) -> list[dict]:
    """The first count(value) rows of each value of `field`, marked as core."""
    seen = Counter()
    chosen = []
    for row in rows:
        value = row[field]
        if seen[value] < count(value):
            seen[value] += 1
            chosen.append(row | {"split": "core"})
    return chosen


def _renumbered(name: str, rows: list[dict]) -> list[dict]:
    field, pattern = ID_FIELDS[name]
    return [row | {field: pattern % i} for i, row in enumerate(rows)]


class StressRows:
    """One stream of stress items; the suites must be asked for in the order of the methods."""

    def __init__(self, mmlu_examples: list[dict]):
        self._draw = Draw(MIXED_SEED)
        self._seen = set()
        self._examples: dict[str, list[Question]] = {}
        for row in mmlu_examples:
            self._examples.setdefault(row["subject"], []).append(Question(**row, key=""))

    def _unseen(self, generate, key=lambda drawn: drawn.key):
        while True:
            drawn = generate()
            if key(drawn) not in self._seen:
                self._seen.add(key(drawn))
                return drawn

    def mmlu(self) -> list[dict]:
        rows = []
        for name, generate in mmlu.FAMILIES:
            for _ in range(12):
                asked = self._unseen(lambda: generate(self._draw))
                marks = {"split": "stress", "family": name}
                rows.append(mmlu_row(asked, self._examples) | marks)
        return rows

    def math(self) -> list[dict]:
        rows = []
        for generate in mathematics.FAMILIES:
            for _ in range(16):
                family, drawn = self._unseen(
                    lambda: generate(self._draw), lambda drawn: drawn[1].key
                )
                marks = {"level": "Level 5", "split": "stress"}
                rows.append(math_row(family, drawn) | marks)
        return rows

    def aime(self) -> list[dict]:
        rows = []
        for family, generate in aime.FAMILIES:
            for _ in range(9):
                row = aime_row(self._unseen(lambda: generate(self._draw)))
                prompt = row.pop("prompt")
                row |= {"solution": "", "family": family, "prompt": prompt, "split": "stress"}
                rows.append(row)
        return rows

    def humaneval(self) -> list[dict]:
        rows = []
        for family in humaneval.FAMILIES:
            for _ in range(12):
                drawn = self._unseen(lambda: humaneval.item(self._draw, family))
                rows.append(humaneval_row(drawn) | {"split": "stress"})
        return rows

    def lcb(self) -> list[dict]:
        rows = []
        for family in livecodebench.FAMILIES:
            for _ in range(12 if family is not livecodebench.unseen_grid else 6):
                if family is livecodebench.unseen_grid:  # there are too few to differ
                    drawn = livecodebench.item(self._draw, family)
                else:
                    drawn = self._unseen(lambda: livecodebench.item(self._draw, family))
                marks = {"difficulty": "hard", "split": "stress"}
                rows.append(lcb_row(drawn) | marks)
        return rows
