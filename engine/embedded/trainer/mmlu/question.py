"""One multiple-choice question, and the text it becomes."""

from dataclasses import dataclass

from trainer.draw import Draw

LETTERS = "ABCD"


class AmbiguousOptions(ValueError):
    """Two options of a question would be equal."""


@dataclass
class Question:
    """Four options, one of them right; `key` is the content that decides the held-out side."""

    subject: str
    question: str
    choices: list[str]
    answer: int
    key: str

    @property
    def letter(self) -> str:
        return LETTERS[self.answer]

    def row(self) -> dict:
        """The fields of a held-out row."""
        return {
            "subject": self.subject,
            "question": self.question,
            "choices": self.choices,
            "answer": self.answer,
        }

    def text(self) -> str:
        """Question and options, up to the place of the letter."""
        options = "".join(f"\n{a}. {b}" for a, b in zip(LETTERS, self.choices))
        return f"{self.question}{options}\nAnswer:"


def header(subject: str) -> str:
    """What stands before the first question of a prompt."""
    name = subject.replace("_", " ")
    return f"The following are multiple choice questions (with answers) about {name}.\n\n"


def prompt(asked: Question, examples=()) -> str:
    """The question after worked examples of the same subject."""
    shown = "".join(f"{example.text()} {example.letter}\n\n" for example in examples)
    return header(asked.subject) + shown + asked.text()


def make_question(draw: Draw, subject, question, right, wrong, key) -> Question:
    """Shuffles the right option among the first three wrong ones. Throws AmbiguousOptions."""
    right = str(right)
    choices = [str(option) for option in wrong][:3] + [right]
    if len(set(choices)) != 4:
        raise AmbiguousOptions(f"{subject}: {question}: {choices}")
    draw.shuffle(choices)
    return Question(subject, question, choices, choices.index(right), f"{subject}|{key}")


def nearby_numbers(
    draw: Draw,
    answer,
    lowest=None,
    deltas=(1, -1, 2, -2, 10, -10, 3, -3, 5, -5, 20, -20, 9, -9, 11, -11),
):
    """Three distinct wrong integers near the answer."""
    wrong = []
    candidates = list(deltas)
    draw.shuffle(candidates)
    for delta in candidates:
        value = answer + delta
        if lowest is not None and value < lowest:
            continue
        if value != answer and value not in wrong:
            wrong.append(value)
        if len(wrong) == 3:
            return wrong
    k = 1
    while len(wrong) < 3:
        value = answer + 20 + k
        k += 1
        if value not in wrong:
            wrong.append(value)
    return wrong


def fact_question(draw: Draw, subject, pairs, forward, backward, tag):
    """A question about pairs (x, y): `forward` phrasings ask y from x, `backward` x from y."""
    i = draw.integer(0, len(pairs) - 1)
    x, y = pairs[i]
    if backward and draw.chance(0.45) and (sum(pair[1] == y for pair in pairs) == 1):
        phrasing = draw.integer(0, len(backward) - 1)
        wrong = draw.sample([pair[0] for pair in pairs if pair[1] != y], 3)
        return make_question(
            draw, subject, backward[phrasing] % y, x, wrong, tag + f"r{phrasing},{x}"
        )
    phrasing = draw.integer(0, len(forward) - 1)
    wrong = draw.sample(sorted({pair[1] for pair in pairs if pair[1] != y}), 3)
    return make_question(draw, subject, forward[phrasing] % x, y, wrong, tag + f"f{phrasing},{x}")
