"""Calculation: sums, fractions, small stories."""

import math

from trainer.draw import Draw
from trainer.mmlu.question import make_question, nearby_numbers
from trainer.names import PEOPLE, THINGS


def _sum(draw: Draw):
    a, b = draw.integer(10, 999), draw.integer(10, 999)
    right = a + b
    question = draw.choose(
        [
            "What is %d + %d?",
            "What is the sum of %d and %d?",
            "Calculate %d + %d.",
            "%d plus %d equals",
        ]
    ) % (a, b)
    wrong = nearby_numbers(draw, right, 0, (1, -1, 10, -10, 100, -100, 11, -9, 90, -90, 110))
    return a, b, right, question, wrong


def _difference(draw: Draw):
    a, b = draw.integer(10, 999), draw.integer(10, 999)
    if a < b:
        a, b = b, a
    right = a - b
    question = draw.choose(
        [
            "What is %d - %d?",
            "What is the difference between %d and %d?",
            "Calculate %d - %d.",
            "%d minus %d equals",
        ]
    ) % (a, b)
    wrong = nearby_numbers(draw, right, 0, (1, -1, 10, -10, 2, 100, -100, 20, -20, 9, 11, 90))
    return a, b, right, question, wrong


def _small_product(draw: Draw):
    a, b = draw.integer(2, 12), draw.integer(3, 60)
    right = a * b
    question = draw.choose(
        [
            "What is %d * %d?",
            "What is the product of %d and %d?",
            "Calculate %d * %d.",
            "%d times %d equals",
        ]
    ) % (a, b)
    wrong = (
        nearby_numbers(draw, right, 0, (a, -a, b, -b, 10, -10, 1, -1, 20, -20))
        if a != b
        else nearby_numbers(draw, right, 0)
    )
    return a, b, right, question, wrong


def _quotient(draw: Draw):
    b, right = draw.integer(2, 15), draw.integer(3, 60)
    a = b * right
    question = draw.choose(
        [
            "What is %d / %d?",
            "Calculate %d / %d.",
            "%d divided by %d equals",
            "What is the quotient of %d and %d?",
        ]
    ) % (a, b)
    wrong = nearby_numbers(draw, right, 1, (1, -1, 2, -2, 10, -10, 3, -3, 20))
    return a, b, right, question, wrong


def _two_digit_product(draw: Draw):
    a, b = draw.integer(11, 49), draw.integer(11, 49)
    right = a * b
    question = draw.choose(
        ["What is %d * %d?", "What is the product of %d and %d?", "Calculate %d * %d."]
    ) % (a, b)
    wrong = nearby_numbers(draw, right, 0, (10, -10, 20, -20, 100, -100, 50, -50, 200, -200, 30))
    return a, b, right, question, wrong


def _sum_of_three(draw: Draw):
    a, b, c = draw.integer(5, 150), draw.integer(5, 150), draw.integer(5, 150)
    a, b, c = sorted((a, b, c))
    v = [a, b, c]
    draw.shuffle(v)
    right = a + b + c
    question = draw.choose(
        ["What is %d + %d + %d?", "Calculate %d + %d + %d.", "What is the sum of %d, %d and %d?"]
    ) % tuple(v)
    wrong = nearby_numbers(draw, right, 0, (1, -1, 10, -10, 20, -20, 100, -100, 9, 11))
    b = b * 1000 + c
    return a, b, right, question, wrong


def _sum_and_product(draw: Draw):
    a, b, c = draw.integer(2, 60), draw.integer(2, 12), draw.integer(2, 20)
    right = a + b * c
    question = draw.choose(["What is %d + %d * %d?", "Calculate %d + %d * %d."]) % (a, b, c)
    wrong = [
        x
        for x in dict.fromkeys(
            [(a + b) * c] + nearby_numbers(draw, right, 0, (b, -b, c, -c, 10, -10, 1, -1))
        )
        if x != right
    ][:3]
    b = b * 1000 + c
    return a, b, right, question, wrong


def _negative_difference(draw: Draw):
    a, b = draw.integer(5, 90), draw.integer(5, 90)
    if a > b:
        a, b = b, a
    if a == b:
        b += 4
    right = a - b
    question = draw.choose(["What is %d - %d?", "Calculate %d - %d.", "%d minus %d equals"]) % (
        a,
        b,
    )
    wrong = [b - a] + [
        x for x in nearby_numbers(draw, right, None, (1, -1, 10, -10, 2, -2)) if x != b - a
    ][:2]
    return a, b, right, question, wrong


def _square(draw: Draw):
    a = draw.integer(11, 39)
    b = 0
    right = a * a
    question = (
        draw.choose(["What is the square of %d?", "What is %d squared?", "Calculate %d^2."]) % a
    )
    wrong = nearby_numbers(draw, right, 0, (10, -10, 20, -20, 100, -100, 2 * a + 1, 1 - 2 * a))
    return a, b, right, question, wrong


_ELEMENTARY_ARITHMETIC_FORMS = (
    _sum,
    _difference,
    _small_product,
    _quotient,
    _two_digit_product,
    _sum_of_three,
    _sum_and_product,
    _negative_difference,
    _square,
)


