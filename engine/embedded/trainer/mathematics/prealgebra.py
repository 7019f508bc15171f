"""Percentages, averages, fractions and decimals."""

import math

from trainer.draw import Draw
from trainer.mathematics.latex import boxed, parenthesized
from trainer.mathematics.problem import PREALGEBRA, make_problem
from trainer.names import PEOPLE
from trainer.written_arithmetic import latex_fraction, multiplication, running_sum


def percent_of(draw: Draw):
    """A percentage of a number, or a price reduced by one."""
    percent, n = (
        draw.choose([5, 10, 15, 20, 25, 30, 35, 40, 45, 60, 70, 75, 80, 90]),
        draw.integer(1, 30) * 20,
    )
    part = percent * n // 100
    form = draw.integer(0, 1)
    if form == 0:
        problem = draw.choose(["What is $%d\\%%$ of $%d$?", "Compute $%d\\%%$ of $%d$."]) % (
            percent,
            n,
        )
        solution = (
            f"We have ${multiplication(n, percent)}$ and ${percent * n}/100 = {part}$. The answer"
            f" is {boxed(part)}."
        )
        answer = part
    else:
        answer = n - part
        problem = (
            f"A price of {n} dollars is reduced by ${percent}\\%$. What is the new price in"
            " dollars?"
        )
        solution = (
            f"The reduction is ${n}*{percent}/100 = {n * percent}/100 = {part}$. The new price is"
            f" ${n} - {part} = {answer}$. The answer is {boxed(answer)}."
        )
    return make_problem(PREALGEBRA, 2, problem, solution, answer, f"pc{form},{percent},{n}")


def what_percent(draw: Draw):
    """What percent of b is a."""
    b = draw.choose([20, 25, 40, 50, 80, 100, 200])
    percent = draw.integer(1, 19) * 5
    while b * percent % 100:
        percent = draw.integer(1, 19) * 5
    a = b * percent // 100
    problem = draw.choose(
        [
            "What percent of $%d$ is $%d$?",
            "Out of $%d$ students, $%d$ passed. What percent is that?",
        ]
    ) % (b, a)
    solution = "We have $%d/%d = %d/100$. The answer is %s." % (
        a,
        b,
        percent,
        boxed(f"{percent}\\%"),
    )
    return make_problem(PREALGEBRA, 2, problem, solution, f"{percent}\\%", f"po{a},{b}")


def average(draw: Draw):
    """The mean of three to five numbers."""
    count = draw.integer(3, 5)
    values = [draw.integer(2, 60) for _ in range(count)]
    while sum(values) % count:
        values[-1] += 1
    problem = draw.choose(
        ["What is the average of $%s$?", "Find the mean of the numbers $%s$."]
    ) % ", ".join(map(str, values))
    total = values[0]
    steps = []
    for value in values[1:]:
        steps.append(f"{total} + {value} = {total + value}")
        total += value
    answer = total // count
    solution = "Adding: $%s$. Dividing, $%d/%d = %d$. The answer is %s." % (
        ", ".join(steps),
        total,
        count,
        answer,
        boxed(answer),
    )
    return make_problem(PREALGEBRA, 2, problem, solution, answer, f"av{values}")


