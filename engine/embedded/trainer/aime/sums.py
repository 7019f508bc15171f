"""Sums, digit sums and number bases."""

from trainer.draw import Draw
from trainer.aime.problem import make_problem
from trainer.written_arithmetic import floor_division, multiplication


def digit_sum(draw: Draw):
    """Digit sum of a product, power or sum."""
    form = draw.integer(0, 2)
    if form == 0:
        a, b = draw.integer(12, 99), draw.integer(12, 99)
        problem = draw.choose(
            [
                "Find the sum of the digits of the product $%d \\cdot %d$.",
                "What is the digit sum of $%d \\cdot %d$?",
            ]
        ) % (a, b)
        n = a * b
        thinking = multiplication(a, b) + ".\n"
    elif form == 1:
        a, b = draw.integer(2, 9), draw.integer(2, 7)
        while a**b > 99999:
            b -= 1
        problem = draw.choose(
            ["Find the sum of the digits of $%d^{%d}$.", "What is the digit sum of $%d^{%d}$?"]
        ) % (a, b)
        power = a
        thinking = ""
        for i in range(2, b + 1):
            thinking += f"{multiplication(power, a)}.\n" if power >= a else ""
            power *= a
        n = power
    else:
        a, b = draw.integer(100, 9999), draw.integer(100, 9999)
        problem = draw.choose(
            ["Find the sum of the digits of $%d + %d$.", "What is the digit sum of $%d + %d$?"]
        ) % (a, b)
        n = a + b
        thinking = f"{a} + {b} = {n}.\n"
    digits = list(map(int, str(n)))
    total = digits[0]
    steps = []
    for digit in digits[1:]:
        steps.append(f"{total} + {digit} = {total + digit}")
        total += digit
    thinking += "Digits of %d: %s.\n%s." % (
        n,
        ", ".join(map(str, digits)),
        ", ".join(steps) or total,
    )
    return make_problem("digit sum", problem, thinking, total, f"ds{form},{a},{b}")


def sum_of_multiples(draw: Draw):
    """Of k below N, modulo 1000."""
    k = draw.integer(3, 25)
    N = draw.integer(5 * k, min(1000, 40 * k))
    n = (N - 1) // k
    problem = draw.choose(
        [
            (
                "Let $S$ be the sum of all positive multiples of $%d$ less than $%d$. Find the"
                " remainder when $S$ is divided by $1000$."
            ),
            (
                "Find the last three digits of the sum of all positive multiples of $%d$ that are"
                " smaller than $%d$."
            ),
        ]
    ) % (k, N)
    product = n * (n + 1)
    half = product // 2
    answer = half * k
    thinking = f"Count: {floor_division(N - 1, k)}.\n"
    thinking += (
        f"1 + ... + {n} = {n}*{n + 1}/2. {multiplication(n, n + 1)}. {product}/2 = {half}.\n"
    )
    thinking += f"Times {k}: {multiplication(half, k)}.\nMod 1000: {answer % 1000}."
    return make_problem("sum of multiples", problem, thinking, answer % 1000, f"ms{k},{N}")


def number_base(draw: Draw):
    """A numeral of another base in base ten."""
    base = draw.integer(3, 9)
    n = draw.integer(60, 999)
    digits = []
    rest = n
    while rest:
        digits.append(rest % base)
        rest //= base
    digits.reverse()
    problem = draw.choose(
        [
            "The number $N$ is written as $%s$ in base $%d$. Find $N$ in base ten.",
            "Find the base ten value of the base $%d$ number $%s$.",
        ]
    )
    problem = problem % (
        ("".join(map(str, digits)), base)
        if problem.startswith("The")
        else (base, "".join(map(str, digits)))
    )
    value = digits[0]
    thinking = f"Start: {value}\n"
    for digit in digits[1:]:
        thinking += (
            f"{value}*{base} + {digit} = {value * base} + {digit} = {value * base + digit}\n"
        )
        value = value * base + digit
    return make_problem("number base", problem, thinking + f"So N = {value}.", n, f"bs{base},{n}")


def base_digit_sum(draw: Draw):
    """Digit sum in another base."""
    base = draw.integer(3, 9)
    n = draw.integer(60, 999)
    problem = draw.choose(
        [
            "Find the sum of the digits of $%d$ when it is written in base $%d$.",
            "The number $%d$ is written in base $%d$. What is the sum of its digits?",
        ]
    ) % (n, base)
    thinking = ""
    rest = n
    digits = []
    while rest:
        thinking += f"{rest} = {base}*{rest // base} + {rest % base}\n"
        digits.append(rest % base)
        rest //= base
    total = digits[0]
    steps = []
    for digit in digits[1:]:
        steps.append(f"{total} + {digit} = {total + digit}")
        total += digit
    return make_problem(
        "base digit sum",
        problem,
        thinking + "Digits: %s.\n%s." % (", ".join(map(str, digits)), ", ".join(steps)),
        total,
        f"bd{base},{n}",
    )


