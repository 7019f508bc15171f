"""Equations, functions and polynomials."""

import math

from trainer.draw import Draw
from trainer.mathematics.latex import boxed, parenthesized, polynomial, signed, term
from trainer.mathematics.problem import ALGEBRA, make_problem
from trainer.written_arithmetic import latex_fraction


def linear_equation(draw: Draw):
    """ax + b = c with an integer solution."""
    variable = draw.choose("xxxyntz")
    a, x, b = draw.integer(2, 12), draw.integer(-15, 20), draw.integer(-30, 40)
    if b == 0:
        b = 7
    c = a * x + b
    problem = draw.choose(
        [
            "Solve for $%s$: $%s = %d$.",
            "What is the value of $%s$ if $%s = %d$?",
            "Find $%s$ such that $%s = %d$.",
        ]
    ) % (variable, polynomial([a, b], variable), c)
    solution = "%s %d %s both sides: $%s = %d$. " % (
        "Subtract" if b > 0 else "Add",
        abs(b),
        "from" if b > 0 else "to",
        term(a, variable, True),
        c - b,
    )
    solution += f"Divide by {a}: ${variable} = {x}$. The answer is {boxed(x)}."
    return make_problem(ALGEBRA, 1, problem, solution, x, f"lin{a},{b},{c}")


def linear_equation_fraction(draw: Draw):
    """ax + b = c with a fractional solution."""
    variable = draw.choose("xyn")
    a = draw.integer(2, 12)
    n = draw.integer(-30, 40)
    if n % a == 0:
        n += 1
    b = draw.integer(1, 25)
    c = n + b
    problem = draw.choose(
        [
            "Solve $%s = %d$ for $%s$. Express your answer as a common fraction.",
            "Find the solution of $%s = %d$ in $%s$ as a fraction in lowest terms.",
        ]
    ) % (polynomial([a, b], variable), c, variable)
    fraction = latex_fraction(n, a)
    solution = (
        f"Subtract {b}: ${term(a, variable, True)} = {n}$. Divide by {a}: ${variable} ="
        f" {fraction}$. The answer is {boxed(fraction)}."
    )
    return make_problem(ALGEBRA, 2, problem, solution, fraction, f"linf{a},{b},{c}")


def linear_equation_two_sides(draw: Draw):
    """ax + b = cx + d."""
    variable = draw.choose("xyn")
    x = draw.integer(-12, 15)
    a, c = draw.integer(3, 12), draw.integer(1, 9)
    if a == c:
        a += 2
    if a < c:
        a, c = c, a
    b = draw.integer(-20, 20) or 4
    d = (a - c) * x + b
    if d == 0:
        return linear_equation_two_sides(draw)
    problem = draw.choose(
        ["Solve for $%s$: $%s = %s$.", "Find the value of $%s$ satisfying $%s = %s$."]
    ) % (variable, polynomial([a, b], variable), polynomial([c, d], variable))
    solution = "Subtract %s: $%s = %d$. " % (
        f"${term(c, variable, True)}$",
        polynomial([a - c, b], variable),
        d,
    )
    solution += (
        f"Then ${term(a - c, variable, True)} = {d - b}$, so ${variable} = {x}$. The answer is"
        f" {boxed(x)}."
    )
    return make_problem(ALGEBRA, 3, problem, solution, x, f"lin2{a},{b},{c},{d}")


def evaluate_polynomial(draw: Draw):
    """The value of a linear or quadratic function."""
    name = draw.choose("fgh")
    degree = draw.choose([1, 2, 2])
    coefficients = [draw.integer(1, 6)] + [draw.integer(-9, 9) for _ in range(degree)]
    x = draw.integer(-6, 9)
    problem = draw.choose(
        ["If $%s(x) = %s$, what is $%s(%d)$?", "Let $%s(x) = %s$. Find $%s(%d)$."]
    ) % (name, polynomial(coefficients), name, x)
    ts = []
    terms = []
    n = len(coefficients) - 1
    for i, coefficient in enumerate(coefficients):
        if coefficient == 0:
            continue
        power = n - i
        if power == 2:
            ts.append(f"{coefficient}*{x * x}")
            terms.append(coefficient * x * x)
        elif power == 1:
            ts.append(f"{parenthesized(coefficient)}*{parenthesized(x)}")
            terms.append(coefficient * x)
        else:
            terms.append(coefficient)
    answer = sum(terms)
    solution = ""
    if n == 2:
        solution += f"We have ${parenthesized(x)}^2 = {x * x}$. "
    solution += "The terms are $%s$" % ", ".join(map(str, terms)) + ". "
    total = terms[0]
    steps = []
    for value in terms[1:]:
        steps.append(f"{total}{signed(value)} = {total + value}")
        total += value
    if steps:
        solution += "Adding: $%s$. " % ", ".join(steps)
    solution += f"The answer is {boxed(answer)}."
    return make_problem(ALGEBRA, 2, problem, solution, answer, f"ev{coefficients},{x}")


