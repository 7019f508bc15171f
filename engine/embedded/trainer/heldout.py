"""The held-out files: `core` inside the training ranges, `mixed` with a part outside them.

The core set is one stream of draws, suite after suite. The mixed set takes the first items of
each core family and adds stress items. No choice looks at a score.
"""

import json
from collections import Counter
from pathlib import Path

from trainer import aime, humaneval, livecodebench, mathematics, mmlu
from trainer.aime.problem import ContestProblem
from trainer.draw import Draw
from trainer.humaneval.task import FunctionItem
from trainer.livecodebench.statement import ProgramItem
from trainer.mathematics.problem import Problem
from trainer.mmlu.question import Question, prompt

CORE_SEED = 777001
FILES = ("mmlu_dev", "mmlu_test", "math_test", "aime_test", "humaneval_test", "lcb_test")
ID_FIELDS = {
    "mmlu_test": ("id", "mmlu/%d"),
    "math_test": ("id", "math/%d"),
    "aime_test": ("id", "aime/%d"),
    "humaneval_test": ("task_id", "MiniHumanEval/%d"),
    "lcb_test": ("question_id", "mini_%d"),
}

_SHOTS = 5
_QUESTIONS = 20  # per MMLU subject, as far as there are so many
# Family: how many items, and how many of them may have one key.
_FUNCTIONS = {
    "single": (80, 1),
    "compose": (50, 2),
    "chain": (90, 1),
    "expression": (60, 2),
    "branches": (80, 1),
    "loop": (80, 1),
    "characters": (60, 1),
    "records": (20, 5),
    "from examples": (30, 2),
}
_PROGRAMS = {
    "base": (60, 1),
    "compose": (50, 2),
    "chain": (90, 1),
    "loop": (80, 1),
    "branches": (70, 1),
    "expression": (30, 2),
    "characters": (50, 1),
    "grid": (16, 8),
    "records": (20, 5),
    "commands": (90, 1),
}


def core():
    """Yields (file name, rows) in the order of FILES; each part of the stream once."""
    draw = Draw(CORE_SEED)
    examples, questions = _mmlu(draw)
    yield "mmlu_dev", [example.row() for shots in examples.values() for example in shots]
    yield "mmlu_test", numbered("mmlu_test", [mmlu_row(each, examples) for each in questions])
    yield "math_test", numbered("math_test", _math_rows(draw))
    yield "aime_test", numbered("aime_test", _aime_rows(draw))
    yield "humaneval_test", numbered("humaneval_test", _humaneval_rows(draw))
    yield "lcb_test", numbered("lcb_test", _lcb_rows(draw))


def numbered(name: str, rows: list[dict]) -> list[dict]:
    """The rows with their ids in front, counted from 0."""
    field, pattern = ID_FIELDS[name]
    return [{field: pattern % i} | row for i, row in enumerate(rows)]


