"""Sequences given by a recurrence."""

from trainer.draw import Draw
from trainer.aime.problem import make_problem


def recurrence(draw: Draw):
    """a_{n+1} = a*a_n + b, modulo 1000."""
    a, b, c, n = draw.integer(2, 7), draw.integer(1, 19), draw.integer(1, 9), draw.integer(4, 9)
    problem = draw.choose(
        [
            (
                "A sequence is defined by $a_1 = %d$ and $a_{n+1} = %da_n + %d$. Find the remainder"
                " when $a_{%d}$ is divided by $1000$."
            ),
            (
                "Let $a_1 = %d$ and $a_{n+1} = %da_n + %d$ for all $n \\geq 1$. Find the last three"
                " digits of $a_{%d}$."
            ),
        ]
    ) % (c, a, b, n)
    x = c
    thinking = ""
    for i in range(2, n + 1):
        y = a * x
        z = y + b
        thinking += f"a_{i}: {x}*{a} = {y}, {y} + {b} = {z}"
        if z >= 1000:
            thinking += f", mod 1000 is {z % 1000}"
        thinking += "\n"
        x = z % 1000
    return make_problem("recurrence", problem, thinking + f"So {x}.", x, f"rc{a},{b},{c},{n}")


def fibonacci_type(draw: Draw):
    """Subsets, stairs, tilings and general Fibonacci sequences."""
    form = draw.integer(0, 2)
    if form == 0:
        n = draw.integer(3, 13)
        x, y = 1, 2
        problem = (
            draw.choose(
                [
                    (
                        "How many subsets of $\\{1, 2, \\ldots, %d\\}$ contain no two consecutive"
                        " integers?"
                    ),
                    (
                        "Find the number of subsets of the first $%d$ positive integers with no two"
                        " consecutive elements."
                    ),
                ]
            )
            % n
        )
        thinking = "f(0) = 1, f(1) = 2\n"
        start = 2
        key = f"fb0,{n}"
    elif form == 1:
        n = draw.integer(4, 14)
        x, y = 1, 1
        problem = (
            draw.choose(
                [
                    (
                        "In how many ways can a staircase of $%d$ steps be climbed taking one or"
                        " two steps at a time?"
                    ),
                    "Find the number of ways to tile a $2 \\times %d$ rectangle with dominoes.",
                ]
            )
            % n
        )
        thinking = "f(0) = 1, f(1) = 1\n"
        start = 2
        key = f"fb1,{n}"
    else:
        x, y = draw.integer(1, 20), draw.integer(1, 30)
        n = draw.integer(4, 10)
        problem = (
            f"Let $f(0) = {x}$, $f(1) = {y}$ and $f(n) = f(n-1) + f(n-2)$. Find the remainder when"
            f" $f({n})$ is divided by $1000$."
        )
        thinking = f"f(0) = {x}, f(1) = {y}\n"
        start = 2
        key = f"fb2,{x},{y},{n}"
    for i in range(start, n + 1):
        next_value = x + y
        thinking += f"f({i}) = {y} + {x} = {next_value}"
        if next_value >= 1000:
            thinking += f", mod 1000 is {next_value % 1000}"
        thinking += "\n"
        x, y = y, next_value % 1000
    return make_problem("fibonacci type", problem, thinking + f"So {y}.", y, key)


def linear_recurrence(draw: Draw):
    """a_{n+2} = a*a_{n+1} + b*a_n, modulo 1000."""
    a, b = draw.integer(1, 5), draw.integer(1, 5)
    x, y = draw.integer(1, 9), draw.integer(1, 9)
    n = draw.integer(5, 9)
    problem = draw.choose(
        [
            (
                "Let $a_1 = %d$, $a_2 = %d$ and $a_{n+2} = %da_{n+1} + %da_n$. Find the remainder"
                " when $a_{%d}$ is divided by $1000$."
            ),
            (
                "A sequence satisfies $a_1 = %d$, $a_2 = %d$ and $a_{n+2} = %da_{n+1} + %da_n$ for"
                " $n \\geq 1$. Find the last three digits of $a_{%d}$."
            ),
        ]
    ) % (x, y, a, b, n)
    key = f"r2{a},{b},{x},{y},{n}"
    thinking = ""
    for i in range(3, n + 1):
        u, v = a * y, b * x
        w = u + v
        thinking += f"a_{i}: {y}*{a} = {u}, {x}*{b} = {v}, {u} + {v} = {w}"
        if w >= 1000:
            thinking += f", mod 1000 is {w % 1000}"
        thinking += "\n"
        x, y = y, w % 1000
    return make_problem("linear recurrence", problem, thinking + f"So {y}.", y, key)
