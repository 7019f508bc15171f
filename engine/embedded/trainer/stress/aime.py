"""AIME problems beyond the training ranges. They carry no worked solution."""

from dataclasses import replace

from trainer.aime.parts import PARTS, two_or_three_parts
from trainer.aime.problem import ContestProblem, make_problem
from trainer.draw import Draw, held_out
from trainer.mathematics.latex import polynomial


def larger_power(draw: Draw) -> ContestProblem:
    """Moduli and exponents up to 320 and 250."""
    while True:
        modulus, base, exponent = draw.integer(60, 320), draw.integer(2, 60), draw.integer(60, 250)
        if held_out("aime", f"mp{base},{exponent},{modulus}"):
            break
    return make_problem(
        "modular power",
        "Find the remainder when $%d^{%d}$ is divided by $%d$." % (base, exponent, modulus),
        "",
        pow(base, exponent, modulus),
        f"Hmp{base},{exponent},{modulus}",
    )


def four_parts(draw: Draw) -> ContestProblem:
    """Four quantities in one problem; at most three in training."""
    parts = [generate(draw) for generate in draw.sample(PARTS, 4)]
    lets = " ".join(f"Let ${name}$ be {part[0]}." for name, part in zip("ABCD", parts))
    return make_problem(
        "four parts",
        lets + " Find the remainder when $A + B + C + D$ is divided by $1000$.",
        "".join(
            f"{name}: {part[1]}. So {name} = {part[2]}.\n" for name, part in zip("ABCD", parts)
        ),
        sum(part[2] for part in parts) % 1000,
        "Hf" + "|".join(part[3] for part in parts),
    )


def three_parts(draw: Draw) -> ContestProblem:
    """Held-out combinations of three quantities."""
    while True:
        drawn = two_or_three_parts(draw)
        if drawn.kind == "three parts" and held_out("aime", drawn.key):
            return replace(drawn, key="H" + drawn.key)


def longer_recurrence(draw: Draw) -> ContestProblem:
    """Nine to fourteen terms with larger constants."""
    while True:
        a, b, first = draw.integer(3, 19), draw.integer(1, 99), draw.integer(1, 30)
        count = draw.integer(9, 14)
        if held_out("aime", f"rc{a},{b},{first},{count}"):
            break
    value = first
    for _ in range(count - 1):
        value = (a * value + b) % 1000
    return make_problem(
        "recurrence",
        "A sequence is defined by $a_1 = %d$ and $a_{n+1} = %da_n + %d$. Find the remainder when"
        " $a_{%d}$ is divided by $1000$." % (first, a, b, count),
        "",
        value,
        f"Hrc{a},{b},{first},{count}",
    )


def longer_polynomial(draw: Draw) -> ContestProblem:
    """Degree five to seven."""
    while True:
        degree = draw.integer(5, 7)
        coefficients = [draw.integer(1, 9) for _ in range(degree + 1)]
        x = draw.integer(12, 49)
        if held_out("aime", f"ho{coefficients},{x}"):
            break
    value = 0
    for coefficient in coefficients:
        value = (value * x + coefficient) % 1000
    return make_problem(
        "polynomial value",
        f"Let $P(x) = {polynomial(coefficients)}$. Find the remainder when $P({x})$ is divided by"
        " $1000$.",
        "",
        value,
        f"Hho{coefficients},{x}",
    )


def larger_product(draw: Draw) -> ContestProblem:
    """Four digits times three."""
    a, b = draw.integer(1000, 9999), draw.integer(100, 999)
    return make_problem(
        "last three digits",
        f"Find the remainder when ${a} \\cdot {b}$ is divided by $1000$.",
        "",
        a * b % 1000,
        f"Hpr{a},{b}",
    )


def longer_series(draw: Draw) -> ContestProblem:
    """Nine to fourteen terms with ratios up to 30."""
    while True:
        ratio, count, modulus = draw.integer(5, 30), draw.integer(9, 14), draw.integer(50, 300)
        if held_out("aime", f"gs{ratio},{count},{modulus}"):
            break
    value = 1
    for _ in range(count):
        value = (value * ratio + 1) % modulus
    return make_problem(
        "geometric series",
        "Find the remainder when $1 + %d + %d^2 + \\cdots + %d^{%d}$ is divided by $%d$."
        % (ratio, ratio, ratio, count, modulus),
        "",
        value,
        f"Hgs{ratio},{count},{modulus}",
    )


def more_coins(draw: Draw) -> ContestProblem:
    """Amounts up to 400 cents."""
    while True:
        a, b = sorted(draw.sample(range(2, 16), 2), reverse=True)
        amount = draw.integer(a * 12, min(400, a * 22))
        if held_out("aime", f"co{a},{b},{amount}"):
            break
    return make_problem(
        "coins",
        f"In how many ways can ${amount}$ cents be paid using only coins of ${a}$ and ${b}$ cents?",
        "",
        sum((amount - a * x) % b == 0 for x in range(amount // a + 1)),
        f"Hco{a},{b},{amount}",
    )


def larger_base_digits(draw: Draw) -> ContestProblem:
    """Four-digit numbers in another base."""
    base, number = draw.integer(3, 9), draw.integer(1000, 9999)
    total, rest = 0, number
    while rest:
        total += rest % base
        rest //= base
    return make_problem(
        "base digit sum",
        f"Find the sum of the digits of ${number}$ when it is written in base ${base}$.",
        "",
        total,
        f"Hbd{base},{number}",
    )


# (name in the held-out files, generator)
FAMILIES = [
    ("modpow big", larger_power),
    ("four parts", four_parts),
    ("three parts", three_parts),
    ("recurrence long", longer_recurrence),
    ("polynomial long", longer_polynomial),
    ("product big", larger_product),
    ("geometric long", longer_series),
    ("coins long", more_coins),
    ("base digits big", larger_base_digits),
]