def median(draw: Draw):
    """The median of an odd number of values."""
    count = draw.choose([3, 5, 5, 7])
    values = draw.sample(range(1, 99), count)
    problem = draw.choose(
        ["What is the median of $%s$?", "Find the median of the numbers $%s$."]
    ) % ", ".join(map(str, values))
    ordered = sorted(values)
    answer = ordered[count // 2]
    solution = "In order: $%s$. The middle number is $%d$. The answer is %s." % (
        ", ".join(map(str, ordered)),
        answer,
        boxed(answer),
    )
    return make_problem(PREALGEBRA, 2, problem, solution, answer, f"md{values}")


def add_fractions(draw: Draw):
    """Sum or difference of two fractions."""
    b, d = draw.integer(2, 12), draw.integer(2, 12)
    a, c = draw.integer(1, b), draw.integer(1, d)
    subtract = draw.chance(0.35)
    problem = draw.choose(
        [
            "Compute $\\frac{%d}{%d} %s \\frac{%d}{%d}$. Express your answer in lowest terms.",
            "What is $\\frac{%d}{%d} %s \\frac{%d}{%d}$ as a fraction in lowest terms?",
        ]
    ) % (a, b, "-" if subtract else "+", c, d)
    common = b * d // math.gcd(b, d)
    x, y = a * common // b, c * common // d
    numerator = x - y if subtract else x + y
    fraction = latex_fraction(numerator, common)
    solution = (
        "The common denominator is %d. We get $\\frac{%d}{%d} %s \\frac{%d}{%d} = \\frac{%d}{%d}$."
        " The answer is %s."
        % (
            common,
            x,
            common,
            "-" if subtract else "+",
            y,
            common,
            numerator,
            common,
            boxed(fraction),
        )
    )
    return make_problem(
        PREALGEBRA, 3, problem, solution, fraction, f"fa{a},{b},{c},{d},{subtract:d}"
    )


def multiply_fractions(draw: Draw):
    """Product of two fractions."""
    a, b, c, d = draw.integer(1, 9), draw.integer(2, 12), draw.integer(1, 9), draw.integer(2, 12)
    problem = draw.choose(
        [
            "Compute $\\frac{%d}{%d} \\cdot \\frac{%d}{%d}$ in lowest terms.",
            "What is the product of $\\frac{%d}{%d}$ and $\\frac{%d}{%d}$ in lowest terms?",
        ]
    ) % (a, b, c, d)
    fraction = latex_fraction(a * c, b * d)
    divisor = math.gcd(a * c, b * d)
    solution = "The product is $\\frac{%d}{%d}$. The common factor is %d. The answer is %s." % (
        a * c,
        b * d,
        divisor,
        boxed(fraction),
    )
    return make_problem(PREALGEBRA, 2, problem, solution, fraction, f"fm{a},{b},{c},{d}")


def simplify_fraction(draw: Draw):
    """A fraction in lowest terms."""
    while True:
        a, b = draw.integer(1, 15), draw.integer(2, 15)
        if math.gcd(a, b) == 1:
            break
    divisor = draw.integer(2, 15)
    problem = draw.choose(
        ["Simplify $\\frac{%d}{%d}$.", "Write $\\frac{%d}{%d}$ in lowest terms."]
    ) % (a * divisor, b * divisor)
    solution = (
        f"The greatest common divisor is {divisor}. So ${a * divisor}/{divisor} = {a}$ and"
        f" ${b * divisor}/{divisor} = {b}$. The answer is {boxed(latex_fraction(a, b))}."
    )
    return make_problem(
        PREALGEBRA, 1, problem, solution, latex_fraction(a, b), f"si{a * divisor},{b * divisor}"
    )


def order_of_operations(draw: Draw):
    """Three forms of mixed expressions."""
    a, b, c, d = draw.integer(2, 30), draw.integer(2, 9), draw.integer(2, 15), draw.integer(1, 12)
    form = draw.integer(0, 2)
    phrasing = draw.choose(["Compute $%s$.", "Evaluate $%s$.", "What is the value of $%s$?"])
    if form == 0:
        answer = a + b * (c + d)
        problem = phrasing % f"{a} + {b}({c} + {d})"
        solution = (
            f"First ${c} + {d} = {c + d}$, then ${multiplication(b, c + d)}$, then ${a} +"
            f" {b * (c + d)} = {answer}$. The answer is {boxed(answer)}."
        )
    elif form == 1:
        answer = a * b - c * d
        problem = phrasing % f"{a} \\cdot {b} - {c} \\cdot {d}"
        solution = (
            f"We have ${multiplication(a, b)}$ and ${multiplication(c, d)}$, so ${a * b} - {c * d}"
            f" = {answer}$. The answer is {boxed(answer)}."
        )
    else:
        answer = (a - c) * b + d
        problem = phrasing % f"({a} - {c}) \\cdot {b} + {d}"
        solution = (
            f"First ${a} - {c} = {a - c}$, then ${parenthesized(a - c)}*{b} = {(a - c) * b}$, then"
            f" ${(a - c) * b} + {d} = {answer}$. The answer is {boxed(answer)}."
        )
    return make_problem(PREALGEBRA, 2, problem, solution, answer, f"or{form},{a},{b},{c},{d}")


def add_decimals(draw: Draw):
    """Sum or difference of numbers with one decimal."""
    a, b = draw.integer(11, 399), draw.integer(11, 399)
    subtract = draw.chance(0.4)
    if subtract and a < b:
        a, b = b, a

    def decimal(n):
        return f"{n // 10}.{n % 10}" if n % 10 else str(n // 10)

    answer = decimal(a - b if subtract else a + b)
    problem = draw.choose(["Compute $%s %s %s$.", "What is $%s %s %s$?"]) % (
        decimal(a),
        "-" if subtract else "+",
        decimal(b),
    )
    solution = "In tenths: $%d %s %d = %d$. The answer is %s." % (
        a,
        "-" if subtract else "+",
        b,
        a - b if subtract else a + b,
        boxed(answer),
    )
    return make_problem(PREALGEBRA, 1, problem, solution, answer, f"de{a},{b},{subtract:d}")


def work_together(draw: Draw):
    """Two people doing one job."""
    a, b = draw.integer(2, 24), draw.integer(2, 24)
    n1, n2 = draw.sample(PEOPLE, 2)
    problem = (
        f"{n1} paints a wall in {a} hours and {n2} paints it in {b} hours. How many hours do they"
        " need together? Give a fraction in lowest terms."
    )
    answer = latex_fraction(a * b, a + b)
    solution = (
        "The time is $\\frac{%d*%d}{%d + %d} = \\frac{%d}{%d}$. The common factor is %d. The answer"
        " is %s." % (a, b, a, b, a * b, a + b, math.gcd(a * b, a + b), boxed(answer))
    )
    return make_problem(PREALGEBRA, 4, problem, solution, answer, f"wk{a},{b}")


def add_three_fractions(draw: Draw):
    """Three fractions with signs."""
    denominators = [draw.integer(2, 10) for _ in range(3)]
    numerators = [draw.integer(1, x) for x in denominators]
    common = denominators[0] * denominators[1] // math.gcd(denominators[0], denominators[1])
    common = common * denominators[2] // math.gcd(common, denominators[2])
    if common > 360:
        return add_three_fractions(draw)
    signs = [1, draw.choose([1, -1]), draw.choose([1, -1])]
    scaled = [signs[i] * numerators[i] * common // denominators[i] for i in range(3)]
    numerator = sum(scaled)

    def fraction(i):
        return "\\frac{%d}{%d}" % (numerators[i], denominators[i])

    problem = "Compute $%s %s %s %s %s$ in lowest terms." % (
        fraction(0),
        "+-"[signs[1] < 0],
        fraction(1),
        "+-"[signs[2] < 0],
        fraction(2),
    )
    solution = (
        f"The common denominator is {common}. The numerators are ${scaled[0]}$, ${scaled[1]}$,"
        f" ${scaled[2]}$ with sum ${numerator}$. The answer is"
        f" {boxed(latex_fraction(numerator, common))}."
    )
    return make_problem(
        PREALGEBRA,
        4,
        problem,
        solution,
        latex_fraction(numerator, common),
        f"f3{numerators}{denominators}{signs}",
    )


def missing_score(draw: Draw):
    """The score that gives a wanted average."""
    count = draw.integer(3, 6)
    scores = [draw.integer(20, 99) for _ in range(count - 1)]
    mean = draw.integer(40, 95)
    missing = mean * count - sum(scores)
    if missing < 0 or missing > 200:
        return missing_score(draw)
    name = draw.choose(PEOPLE)
    problem = "%s scored %s on %d tests. What score on the next test gives an average of %d?" % (
        name,
        ", ".join(map(str, scores)),
        count - 1,
        mean,
    )
    steps, total = running_sum(scores)
    solution = (
        f"The total must be ${multiplication(mean, count)}$. So far, ${steps}$. The next score is"
        f" ${mean * count} - {total} = {missing}$. The answer is {boxed(missing)}."
    )
    return make_problem(PREALGEBRA, 4, problem, solution, missing, f"am{scores},{mean}")


def two_price_changes(draw: Draw):
    """Two percentage changes in a row."""
    price = draw.integer(2, 12) * 100
    a, b = draw.choose([10, 20, 25, 30, 40, 50]), draw.choose([10, 20, 50])
    first_up, second_up = draw.chance(0.5), draw.chance(0.5)
    middle = price * (100 + (a if first_up else -a)) // 100
    final = middle * (100 + (b if second_up else -b))
    if final % 100:
        return two_price_changes(draw)
    final //= 100

    def verb(k):
        return "increases" if k else "decreases"

    problem = (
        f"A price of {price} dollars {verb(first_up)} by ${a}\\%$ and then {verb(second_up)} by"
        f" ${b}\\%$. What is the final price in dollars?"
    )
    solution = (
        f"The first change is ${price}*{a}/100 = {price * a // 100}$, giving ${middle}$. The second"
        f" change is ${middle}*{b}/100 = {middle * b // 100}$, giving ${final}$. The answer is"
        f" {boxed(final)}."
    )
    return make_problem(
        PREALGEBRA, 4, problem, solution, final, f"pn{price},{a},{b},{first_up:d},{second_up:d}"
    )
