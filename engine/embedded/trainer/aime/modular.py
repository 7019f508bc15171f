"""Powers, congruences and values modulo m."""

import math

from trainer.draw import Draw
from trainer.mathematics.latex import polynomial
from trainer.aime.problem import make_problem
from trainer.written_arithmetic import multiplication, reduction


def modular_power(draw: Draw):
    """a^e mod m by repeated squaring."""
    modulus = draw.integer(7, 99)
    base = draw.integer(2, 40)
    exponent = draw.integer(5, 100)
    if draw.chance(0.25):
        modulus = draw.integer(100, 250)
        exponent = draw.integer(5, 30)
    problem = draw.choose(
        [
            "Find the remainder when $%d^{%d}$ is divided by $%d$.",
            "What is the remainder of $%d^{%d}$ upon division by $%d$?",
            "Let $N = %d^{%d}$. Find the remainder when $N$ is divided by $%d$.",
        ]
    ) % (base, exponent, modulus)
    bits = [1 << i for i in range(exponent.bit_length() - 1, -1, -1) if exponent >> i & 1]
    thinking = "%d = %s.\n" % (exponent, " + ".join(map(str, bits)))
    value = base % modulus
    squares = {1: value}
    thinking += f"{base}^1: {reduction(base, modulus)}\n"
    power = 2
    while power <= exponent:
        thinking += (
            f"{base}^{power}: {multiplication(value, value)}, {reduction(value * value, modulus)}\n"
        )
        value = value * value % modulus
        squares[power] = value
        power *= 2
    thinking += "Multiply %s.\n" % ", ".join(str(squares[b]) for b in bits)
    product = squares[bits[0]]
    for b in bits[1:]:
        thinking += (
            f"{multiplication(product, squares[b])}, {reduction(product * squares[b], modulus)}\n"
        )
        product = product * squares[b] % modulus
    return make_problem(
        "modular power",
        problem,
        thinking + f"So the remainder is {product}.",
        pow(base, exponent, modulus),
        f"mp{base},{exponent},{modulus}",
    )


def two_congruences(draw: Draw):
    """Smallest number with two given remainders."""
    while True:
        a, b = draw.integer(3, 11), draw.integer(4, 23)
        if math.gcd(a, b) == 1 and a < b:
            break
    r, s = draw.integer(0, a - 1), draw.integer(0, b - 1)
    problem = draw.choose(
        [
            (
                "Find the smallest positive integer that leaves remainder $%d$ when divided by $%d$"
                " and remainder $%d$ when divided by $%d$."
            ),
            (
                "What is the least positive integer $n$ with $n \\equiv %d \\pmod{%d}$ and $n"
                " \\equiv %d \\pmod{%d}$?"
            ),
        ]
    ) % (r, a, s, b)
    thinking = f"Try numbers {s} + {b}k mod {a}, we want {r}.\n"
    n = s
    while True:
        if n > 0:
            thinking += f"{n}: {n % a}"
            if n % a == r:
                break
            thinking += "\n"
        n += b
    return make_problem(
        "chinese remainder", problem, thinking + f" works.\nSo n = {n}.", n, f"cr{a},{r},{b},{s}"
    )


def last_three_digits(draw: Draw):
    """A product modulo 1000."""
    a, b = draw.integer(101, 999), draw.integer(12, 99)
    problem = draw.choose(
        [
            "Find the remainder when $%d \\cdot %d$ is divided by $1000$.",
            "What are the last three digits of $%d \\cdot %d$, read as an integer?",
        ]
    ) % (a, b)
    r = a * b
    return make_problem(
        "last three digits",
        problem,
        f"{multiplication(a, b)}.\nMod 1000: {r % 1000}.",
        r % 1000,
        f"pr{a},{b}",
    )


