"""Figures in the plane."""

from trainer.draw import Draw
from trainer.mathematics.latex import boxed, parenthesized, signed, square_part
from trainer.mathematics.problem import GEOMETRY, make_problem
from trainer.written_arithmetic import latex_fraction, multiplication


def midpoint(draw: Draw):
    """Midpoint of a segment."""
    x1, y1 = draw.integer(-12, 15), draw.integer(-12, 15)
    x2, y2 = x1 + 2 * draw.integer(-8, 8), y1 + 2 * draw.integer(-8, 8)
    problem = draw.choose(
        [
            "What is the midpoint of the segment from $(%d,%d)$ to $(%d,%d)$?",
            "Find the midpoint of the points $(%d,%d)$ and $(%d,%d)$.",
        ]
    ) % (x1, y1, x2, y2)
    x, y = (x1 + x2) // 2, (y1 + y2) // 2
    answer = f"({x},{y})"
    solution = (
        f"The coordinates are $({x1}{signed(x2)})/2 = {x1 + x2}/2 = {x}$ and $({y1}{signed(y2)})/2"
        f" = {y1 + y2}/2 = {y}$. The answer is {boxed(answer)}."
    )
    return make_problem(GEOMETRY, 2, problem, solution, answer, f"mid{x1},{y1},{x2},{y2}")


def rectangle(draw: Draw):
    """Area, perimeter or missing side."""
    a, b = draw.integer(3, 30), draw.integer(3, 30)
    form = draw.integer(0, 3)
    if form == 0:
        problem = f"What is the area of a rectangle with length {a} and width {b}?"
        answer = a * b
        solution = f"The area is ${multiplication(a, b)}$. The answer is {boxed(answer)}."
    elif form == 1:
        problem = (
            f"The perimeter of a rectangle is {2 * (a + b)} and its length is {a}. What is its"
            " width?"
        )
        answer = b
        solution = (
            f"Half of the perimeter is ${2 * (a + b)}/2 = {a + b}$. The width is ${a + b} - {a} ="
            f" {b}$. The answer is {boxed(answer)}."
        )
    elif form == 2:
        problem = f"The area of a rectangle is {a * b} and its width is {b}. What is its perimeter?"
        answer = 2 * (a + b)
        solution = (
            f"The length is ${a * b}/{b} = {a}$. The perimeter is $2({a} + {b}) = 2*{a + b} ="
            f" {answer}$. The answer is {boxed(answer)}."
        )
    else:
        problem = f"What is the perimeter of a rectangle with sides {a} and {b}?"
        answer = 2 * (a + b)
        solution = (
            f"The perimeter is $2({a} + {b}) = 2*{a + b} = {answer}$. The answer is"
            f" {boxed(answer)}."
        )
    return make_problem(
        GEOMETRY, 1 + (form in (1, 2)) * 2, problem, solution, answer, f"rc{form},{a},{b}"
    )


def right_triangle(draw: Draw):
    """Hypotenuse or leg of a Pythagorean triangle."""
    a, b, c = draw.choose(
        [(3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29), (9, 40, 41)]
    )
    form = draw.integer(1, 9 if c < 10 else 4 if c < 20 else 2)
    a, b, c = a * form, b * form, c * form
    if draw.chance(0.5):
        a, b = b, a
    if draw.chance(0.55):
        problem = draw.choose(
            [
                "A right triangle has legs %d and %d. What is the length of the hypotenuse?",
                "Find the hypotenuse of a right triangle with legs of length %d and %d.",
            ]
        ) % (a, b)
        solution = (
            f"We have ${a}^2 = {a * a}$ and ${b}^2 = {b * b}$, with sum ${a * a} + {b * b} ="
            f" {c * c} = {c}^2$. The answer is {boxed(c)}."
        )
        answer = c
        form = "h"
    else:
        problem = draw.choose(
            [
                "A right triangle has hypotenuse %d and one leg %d. What is the other leg?",
                "Find the missing leg of a right triangle with hypotenuse %d and leg %d.",
            ]
        ) % (c, a)
        solution = (
            f"We have ${c}^2 = {c * c}$ and ${a}^2 = {a * a}$, with difference ${c * c} - {a * a} ="
            f" {b * b} = {b}^2$. The answer is {boxed(b)}."
        )
        answer = b
        form = "l"
    return make_problem(GEOMETRY, 3, problem, solution, answer, f"py{form}{a},{b}")


