"""Counting, inclusion-exclusion and probability."""

import math

from trainer.draw import Draw
from trainer.aime.problem import make_problem
from trainer.written_arithmetic import floor_division, multiplication, running_sum


def two_multiples(draw: Draw):
    """Inclusion-exclusion over two divisors."""
    a, b = draw.sample(range(2, 16), 2)
    if a > b:
        a, b = b, a
    N = draw.integer(50, 999)
    neither = draw.chance(0.35)
    divisor = math.gcd(a, b)
    multiple = a * b // divisor
    if neither:
        problem = draw.choose(
            [
                "How many positive integers up to $%d$ are divisible by neither $%d$ nor $%d$?",
                (
                    "Find the number of integers from $1$ to $%d$ that are multiples of neither"
                    " $%d$ nor $%d$."
                ),
            ]
        ) % (N, a, b)
    else:
        problem = draw.choose(
            [
                "How many positive integers up to $%d$ are divisible by $%d$ or $%d$?",
                (
                    "Find the number of integers from $1$ to $%d$ that are multiples of $%d$ or"
                    " $%d$ (or both)."
                ),
            ]
        ) % (N, a, b)
    first, second, both = N // a, N // b, N // multiple
    thinking = (
        f"Multiples of {a}: {floor_division(N, a)}.\nMultiples of {b}: {floor_division(N, b)}.\n"
    )
    thinking += (
        f"lcm of {a} and {b}: gcd {divisor}, {a}*{b}/{divisor} = {multiple}.\nMultiples of"
        f" {multiple}: {floor_division(N, multiple)}.\n"
    )
    answer = first + second - both
    thinking += f"{first} + {second} = {first + second}, {first + second} - {both} = {answer}."
    if neither:
        thinking += f"\nNeither: {N} - {answer} = {N - answer}."
        answer = N - answer
    return make_problem(
        "inclusion-exclusion", problem, thinking, answer, f"ie{a},{b},{N},{neither:d}"
    )


def lattice_paths(draw: Draw):
    """Binomial coefficients built up factor by factor."""
    while True:
        m, n = draw.integer(2, 9), draw.integer(2, 9)
        if math.comb(m + n, n) <= 999:
            break
    phrasing = draw.integer(0, 1)
    problem = [
        (
            f"A path on a grid goes from $(0,0)$ to $({m},{n})$ using only steps right and up of"
            " length one. How many such paths are there?"
        ),
        (
            f"How many sequences of ${m + n}$ letters contain exactly ${m}$ letters A and ${n}$"
            " letters B?"
        ),
    ][phrasing]
    chosen = min(m, n)
    length = m + n
    thinking = f"The answer is C({length},{chosen}).\n"
    paths = 1
    for i in range(1, chosen + 1):
        product = paths * (length - i + 1)
        thinking += "C(%d,%d): %s, %d/%d = %d\n" % (
            length,
            i,
            multiplication(paths, length - i + 1) if paths > 1 else f"1*{length} = {length}",
            product,
            i,
            product // i,
        )
        paths = product // i
    return make_problem(
        "lattice paths", problem, thinking + f"So {paths}.", paths, f"lp{phrasing},{m},{n}"
    )


