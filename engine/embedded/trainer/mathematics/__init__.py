"""Problems with a boxed answer, in the form of MATH."""

from typing import Callable, NamedTuple

from trainer.draw import Draw, held_out
from trainer.mathematics import (
    algebra,
    counting,
    geometry,
    intermediate,
    number_theory,
    prealgebra,
    precalculus,
    stories,
)
from trainer.mathematics.problem import Problem


class Family(NamedTuple):
    """A generator, its name in the held-out files and its weight among training documents."""

    name: str
    generate: Callable[[Draw], Problem]
    weight: float = 1.0


FAMILIES = [
    Family("lin", algebra.linear_equation),
    Family("linfrac", algebra.linear_equation_fraction),
    Family("lin2", algebra.linear_equation_two_sides),
    Family("eval", algebra.evaluate_polynomial),
    Family("expand", algebra.expand_binomials),
    Family("system", algebra.sum_and_difference),
    Family("roots", algebra.integer_roots),
    Family("slope", algebra.slope),
    Family("mid", geometry.midpoint),
    Family("word", stories.word_problem, 4.0),
    Family("percent", prealgebra.percent_of),
    Family("pctof", prealgebra.what_percent, 0.6),
    Family("avg", prealgebra.average),
    Family("median", prealgebra.median),
    Family("fracadd", prealgebra.add_fractions),
    Family("fracmul", prealgebra.multiply_fractions),
    Family("simplify", prealgebra.simplify_fraction),
    Family("order", prealgebra.order_of_operations),
    Family("dec", prealgebra.add_decimals),
    Family("rem", number_theory.remainder),
    Family("gcd", number_theory.greatest_common_divisor),
    Family("lcm", number_theory.least_common_multiple),
    Family("ndiv", number_theory.number_of_divisors),
    Family("unit", number_theory.units_digit, 0.6),
    Family("base", number_theory.from_base),
    Family("tobase", number_theory.to_base),
    Family("choose", counting.combinations),
    Family("perm", counting.arrangements, 0.6),
    Family("prob", counting.draw_one),
    Family("dice", counting.sum_of_dice, 0.6),
    Family("outfit", counting.product_rule),
    Family("rect", geometry.rectangle),
    Family("pyth", geometry.right_triangle),
    Family("circle", geometry.circle),
    Family("angles", geometry.angles),
    Family("vieta", intermediate.vieta),
    Family("sqrt", intermediate.simplify_root),
    Family("log", intermediate.logarithm, 0.6),
    Family("aseq", intermediate.arithmetic_term),
    Family("asum", intermediate.sum_of_integers),
    Family("complex", precalculus.complex_arithmetic),
    Family("det", precalculus.determinant),
    Family("dot", precalculus.dot_product),
    Family("vadd", precalculus.vector_combination),
    Family("ineq", algebra.linear_inequality),
    Family("chainword", stories.story_chain, 7.0),
    Family("sys2", algebra.linear_system, 1.8),
    Family("quadrad", intermediate.quadratic_with_roots, 1.8),
    Family("polyrem", intermediate.polynomial_remainder, 1.8),
    Family("matmul", precalculus.matrix_product, 1.8),
    Family("det3", precalculus.determinant_three, 1.8),
    Family("fog", algebra.composition, 1.8),
    Family("dist", geometry.distance, 1.8),
    Family("bincoef", counting.binomial_term, 1.8),
    Family("geosum", intermediate.geometric_sum, 1.8),
    Family("cross", precalculus.cross_product, 1.8),
    Family("twodraw", counting.draw_two, 1.8),
    Family("vertex", algebra.minimum_of_quadratic, 1.8),
    Family("work", prealgebra.work_together, 1.8),
    Family("inv", algebra.inverse_function, 1.8),
    Family("expand3", algebra.expand_cubic, 1.8),
    Family("factor", algebra.factor_quadratic, 1.8),
    Family("frac3", prealgebra.add_three_fractions, 1.8),
    Family("logsum", intermediate.sum_of_logarithms, 1.8),
    Family("triarea", geometry.triangle_area, 1.8),
    Family("abseq", intermediate.absolute_value_equation, 1.8),
    Family("intcount", algebra.count_integers, 1.8),
    Family("avgmiss", prealgebra.missing_score, 1.8),
    Family("pctchain", prealgebra.two_price_changes, 1.8),
]


def problem(draw: Draw, test: bool = False, family: Family | None = None) -> Problem:
    """A problem of the training side (or the held-out side), of any family if none is given."""
    family = family or draw.weighted(FAMILIES, [each.weight for each in FAMILIES])
    while True:
        candidate = family.generate(draw)
        if held_out("math", candidate.key) == test:
            return candidate
