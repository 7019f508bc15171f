"""Polynomials and numbers in LaTeX."""


def signed(n, first=False):
    """' + 5' or ' - 5'; '5' or '-5' when first."""
    if first:
        return str(n)
    return f" + {n}" if n >= 0 else f" - {-n}"


def term(coefficient, variable, first=False):
    """Coefficient times variable, with its sign."""
    if coefficient == 0:
        return "" if not first else "0"
    size = abs(coefficient)
    body = variable if size == 1 else f"{size}{variable}"
    if first:
        return ("-" if coefficient < 0 else "") + body
    return (" + " if coefficient > 0 else " - ") + body


def polynomial(coefficients, variable="x"):
    """Polynomial from coefficients, highest power first."""
    degree = len(coefficients) - 1
    text = ""
    for i, coefficient in enumerate(coefficients):
        power = degree - i
        if coefficient == 0:
            continue
        if power == 0:
            text += signed(coefficient, text == "")
        else:
            text += term(coefficient, variable if power == 1 else f"{variable}^{power}", text == "")
    return text or "0"


def parenthesized(n):
    """Negative numbers in parentheses."""
    return f"({n})" if n < 0 else str(n)


def boxed(answer):
    """The final answer."""
    return "$\\boxed{%s}$" % answer


def complex_number(real, imaginary):
    """a + bi."""
    return "%d%s" % (real, term(imaginary, "i")) if real else term(imaginary, "i", True)


def square_part(n):
    """n = a^2 b with b squarefree: (a, b)."""
    a = 1
    q = 2
    while q * q <= n:
        while n % (q * q) == 0:
            n //= q * q
            a *= q
        q += 1
    return a, n
