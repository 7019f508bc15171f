"""One problem with an integer answer, and the text it becomes."""

from dataclasses import dataclass

from trainer.mathematics.problem import INSTRUCTION


@dataclass
class ContestProblem:
    """`thinking` is the working; `key` is the content that decides the held-out side."""

    kind: str
    problem: str
    thinking: str
    answer: int
    key: str

    def prompt(self) -> str:
        return "<｜User｜>" + self.problem + INSTRUCTION + "<｜Assistant｜><think>\n"

    def completion(self) -> str:
        return f"{self.thinking}\n</think>\n\nThe answer is $\\boxed{{{self.answer}}}$."


def make_problem(kind, problem, thinking, answer, key) -> ContestProblem:
    """Throws ValueError for an answer that is not within 0 and 999."""
    if not 0 <= answer <= 999:
        raise ValueError(f"{key}: answer {answer} is not within 0 and 999")
    return ContestProblem(kind, problem, thinking, int(answer), key)
