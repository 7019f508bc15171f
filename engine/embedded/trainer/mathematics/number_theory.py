"""Divisibility and number bases."""

from trainer.draw import Draw
from trainer.mathematics.latex import boxed
from trainer.mathematics.problem import NUMBER_THEORY, make_problem
from trainer.written_arithmetic import euclidean_algorithm, factorize, long_division, multiplication


def remainder(draw: Draw):
    """Remainder by long division."""
    n, d = draw.integer(50, 999), draw.integer(3, 19)
    problem = draw.choose(
        [
            "What is the remainder when $%d$ is divided by $%d$?",
            "Find the remainder of $%d$ upon division by $%d$.",
        ]
    ) % (n, d)
    solution = f"We have ${long_division(n, d)}$. The answer is {boxed(n % d)}."
    return make_problem(NUMBER_THEORY, 2, problem, solution, n % d, f"re{n},{d}")


def greatest_common_divisor(draw: Draw):
    """By the Euclidean algorithm."""
    g = draw.integer(1, 20)
    a, b = g * draw.integer(2, 20), g * draw.integer(2, 20)
    if a < b:
        a, b = b, a
    if a == b:
        a += g
    problem = draw.choose(
        ["What is the greatest common divisor of $%d$ and $%d$?", "Find $\\gcd(%d, %d)$."]
    ) % (a, b)
    steps, g = euclidean_algorithm(a, b)
    solution = f"By the Euclidean algorithm, ${steps}$. The answer is {boxed(g)}."
    return make_problem(NUMBER_THEORY, 2, problem, solution, g, f"gc{a},{b}")


def least_common_multiple(draw: Draw):
    """Through the greatest common divisor."""
    g = draw.integer(1, 12)
    a, b = g * draw.integer(2, 12), g * draw.integer(2, 12)
    if a < b:
        a, b = b, a
    if a == b:
        a += g
    problem = draw.choose(
        [
            "What is the least common multiple of $%d$ and $%d$?",
            "Find the smallest positive integer divisible by both $%d$ and $%d$.",
        ]
    ) % (a, b)
    steps, g = euclidean_algorithm(a, b)
    answer = a * b // g
    solution = (
        f"By the Euclidean algorithm, ${steps}$, so the gcd is {g}. Then ${b}/{g} = {b // g}$ and"
        f" ${multiplication(a, b // g)}$. The answer is {boxed(answer)}."
    )
    return make_problem(NUMBER_THEORY, 3, problem, solution, answer, f"lc{a},{b}")


def number_of_divisors(draw: Draw):
    """From the prime factorization."""
    while True:
        n = draw.integer(12, 600)
        factors = factorize(n)
        if max(factors) <= 23:
            break
    primes = sorted(set(factors))
    exponents = [factors.count(prime) for prime in primes]
    answer = 1
    for exponent in exponents:
        answer *= exponent + 1
    problem = (
        draw.choose(
            [
                "How many positive divisors does $%d$ have?",
                "Find the number of positive divisors of $%d$.",
            ]
        )
        % n
    )
    solution = "Factoring, "
    rest = n
    steps = []
    for prime in factors[:-1]:
        steps.append(f"{rest} = {prime}*{rest // prime}")
        rest //= prime
    solution += ("$%s$, so " % ", ".join(steps) if steps else "") + "$%d = %s$. " % (
        n,
        " * ".join("%d^%d" % x for x in zip(primes, exponents)),
    )
    solution += "The count is $%s = %d$. The answer is %s." % (
        " * ".join(f"({exponent}+1)" for exponent in exponents),
        answer,
        boxed(answer),
    )
    return make_problem(NUMBER_THEORY, 3, problem, solution, answer, f"nd{n}")


def units_digit(draw: Draw):
    """Last digit of a power, by its period."""
    a, e = draw.integer(2, 39), draw.integer(5, 60)
    problem = draw.choose(
        ["What is the units digit of $%d^{%d}$?", "Find the last digit of $%d^{%d}$."]
    ) % (a, e)
    digit = a % 10
    cycle = [digit]
    while cycle[-1] * digit % 10 != cycle[0]:
        cycle.append(cycle[-1] * digit % 10)
    period = len(cycle)
    answer = pow(a, e, 10)
    solution = "The last digits repeat: $%s$, with period %d. " % (
        ", ".join(map(str, cycle)),
        period,
    )
    if period > 1:
        place = e % period
        solution += (
            f"Since ${e} mod {period} = {place}$, we take number {place or period} in the list. "
        )
    solution += f"The answer is {boxed(answer)}."
    return make_problem(NUMBER_THEORY, 3, problem, solution, answer, f"un{a},{e}")


def from_base(draw: Draw):
    """A numeral of another base in base ten."""
    base = draw.choose([2, 2, 3, 4, 5, 6, 7, 8])
    n = draw.integer(10, 60 if base == 2 else 200)
    digits = []
    rest = n
    while rest:
        digits.append(rest % base)
        rest //= base
    digits.reverse()
    problem = draw.choose(
        ["Convert $%s_%d$ to base ten.", "What is the base ten value of $%s_%d$?"]
    ) % ("".join(map(str, digits)), base)
    value = digits[0]
    steps = []
    for digit in digits[1:]:
        steps.append(f"{value}*{base} + {digit} = {value * base + digit}")
        value = value * base + digit
    solution = "Start with %d. Then $%s$. The answer is %s." % (
        digits[0],
        ", ".join(steps),
        boxed(n),
    )
    return make_problem(NUMBER_THEORY, 3, problem, solution, n, f"ba{base},{n}")


def to_base(draw: Draw):
    """A number written in another base."""
    base = draw.choose([2, 3, 4, 5, 6, 7, 8])
    n = draw.integer(10, 60 if base == 2 else 300)
    digits = []
    steps = []
    rest = n
    while rest:
        steps.append(f"{rest} = {base}*{rest // base} + {rest % base}")
        digits.append(rest % base)
        rest //= base
    answer = "".join(map(str, digits[::-1])) + f"_{base}"
    problem = draw.choose(["Write $%d$ in base $%d$.", "Express the number $%d$ in base $%d$."]) % (
        n,
        base,
    )
    solution = "Dividing repeatedly, $%s$. Reading the remainders backwards, the answer is %s." % (
        ", ".join(steps),
        boxed(answer),
    )
    return make_problem(NUMBER_THEORY, 4, problem, solution, answer, f"tb{base},{n}")
