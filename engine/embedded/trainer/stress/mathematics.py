"""MATH problems beyond the training ranges."""

import math
from dataclasses import replace

from trainer.draw import Draw, WideDraw, held_out
from trainer.mathematics import FAMILIES as TRAINED
from trainer.mathematics.latex import boxed
from trainer.mathematics.problem import INTERMEDIATE, PREALGEBRA, Problem, make_problem
from trainer.mathematics.stories import story_chain
from trainer.written_arithmetic import latex_fraction

_TRAINED = {family.name: family for family in TRAINED}


def _wide(names: str, factor: float):
    """A generator of trained families with every range of integers widened."""
    families = [_TRAINED[name] for name in names.split()]

    def generate(draw: Draw) -> tuple[str, Problem]:
        family = draw.choose(families)
        while True:
            drawn = family.generate(WideDraw(draw, factor))
            if held_out("math", drawn.key):
                return f"{family.name} wide", replace(drawn, key="W" + drawn.key)

    return generate


def longer_story(draw: Draw) -> tuple[str, Problem]:
    """Seven to nine events; at most six in training."""
    drawn = story_chain(draw, events=(7, 9))
    return "chainword long", replace(drawn, level="Level 5", key="W" + drawn.key)


def larger_root(draw: Draw) -> tuple[str, Problem]:
    """Factors up to 20 in front of the root."""
    while True:
        a, b = draw.integer(4, 20), draw.choose([2, 3, 5, 6, 7, 10, 11, 13, 14, 15])
        if a > 12 or held_out("math", f"sq{a},{b}"):
            break
    square, number = a * a, a * a * b
    root = f"{a}\\sqrt{{{b}}}"
    return "sqrt wide", make_problem(
        INTERMEDIATE,
        4,
        f"Simplify $\\sqrt{{{number}}}$.",
        f"We have ${number} = {square}*{b}$ and ${square} = {a}^2$. The answer is {boxed(root)}.",
        root,
        f"Wsq{a},{b}",
    )


def larger_fractions(draw: Draw) -> tuple[str, Problem]:
    """Denominators up to 24."""
    while True:
        b, d = draw.integer(7, 24), draw.integer(7, 24)
        a, c = draw.integer(1, b), draw.integer(1, d)
        if max(b, d) > 12 or held_out("math", f"fa{a},{b},{c},{d},0"):
            break
    common = math.lcm(b, d)
    first, second = a * common // b, c * common // d
    total = latex_fraction(first + second, common)
    return "fracadd wide", make_problem(
        PREALGEBRA,
        4,
        "Compute $\\frac{%d}{%d} + \\frac{%d}{%d}$. Express your answer in lowest terms."
        % (a, b, c, d),
        "The common denominator is %d. We get $\\frac{%d}{%d} + \\frac{%d}{%d} = \\frac{%d}{%d}$."
        " The answer is %s."
        % (common, first, common, second, common, first + second, common, boxed(total)),
        total,
        f"Wfa{a},{b},{c},{d}",
    )


# Generators of (family in the held-out files, problem).
FAMILIES = [
    longer_story,
    _wide("det3 matmul sys2 cross polyrem triarea dot eval det", 1.6),
    _wide("expand expand3 lin2 avg slope vadd order complex fog vieta", 2.0),
    larger_root,
    larger_fractions,
    _wide("roots factor quadrad prob twodraw", 1.5),
]
