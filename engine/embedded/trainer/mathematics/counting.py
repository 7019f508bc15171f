"""Counting and probability."""

import math

from trainer.draw import Draw
from trainer.mathematics.latex import boxed, parenthesized, polynomial
from trainer.mathematics.problem import COUNTING, make_problem
from trainer.written_arithmetic import latex_fraction, multiplication


def combinations(draw: Draw):
    """Binomial coefficients."""
    n = draw.integer(4, 24)
    k = draw.integer(2, 3 if n > 8 else min(4, n - 1))
    things = draw.choose(["students", "books", "players", "cards", "toppings", "people"])
    problem = draw.choose(
        [
            f"In how many ways can {k} {things} be chosen from a group of {n}?",
            f"How many ways are there to choose {k} of {n} {things}?",
            "Compute $\\binom{%d}{%d}$." % (n, k),
        ]
    )
    steps = []
    product = n
    for i in range(1, k):
        steps.append(f"{product}*{n - i} = {product * (n - i)}")
        product *= n - i
    orders = math.factorial(k)
    answer = product // orders
    solution = (
        "The number is $\\frac{%s}{%d}$. We have $%s$ and $%d/%d = %d$. The answer is %s."
        % (
            " * ".join(str(n - i) for i in range(k)),
            orders,
            ", ".join(steps),
            product,
            orders,
            answer,
            boxed(answer),
        )
    )
    return make_problem(COUNTING, 3, problem, solution, answer, f"ch{n},{k}")


def arrangements(draw: Draw):
    """Ordered selections."""
    n = draw.integer(3, 7)
    k = draw.integer(2, n)
    if k == n or draw.chance(0.4):
        k = n
        problem = (
            draw.choose(
                [
                    "In how many ways can %d different books be arranged on a shelf?",
                    "How many ways can %d people stand in a line?",
                ]
            )
            % n
        )
    else:
        problem = draw.choose(
            [
                f"In how many ways can {k} of {n} runners finish in the top {k} places, in order?",
                (
                    f"How many ordered lists of {k} different letters can be made from {n} letters,"
                    f" using {k} of them?"
                ),
            ]
        )
    product = n
    steps = []
    for i in range(1, k):
        steps.append(f"{product}*{n - i} = {product * (n - i)}")
        product *= n - i
    solution = "Multiply: $%s$. The answer is %s." % (", ".join(steps), boxed(product))
    return make_problem(COUNTING, 2, problem, solution, product, f"pm{n},{k}")


def draw_one(draw: Draw):
    """Probability of a color."""
    colors = draw.sample(["red", "blue", "green", "white", "black", "yellow"], 3)
    counts = [draw.integer(1, 15) for _ in range(3)]
    total = sum(counts)
    asked = draw.integer(0, 2)
    negated = draw.chance(0.3)
    things = draw.choose(["marbles", "balls", "cards", "beads"])
    problem = (
        "A %s contains %d %s %s, %d %s %s and %d %s %s. One is drawn at random. What is the"
        " probability that it is %s%s?"
        % (
            draw.choose(["bag", "box", "jar"]),
            counts[0],
            colors[0],
            things,
            counts[1],
            colors[1],
            things,
            counts[2],
            colors[2],
            things,
            "not " if negated else "",
            colors[asked],
        )
    )
    good = total - counts[asked] if negated else counts[asked]
    solution = (
        "There are $%d + %d = %d$, $%d + %d = %d$ in total and %d of them are %s%s. So it is"
        " $\\frac{%d}{%d}$. The answer is %s."
        % (
            counts[0],
            counts[1],
            counts[0] + counts[1],
            counts[0] + counts[1],
            counts[2],
            total,
            good,
            "not " if negated else "",
            colors[asked],
            good,
            total,
            boxed(latex_fraction(good, total)),
        )
    )
    return make_problem(
        COUNTING,
        2,
        problem,
        solution,
        latex_fraction(good, total),
        f"pr{counts},{asked},{negated:d}",
    )


