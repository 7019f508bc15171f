"""Roots, logarithms, sequences."""

from trainer.draw import Draw
from trainer.mathematics.latex import boxed, parenthesized, polynomial, signed, square_part
from trainer.mathematics.problem import INTERMEDIATE, make_problem
from trainer.written_arithmetic import multiplication, running_sum


def vieta(draw: Draw):
    """Sum, product or sum of squares of the roots."""
    a, b, c = 1, draw.integer(-20, 20), draw.integer(-30, 30)
    if b == 0:
        b = 5
    if c == 0:
        c = -8
    form = draw.integer(0, 2)
    if form == 2:
        problem = (
            f"If $r$ and $s$ are the roots of ${polynomial([a, b, c])} = 0$, what is $r^2 + s^2$?"
        )
        answer = b * b - 2 * c
        solution = (
            f"We have $r + s = {-b}$ and $rs = {c}$. Then $(r+s)^2 - 2rs = {b * b} -"
            f" {parenthesized(2 * c)} = {answer}$. The answer is {boxed(answer)}."
        )
    else:
        problem = "What is the %s of the roots of $%s = 0$?" % (
            ["sum", "product"][form],
            polynomial([a, b, c]),
        )
        answer = -b if form == 0 else c
        solution = "By Vieta, the %s of the roots is $%s = %d$. The answer is %s." % (
            ["sum", "product"][form],
            [f"-({b})", f"{c}"][form],
            answer,
            boxed(answer),
        )
    return make_problem(INTERMEDIATE, 2 + form, problem, solution, answer, f"vi{form},{b},{c}")


def simplify_root(draw: Draw):
    """A square root in simplest radical form."""
    a, b = draw.integer(2, 12), draw.choose([2, 3, 5, 6, 7, 10, 11, 13])
    problem = draw.choose(
        ["Simplify $\\sqrt{%d}$.", "Write $\\sqrt{%d}$ in simplest radical form."]
    ) % (a * a * b)
    answer = "%d\\sqrt{%d}" % (a, b)
    solution = (
        f"We have ${a * a * b} = {a * a}*{b}$ and ${a * a} = {a}^2$. The answer is {boxed(answer)}."
    )
    return make_problem(INTERMEDIATE, 3, problem, solution, answer, f"sq{a},{b}")


def logarithm(draw: Draw):
    """An integer logarithm."""
    base = draw.integer(2, 9)
    exponent = draw.integer(2, {2: 9, 3: 6, 4: 5, 5: 4}.get(base, 3))
    form = draw.integer(0, 1)
    value = base**exponent
    problem = ["What is $\\log_{%d} %d$?" % (base, value), f"Solve ${base}^x = {value}$ for $x$."][
        form
    ]
    steps = []
    power = base
    for i in range(2, exponent + 1):
        power *= base
        steps.append(f"{base}^{i} = {power}")
    solution = "We have $%s$. The answer is %s." % (", ".join(steps), boxed(exponent))
    return make_problem(INTERMEDIATE, 2, problem, solution, exponent, f"lg{form},{base},{exponent}")


def arithmetic_term(draw: Draw):
    """A term of an arithmetic sequence."""
    a, step, n = draw.integer(-10, 30), draw.integer(2, 12), draw.integer(8, 40)
    problem = draw.choose(
        [
            "What is term number %d of the arithmetic sequence $%d, %d, %d, \\ldots$?",
            "Find the %dth term of the arithmetic sequence $%d, %d, %d, \\ldots$.",
        ]
    ) % (n, a, a + step, a + 2 * step)
    answer = a + (n - 1) * step
    solution = (
        f"The common difference is {step}. We have ${n} - 1 = {n - 1}$ and"
        f" ${multiplication(n - 1, step)}$. So the term is ${a} + {(n - 1) * step} = {answer}$. The"
        f" answer is {boxed(answer)}."
    )
    return make_problem(INTERMEDIATE, 3, problem, solution, answer, f"as{a},{step},{n}")


def sum_of_integers(draw: Draw):
    """Sum of the first integers or odd integers."""
    n = draw.integer(10, 60)
    odd = draw.integer(0, 1)
    if odd == 0:
        problem = (
            draw.choose(
                [
                    "What is the sum $1 + 2 + 3 + \\cdots + %d$?",
                    "Find the sum of the first %d positive integers.",
                ]
            )
            % n
        )
        product = n * (n + 1)
        answer = product // 2
        solution = (
            "The sum is $\\frac{%d*%d}{2}$. We have $%s$ and $%d/2 = %d$. The answer is %s."
            % (n, n + 1, multiplication(n, n + 1), product, answer, boxed(answer))
        )
    else:
        problem = (
            draw.choose(
                [
                    "What is the sum of the first %d odd positive integers?",
                    "Find the sum of the %d smallest odd positive integers.",
                ]
            )
            % n
        )
        answer = n * n
        solution = (
            f"The sum is ${n}^2$. We have ${multiplication(n, n)}$. The answer is {boxed(answer)}."
        )
    return make_problem(INTERMEDIATE, 3, problem, solution, answer, f"su{odd},{n}")


