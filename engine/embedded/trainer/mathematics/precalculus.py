"""Complex numbers, vectors and matrices."""

from trainer.draw import Draw
from trainer.mathematics.latex import boxed, complex_number, parenthesized
from trainer.mathematics.problem import PRECALCULUS, make_problem


def complex_arithmetic(draw: Draw):
    """Sum, difference or product of complex numbers."""
    a, b, c, d = [draw.integer(-7, 9) or 2 for _ in range(4)]
    form = draw.integer(0, 2)
    if form == 0:
        problem = "Compute $(%s) + (%s)$."
        x, y = a + c, b + d
    elif form == 1:
        problem = "Compute $(%s) - (%s)$."
        x, y = a - c, b - d
    else:
        problem = "Compute $(%s)(%s)$."
        x, y = a * c - b * d, a * d + b * c
    problem = problem % (complex_number(a, b), complex_number(c, d))
    if x == 0 and y == 0 or y == 0:
        return complex_arithmetic(draw)
    if form < 2:
        operator = "+-"[form]
        solution = (
            f"Real part: ${a} {operator} {parenthesized(c)} = {x}$. Imaginary part: ${b} {operator}"
            f" {parenthesized(d)} = {y}$. The answer is {boxed(complex_number(x, y))}."
        )
    else:
        solution = (
            f"Real part: ${a * c} - {parenthesized(b * d)} = {x}$. Imaginary part: ${a * d} +"
            f" {parenthesized(b * c)} = {y}$. The answer is {boxed(complex_number(x, y))}."
        )
    return make_problem(
        PRECALCULUS,
        3 if form < 2 else 4,
        problem,
        solution,
        complex_number(x, y),
        f"cx{form},{a},{b},{c},{d}",
    )


def determinant(draw: Draw):
    """Determinant of a 2x2 matrix."""
    a, b, c, d = [draw.integer(-6, 9) for _ in range(4)]
    problem = draw.choose(
        [
            "Compute the determinant of $\\begin{pmatrix} %d & %d \\\\ %d & %d \\end{pmatrix}$.",
            "Find the determinant $\\begin{vmatrix} %d & %d \\\\ %d & %d \\end{vmatrix}$.",
        ]
    ) % (a, b, c, d)
    answer = a * d - b * c
    solution = (
        f"The determinant is ${parenthesized(a)}*{parenthesized(d)} -"
        f" {parenthesized(b)}*{parenthesized(c)} = {a * d} - {parenthesized(b * c)} = {answer}$."
        f" The answer is {boxed(answer)}."
    )
    return make_problem(PRECALCULUS, 3, problem, solution, answer, f"dt{a},{b},{c},{d}")


def dot_product(draw: Draw):
    """Dot product in two or three dimensions."""
    dimensions = draw.choose([2, 3])
    u, v = [draw.integer(-5, 9) for _ in range(dimensions)], [
        draw.integer(-5, 9) for _ in range(dimensions)
    ]
    problem = "Compute the dot product of $(%s)$ and $(%s)$." % (
        ",".join(map(str, u)),
        ",".join(map(str, v)),
    )
    products = [x * y for x, y in zip(u, v)]
    answer = sum(products)
    solution = "The products are $%s$. The sum is $%s = %d$. The answer is %s." % (
        ", ".join(map(str, products)),
        " + ".join(parenthesized(x) for x in products),
        answer,
        boxed(answer),
    )
    return make_problem(PRECALCULUS, 2, problem, solution, answer, f"do{u},{v}")


def vector_combination(draw: Draw):
    """ku + lv in the plane."""
    u, v = [draw.integer(-9, 12) for _ in range(2)], [draw.integer(-9, 12) for _ in range(2)]
    k, l = draw.integer(2, 5), draw.integer(2, 5)
    problem = "Let $u = (%d,%d)$ and $v = (%d,%d)$. Find $%du + %dv$." % (*u, *v, k, l)
    x, y = k * u[0] + l * v[0], k * u[1] + l * v[1]
    answer = f"({x},{y})"
    solution = (
        f"We have ${k}u = ({k * u[0]},{k * u[1]})$ and ${l}v = ({l * v[0]},{l * v[1]})$. The answer"
        f" is {boxed(answer)}."
    )
    return make_problem(PRECALCULUS, 3, problem, solution, answer, f"va{u},{v},{k},{l}")


def matrix_product(draw: Draw):
    """Product of two 2x2 matrices."""
    left, right = [draw.integer(-5, 7) for _ in range(4)], [draw.integer(-5, 7) for _ in range(4)]

    def pm(M):
        return "\\begin{pmatrix} %d & %d \\\\ %d & %d \\end{pmatrix}" % tuple(M)

    product = [
        left[0] * right[0] + left[1] * right[2],
        left[0] * right[1] + left[1] * right[3],
        left[2] * right[0] + left[3] * right[2],
        left[2] * right[1] + left[3] * right[3],
    ]
    problem = f"Compute ${pm(left)} {pm(right)}$."

    def e(a, b, c, d, r):
        return f"{a * b} + {parenthesized(c * d)} = {r}"

    solution = (
        f"The entries are ${e(left[0], right[0], left[1], right[2], product[0])}$,"
        f" ${e(left[0], right[1], left[1], right[3], product[1])}$,"
        f" ${e(left[2], right[0], left[3], right[2], product[2])}$,"
        f" ${e(left[2], right[1], left[3], right[3], product[3])}$. The answer is"
        f" {boxed(pm(product))}."
    )
    return make_problem(PRECALCULUS, 4, problem, solution, pm(product), f"mm{left}{right}")


def determinant_three(draw: Draw):
    """Determinant of a 3x3 matrix."""
    entries = [draw.integer(-4, 6) for _ in range(9)]
    a, b, c, d, e, f, g, h, i = entries
    first, second, third = e * i - f * h, d * i - f * g, d * h - e * g
    answer = a * first - b * second + c * third
    problem = (
        "Find the determinant of $\\begin{pmatrix} %d & %d & %d \\\\ %d & %d & %d \\\\ %d & %d & %d"
        " \\end{pmatrix}$."
        % tuple(entries)
    )
    solution = (
        f"The minors are ${e * i} - {parenthesized(f * h)} = {first}$, ${d * i} -"
        f" {parenthesized(f * g)} = {second}$, ${d * h} - {parenthesized(e * g)} = {third}$. So"
        f" ${a * first} - {parenthesized(b * second)} + {parenthesized(c * third)} = {answer}$. The"
        f" answer is {boxed(answer)}."
    )
    return make_problem(PRECALCULUS, 5, problem, solution, answer, f"d3{entries}")


def cross_product(draw: Draw):
    """Cross product in three dimensions."""
    u, v = [draw.integer(-5, 7) for _ in range(3)], [draw.integer(-5, 7) for _ in range(3)]
    components = [
        (u[1] * v[2], u[2] * v[1]),
        (u[2] * v[0], u[0] * v[2]),
        (u[0] * v[1], u[1] * v[0]),
    ]
    answer = "(%s)" % ",".join(str(a - b) for a, b in components)
    problem = "Compute the cross product of $(%s)$ and $(%s)$." % (
        ",".join(map(str, u)),
        ",".join(map(str, v)),
    )
    solution = (
        "The components are "
        + ", ".join(f"${a} - {parenthesized(b)} = {a - b}$" for a, b in components)
        + f". The answer is {boxed(answer)}."
    )
    return make_problem(PRECALCULUS, 4, problem, solution, answer, f"cr{u}{v}")
