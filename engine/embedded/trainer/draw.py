"""The one source of chance, and the split that keeps held-out items out of training."""

import random
import zlib

# One item in so many is held out, decided by a hash of its content.
HELD_OUT_SHARE = 16


def held_out(suite: str, key: str) -> bool:
    """Whether the item of `suite` with this content key belongs to the held-out side."""
    return zlib.crc32(f"{suite}|{key}".encode()) % HELD_OUT_SHARE == 0


class Draw:
    """A seeded stream of choices: equal seeds give equal items on every machine.

    Generators take every decision through it, in a fixed order. The recorded held-out
    rows depend on that order, so even a draw whose outcome is not used must stay.
    """

    def __init__(self, seed: int):
        self._random = random.Random(seed)

    def fraction(self) -> float:
        """A number in [0, 1)."""
        return self._random.random()

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random.random() < probability

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def choose(self, options):
        """One element of a sequence, each equally likely."""
        return options[int(self._random.random() * len(options))]

    def weighted(self, options, weights):
        """One element of a sequence, likely in proportion to its weight."""
        return self._random.choices(options, weights)[0]

    def sample(self, population, count: int) -> list:
        """Different elements of a sequence, in random order."""
        return self._random.sample(population, count)

    def shuffle(self, values: list) -> None:
        """Reorders a list in place."""
        self._random.shuffle(values)


class WideDraw(Draw):
    """Shares another draw's stream, with every longer range of integers widened by a factor.

    It takes generators outside the ranges they were trained in.
    """

    def __init__(self, draw: Draw, factor: float):
        self._random = draw._random
        self._factor = factor

    def integer(self, low: int, high: int) -> int:
        if high > 1 and high - low > 2:
            low = low if low >= 0 else int(low * self._factor)
            high = int(high * self._factor)
        return super().integer(low, high)