def elementary_arithmetic(draw: Draw):
    """Sums, differences, products, quotients and squares."""
    form = draw.integer(0, 8)
    a, b, right, question, wrong = _ELEMENTARY_ARITHMETIC_FORMS[form](draw)
    if form in (0, 2, 4) and a > b:
        a, b = b, a
    return make_question(draw, "elementary_arithmetic", question, right, wrong, f"{form},{a},{b}")


def _percentage(draw: Draw):
    phrasing, n = draw.choose([10, 20, 25, 50, 75, 5, 30, 40, 60]), draw.integer(1, 25) * 20
    right = phrasing * n // 100
    question = draw.choose(["What is %d%% of %d?", "Calculate %d%% of %d."]) % (phrasing, n)
    return make_question(
        draw,
        "fractions_and_percent",
        question,
        right,
        nearby_numbers(draw, right, 0, (5, -5, 10, -10, 2, -2, 20)),
        f"p{phrasing},{n}",
    )


def _equal_fraction(draw: Draw):
    while True:
        b = draw.integer(2, 9)
        a = draw.integer(1, b - 1)
        if math.gcd(a, b) == 1:
            break
    k = draw.integer(2, 9)
    wrong = []
    while len(wrong) < 3:
        c, d = a * k + draw.integer(-2, 2), b * k + draw.integer(-2, 2)
        if c > 0 and d > 0 and (c * b != a * d) and (f"{c}/{d}" not in wrong):
            wrong.append(f"{c}/{d}")
    question = draw.choose(
        ["Which fraction is equal to %d/%d?", "Which of these is equivalent to %d/%d?"]
    ) % (a, b)
    return make_question(
        draw, "fractions_and_percent", question, f"{a * k}/{b * k}", wrong, f"e{a},{b},{k}"
    )


def _sum_of_fractions(draw: Draw):
    d = draw.integer(3, 15)
    a, b = draw.integer(1, d - 1), draw.integer(1, d - 1)
    question = f"What is {a}/{d} + {b}/{d}?"
    wrong = [f"{x}/{d}" for x in nearby_numbers(draw, a + b, 1, (1, -1, 2, -2, 3))]
    wrong[0] = f"{a + b}/{2 * d}"
    return make_question(
        draw, "fractions_and_percent", question, f"{a + b}/{d}", wrong, f"s{d},{a},{b}"
    )


def _part_of_number(draw: Draw):
    b = draw.choose([2, 3, 4, 5, 6, 8, 10])
    a = draw.integer(1, b - 1)
    n = draw.integer(2, 15) * b
    right = n // b * a
    draw.choose(THINGS)  # not used; see Draw
    question = draw.choose(["What is %d/%d of %d?", "Calculate %d/%d of %d."]) % (a, b, n)
    return make_question(
        draw,
        "fractions_and_percent",
        question,
        right,
        (
            nearby_numbers(draw, right, 0, (1, -1, 2, -2, b, -b, 5))
            if b > 2
            else nearby_numbers(draw, right, 0)
        ),
        f"f{a},{b},{n}",
    )


def fractions_and_percent(draw: Draw):
    """Percentages, equal fractions, sums and parts of a number."""
    form = draw.integer(0, 3)
    if form == 0:
        return _percentage(draw)
    if form == 1:
        return _equal_fraction(draw)
    if form == 2:
        return _sum_of_fractions(draw)
    return _part_of_number(draw)


def word_problems(draw: Draw):
    """One-step and two-step stories about things and people."""
    first, second = draw.sample(PEOPLE, 2)
    things = draw.choose(THINGS)
    form = draw.integer(0, 4)
    a, b = draw.integer(12, 80), draw.integer(3, 60)
    if form == 0:
        if a < b:
            a, b = b, a
        if a == b:
            a += 3
        question = (
            f"{first} has {a} {things} and gives {b} of them to {second}. How many {things} does"
            f" {first} have left?"
        )
        right = a - b
    elif form == 1:
        question = (
            f"{first} has {a} {things}. {second} has {b} more than {first}. How many {things} does"
            f" {second} have?"
        )
        right = a + b
    elif form == 2:
        a, b = draw.integer(2, 12), draw.integer(2, 12)
        question = (
            f"{first} buys {a} bags with {b} {things} in each bag. How many {things} does {first}"
            " have?"
        )
        right = a * b
    elif form == 3:
        b, right = draw.integer(2, 9), draw.integer(2, 15)
        a = b * right
        question = (
            f"{first} shares {a} {things} equally among {b} friends. How many {things} does each"
            " friend get?"
        )
    else:
        c = draw.integer(2, 20)
        question = (
            f"{first} has {a} {things}, buys {b + c} more and then loses {c}. How many {things}"
            f" does {first} have now?"
        )
        right = a + b
    return make_question(
        draw,
        "word_problems",
        question,
        right,
        nearby_numbers(draw, right, 0),
        f"{form},{a},{b},{things}",
    )
