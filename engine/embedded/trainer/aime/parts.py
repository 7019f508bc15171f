"""Several simple quantities in one problem."""

from trainer.draw import Draw
from trainer.aime.problem import make_problem
from trainer.written_arithmetic import factorize, multiplication, reduction, running_sum


def part_remainder(draw: Draw):
    n, d = draw.integer(100, 9999), draw.integer(7, 99)
    return (f"the remainder when ${n}$ is divided by ${d}$", reduction(n, d), n % d, f"rem{n},{d}")


def part_common_divisor(draw: Draw):
    g = draw.integer(2, 20)
    a, b = g * draw.integer(3, 30), g * draw.integer(3, 30)
    if a < b:
        a, b = b, a
    steps = []
    x, y = a, b
    while y:
        steps.append(f"{x} mod {y} = {x % y}")
        x, y = y, x % y
    return (f"the greatest common divisor of ${a}$ and ${b}$", ", ".join(steps), x, f"gcd{a},{b}")


def part_divisors(draw: Draw):
    while True:
        n = draw.integer(24, 720)
        factors = factorize(n)
        if len(factors) >= 3 and max(factors) <= 19:
            break
    primes = sorted(set(factors))
    exponents = [factors.count(prime) for prime in primes]
    steps = []
    rest = n
    for prime in factors[:-1]:
        steps.append(f"{rest} = {prime}*{rest // prime}")
        rest //= prime
    count = 1
    counts = []
    for exponent in exponents:
        counts.append(f"{count}*{exponent + 1} = {count * (exponent + 1)}")
        count *= exponent + 1
    return (
        f"the number of positive divisors of ${n}$",
        ", ".join(steps)
        + ", so exponents %s, %s" % (", ".join(map(str, exponents)), ", ".join(counts)),
        count,
        f"nd{n}",
    )


def part_digit_sum(draw: Draw):
    a, b = draw.integer(12, 99), draw.integer(12, 99)
    n = a * b
    sum_text, total = running_sum(list(map(int, str(n))))
    return (
        f"the sum of the digits of ${a} \\cdot {b}$",
        multiplication(a, b) + ", " + sum_text,
        total,
        f"ds{min(a, b)},{max(a, b)}",
    )


def part_pairs(draw: Draw):
    n = draw.integer(4, 30)
    m = n * (n - 1)
    return (
        f"the number of ways to choose $2$ objects out of ${n}$",
        multiplication(n, n - 1) + f", half is {m // 2}",
        m // 2,
        f"ch{n}",
    )


def part_zeros(draw: Draw):
    n = draw.integer(10, 300)
    steps = []
    rest = n
    quotients = []
    while rest >= 5:
        steps.append(f"{rest}/5 is {rest // 5}")
        rest //= 5
        quotients.append(rest)
    sum_text, total = running_sum(quotients)
    return (
        f"the number of zeros at the end of ${n}!$",
        ", ".join(steps) + ", " + sum_text,
        total,
        f"tz{n}",
    )


def part_power(draw: Draw):
    base, exponent, modulus = draw.integer(2, 12), draw.integer(3, 16), draw.integer(7, 60)
    value = base % modulus
    steps = []
    bits = bin(exponent)[3:]
    for bit in bits:
        product = value * value
        steps.append(f"{value}*{value} = {product}, {reduction(product, modulus)}")
        value = product % modulus
        if bit == "1":
            product = value * base
            steps.append(f"{value}*{base} = {product}, {reduction(product, modulus)}")
            value = product % modulus
    return (
        "the remainder when $%d^{%d}$ is divided by $%d$" % (base, exponent, modulus),
        f"{exponent} is {bin(exponent)[2:]} in binary. Start with {base % modulus}. "
        + ". ".join(steps),
        value,
        f"pm{base},{exponent},{modulus}",
    )


def part_base(draw: Draw):
    base = draw.integer(3, 9)
    n = draw.integer(30, 600)
    digits = []
    rest = n
    while rest:
        digits.append(rest % base)
        rest //= base
    digits.reverse()
    value = digits[0]
    steps = []
    for digit in digits[1:]:
        steps.append(f"{value}*{base} + {digit} = {value * base + digit}")
        value = value * base + digit
    return (
        "the base ten value of the base $%d$ number $%s$" % (base, "".join(map(str, digits))),
        ", ".join(steps),
        n,
        f"ub{base},{n}",
    )


PARTS = [
    part_remainder,
    part_common_divisor,
    part_divisors,
    part_digit_sum,
    part_pairs,
    part_zeros,
    part_power,
    part_base,
]


def two_or_three_parts(draw: Draw):
    """Two or three simple quantities combined into one answer."""
    count = 2 if draw.chance(0.7) else 3
    generators = draw.sample(PARTS, count)
    parts = [generate(draw) for generate in generators]
    letters = "ABC"
    problem = " ".join(f"Let ${letters[i]}$ be {part[0]}." for i, part in enumerate(parts))
    thinking = "".join(
        f"{letters[i]}: {part[1]}. So {letters[i]} = {part[2]}.\n" for i, part in enumerate(parts)
    )
    values = [part[2] for part in parts]
    if count == 3:
        form = 0
        problem += " Find the remainder when $A + B + C$ is divided by $1000$."
        sum_text, answer = running_sum(values)
        thinking += sum_text + "."
        if answer >= 1000:
            thinking += f" Mod 1000: {answer % 1000}."
    else:
        form = draw.integer(0, 2)
        if form == 0:
            a, b = draw.integer(1, 9), draw.integer(1, 9)
            problem += f" Find the remainder when ${a}A + {b}B$ is divided by $1000$."
            part, y = a * values[0], b * values[1]
            answer = part + y
            thinking += f"{a}*{values[0]} = {part}, {b}*{values[1]} = {y}, {part} + {y} = {answer}."
        elif form == 1:
            problem += " Find the remainder when $AB$ is divided by $1000$."
            answer = values[0] * values[1]
            thinking += multiplication(values[0], values[1]) + "."
        else:
            problem += " Find $|A - B|$."
            answer = abs(values[0] - values[1])
            thinking += f"{max(values)} - {min(values)} = {answer}."
        if answer >= 1000:
            thinking += f" Mod 1000: {answer % 1000}."
    return make_problem(
        "two parts" if count == 2 else "three parts",
        problem,
        thinking,
        answer % 1000,
        f"tw{form}|" + "|".join(part[3] for part in parts),
    )