def sum_of_dice(draw: Draw):
    """Probability of a sum of two dice."""
    m, n = draw.choose([4, 6, 6, 6, 8, 10, 12]), draw.choose([4, 6, 6, 6, 8, 10, 12])
    total = draw.integer(3, m + n - 1)
    if m == n:
        problem = draw.choose(
            [
                "Two fair %d-sided dice are rolled. What is the probability that the sum is %d?",
                "What is the probability that two %d-sided dice show a sum of %d?",
            ]
        ) % (m, total)
    else:
        problem = draw.choose(
            [
                (
                    "A fair %d-sided die and a fair %d-sided die are rolled. What is the"
                    " probability that the sum is %d?"
                ),
                "What is the probability that a %d-sided die and a %d-sided die show a sum of %d?",
            ]
        ) % (m, n, total)
    low, high = max(1, total - n), min(m, total - 1)
    count = high - low + 1
    solution = (
        f"The first die can show {low} to {high}, so there are ${high} - {low} + 1 = {count}$ good"
        f" outcomes of ${m}*{n} = {m * n}$. The answer is {boxed(latex_fraction(count, m * n))}."
    )
    return make_problem(
        COUNTING, 4, problem, solution, latex_fraction(count, m * n), f"di{m},{n},{total}"
    )


def product_rule(draw: Draw):
    """One of each of three kinds."""
    a, b, c = draw.integer(2, 12), draw.integer(2, 12), draw.integer(2, 9)
    names = draw.choose(
        [
            ("shirts", "pants", "hats", "outfits"),
            ("soups", "mains", "desserts", "meals"),
            ("frames", "wheels", "seats", "bikes"),
        ]
    )
    problem = (
        f"How many different {names[3]} can be made from {a} {names[0]}, {b} {names[1]} and {c}"
        f" {names[2]}, using one of each?"
    )
    answer = a * b * c
    solution = (
        f"Multiply: ${multiplication(a, b)}$, ${multiplication(a * b, c)}$. The answer is"
        f" {boxed(answer)}."
    )
    return make_problem(COUNTING, 2, problem, solution, answer, f"of{a},{b},{c}")


def binomial_term(draw: Draw):
    """A coefficient of (ax + b)^n."""
    n = draw.integer(3, 6)
    k = draw.integer(1, n - 1)
    a, b = draw.integer(1, 3), draw.integer(-4, 5) or 2
    problem = draw.choose(
        [
            "What is the coefficient of $x^%d$ in the expansion of $(%s)^%d$?",
            "Find the coefficient of $x^%d$ in $(%s)^%d$.",
        ]
    ) % (k, polynomial([a, b]), n)
    count = math.comb(n, k)
    answer = count * a**k * b ** (n - k)
    solution = (
        "The term is $\\binom{%d}{%d} * %d^%d * (%d)^%d$. These are $%d$, $%d$ and $%d$. We have"
        " $%d*%d = %d$ and $%d*%s = %d$. The answer is %s."
        % (
            n,
            k,
            a,
            k,
            b,
            n - k,
            count,
            a**k,
            b ** (n - k),
            count,
            a**k,
            count * a**k,
            count * a**k,
            parenthesized(b ** (n - k)),
            answer,
            boxed(answer),
        )
    )
    return make_problem(COUNTING, 4, problem, solution, answer, f"bc{n},{k},{a},{b}")


def draw_two(draw: Draw):
    """Two draws with or without replacement."""
    a, b = draw.integer(2, 12), draw.integer(2, 12)
    N = a + b
    first, second = draw.sample(["red", "blue", "green", "white", "black"], 2)
    form = draw.integer(0, 2)
    replace = draw.chance(0.3)
    M = N if replace else N - 1
    event = [
        f"both are {first}",
        f"one is {first} and one is {second}",
        f"at least one is {second}",
    ][form]
    a_left = a if replace else a - 1
    if form == 0:
        good = a * a_left
    elif form == 1:
        good = 2 * a * b
    else:
        good = N * M - a * a_left
    problem = (
        "A bag has %d %s marbles and %d %s marbles. Two are drawn %s replacement. What is the"
        " probability that %s?" % (a, first, b, second, "with" if replace else "without", event)
    )
    solution = f"There are ${N}*{M} = {N * M}$ ordered draws. "
    if form == 0:
        solution += f"Good ones: ${a}*{a_left} = {good}$. "
    elif form == 1:
        solution += f"Good ones: $2*{a}*{b} = {good}$. "
    else:
        solution += (
            f"None is {second} in ${a}*{a_left} = {a * a_left}$ of them, so ${N * M} - {a * a_left}"
            f" = {good}$ are good. "
        )
    g = math.gcd(good, N * M)
    solution += (
        f"The common factor of {good} and {N * M} is {g}. The answer is"
        f" {boxed(latex_fraction(good, N * M))}."
    )
    return make_problem(
        COUNTING, 4, problem, solution, latex_fraction(good, N * M), f"td{a},{b},{form},{replace:d}"
    )