def linear_congruence(draw: Draw):
    """ax = c mod m by listing multiples."""
    modulus = draw.choose([7, 11, 13, 17, 19, 23, 29, 31])
    factor = draw.integer(2, modulus - 1)
    wanted = draw.integer(1, modulus - 1)
    problem = draw.choose(
        [
            "Find the smallest positive integer $x$ such that $%dx \\equiv %d \\pmod{%d}$.",
            (
                "What is the least positive integer $x$ for which $%dx$ leaves remainder $%d$ when"
                " divided by $%d$?"
            ),
        ]
    ) % (factor, wanted, modulus)
    value = 0
    thinking = f"Multiples of {factor} mod {modulus}:\n"
    x = 0
    multiples = []
    while True:
        x += 1
        value = (value + factor) % modulus
        multiples.append(f"{x}: {value}")
        if value == wanted:
            break
    return make_problem(
        "modular inverse",
        problem,
        thinking + ", ".join(multiples) + f".\nSo x = {x}.",
        x,
        f"iv{factor},{wanted},{modulus}",
    )


def three_congruences(draw: Draw):
    """Smallest number with three given remainders."""
    while True:
        moduli = sorted(draw.sample([3, 4, 5, 7, 8, 9, 11, 13], 3))
        if (
            all(math.gcd(x, y) == 1 for x in moduli for y in moduli if x != y)
            and moduli[0] * moduli[1] * moduli[2] <= 999
        ):
            break
    x, y, z = moduli
    n = draw.integer(1, x * y * z)
    problem = draw.choose(
        [
            (
                "Find the smallest positive integer that leaves remainders $%d$, $%d$ and $%d$ when"
                " divided by $%d$, $%d$ and $%d$ respectively."
            ),
            (
                "A positive integer $n$ has remainders $%d$, $%d$ and $%d$ modulo $%d$, $%d$ and"
                " $%d$ respectively. What is the least possible $n$?"
            ),
        ]
    ) % (n % x, n % y, n % z, x, y, z)
    thinking = f"Step by {z} from {n % z}, want {n % y} mod {y}.\n"
    value = n % z
    while True:
        thinking += f"{value}: {value % y}\n"
        if value % y == n % y:
            break
        value += z
    thinking += f"Step by {y * z} from {value}, want {n % x} mod {x}.\n"
    while True:
        thinking += f"{value}: {value % x}\n"
        if value % x == n % x and value > 0:
            break
        value += y * z
    return make_problem(
        "chinese remainder 3", problem, thinking + f"So n = {value}.", value, f"c3{moduli},{n}"
    )


def geometric_series(draw: Draw):
    """1 + r + ... + r^n mod m by Horner's scheme."""
    ratio, n, modulus = draw.integer(2, 12), draw.integer(4, 10), draw.integer(11, 199)
    problem = draw.choose(
        [
            "Find the remainder when $1 + %d + %d^2 + \\cdots + %d^{%d}$ is divided by $%d$.",
            "What is the remainder of $1 + %d + %d^2 + \\cdots + %d^{%d}$ modulo $%d$?",
        ]
    ) % (ratio, ratio, ratio, n, modulus)
    thinking = "Horner: start with 1.\n"
    value = 1
    for i in range(n):
        next_value = value * ratio + 1
        thinking += f"{value}*{ratio} + 1 = {next_value}, {reduction(next_value, modulus)}\n"
        value = next_value % modulus
    return make_problem(
        "geometric series", problem, thinking + f"So {value}.", value, f"gs{ratio},{n},{modulus}"
    )


def polynomial_value(draw: Draw):
    """P(x) mod 1000 by Horner's scheme."""
    n = draw.integer(3, 5)
    coefficients = [draw.integer(1, 9)] + [draw.integer(0, 9) for _ in range(n)]
    x = draw.integer(3, 25)

    problem = draw.choose(
        [
            "Let $P(x) = %s$. Find the remainder when $P(%d)$ is divided by $1000$.",
            "If $P(x) = %s$, what are the last three digits of $P(%d)$?",
        ]
    ) % (polynomial(coefficients), x)
    value = coefficients[0]
    thinking = f"Start with {value}.\n"
    for coefficient in coefficients[1:]:
        next_value = value * x + coefficient
        thinking += f"{multiplication(value, x)}, {value * x} + {coefficient} = {next_value}"
        if next_value >= 1000:
            thinking += f", mod 1000 is {next_value % 1000}"
        thinking += "\n"
        value = next_value % 1000
    return make_problem(
        "polynomial value", problem, thinking + f"So {value}.", value, f"ho{coefficients},{x}"
    )