def expand_binomials(draw: Draw):
    """(x + a)(x + b)."""
    variable = draw.choose("xxyn")
    a, b = draw.integer(-9, 12), draw.integer(-9, 12)
    if a == 0:
        a = 3
    if b == 0:
        b = -4
    problem = draw.choose(
        ["Expand $(%s)(%s)$.", "Write $(%s)(%s)$ as a polynomial in standard form."]
    ) % (polynomial([1, a], variable), polynomial([1, b], variable))
    answer = polynomial([1, a + b, a * b], variable)
    solution = (
        f"The sum is ${a}{signed(b)} = {a + b}$ and the product is"
        f" ${parenthesized(a)}*{parenthesized(b)} = {a * b}$. The answer is {boxed(answer)}."
    )
    return make_problem(ALGEBRA, 2, problem, solution, answer, f"exp{min(a, b)},{max(a, b)}")


def sum_and_difference(draw: Draw):
    """Two numbers from their sum and difference."""
    x, y = draw.integer(1, 40), draw.integer(1, 40)
    if x < y:
        x, y = y, x
    if x == y:
        x += 2
    total, difference = x + y, x - y
    smaller = draw.integer(0, 1)
    problem = draw.choose(
        [
            "The sum of two numbers is %d and their difference is %d. What is the %s number?",
            "Two numbers add up to %d and differ by %d. Find the %s of the two numbers.",
        ]
    ) % (total, difference, ["larger", "smaller"][smaller])
    if smaller == 0:
        solution = (
            f"The larger number is $({total} + {difference})/2 = {total + difference}/2 = {x}$. The"
            f" answer is {boxed(x)}."
        )
        answer = x
    else:
        solution = (
            f"The smaller number is $({total} - {difference})/2 = {total - difference}/2 = {y}$."
            f" The answer is {boxed(y)}."
        )
        answer = y
    return make_problem(ALGEBRA, 3, problem, solution, answer, f"sys{total},{difference}")


def integer_roots(draw: Draw):
    """Both integer roots of a monic quadratic."""
    a, b = draw.integer(-9, 12), draw.integer(-9, 12)
    if a > b:
        a, b = b, a
    if a == b:
        b += 1
    if a == 0 or b == 0 or a + b == 0:
        return integer_roots(draw)
    problem = draw.choose(
        [
            (
                "Find all solutions of $%s = 0$, listed from smallest to largest and separated by"
                " commas."
            ),
            "Solve $%s = 0$. Give the roots in increasing order, separated by commas.",
        ]
    ) % polynomial([1, -a - b, a * b])
    solution = f"We need two numbers with product ${a * b}$ and sum ${a + b}$: ${a}$ and ${b}$. "
    solution += "So the equation is $(%s)(%s) = 0$. The answer is %s." % (
        polynomial([1, -a]),
        polynomial([1, -b]),
        boxed(f"{a}, {b}"),
    )
    return make_problem(ALGEBRA, 3, problem, solution, f"{a}, {b}", f"rt{a},{b}")


def slope(draw: Draw):
    """Slope of the line through two points."""
    x1, y1, x2, y2 = [draw.integer(-9, 12) for _ in range(4)]
    if x1 == x2:
        x2 += 3
    problem = draw.choose(
        [
            "What is the slope of the line through $(%d,%d)$ and $(%d,%d)$?",
            "Find the slope of the line passing through the points $(%d,%d)$ and $(%d,%d)$.",
        ]
    ) % (x1, y1, x2, y2)
    answer = latex_fraction(y2 - y1, x2 - x1)
    solution = "The slope is $\\frac{%d - %s}{%d - %s} = \\frac{%d}{%d}$. The answer is %s." % (
        y2,
        parenthesized(y1),
        x2,
        parenthesized(x1),
        y2 - y1,
        x2 - x1,
        boxed(answer),
    )
    return make_problem(ALGEBRA, 2, problem, solution, answer, f"sl{x1},{y1},{x2},{y2}")


