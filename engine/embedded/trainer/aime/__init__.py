"""Problems whose answer is an integer from 0 to 999, in the form of AIME."""

from typing import Callable, NamedTuple

from trainer.aime import counting, divisibility, modular, parts, sequences, sums
from trainer.aime.problem import ContestProblem
from trainer.draw import Draw, held_out


class Family(NamedTuple):
    """A generator and its weight among training documents."""

    generate: Callable[[Draw], ContestProblem]
    weight: float


FAMILIES = [
    Family(modular.modular_power, 2.0),
    Family(counting.two_multiples, 1.5),
    Family(divisibility.greatest_common_divisor, 1),
    Family(divisibility.least_common_multiple, 1),
    Family(sums.digit_sum, 1),
    Family(sums.sum_of_multiples, 1.2),
    Family(divisibility.trailing_zeros, 0.6),
    Family(modular.two_congruences, 1),
    Family(counting.lattice_paths, 0.5),
    Family(divisibility.divisors, 1.2),
    Family(sequences.recurrence, 1.2),
    Family(sums.number_base, 1),
    Family(sums.base_digit_sum, 1),
    Family(counting.two_draws, 1.2),
    Family(modular.last_three_digits, 1),
    Family(counting.digit_sum_count, 0.8),
    Family(sequences.fibonacci_type, 0.7),
    Family(counting.stars_and_bars, 0.6),
    Family(sums.arithmetic_series, 1.2),
    Family(modular.linear_congruence, 1),
    Family(counting.three_multiples, 1.3),
    Family(modular.three_congruences, 1.2),
    Family(sequences.linear_recurrence, 1.2),
    Family(counting.coins, 1),
    Family(sums.power_sums, 0.5),
    Family(modular.geometric_series, 1.2),
    Family(divisibility.factorial_exponent, 0.8),
    Family(divisibility.euler_phi, 1),
    Family(counting.forbidden_point, 0.8),
    Family(counting.onto_functions, 0.4),
    Family(sums.triangle_area, 1.2),
    Family(modular.polynomial_value, 1.3),
    Family(divisibility.least_common_multiple_of_three, 1),
    Family(counting.digit_occurrences, 1),
    Family(divisibility.floor_sum, 0.8),
    Family(parts.two_or_three_parts, 5.0),
    Family(counting.three_draws, 0.8),
]


def problem(draw: Draw, test: bool = False, family: Family | None = None) -> ContestProblem:
    """A problem of the training side (or the held-out side), of any family if none is given."""
    family = family or draw.weighted(FAMILIES, [each.weight for each in FAMILIES])
    while True:
        candidate = family.generate(draw)
        if held_out("aime", candidate.key) == test:
            return candidate
