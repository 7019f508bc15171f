"""Numbers: order, sequences, divisibility, units, geometry."""

from trainer.draw import Draw
from trainer.mmlu.facts import POLYGONS, UNIT_PAIRS
from trainer.mmlu.question import make_question, nearby_numbers
from trainer.written_arithmetic import is_prime


def _extreme(draw: Draw, form):
    decimals = draw.chance(0.35)
    base = draw.integer(1, 99)
    while True:
        if decimals:
            numbers = [
                "%d.%s"
                % (
                    base if draw.chance(0.6) else base + draw.integer(-1, 1),
                    str(draw.integer(1, 99)).rjust(draw.choose([1, 2]), "0"),
                )
                for _ in range(4)
            ]
        else:
            limit = draw.choose([99, 999, 999, 9999])
            center = draw.integer(limit // 10, limit)
            numbers = [
                str(draw.choose([draw.integer(limit // 10, limit), center + draw.integer(-20, 20)]))
                for _ in range(4)
            ]
        if len({float(far) for far in numbers}) == 4:
            break
    ordered = sorted(numbers, key=float)
    if form == 0:
        question = draw.choose(
            [
                "Which number is the largest?",
                "Which of these numbers is the greatest?",
                "Which of the following is the biggest number?",
            ]
        )
        right = ordered[-1]
    else:
        question = draw.choose(
            [
                "Which number is the smallest?",
                "Which of these numbers is the least?",
                "Which of the following is the smallest number?",
            ]
        )
        right = ordered[0]
    return make_question(
        draw,
        "number_comparison",
        question,
        right,
        [far for far in numbers if far != right],
        f"{form}," + ",".join(ordered),
    )


def _between(draw: Draw):
    a = draw.integer(10, 900)
    b = a + draw.integer(4, 60)
    right = draw.integer(a + 1, b - 1)
    wrong = [a - draw.integer(1, 30), b + draw.integer(1, 30)]
    far = draw.choose([a - draw.integer(31, 60), b + draw.integer(31, 60)])
    question = draw.choose(
        ["Which number is between %d and %d?", "Which of these lies between %d and %d?"]
    ) % (a, b)
    return make_question(
        draw, "number_comparison", question, right, wrong + [far], f"2,{a},{b},{right}"
    )


def _nearest(draw: Draw):
    a = draw.integer(100, 900)
    distances = sorted(draw.sample(range(1, 60), 4))
    numbers = [a + far * draw.choose([1, -1]) for far in distances]
    question = (
        draw.choose(["Which number is closest to %d?", "Which of these is nearest to %d?"]) % a
    )
    return make_question(
        draw, "number_comparison", question, numbers[0], numbers[1:], f"3,{a},{numbers}"
    )


def number_comparison(draw: Draw):
    """Largest, smallest, between and nearest."""
    form = draw.integer(0, 3)
    if form < 2:
        return _extreme(draw, form)
    if form == 2:
        return _between(draw)
    return _nearest(draw)


def number_sequences(draw: Draw):
    """The next term of a sequence."""
    form = draw.integer(0, 6)
    if form == 0:
        a, d = draw.integer(1, 60), draw.integer(2, 15)
        terms = [a + d * i for i in range(6)]
    elif form == 1:
        a, d = draw.integer(60, 150), draw.integer(2, 12)
        terms = [a - d * i for i in range(6)]
    elif form == 2:
        a, d = draw.integer(1, 9), draw.choose([2, 2, 3])
        terms = [a * d**i for i in range(6)]
    elif form == 3:
        a = draw.integer(1, 9)
        d = 0
        terms = [(a + i) ** 2 for i in range(6)]
    elif form == 4:
        a, d = draw.integer(1, 9), draw.integer(1, 9)
        terms = [a, d]
        while len(terms) < 6:
            terms.append(terms[-1] + terms[-2])
    elif form == 5:
        a, d, e = draw.integer(1, 30), draw.integer(1, 9), draw.integer(1, 9)
        terms = [a]
        for i in range(5):
            terms.append(terms[-1] + (d if i % 2 == 0 else e))
        d = d * 10 + e
    else:
        a, d = draw.integer(1, 20), draw.integer(1, 4)
        terms = [a]
        for i in range(5):
            terms.append(terms[-1] + d + i)
    shown = draw.choose([4, 5])
    question = draw.choose(
        [
            "What is the next number in the sequence %s?",
            "What number comes next: %s?",
            "Find the next term of %s.",
        ]
    ) % ", ".join(map(str, terms[:shown]))
    return make_question(
        draw,
        "number_sequences",
        question,
        terms[shown],
        nearby_numbers(draw, terms[shown], 0, (1, -1, 2, -2, 3, -3, 5, 10, -10)),
        f"{form},{a},{d}",
    )


def unit_conversion(draw: Draw):
    """Conversions between two units of everyday life."""
    small, big, factor = draw.choose(UNIT_PAIRS)
    count = draw.integer(2, 15)
    if draw.chance(0.55):
        question = draw.choose(["How many %s are in %d %s?", "How many %s make up %d %s?"]) % (
            small,
            count,
            big,
        )
        right = count * factor
        wrong = nearby_numbers(
            draw,
            right,
            1,
            (factor, -factor, 10 * count, -count, count, 2 * factor, -2 * factor, factor // 2 or 1),
        )
        direction = "f"
    else:
        question = draw.choose(
            ["How many %s are in %d %s?", "%s: how many are equal to %d %s?"]
        ) % (big, count * factor, small)
        question = question[0].upper() + question[1:]
        right = count
        wrong = nearby_numbers(draw, right, 1, (1, -1, 2, -2, 3, 5, 10))
        direction = "r"
    return make_question(
        draw, "unit_conversion", question, right, wrong, f"{direction},{small},{count}"
    )


def _rectangle_area(draw: Draw):
    a, b = draw.integer(2, 20), draw.integer(2, 20)
    question = draw.choose(
        [
            "What is the area of a rectangle with sides %d and %d?",
            "A rectangle is %d units long and %d units wide. What is its area?",
        ]
    ) % (a, b)
    right = a * b
    wrong = (
        nearby_numbers(draw, right, 1, (a, -a, b, -b, 2 * (a + b) - right, 10, -10))
        if a != b and 2 * (a + b) != right
        else nearby_numbers(draw, right, 1)
    )
    return a, b, question, right, wrong


def _rectangle_perimeter(draw: Draw):
    a, b = draw.integer(2, 60), draw.integer(2, 60)
    question = draw.choose(
        [
            "What is the perimeter of a rectangle with sides %d and %d?",
            "A rectangle is %d units long and %d units wide. What is its perimeter?",
        ]
    ) % (a, b)
    right = 2 * (a + b)
    wrong = (
        nearby_numbers(draw, right, 1, (2, -2, a, -a, b, -b, 4, -4, 10))
        if a != b
        else nearby_numbers(draw, right, 1)
    )
    return a, b, question, right, wrong


def _square_area(draw: Draw):
    a = draw.integer(2, 15)
    b = 0
    question = (
        draw.choose(
            [
                "What is the area of a square with side %d?",
                "A square has sides of length %d. What is its area?",
            ]
        )
        % a
    )
    right = a * a
    wrong = (
        nearby_numbers(draw, right, 1, (a, -a, 1, -1, 2 * a, 10))
        if a != 10
        else nearby_numbers(draw, right, 1)
    )
    return a, b, question, right, wrong


def _third_angle(draw: Draw):
    a, b = draw.integer(20, 110), draw.integer(20, 60)
    question = draw.choose(
        [
            "Two angles of a triangle are %d and %d degrees. What is the third angle?",
            "A triangle has angles of %d and %d degrees. How many degrees is the remaining angle?",
        ]
    ) % (a, b)
    right = 180 - a - b
    wrong = nearby_numbers(draw, right, 1)
    return a, b, question, right, wrong


def _triangle_area(draw: Draw):
    a, b = draw.integer(2, 20), draw.integer(2, 12)
    if a * b % 2:
        a += 1
    question = draw.choose(
        [
            "What is the area of a triangle with base %d and height %d?",
            "A triangle has base %d and height %d. What is its area?",
        ]
    ) % (a, b)
    right = a * b // 2
    wrong = (
        nearby_numbers(draw, right, 1, (right, a, b, 1, -1, 2, -2, 5))
        if a != b
        else nearby_numbers(draw, right, 1)
    )
    return a, b, question, right, wrong


def _polygon_sides(draw: Draw):
    a = draw.choose(list(POLYGONS))
    b = draw.integer(0, 2)
    question = [
        "How many sides does a %s have?",
        "A %s has how many vertices?",
        "What is the number of sides of a %s?",
    ][b] % POLYGONS[a]
    right = a
    wrong = draw.sample([x for x in POLYGONS if x != a], 3)
    return a, b, question, right, wrong


def _box_volume(draw: Draw):
    a, b, c = draw.integer(2, 9), draw.integer(2, 9), draw.integer(2, 6)
    question = draw.choose(
        [
            "What is the volume of a box with sides %d, %d and %d?",
            "A box measures %d by %d by %d. What is its volume?",
        ]
    ) % (a, b, c)
    right = a * b * c
    wrong = nearby_numbers(draw, right, 1)
    b = b * 10 + c
    return a, b, question, right, wrong


_GEOMETRY_FORMS = (
    _rectangle_area,
    _rectangle_perimeter,
    _square_area,
    _third_angle,
    _triangle_area,
    _polygon_sides,
    _box_volume,
)


def geometry(draw: Draw):
    """Areas, perimeters, angles, polygons and boxes."""
    form = draw.integer(0, 6)
    a, b, question, right, wrong = _GEOMETRY_FORMS[form](draw)
    return make_question(draw, "geometry", question, right, wrong, f"{form},{a},{b}")


def _prime(draw: Draw):
    primes = [n for n in range(2, 100) if is_prime(n)]
    composites = [n for n in range(4, 100) if not is_prime(n) and (n % 2 or draw.chance(0.15))]
    right = draw.choose(primes)
    wrong = draw.sample(composites, 3)
    question = draw.choose(["Which of these numbers is prime?", "Which number is a prime?"])
    return make_question(draw, "number_theory", question, right, wrong, f"p{right},{sorted(wrong)}")


def _multiple(draw: Draw):
    d = draw.integer(3, 12)
    right = d * draw.integer(3, 30)
    wrong = []
    while len(wrong) < 3:
        x = right + draw.integer(-25, 25)
        if x > 0 and x % d and (x not in wrong):
            wrong.append(x)
    question = (
        draw.choose(["Which number is divisible by %d?", "Which of these is a multiple of %d?"]) % d
    )
    return make_question(
        draw, "number_theory", question, right, wrong, f"d{d},{right},{sorted(wrong)}"
    )


def _remainder(draw: Draw):
    n, d = draw.integer(20, 200), draw.integer(3, 12)
    right = n % d
    wrong = draw.sample([x for x in range(max(4, d)) if x != right], 3)
    question = draw.choose(
        [
            "What is the remainder when %d is divided by %d?",
            "Find the remainder of %d divided by %d.",
        ]
    ) % (n, d)
    return make_question(draw, "number_theory", question, right, wrong, f"r{n},{d}")


def _common_divisor(draw: Draw):
    g = draw.integer(2, 12)
    a, b = draw.choose([(2, 3), (3, 4), (3, 5), (4, 5), (2, 5), (5, 6), (1, 3), (1, 4), (5, 7)])
    if draw.chance(0.5):
        a, b = b, a
    question = draw.choose(
        ["What is the greatest common divisor of %d and %d?", "What is gcd(%d, %d)?"]
    ) % (a * g, b * g)
    wrong = (
        nearby_numbers(draw, g, 1, (1, -1, 2, -2, g, 3))
        if g not in (1, 2, 3)
        else nearby_numbers(draw, g, 1, (1, -1, 2, 4, 5))
    )
    return make_question(draw, "number_theory", question, g, wrong, f"g{a * g},{b * g}")


def _parity(draw: Draw):
    odd = draw.integer(0, 1)
    right = draw.integer(10, 499) * 2 + odd
    wrong = []
    while len(wrong) < 3:
        x = draw.integer(10, 499) * 2 + 1 - odd
        if x not in wrong:
            wrong.append(x)
    return make_question(
        draw,
        "number_theory",
        "Which of these numbers is %s?" % ["even", "odd"][odd],
        right,
        wrong,
        f"e{right},{sorted(wrong)}",
    )


def number_theory(draw: Draw):
    """Primes, divisibility, remainders, common divisors, parity."""
    form = draw.integer(0, 4)
    if form == 0:
        return _prime(draw)
    if form == 1:
        return _multiple(draw)
    if form == 2:
        return _remainder(draw)
    if form == 3:
        return _common_divisor(draw)
    return _parity(draw)
