"""Integer expressions over named variables."""

from typing import NamedTuple

from trainer.draw import Draw

SUM, PRODUCT, ATOM = 1, 2, 3  # how tightly the outermost operation binds


class Expression(NamedTuple):
    """An expression in English and Python; its signature leaves out names and constants."""

    english: str
    python: str
    binding: int
    signature: str

    def inside(self, binding: int) -> str:
        """The Python text as an operand of an operation that binds this tightly."""
        return f"({self.python})" if self.binding < binding else self.python


class BinaryForm(NamedTuple):
    """How an operation of two operands is said and written."""

    phrasings: list[str]
    python: str
    binding: int  # of the whole
    operands: tuple[int, int]  # binding that each operand needs
    letter: str
    symmetric: bool


_BINARY = [
    BinaryForm(
        ["the sum of %s and %s", "the total of %s and %s"],
        "%s + %s",
        SUM,
        (SUM, PRODUCT),
        "+",
        True,
    ),
    BinaryForm(["the difference of %s and %s"], "%s - %s", SUM, (SUM, PRODUCT), "-", False),
    BinaryForm(["the product of %s and %s"], "%s * %s", PRODUCT, (PRODUCT, ATOM), "*", True),
    BinaryForm(
        ["the larger of %s and %s", "the maximum of %s and %s"],
        "max(%s, %s)",
        ATOM,
        (0, 0),
        "M",
        True,
    ),
    BinaryForm(
        ["the smaller of %s and %s", "the minimum of %s and %s"],
        "min(%s, %s)",
        ATOM,
        (0, 0),
        "m",
        True,
    ),
    BinaryForm(
        ["the distance between %s and %s", "the absolute difference of %s and %s"],
        "abs(%s - %s)",
        ATOM,
        (SUM, PRODUCT),
        "d",
        True,
    ),
]
_SQUARE, _DOUBLE, _REMAINDER = 6, 7, 8


def _variable(name: str) -> Expression:
    return Expression(name, name, ATOM, "v")


def _atom(draw: Draw, variables) -> Expression:
    if draw.chance(0.68):
        return _variable(draw.choose(variables))
    constant = str(draw.integer(2, 12))
    return Expression(constant, constant, ATOM, "c")


def expression(draw: Draw, variables, depth: int) -> Expression:
    """An expression of this depth; no operation has constants only."""
    if depth == 0:
        return _atom(draw, variables)
    form = draw.integer(0, 9)
    other_depth = draw.integer(0, depth - 1)
    left = expression(draw, variables, depth - 1)
    right = expression(draw, variables, other_depth)
    swap = draw.chance(0.5)
    if form < len(_BINARY):
        if swap and _BINARY[form].symmetric:
            left, right = right, left
    if left.signature == "c" and right.signature == "c":
        left = _variable(draw.choose(variables))
    if form < len(_BINARY):
        return _binary(draw, _BINARY[form], left, right)
    if left.signature == "c":
        left = _variable(draw.choose(variables))
    return _unary(draw, form, left)


def _binary(draw: Draw, form: BinaryForm, left: Expression, right: Expression) -> Expression:
    phrasing = draw.choose(form.phrasings) if len(form.phrasings) > 1 else form.phrasings[0]
    return Expression(
        phrasing % (left.english, right.english),
        form.python % (left.inside(form.operands[0]), right.inside(form.operands[1])),
        form.binding,
        f"({form.letter}{left.signature}{right.signature})",
    )


def _unary(draw: Draw, form: int, operand: Expression) -> Expression:
    atom = operand.inside(ATOM)
    if form == _SQUARE:
        english = draw.choose(["the square of %s", "the squared value of %s"]) % operand.english
        return Expression(english, f"{atom} ** 2", PRODUCT, f"(s{operand.signature})")
    if form == _DOUBLE:
        english = draw.choose(["twice %s", "double %s"]) % operand.english
        return Expression(english, f"2 * {atom}", PRODUCT, f"(t{operand.signature})")
    modulus = draw.integer(2, 11)
    if form == _REMAINDER:
        english = draw.choose(
            ["the remainder of %s modulo %d", "the remainder of %s after division by %d"]
        ) % (operand.english, modulus)
        return Expression(english, f"{atom} % {modulus}", PRODUCT, f"(r{operand.signature})")
    english = (
        draw.choose(["half of %s rounded down", "the integer part of half of %s"]) % operand.english
    )
    return Expression(english, f"{atom} // 2", PRODUCT, f"(h{operand.signature})")
