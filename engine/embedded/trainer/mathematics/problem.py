"""One problem with a boxed answer, and the text it becomes."""

from dataclasses import dataclass

ALGEBRA = "Algebra"
PREALGEBRA = "Prealgebra"
NUMBER_THEORY = "Number Theory"
COUNTING = "Counting & Probability"
GEOMETRY = "Geometry"
INTERMEDIATE = "Intermediate Algebra"
PRECALCULUS = "Precalculus"

INSTRUCTION = "\nPlease reason step by step, and put your final answer within \\boxed{}."


@dataclass
class Problem:
    """`solution` ends in the boxed answer; `key` is the content that decides the held-out side."""

    subject: str
    level: str
    problem: str
    solution: str
    answer: str
    key: str

    def prompt(self) -> str:
        return "<｜User｜>" + self.problem + INSTRUCTION + "<｜Assistant｜>"


def make_problem(subject, level: int, problem, solution, answer, key) -> Problem:
    """A problem of one of the seven MATH subjects, with level 1 to 5."""
    return Problem(subject, f"Level {level}", problem, solution, str(answer), key)