def two_draws(draw: Draw):
    """m + n of a probability m/n."""
    different = draw.integer(0, 1)
    a, b = draw.integer(2, 15), draw.integer(2, 15)
    total = a + b
    first, second = draw.sample(["red", "blue", "green", "white", "black"], 2)
    if different == 0:
        event = f"both are {first}"
        good, all_draws = a * (a - 1), total * (total - 1)
        thinking = (
            f"Probability: {a}/{total} * {a - 1}/{total - 1}.\n"
            f"{multiplication(a, a - 1)}.\n{multiplication(total, total - 1)}.\n"
        )
    else:
        event = "they have different colors"
        good, all_draws = 2 * a * b, total * (total - 1)
        thinking = (
            f"Probability: 2 * {a}/{total} * {b}/{total - 1}.\n{multiplication(a, b)}, {a * b}*2 ="
            f" {good}.\n{multiplication(total, total - 1)}.\n"
        )
    divisor = math.gcd(good, all_draws)
    steps = []
    larger, smaller = all_draws, good
    while smaller:
        steps.append(f"{larger} mod {smaller} = {larger % smaller}")
        larger, smaller = smaller, larger % smaller
    thinking += "gcd: %s, so %d.\n" % (", ".join(steps), divisor)
    m, n = good // divisor, all_draws // divisor
    thinking += (
        f"{good}/{divisor} = {m}, {all_draws}/{divisor} = {n}.\nm + n = {m} + {n} = {m + n}."
    )
    problem = (
        "A bag has $%d$ %s balls and $%d$ %s balls. Two balls are drawn at random without"
        " replacement. The probability that %s is $\\frac{m}{n}$ in lowest terms. Find $m + n$."
        % (a, first, b, second, event)
    )
    return make_problem("probability", problem, thinking, m + n, f"pb{different},{a},{b}")


def digit_sum_count(draw: Draw):
    """Three-digit numbers with a given digit sum."""
    digit_sum = draw.integer(2, 26)
    problem = (
        draw.choose(
            [
                "How many three-digit positive integers have digit sum $%d$?",
                "Find the number of integers from $100$ to $999$ whose digits add up to $%d$.",
            ]
        )
        % digit_sum
    )
    restricted = draw.integer(0, 2)
    if restricted:
        low = draw.integer(1, 6)
        high = min(9, low + draw.integer(1, 7))
        problem = draw.choose(
            [
                (
                    "How many three-digit positive integers with first digit from $%d$ to $%d$ have"
                    " digit sum $%d$?"
                ),
                (
                    "Find the number of three-digit integers whose first digit is between $%d$ and"
                    " $%d$ inclusive and whose digits add up to $%d$."
                ),
            ]
        ) % (low, high, digit_sum)
    else:
        low, high = 1, 9
    thinking = ""
    total = 0
    counts = []
    for first in range(low, high + 1):
        rest = digit_sum - first
        count = 0 if rest < 0 or rest > 18 else rest + 1 if rest <= 9 else 19 - rest
        thinking += f"{first}: rest {rest}, {count}\n"
        counts.append(count)
    steps = []
    total = counts[0]
    for count in counts[1:]:
        steps.append(f"{total} + {count} = {total + count}")
        total += count
    return make_problem(
        "digit counting",
        problem,
        thinking + "%s." % (", ".join(steps) or total),
        total,
        f"dc{low},{high},{digit_sum}",
    )


def stars_and_bars(draw: Draw):
    """Ordered triples with a given sum."""
    n = draw.integer(4, 40)
    allow_zero = draw.chance(0.4)
    if allow_zero:
        problem = (
            draw.choose(
                [
                    "How many ordered triples of nonnegative integers satisfy $x + y + z = %d$?",
                    "Find the number of solutions of $a + b + c = %d$ in nonnegative integers.",
                ]
            )
            % n
        )
        top = n + 2
    else:
        problem = (
            draw.choose(
                [
                    "How many ordered triples of positive integers satisfy $x + y + z = %d$?",
                    "Find the number of solutions of $a + b + c = %d$ in positive integers.",
                ]
            )
            % n
        )
        top = n - 1
    answer = top * (top - 1) // 2
    if answer > 999:
        return stars_and_bars(draw)
    thinking = (
        f"The answer is C({top},2) ="
        f" {top}*{top - 1}/2.\n{multiplication(top, top - 1)}.\n{top * (top - 1)}/2 = {answer}."
    )
    return make_problem("stars and bars", problem, thinking, answer, f"sb{allow_zero:d},{n}")


