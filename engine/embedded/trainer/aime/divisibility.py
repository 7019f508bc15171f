"""Divisors, multiples and factorials."""

import math

from trainer.draw import Draw
from trainer.aime.problem import make_problem
from trainer.written_arithmetic import factorize, floor_division, multiplication, running_sum


def greatest_common_divisor(draw: Draw):
    """Of numbers up to 3600."""
    g = draw.integer(2, 60)
    a, b = g * draw.integer(5, 60), g * draw.integer(5, 60)
    if a < b:
        a, b = b, a
    if a == b:
        a += g
    problem = draw.choose(
        [
            "Find the greatest common divisor of $%d$ and $%d$.",
            "What is the largest integer that divides both $%d$ and $%d$?",
        ]
    ) % (a, b)
    thinking = ""
    x, y = a, b
    while y:
        quotient = x // y
        thinking += (
            f"{x} mod {y}: {y}*{quotient} = {y * quotient}, {x} - {y * quotient} = {x % y}\n"
        )
        x, y = y, x % y
    return (
        make_problem("gcd", problem, thinking + f"So the gcd is {x}.", x, f"gc{a},{b}")
        if x <= 999
        else greatest_common_divisor(draw)
    )


def least_common_multiple(draw: Draw):
    """Of two numbers."""
    while True:
        g = draw.integer(1, 15)
        a, b = g * draw.integer(2, 30), g * draw.integer(2, 30)
        if a < b:
            a, b = b, a
        if a != b and a * b // math.gcd(a, b) <= 999:
            break
    problem = draw.choose(
        [
            "Find the least common multiple of $%d$ and $%d$.",
            "What is the smallest positive integer that is a multiple of both $%d$ and $%d$?",
        ]
    ) % (a, b)
    thinking = ""
    x, y = a, b
    while y:
        thinking += f"{x} mod {y} = {x % y}\n"
        x, y = y, x % y
    thinking += f"The gcd is {x}. {b}/{x} = {b // x}. {multiplication(a, b // x)}."
    return make_problem("lcm", problem, thinking, a * b // x, f"lc{a},{b}")


def trailing_zeros(draw: Draw):
    """Zeros at the end of n!."""
    n = draw.integer(20, 999)
    problem = (
        draw.choose(
            [
                "How many zeros are at the end of $%d!$?",
                "Find the number of trailing zeros of $%d!$.",
                "Find the largest integer $k$ such that $10^k$ divides $%d!$.",
            ]
        )
        % n
    )
    thinking = ""
    rest = n
    parts = []
    while rest >= 5:
        thinking += f"{rest}/5: 5*{rest // 5} = {rest // 5 * 5}, so {rest // 5}.\n"
        rest //= 5
        parts.append(rest)
    total = parts[0]
    steps = []
    for d in parts[1:]:
        steps.append(f"{total} + {d} = {total + d}")
        total += d
    return make_problem(
        "trailing zeros",
        problem,
        thinking + "Total: %s." % (", ".join(steps) or total),
        total,
        f"tz{n}",
    )


def divisors(draw: Draw):
    """Number or sum of the divisors."""
    while True:
        n = draw.integer(24, 960)
        factors = factorize(n)
        if len(factors) >= 3 and max(factors) <= 31:
            break
    want_sum = draw.chance(0.4)
    if want_sum and n > 400:
        n = 2 * draw.integer(12, 190)
        factors = factorize(n)
    primes = sorted(set(factors))
    exponents = [factors.count(prime) for prime in primes]
    thinking = "Factor: "
    rest = n
    for prime in factors[:-1]:
        thinking += f"{rest} = {prime}*{rest // prime}, "
        rest //= prime
    thinking += "so %d = %s.\n" % (n, " * ".join("%d^%d" % x for x in zip(primes, exponents)))
    if not want_sum:
        problem = (
            draw.choose(
                [
                    "How many positive integers divide $%d$?",
                    "Find the number of positive divisors of $%d$.",
                ]
            )
            % n
        )
        total = 1
        steps = []
        for exponent in exponents:
            steps.append(f"{total}*{exponent + 1} = {total * (exponent + 1)}")
            total *= exponent + 1
        thinking += "%s." % ", ".join(steps)
        return make_problem("divisors", problem, thinking, total, f"dv{n}")
    problem = (
        draw.choose(
            [
                "Find the sum of all positive divisors of $%d$.",
                "What is the sum of the positive integers that divide $%d$?",
            ]
        )
        % n
    )
    total = 1
    for prime, exponent in zip(primes, exponents):
        powers = [prime**i for i in range(exponent + 1)]
        thinking += "%s = %d. " % (" + ".join(map(str, powers)), sum(powers))
        thinking += f"{multiplication(total, sum(powers))}.\n" if total > 1 else "\n"
        total *= sum(powers)
    if total > 999:
        return divisors(draw)
    return make_problem("divisor sum", problem, thinking + f"So {total}.", total, f"dw{n}")


def factorial_exponent(draw: Draw):
    """Exponent of a prime in n!."""
    prime = draw.choose([2, 3, 7, 11, 13])
    n = draw.integer(20, 600)
    problem = draw.choose(
        [
            "Find the largest integer $k$ such that $%d^k$ divides $%d!$.",
            "What is the exponent of $%d$ in the prime factorization of $%d!$?",
        ]
    ) % (prime, n)
    rest = n
    thinking = ""
    parts = []
    while rest >= prime:
        thinking += f"{floor_division(rest, prime)}\n"
        rest //= prime
        parts.append(rest)
    sum_text, total = running_sum(parts)
    return make_problem(
        "factorial exponent", problem, thinking + sum_text + ".", total, f"lg{prime},{n}"
    )


def euler_phi(draw: Draw):
    """Numbers relatively prime to n."""
    while True:
        n = draw.integer(20, 999)
        factors = factorize(n)
        if 2 <= len(factors) and max(factors) <= 43:
            break
    primes = sorted(set(factors))
    problem = draw.choose(
        [
            "How many positive integers less than or equal to $%d$ are relatively prime to $%d$?",
            (
                "Find the number of integers from $1$ to $%d$ that share no common factor greater"
                " than $1$ with $%d$."
            ),
        ]
    ) % (n, n)
    thinking = "Factor: "
    rest = n
    for prime in factors[:-1]:
        thinking += f"{rest} = {prime}*{rest // prime}, "
        rest //= prime
    thinking += "primes %s.\n" % ", ".join(map(str, primes))
    value = n
    for prime in primes:
        thinking += (
            f"{value}/{prime} = {value // prime}, {value // prime}*{prime - 1} ="
            f" {value // prime * (prime - 1)}\n"
        )
        value = value // prime * (prime - 1)
    return make_problem("euler phi", problem, thinking + f"So {value}.", value, f"ph{n}")


def least_common_multiple_of_three(draw: Draw):
    """Of three numbers."""
    while True:
        g = draw.integer(1, 6)
        values = [g * draw.integer(2, 20) for _ in range(3)]
        first_multiple = values[0] * values[1] // math.gcd(values[0], values[1])
        multiple = first_multiple * values[2] // math.gcd(first_multiple, values[2])
        if len(set(values)) == 3 and multiple <= 999:
            break
    problem = draw.choose(
        [
            "Find the least common multiple of $%d$, $%d$ and $%d$.",
            "What is the smallest positive integer divisible by $%d$, $%d$ and $%d$?",
        ]
    ) % tuple(values)
    thinking = ""

    def euclid(x, y):
        steps = []
        if x < y:
            x, y = y, x
        while y:
            steps.append(f"{x} mod {y} = {x % y}")
            x, y = y, x % y
        return (", ".join(steps), x)

    first_steps, first_gcd = euclid(values[0], values[1])
    second_steps, second_gcd = euclid(first_multiple, values[2])
    thinking = (
        f"{first_steps}. gcd {first_gcd}. {values[0]}/{first_gcd} = {values[0] // first_gcd},"
        f" {multiplication(values[1], values[0] // first_gcd)}.\n{second_steps}. gcd {second_gcd}."
        f" {values[2]}/{second_gcd} = {values[2] // second_gcd},"
        f" {multiplication(first_multiple, values[2] // second_gcd)}."
    )
    return make_problem("lcm of three", problem, thinking, multiple, f"l3{sorted(values)}")


def floor_sum(draw: Draw):
    """The first terms of sum floor(n/k)."""
    n, m = draw.integer(20, 300), draw.integer(4, 8)
    problem = "Find $\\sum_{k=1}^{%d} \\lfloor \\frac{%d}{k} \\rfloor$." % (m, n)
    terms = [n // k for k in range(1, m + 1)]
    sum_text, total = running_sum(terms)
    thinking = "".join(f"{n}/{k}: {n // k}\n" for k in range(1, m + 1)) + sum_text + "."
    return (
        make_problem("floor sum", problem, thinking, total, f"fl{n},{m}")
        if total <= 999
        else floor_sum(draw)
    )