def linear_inequality(draw: Draw):
    """ax + b < c in interval notation."""
    a, x, b = draw.integer(2, 9), draw.integer(-9, 15), draw.integer(-20, 20) or 3
    c = a * x + b
    less = draw.chance(0.5)
    problem = "Solve $%s %s %d$ for $x$. Express your answer in interval notation." % (
        polynomial([a, b]),
        "<" if less else ">",
        c,
    )
    answer = f"(-\\infty,{x})" if less else f"({x},\\infty)"
    solution = "We get $%s %s %d$, so $x %s %d$. The answer is %s." % (
        term(a, "x", True),
        "<" if less else ">",
        c - b,
        "<" if less else ">",
        x,
        boxed(answer),
    )
    return make_problem(ALGEBRA, 3, problem, solution, answer, f"iq{a},{b},{c},{less:d}")


def linear_system(draw: Draw):
    """Two equations in two unknowns by Cramer's rule."""
    x, y = draw.integer(-9, 12), draw.integer(-9, 12)
    a, b, d, e = [draw.integer(-6, 7) or 2 for _ in range(4)]
    determinant = a * e - b * d
    if determinant == 0:
        return linear_system(draw)
    c, f = a * x + b * y, d * x + e * y
    problem = draw.choose(
        [
            "Solve the system $%s%s = %d$, $%s%s = %d$. Give the answer as $(x,y)$.",
            "Find the ordered pair $(x,y)$ with $%s%s = %d$ and $%s%s = %d$.",
        ]
    ) % (term(a, "x", True), term(b, "y"), c, term(d, "x", True), term(e, "y"), f)
    x_numerator, y_numerator = c * e - b * f, a * f - c * d
    solution = (
        "By Cramer, $D = %s*%s - %s*%s = %d$. $D_x = %s*%s - %s*%s = %d - %s = %d$, $D_y = %s*%s -"
        " %s*%s = %d - %s = %d$. So $x = %d/%s = %d$ and $y = %d/%s = %d$. The answer is %s."
        % (
            parenthesized(a),
            parenthesized(e),
            parenthesized(b),
            parenthesized(d),
            determinant,
            parenthesized(c),
            parenthesized(e),
            parenthesized(b),
            parenthesized(f),
            c * e,
            parenthesized(b * f),
            x_numerator,
            parenthesized(a),
            parenthesized(f),
            parenthesized(c),
            parenthesized(d),
            a * f,
            parenthesized(c * d),
            y_numerator,
            x_numerator,
            parenthesized(determinant),
            x,
            y_numerator,
            parenthesized(determinant),
            y,
            boxed(f"({x},{y})"),
        )
    )
    return make_problem(ALGEBRA, 4, problem, solution, f"({x},{y})", f"s2{a},{b},{c},{d},{e},{f}")


def composition(draw: Draw):
    """f(g(x)) or g(f(x))."""
    a, b, c, d, x = (
        draw.integer(2, 7),
        draw.integer(-9, 9),
        draw.integer(1, 4),
        draw.integer(-9, 9),
        draw.integer(-5, 8),
    )
    quadratic = draw.chance(0.5)
    f, g = polynomial([a, b]), polynomial([c, 0, d]) if quadratic else polynomial([c, d])
    g_value = c * x * x + d if quadratic else c * x + d
    if draw.chance(0.5):
        problem = f"Let $f(x) = {f}$ and $g(x) = {g}$. Find $f(g({x}))$."
        answer = a * g_value + b
        solution = (
            f"We have $g({x}) = {g_value - d}{signed(d)} = {g_value}$. Then $f({g_value}) ="
            f" {a * g_value}{signed(b)} = {answer}$. The answer is {boxed(answer)}."
        )
        order = 0
    else:
        f_value = a * x + b
        answer = c * f_value * f_value + d if quadratic else c * f_value + d
        problem = f"Let $f(x) = {f}$ and $g(x) = {g}$. Find $g(f({x}))$."
        solution = (
            f"We have $f({x}) = {a * x}{signed(b)} = {f_value}$. Then $g({f_value}) ="
            f" {answer - d}{signed(d)} = {answer}$. The answer is {boxed(answer)}."
        )
        order = 1
    return make_problem(
        ALGEBRA, 3, problem, solution, answer, f"fg{order},{quadratic:d},{a},{b},{c},{d},{x}"
    )


