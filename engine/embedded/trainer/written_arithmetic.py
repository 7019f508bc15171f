"""Arithmetic as it is written out in solutions: every step is one the model can copy."""

import math


def latex_fraction(numerator, denominator):
    """LaTeX of numerator/denominator in lowest terms; a plain integer if it is one."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    divisor = math.gcd(numerator, denominator)
    numerator //= divisor
    denominator //= divisor
    if denominator == 1:
        return str(numerator)
    if numerator < 0:
        return "-\\frac{%d}{%d}" % (-numerator, denominator)
    return "\\frac{%d}{%d}" % (numerator, denominator)


def multiplication(a, b):
    """a*b spelled out with partial products when both have two or more digits."""
    if a < b:
        a, b = b, a
    if b < 10 or (b % 10 == 0 and b < 100 and (a < 100) and (b == 10)):
        return f"{a}*{b} = {a * b}"
    parts = []
    power = 1
    rest = b
    while rest:
        digit = rest % 10
        if digit:
            parts.append(digit * power)
        rest //= 10
        power *= 10
    parts.reverse()
    if len(parts) == 1:
        return f"{a}*{b} = {a * b}"
    products = [a * part for part in parts]
    text = (
        f"{a}*{b} = "
        + " + ".join(f"{a}*{part}" for part in parts)
        + " = "
        + " + ".join(map(str, products))
        + " = "
    )
    while len(products) >= 3:
        products = [products[0] + products[1]] + products[2:]
        text += " + ".join(map(str, products)) + " = "
    return text + str(a * b)


def long_division(n, d):
    """n = d*q + r by long division, one decimal digit of q at a time."""
    if n < d:
        return f"{n} < {d}, remainder {n}"
    quotient, remainder = divmod(n, d)
    steps = []
    power = 1
    while power * 10 <= quotient:
        power *= 10
    rest = n
    while power:
        digit = rest // (d * power)
        if digit:
            steps.append(
                f"{d}*{digit * power} = {d * digit * power}, {rest} - {d * digit * power} ="
                f" {rest - d * digit * power}"
            )
            rest -= d * digit * power
        power //= 10
    return ", ".join(steps) + f", quotient {quotient}, remainder {remainder}"


def reduction(n, d):
    """n mod d: subtracts the hundreds, tens and ones of the quotient in turn."""
    if n < d:
        return f"{n} mod {d} = {n}"
    quotient = n // d
    steps = []
    rest = n
    power = 1
    while power * 10 <= quotient:
        power *= 10
    while power:
        digit = rest // (d * power)
        if digit:
            steps.append(f"{rest} - {d * digit * power} = {rest - d * digit * power}")
            rest -= d * digit * power
        power //= 10
    return "%d mod %d: %s" % (n, d, ", ".join(steps))


def running_sum(values):
    """The sum of the values with every step written out: (text, sum)."""
    total = values[0]
    steps = []
    for value in values[1:]:
        steps.append(f"{total} + {value} = {total + value}")
        total += value
    return (", ".join(steps) if steps else f"{total}", total)


def factorize(n):
    """Prime factors of n in ascending order, with repetition."""
    factors = []
    prime = 2
    while prime * prime <= n:
        while n % prime == 0:
            factors.append(prime)
            n //= prime
        prime += 1
    if n > 1:
        factors.append(n)
    return factors


def is_prime(n):
    """Whether n is prime."""
    if n < 2:
        return False
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 1
    return True


def euclidean_algorithm(a, b):
    """The remainders of the Euclidean algorithm: (text, greatest common divisor)."""
    steps = []
    while b:
        steps.append(f"{a} mod {b} = {a % b}")
        a, b = b, a % b
    return (", ".join(steps), a)


def floor_division(n, d):
    """n // d by long division, written out."""
    if n < d:
        return f"{n} < {d}, so 0"
    quotient = n // d
    power = 1
    while power * 10 <= quotient:
        power *= 10
    rest = n
    steps = []
    while power:
        digit = rest // (d * power)
        if digit:
            steps.append(
                f"{d}*{digit * power} = {d * digit * power}, {rest} - {d * digit * power} ="
                f" {rest - d * digit * power}"
            )
            rest -= d * digit * power
        power //= 10
    return f"{n}/{d}: " + ", ".join(steps) + f", so {quotient}"