def circle(draw: Draw):
    """Area or circumference in terms of pi."""
    radius = draw.integer(2, 25)
    form = draw.integer(0, 2)
    if form == 0:
        problem = (
            draw.choose(
                [
                    "What is the area of a circle with radius %d, in terms of $\\pi$?",
                    "Find the area of a circle of radius %d. Leave $\\pi$ in your answer.",
                ]
            )
            % radius
        )
        answer = f"{radius * radius}\\pi"
        solution = f"The area is $\\pi*{radius}^2 = {answer}$. The answer is {boxed(answer)}."
    elif form == 1:
        problem = (
            draw.choose(
                [
                    "What is the circumference of a circle with radius %d, in terms of $\\pi$?",
                    "Find the circumference of a circle of radius %d. Leave $\\pi$ in your answer.",
                ]
            )
            % radius
        )
        answer = f"{2 * radius}\\pi"
        solution = (
            f"The circumference is $2*\\pi*{radius} = {answer}$. The answer is {boxed(answer)}."
        )
    else:
        problem = f"What is the area of a circle with diameter {2 * radius}, in terms of $\\pi$?"
        answer = f"{radius * radius}\\pi"
        solution = (
            f"The radius is ${2 * radius}/2 = {radius}$. The area is $\\pi*{radius}^2 = {answer}$."
            f" The answer is {boxed(answer)}."
        )
    return make_problem(GEOMETRY, 2, problem, solution, answer, f"ci{form},{radius}")


def angles(draw: Draw):
    """Angle sums, complements and supplements."""
    form = draw.integer(0, 2)
    if form == 0:
        n = draw.integer(5, 20)
        problem = f"What is the sum of the interior angles of a polygon with {n} sides, in degrees?"
        degrees = 180 * (n - 2)
        solution = "The sum is $180(%d - 2) = 180*%d = %d$. The answer is %s." % (
            n,
            n - 2,
            degrees,
            boxed(f"{degrees}^\\circ"),
        )
        answer = f"{degrees}^\\circ"
        key = n
    elif form == 1:
        x, y = draw.integer(20, 100), draw.integer(20, 70)
        problem = (
            f"Two angles of a triangle measure ${x}^\\circ$ and ${y}^\\circ$. What is the measure"
            " of the third angle?"
        )
        degrees = 180 - x - y
        answer = f"{degrees}^\\circ"
        solution = (
            f"We have ${x} + {y} = {x + y}$ and $180 - {x + y} = {degrees}$. The answer is"
            f" {boxed(answer)}."
        )
        key = x, y
    else:
        x = draw.integer(5, 85)
        kind = draw.choose([("complement", 90), ("supplement", 180)])
        problem = f"What is the {kind[0]} of an angle of ${x}^\\circ$?"
        degrees = kind[1] - x
        answer = f"{degrees}^\\circ"
        solution = f"We have ${kind[1]} - {x} = {degrees}$. The answer is {boxed(answer)}."
        key = x, kind[1]
    return make_problem(GEOMETRY, 2, problem, solution, answer, f"an{form},{key}")


def distance(draw: Draw):
    """Distance of two points in simplest radical form."""
    x1, y1 = draw.integer(-9, 9), draw.integer(-9, 9)
    dx, dy = draw.integer(-12, 12), draw.integer(-12, 12)
    if not dx or not dy:
        return distance(draw)
    square = dx * dx + dy * dy
    a, b = square_part(square)
    answer = str(a) if b == 1 else "\\sqrt{%d}" % b if a == 1 else "%d\\sqrt{%d}" % (a, b)
    problem = draw.choose(
        [
            "What is the distance between $(%d,%d)$ and $(%d,%d)$ in simplest form?",
            "Find the length of the segment from $(%d,%d)$ to $(%d,%d)$ in simplest radical form.",
        ]
    ) % (x1, y1, x1 + dx, y1 + dy)
    solution = (
        f"The differences are ${dx}$ and ${dy}$. The sum of squares is ${dx * dx} + {dy * dy} ="
        f" {square}$. "
    )
    if a > 1:
        solution += f"We have ${square} = {a}^2 * {b}$. "
    return make_problem(
        GEOMETRY,
        3,
        problem,
        solution + f"The answer is {boxed(answer)}.",
        answer,
        f"ds{x1},{y1},{dx},{dy}",
    )


def triangle_area(draw: Draw):
    """Area from three vertices."""
    points = [(draw.integer(-9, 9), draw.integer(-9, 9)) for _ in range(3)]
    a, b, c, d = (
        points[1][0] - points[0][0],
        points[1][1] - points[0][1],
        points[2][0] - points[0][0],
        points[2][1] - points[0][1],
    )
    determinant = a * d - b * c
    if determinant == 0:
        return triangle_area(draw)
    problem = (
        "What is the area of the triangle with vertices $(%d,%d)$, $(%d,%d)$ and $(%d,%d)$?"
        % (points[0] + points[1] + points[2])
    )
    answer = latex_fraction(abs(determinant), 2)
    solution = (
        f"From the first vertex the sides are $({a},{b})$ and $({c},{d})$. The determinant is"
        f" ${a * d} - {parenthesized(b * c)} = {determinant}$. The answer is {boxed(answer)}."
    )
    return make_problem(GEOMETRY, 4, problem, solution, answer, f"ta{points}")