def arithmetic_series(draw: Draw):
    """Its sum, modulo 1000."""
    a, step, n = draw.integer(1, 30), draw.integer(2, 15), draw.integer(6, 30)
    problem = draw.choose(
        [
            (
                "An arithmetic sequence has first term $%d$ and common difference $%d$. Let $S$ be"
                " the sum of its first $%d$ terms. Find the remainder when $S$ is divided by"
                " $1000$."
            ),
            (
                "Find the last three digits of the sum of the arithmetic sequence with first term"
                " $%d$, common difference $%d$ and $%d$ terms."
            ),
        ]
    ) % (a, step, n)
    last = a + (n - 1) * step
    answer = n * (a + last) // 2
    thinking = (
        f"Last term: {multiplication(n - 1, step)}, {a} + {(n - 1) * step} = {last}.\nFirst plus"
        f" last: {a} + {last} = {a + last}.\nTimes {n}: {multiplication(a + last, n)}.\nHalf:"
        f" {n * (a + last)}/2 = {answer}.\nMod 1000: {answer % 1000}."
    )
    return make_problem("arithmetic series", problem, thinking, answer % 1000, f"as{a},{step},{n}")


def power_sums(draw: Draw):
    """Sums of squares and cubes, modulo 1000."""
    n = draw.integer(4, 60)
    cubes = draw.integer(0, 1) if n <= 40 else 0
    if cubes == 0:
        problem = (
            draw.choose(
                [
                    "Find the remainder when $1^2 + 2^2 + \\cdots + %d^2$ is divided by $1000$.",
                    (
                        "Find the last three digits of the sum of the squares of the first $%d$"
                        " positive integers."
                    ),
                ]
            )
            % n
        )
        x = n * (n + 1)
        y = x * (2 * n + 1)
        answer = y // 6
        thinking = (
            f"n(n+1)(2n+1)/6: {multiplication(n, n + 1)}.\n{multiplication(x, 2 * n + 1)}.\n{y}/6 ="
            f" {answer}.\nMod 1000: {answer % 1000}."
        )
    else:
        problem = (
            draw.choose(
                [
                    "Find the remainder when $1^3 + 2^3 + \\cdots + %d^3$ is divided by $1000$.",
                    (
                        "Find the last three digits of the sum of the cubes of the first $%d$"
                        " positive integers."
                    ),
                ]
            )
            % n
        )
        x = n * (n + 1)
        h = x // 2
        answer = h * h
        thinking = (
            f"The sum is (n(n+1)/2)^2.\n{multiplication(n, n + 1)}, half is"
            f" {h}.\n{multiplication(h, h)}.\nMod 1000: {answer % 1000}."
        )
    return make_problem("power sums", problem, thinking, answer % 1000, f"ps{cubes},{n}")


def triangle_area(draw: Draw):
    """Twice the area from three vertices."""
    points = [(draw.integer(-12, 15), draw.integer(-12, 15)) for _ in range(3)]
    products = [
        (points[i][0] * points[(i + 1) % 3][1], points[(i + 1) % 3][0] * points[i][1])
        for i in range(3)
    ]
    differences = [x - y for x, y in products]
    total = sum(differences)
    if total == 0:
        return triangle_area(draw)
    problem = "A triangle has vertices $(%d,%d)$, $(%d,%d)$ and $(%d,%d)$. Find twice its area." % (
        points[0] + points[1] + points[2]
    )

    def parenthesized(n):
        return f"({n})" if n < 0 else f"{n}"

    thinking = ""
    for i in range(3):
        a, b = points[i], points[(i + 1) % 3]
        thinking += (
            f"{parenthesized(a[0])}*{parenthesized(b[1])} -"
            f" {parenthesized(b[0])}*{parenthesized(a[1])} = {products[i][0]} -"
            f" {parenthesized(products[i][1])} = {differences[i]}\n"
        )
    thinking += (
        f"{differences[0]} + {parenthesized(differences[1])} = {differences[0] + differences[1]},"
        f" {differences[0] + differences[1]} + {parenthesized(differences[2])} = {total}.\nTwice"
        f" the area is {abs(total)}."
    )
    return make_problem("triangle area", problem, thinking, abs(total), f"sh{points}")
