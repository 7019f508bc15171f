"""Training documents: items as prompt and answer, mixed in fixed proportions."""

from enum import IntEnum
from typing import NamedTuple

from trainer import aime, humaneval, livecodebench, mathematics, mmlu
from trainer.draw import Draw
from trainer.mmlu.question import header

BEGIN = "<｜begin▁of▁sentence｜>"
END = "<｜end▁of▁sentence｜>"


class Role(IntEnum):
    """What a segment is; the trainer weights the loss by it."""

    PROMPT = 0
    ANSWER = 1
    LETTER = 2  # the one token that answers a multiple-choice question


class Segment(NamedTuple):
    text: str
    role: Role


def _answered(prompt: str, completion: str) -> list[Segment]:
    return [Segment(prompt, Role.PROMPT), Segment(completion + END, Role.ANSWER)]


def multiple_choice(draw: Draw) -> list[Segment]:
    """One to six questions of one subject, each answered with a letter."""
    subject = draw.weighted(*zip(*mmlu.SUBJECTS))
    segments = []
    for i in range(draw.choose([1, 1, 1, 2, 3, 4, 6])):
        asked = mmlu.question(draw, subject=subject)
        before = header(asked.subject) if i == 0 else "\n\n"
        segments.append(Segment(before + asked.text(), Role.PROMPT))
        segments.append(Segment(" " + asked.letter, Role.LETTER))
    return segments + [Segment(END, Role.ANSWER)]


# A question with one of these in it cannot be answered without its options.
_NEEDS_OPTIONS = (
    "Which of",
    "Which one",
    "Which word comes",
    "Which word is",
    "Which number",
    "Find the word",
    "Which expression",
    "Which country is located",
    "Find the country",
    "Which statement",
    "What is true",
    "What is measured",
    "is a unit of",
    "did",
    "Which fraction",
    "closest in",
    "Which word starts",
    "Which word ends",
)


def closed_book(draw: Draw) -> list[Segment]:
    """The same facts and sums, asked without options."""
    while True:
        asked = mmlu.question(draw)
        if not any(words in asked.question for words in _NEEDS_OPTIONS):
            break
    prompt = f"<｜User｜>{asked.question}<｜Assistant｜>"
    return _answered(prompt, asked.choices[asked.answer])


def mathematics_problem(draw: Draw) -> list[Segment]:
    drawn = mathematics.problem(draw)
    return _answered(drawn.prompt(), drawn.solution)


def contest_problem(draw: Draw) -> list[Segment]:
    drawn = aime.problem(draw)
    return _answered(drawn.prompt(), drawn.completion())


def function(draw: Draw) -> list[Segment]:
    drawn = humaneval.item(draw)
    return _answered(drawn.prompt, drawn.solution)


def program(draw: Draw) -> list[Segment]:
    drawn = livecodebench.item(draw)
    return _answered(drawn.prompt(), drawn.completion())


# (generator, share of the documents)
KINDS = [
    (multiple_choice, 0.24),
    (closed_book, 0.12),
    (mathematics_problem, 0.21),
    (contest_problem, 0.17),
    (function, 0.14),
    (program, 0.12),
]


def document(draw: Draw) -> list[Segment]:
    """One training document of any kind."""
    return draw.weighted(*zip(*KINDS))(draw)