def write(directory: Path, name: str, rows: list[dict]) -> None:
    """Writes the rows as JSON lines."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / f"{name}.jsonl", "w", encoding="utf-8") as out:
        out.writelines(line(row) for row in rows)


def line(row: dict) -> str:
    """One row as it stands in a file."""
    return json.dumps(row) + "\n"


def _mmlu(draw: Draw) -> tuple[dict[str, list[Question]], list[Question]]:
    """Worked examples of the training side by subject, and held-out questions."""
    examples, questions = {}, []
    for subject, _ in mmlu.SUBJECTS:
        shots, seen = [], set()
        while len(shots) < _SHOTS:
            asked = mmlu.question(draw, subject=subject)
            if asked.key not in seen:
                seen.add(asked.key)
                shots.append(asked)
        examples[shots[0].subject] = shots
        questions += _held_out_questions(draw, subject)
    return examples, questions


def _held_out_questions(draw: Draw, subject) -> list[Question]:
    """Different questions; where a subject has too few, up to three with other options."""
    chosen, keys, contents = [], Counter(), set()
    for attempt in range(1, 6001):
        if len(chosen) == _QUESTIONS:
            break
        asked = mmlu.question(draw, test=True, subject=subject)
        content = (asked.question, tuple(sorted(asked.choices)))
        if keys[asked.key] >= (1 if attempt < 3000 else 3) or content in contents:
            continue
        keys[asked.key] += 1
        contents.add(content)
        chosen.append(asked)
    return chosen


def _distinct(generate, count: int) -> list:
    """Up to `count` items with different keys."""
    chosen = {}
    for _ in range(3000):
        if len(chosen) == count:
            break
        candidate = generate()
        chosen.setdefault(candidate.key, candidate)
    return list(chosen.values())


def _of_families(generate, families: dict[str, tuple[int, int]]) -> list:
    """Items family by family, so many of each and so many with one key."""
    chosen = []
    for family, (count, repeats) in families.items():
        keys, found = Counter(), []
        for _ in range(60000):
            if len(found) == count:
                break
            candidate = generate()
            if candidate.family == family and keys[candidate.key] < repeats:
                keys[candidate.key] += 1
                found.append(candidate)
        chosen += found
    return chosen


def mmlu_row(asked: Question, examples: dict[str, list[Question]]) -> dict:
    return asked.row() | {
        "prompt": prompt(asked),
        "prompt_5shot": prompt(asked, examples[asked.subject]),
    }


def math_row(family: str, drawn: Problem) -> dict:
    return {
        "problem": drawn.problem,
        "level": drawn.level,
        "type": drawn.subject,
        "solution": drawn.solution,
        "answer": drawn.answer,
        "family": family,
        "prompt": drawn.prompt(),
    }


def _math_rows(draw: Draw) -> list[dict]:
    counts = {"chainword": 30, "word": 16}
    rows = []
    for family in mathematics.FAMILIES:
        drawn = _distinct(
            lambda: mathematics.problem(draw, True, family), counts.get(family.name, 8)
        )
        rows += [math_row(family.name, each) for each in drawn]
    return rows


def aime_row(drawn: ContestProblem) -> dict:
    return {
        "problem": drawn.problem,
        "answer": str(drawn.answer),
        "type": drawn.kind,
        "solution": drawn.thinking,
        "prompt": drawn.prompt(),
    }


def _aime_rows(draw: Draw) -> list[dict]:
    more = (aime.modular.modular_power, aime.parts.two_or_three_parts)
    rows = []
    for family in aime.FAMILIES:
        count = 30 if family.generate in more else 12
        rows += map(aime_row, _distinct(lambda: aime.problem(draw, True, family), count))
    return rows


def humaneval_row(drawn: FunctionItem) -> dict:
    return {
        "prompt": drawn.prompt,
        "entry_point": drawn.entry_point,
        "canonical_solution": drawn.solution,
        "test": drawn.test,
        "family": drawn.family,
    }


def _humaneval_rows(draw: Draw) -> list[dict]:
    drawn = _of_families(lambda: humaneval.item(draw, True), _FUNCTIONS)
    return [humaneval_row(each) for each in drawn]


def lcb_row(drawn: ProgramItem) -> dict:
    """The first test is public, the others are private."""
    tests = [{"input": a, "output": b, "testtype": "stdin"} for a, b in drawn.tests]
    return {
        "question_title": drawn.title,
        "question_content": drawn.content,
        "platform": "mini",
        "contest_date": "2025-01-01T00:00:00",
        "difficulty": drawn.difficulty,
        "family": drawn.family,
        "starter_code": "",
        "public_test_cases": json.dumps(tests[:1]),
        "private_test_cases": json.dumps(tests[1:]),
        "metadata": "{}",
        "canonical_solution": drawn.program,
        "prompt": drawn.prompt(),
    }


def _lcb_rows(draw: Draw) -> list[dict]:
    drawn = _of_families(lambda: livecodebench.item(draw, True), _PROGRAMS)
    return [lcb_row(each) for each in drawn]