def minimum_of_quadratic(draw: Draw):
    """The smallest value of a quadratic."""
    a, h, k = draw.integer(1, 5), draw.integer(-7, 8) or 3, draw.integer(-30, 30)
    b, c = -2 * a * h, a * h * h + k
    problem = draw.choose(
        ["What is the minimum value of $%s$?", "Find the smallest value of $%s$ over real $x$."]
    ) % polynomial([a, b, c])
    solution = (
        f"The minimum is at $x = {-b}/{2 * a} = {h}$. The value is"
        f" ${a * h * h}{signed(b * h)}{signed(c)} = {k}$. The answer is {boxed(k)}."
    )
    return make_problem(ALGEBRA, 4, problem, solution, k, f"vx{a},{h},{k}")


def inverse_function(draw: Draw):
    """f^-1(y) of a linear f."""
    a, b, y = draw.integer(2, 12), draw.integer(-20, 20) or 5, draw.integer(-30, 60)
    problem = "If $f(x) = %s$, what is $f^{-1}(%d)$?" % (polynomial([a, b]), y)
    answer = latex_fraction(y - b, a)
    solution = "We solve $%s = %d$, so $%s = %d$. Dividing by %d, the answer is %s." % (
        polynomial([a, b]),
        y,
        term(a, "x", True),
        y - b,
        a,
        boxed(answer),
    )
    return make_problem(ALGEBRA, 3, problem, solution, answer, f"iv{a},{b},{y}")


def expand_cubic(draw: Draw):
    """(x + a)(x^2 + bx + c)."""
    a, b, c = draw.integer(-7, 7) or 2, draw.integer(-7, 7) or 3, draw.integer(-9, 9) or -4
    problem = draw.choose(["Expand $(%s)(%s)$.", "Write $(%s)(%s)$ in standard form."]) % (
        polynomial([1, a]),
        polynomial([1, b, c]),
    )
    answer = polynomial([1, a + b, a * b + c, a * c])
    solution = (
        f"The coefficients are ${a}{signed(b)} = {a + b}$, ${a * b}{signed(c)} = {a * b + c}$ and"
        f" ${parenthesized(a)}*{parenthesized(c)} = {a * c}$. The answer is {boxed(answer)}."
    )
    return make_problem(ALGEBRA, 3, problem, solution, answer, f"e3{a},{b},{c}")


def factor_quadratic(draw: Draw):
    """A quadratic as a product of two linear factors."""
    a, c = draw.integer(1, 4), 1
    b, d = draw.integer(-9, 9) or 4, draw.integer(-9, 9) or -5
    if math.gcd(a, b) != 1:
        b = 1 if b > 0 else -1
    coefficients = [a * c, a * d + b * c, b * d]
    if coefficients[1] == 0:
        return factor_quadratic(draw)
    problem = draw.choose(
        ["Factor $%s$ completely.", "Write $%s$ as a product of two linear factors."]
    ) % polynomial(coefficients)
    factors = sorted([(a, b), (c, d)])
    answer = "".join(f"({polynomial(list(x))})" for x in factors)
    solution = (
        f"We need numbers with product ${coefficients[0]}*{parenthesized(coefficients[2])} ="
        f" {coefficients[0] * coefficients[2]}$ and sum ${coefficients[1]}$: ${a * d}$ and"
        f" ${b * c}$. The answer is {boxed(answer)}."
    )
    return make_problem(ALGEBRA, 4, problem, solution, answer, f"ft{coefficients}")


def count_integers(draw: Draw):
    """How many n satisfy lo < kn < hi."""
    a, b = draw.integer(-60, 60), draw.integer(5, 120)
    k = draw.integer(2, 7)
    low, high = a, a + b
    problem = f"How many integers $n$ satisfy ${low} < {k}n < {high}$?"
    smallest, largest = low // k + 1, (high - 1) // k
    if largest < smallest:
        return count_integers(draw)
    solution = (
        f"The smallest is ${smallest}$, since ${k}*{parenthesized(smallest)} = {k * smallest}$. The"
        f" largest is ${largest}$, since ${k}*{parenthesized(largest)} = {k * largest}$. The count"
        f" is ${largest} - {parenthesized(smallest)} + 1 = {largest - smallest + 1}$. The answer is"
        f" {boxed(largest - smallest + 1)}."
    )
    return make_problem(
        ALGEBRA, 3, problem, solution, largest - smallest + 1, f"ic{low},{k},{high}"
    )