def three_multiples(draw: Draw):
    """Inclusion-exclusion over three divisors."""
    a, b, c = sorted(draw.sample(range(2, 14), 3))
    N = draw.integer(60, 999)
    problem = draw.choose(
        [
            (
                "How many positive integers up to $%d$ are divisible by at least one of $%d$, $%d$"
                " and $%d$?"
            ),
            (
                "Find the number of integers from $1$ to $%d$ that are multiples of $%d$, $%d$ or"
                " $%d$."
            ),
        ]
    ) % (N, a, b, c)

    def lcm(x, y):
        return x * y // math.gcd(x, y)

    thinking = ""
    single = []
    for x in (a, b, c):
        thinking += f"{floor_division(N, x)}\n"
        single.append(N // x)
    pairs = []
    for x, y in ((a, b), (a, c), (b, c)):
        thinking += f"lcm {x}, {y} is {lcm(x, y)}. {floor_division(N, lcm(x, y))}\n"
        pairs.append(N // lcm(x, y))
    multiple = lcm(lcm(a, b), c)
    thinking += f"lcm {lcm(a, b)}, {c} is {multiple}. {floor_division(N, multiple)}\n"
    singles_text, singles_sum = running_sum(single)
    pairs_text, pairs_sum = running_sum(pairs)
    answer = singles_sum - pairs_sum + N // multiple
    thinking += (
        f"{singles_text}.\n{pairs_text}.\n{singles_sum} - {pairs_sum} = {singles_sum - pairs_sum},"
        f" {singles_sum - pairs_sum} + {N // multiple} = {answer}."
    )
    return make_problem("inclusion-exclusion 3", problem, thinking, answer, f"i3{a},{b},{c},{N}")


def coins(draw: Draw):
    """Ways to pay with two coins."""
    a, b = sorted(draw.sample(range(2, 16), 2), reverse=True)
    amount = draw.integer(20, min(200, a * 14))
    problem = draw.choose(
        [
            "In how many ways can $%d$ cents be paid using only coins of $%d$ and $%d$ cents?",
            "Find the number of pairs of nonnegative integers $(x, y)$ with $%d = %dx + %dy$.",
        ]
    ) % (amount, a, b)
    thinking = ""
    count = 0
    for x in range(amount // a + 1):
        rest = amount - a * x
        thinking += f"x = {x}: {rest}, mod {b} is {rest % b}"
        if rest % b == 0:
            count += 1
            thinking += f", count {count}"
        thinking += "\n"
    return make_problem("coins", problem, thinking + f"So {count}.", count, f"co{a},{b},{amount}")


def forbidden_point(draw: Draw):
    """Lattice paths that avoid a point."""
    while True:
        m, n = draw.integer(3, 7), draw.integer(3, 7)
        if math.comb(m + n, n) <= 999:
            break
    x, y = draw.integer(1, m - 1), draw.integer(1, n - 1)
    problem = (
        f"A path on a grid goes from $(0,0)$ to $({m},{n})$ using unit steps right and up and"
        f" avoids the point $({x},{y})$. How many such paths are there?"
    )

    def binomial(total, k):
        k = min(k, total - k)
        thinking = f"C({total},{k}): "
        paths = 1
        steps = []
        for i in range(1, k + 1):
            steps.append(f"{paths}*{total - i + 1}/{i} = {paths * (total - i + 1) // i}")
            paths = paths * (total - i + 1) // i
        return (thinking + ", ".join(steps) + "\n", paths)

    all_text, all_paths = binomial(m + n, n)
    before_text, before = binomial(x + y, y)
    after_text, after = binomial(m + n - x - y, n - y)
    thinking = (
        all_text
        + before_text
        + after_text
        + f"Through the point: {multiplication(before, after)}.\n{all_paths} - {before * after} ="
        f" {all_paths - before * after}."
    )
    return make_problem(
        "forbidden point", problem, thinking, all_paths - before * after, f"fp{m},{n},{x},{y}"
    )


def onto_functions(draw: Draw):
    """Onto functions and strings that contain a letter."""
    n = draw.integer(3, 12)
    form = draw.integer(0, 1)

    def powers(b):
        return ", ".join(f"{b ** i}" for i in range(1, n + 1))

    if form == 0:
        problem = (
            draw.choose(
                [
                    (
                        "Find the remainder when the number of functions from a set of $%d$"
                        " elements onto a set of $3$ elements is divided by $1000$."
                    ),
                    (
                        "In how many ways can $%d$ different balls be put into $3$ different boxes"
                        " so that no box is empty? Give the remainder modulo $1000$."
                    ),
                ]
            )
            % n
        )
        answer = 3**n - 3 * 2**n + 3
        thinking = (
            f"Powers of 3: {powers(3)}\nPowers of 2: {powers(2)}\n3*{2 ** n} = {3 * 2 ** n},"
            f" {3 ** n} - {3 * 2 ** n} = {3 ** n - 3 * 2 ** n}, plus 3 is {answer}.\nMod 1000:"
            f" {answer % 1000}."
        )
    else:
        problem = (
            f"How many strings of length ${n}$ over the letters A, B, C contain at least one A?"
            " Give the remainder modulo $1000$."
        )
        answer = 3**n - 2**n
        thinking = (
            f"Powers of 3: {powers(3)}\nPowers of 2: {powers(2)}\n{3 ** n} - {2 ** n} ="
            f" {answer}.\nMod 1000: {answer % 1000}."
        )
    return make_problem("onto functions", problem, thinking, answer % 1000, f"on{form},{n}")


def digit_occurrences(draw: Draw):
    """How often a digit is written from 1 to N."""
    digit = draw.integer(1, 9)
    last = draw.integer(30, 999)
    problem = draw.choose(
        [
            (
                "How many times does the digit $%d$ appear when the integers from $1$ to $%d$ are"
                " written down?"
            ),
            (
                "The digit $%d$ is counted in all integers from $1$ to $%d$. How many times does it"
                " occur?"
            ),
        ]
    ) % (digit, last)
    thinking = ""
    parts = []
    for place, power in (("ones", 1), ("tens", 10), ("hundreds", 100)):
        if power > last:
            break
        higher, current, lower = last // (power * 10), last // power % 10, last % power
        full = higher * power
        extra = power if current > digit else lower + 1 if current == digit else 0
        thinking += (
            f"{place}: digit {current}, {higher}*{power} = {full}, extra {extra}, total"
            f" {full + extra}\n"
        )
        parts.append(full + extra)
    sum_text, total = running_sum(parts)
    return make_problem(
        "digit occurrences", problem, thinking + sum_text + ".", total, f"do{digit},{last}"
    )


def three_draws(draw: Draw):
    """m + n of a probability m/n."""
    a, b = draw.integer(3, 12), draw.integer(2, 12)
    total = a + b
    first, second = draw.sample(["red", "blue", "green", "white", "black"], 2)
    good, all_draws = a * (a - 1) * (a - 2), total * (total - 1) * (total - 2)
    problem = (
        "A box has $%d$ %s cards and $%d$ %s cards. Three cards are drawn without replacement. The"
        " probability that all three are %s is $\\frac{m}{n}$ in lowest terms. Find $m + n$."
        % (a, first, b, second, first)
    )
    thinking = (
        f"{multiplication(a, a - 1)},"
        f" {multiplication(a * (a - 1), a - 2)}.\n{multiplication(total, total - 1)},"
        f" {multiplication(total * (total - 1), total - 2)}.\n"
    )
    steps = []
    divisor, smaller = all_draws, good
    while smaller:
        steps.append(f"{divisor} mod {smaller} = {divisor % smaller}")
        divisor, smaller = smaller, divisor % smaller
    m, n = good // divisor, all_draws // divisor
    if m + n > 999:
        return three_draws(draw)
    thinking += "gcd: %s, so %d.\n%d/%d = %d, %d/%d = %d.\nm + n = %d + %d = %d." % (
        ", ".join(steps),
        divisor,
        good,
        divisor,
        m,
        all_draws,
        divisor,
        n,
        m,
        n,
        m + n,
    )
    return make_problem("probability 3", problem, thinking, m + n, f"p3{a},{b}")