def quadratic_with_roots(draw: Draw):
    """A root in simplest radical form."""
    center, radicand = draw.integer(-9, 9), draw.integer(2, 80)
    a, b = square_part(radicand)
    if b == 1:
        return quadratic_with_roots(draw)
    constant = center * center - radicand
    if center == 0 or constant == 0:
        return quadratic_with_roots(draw)
    larger = draw.chance(0.5)
    problem = draw.choose(
        [
            "What is the %s root of $%s = 0$? Give it in simplest radical form.",
            "Find the %s solution of $%s = 0$ in simplest radical form.",
        ]
    ) % ("larger" if larger else "smaller", polynomial([1, -2 * center, constant]))
    root = "\\sqrt{%d}" % b if a == 1 else "%d\\sqrt{%d}" % (a, b)
    answer = "%d %s %s" % (center, "+" if larger else "-", root)
    solution = (
        f"Completing the square, $(x{signed(-center)})^2 = {center * center} -"
        f" {parenthesized(constant)} = {radicand}$. "
    )
    solution += "We have $\\sqrt{%d} = %s$. " % (radicand, root) if a > 1 else ""
    solution += f"The answer is {boxed(answer)}."
    return make_problem(
        INTERMEDIATE, 4, problem, solution, answer, f"qr{center},{radicand},{larger:d}"
    )


def polynomial_remainder(draw: Draw):
    """Remainder by synthetic division."""
    coefficients = [draw.integer(1, 4)] + [draw.integer(-9, 9) for _ in range(3)]
    x = draw.integer(-4, 5) or 2
    problem = draw.choose(
        [
            "What is the remainder when $%s$ is divided by $%s$?",
            "Find the remainder of $%s$ upon division by $%s$.",
        ]
    ) % (polynomial(coefficients), polynomial([1, -x]))
    value = coefficients[0]
    steps = []
    for coefficient in coefficients[1:]:
        next_value = value * x + coefficient
        steps.append(
            f"{parenthesized(value)}*{parenthesized(x)}{signed(coefficient)} = {next_value}"
        )
        value = next_value
    solution = "By synthetic division with $%d$: start with %d, $%s$. The answer is %s." % (
        x,
        coefficients[0],
        ", ".join(steps),
        boxed(value),
    )
    return make_problem(INTERMEDIATE, 4, problem, solution, value, f"pr{coefficients},{x}")


def geometric_sum(draw: Draw):
    """Sum of a short geometric sequence."""
    a, ratio, n = draw.integer(1, 9), draw.integer(2, 5), draw.integer(4, 7)
    if ratio**n > 5000:
        n = 4
    terms = [a * ratio**i for i in range(n)]
    problem = draw.choose(
        [
            (
                "What is the sum of the first %d terms of the geometric sequence $%d, %d, %d,"
                " \\ldots$?"
            ),
            "Find the sum of the first %d terms of the geometric series $%d + %d + %d + \\cdots$.",
        ]
    ) % (n, terms[0], terms[1], terms[2])
    steps, total = running_sum(terms)
    solution = "The terms are $%s$. Adding, $%s$. The answer is %s." % (
        ", ".join(map(str, terms)),
        steps,
        boxed(total),
    )
    return make_problem(INTERMEDIATE, 3, problem, solution, total, f"ge{a},{ratio},{n}")


def sum_of_logarithms(draw: Draw):
    """Two logarithms that add up to an integer."""
    base = draw.choose([2, 3, 5, 6, 10])
    exponent = draw.integer(2, 4 if base < 5 else 3)
    value = base**exponent
    digits = [part for part in range(2, value) if value % part == 0]
    part = draw.choose(digits)
    problem = draw.choose(
        ["Find $\\log_{%d} %d + \\log_{%d} %d$.", "Evaluate $\\log_{%d} %d + \\log_{%d} %d$."]
    ) % (base, part, base, value // part)
    solution = (
        "The sum is $\\log_{%d} %d*%d = \\log_{%d} %d$ and $%d = %d^%d$. The answer is %s."
        % (base, part, value // part, base, value, value, base, exponent, boxed(exponent))
    )
    return make_problem(INTERMEDIATE, 4, problem, solution, exponent, f"ls{base},{value},{part}")


def absolute_value_equation(draw: Draw):
    """Sum of the solutions of |ax + b| = c."""
    a, y = draw.integer(1, 6), draw.integer(-15, 12)
    x = y + 2 * draw.integer(1, 12)
    b, c = -a * (x + y) // 2, a * (x - y) // 2
    if b == 0:
        return absolute_value_equation(draw)
    problem = f"Find the sum of all solutions of $|{polynomial([a, b])}| = {c}$."
    solution = (
        f"Either ${polynomial([a, b])} = {c}$, so $x = {x}$, or ${polynomial([a, b])} = {-c}$, so"
        f" $x = {y}$. The sum is ${x + y}$. The answer is {boxed(x + y)}."
    )
    return make_problem(INTERMEDIATE, 3, problem, solution, x + y, f"ab{a},{b},{c}")
