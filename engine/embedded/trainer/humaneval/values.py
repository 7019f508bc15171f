"""Arguments of functions: their type hints, values and parameter names."""

from typing import Callable, NamedTuple

from trainer.draw import Draw
from trainer.programs.words import WORDS

_LIST_NAMES = ["nums", "numbers", "values", "arr", "xs", "lst"]
_NUMBER_NAMES = ["n", "num", "number", "x"]


class Kind(NamedTuple):
    """What a parameter may be called and what it may hold."""

    hint: str
    generate: Callable[[Draw], object]
    names: list[str]


def integers(draw: Draw, shortest=0, longest=7) -> list[int]:
    """Integers from -15 to 40, or digits."""
    count = draw.integer(shortest, longest)
    low, high = (0, 9) if draw.chance(0.3) else (-15, 40)
    return [draw.integer(low, high) for _ in range(count)]


def word(draw: Draw) -> str:
    """A word, at times in another case, mirrored or of random characters."""
    chosen = draw.choose(WORDS)
    form = draw.fraction()
    if form < 0.15:
        return chosen.upper()
    if form < 0.3:
        return chosen.capitalize()
    if form < 0.45:
        return chosen[:3] + chosen[:3][::-1]
    if form < 0.55:
        return "".join(draw.choose("abcABC123") for _ in range(draw.integer(3, 7)))
    return chosen


def text(draw: Draw) -> str:
    """One to four words, at times capitalized, with a number or empty."""
    words = " ".join(draw.choose(WORDS) for _ in range(draw.integer(1, 4)))
    form = draw.fraction()
    if form < 0.15:
        return words.title()
    if form < 0.3:
        return words + str(draw.integer(1, 99))
    if form < 0.36:
        return ""
    return words


def lower_word(draw: Draw) -> str:
    """A word in lower case, at times with the start of another."""
    if draw.chance(0.8):
        return draw.choose(WORDS)
    return draw.choose(WORDS) + draw.choose(WORDS)[:2]


def matrix(draw: Draw) -> list[list[int]]:
    rows, columns = draw.integer(1, 3), draw.integer(1, 3)
    return [[draw.integer(0, 20) for _ in range(columns)] for _ in range(rows)]


def dictionary(draw: Draw) -> dict[str, int]:
    return {key: draw.integer(1, 30) for key in draw.sample(WORDS, draw.integer(1, 4))}


def pairs(draw: Draw) -> list[tuple[str, int]]:
    """One to four names, each with a number."""
    return [(draw.choose(WORDS), draw.integer(1, 70)) for _ in range(draw.integer(1, 4))]


def words(draw: Draw) -> list[str]:
    return [draw.choose(WORDS) for _ in range(draw.integer(1, 5))]


def year(draw: Draw) -> int:
    return draw.choose([draw.integer(1890, 2030), 1900, 2000, 2024, 2100])


def large(draw: Draw) -> int:
    return draw.integer(2, 999)


def signed(draw: Draw) -> int:
    return draw.integer(-30, 60)


def positive(draw: Draw) -> int:
    return draw.integer(1, 30)


KINDS = {
    "list": Kind("List[int]", integers, _LIST_NAMES),
    "filled_list": Kind("List[int]", lambda draw: integers(draw, 1, 7), _LIST_NAMES),
    "short_list": Kind("List[int]", lambda draw: integers(draw, 1, 6), _LIST_NAMES),
    "long_list": Kind("List[int]", lambda draw: integers(draw, 2, 7), _LIST_NAMES),
    "other_list": Kind("List[int]", integers, ["other", "second", "b", "ys"]),
    "text": Kind("str", text, ["s", "text", "string", "sentence"]),
    "word": Kind("str", word, ["s", "word", "text", "string"]),
    "other_word": Kind("str", word, ["t", "other", "b"]),
    "lower_word": Kind("str", lower_word, ["s", "word", "text", "string"]),
    "letter": Kind("str", lambda draw: draw.choose("aeionrst"), ["c", "ch", "letter", "char"]),
    "bits": Kind("str", lambda draw: bin(large(draw))[2:], ["s", "bits", "binary"]),
    "positive": Kind("int", positive, _NUMBER_NAMES),
    "other_positive": Kind("int", positive, ["m", "k", "b", "y"]),
    "count": Kind("int", lambda draw: draw.integer(0, 12), _NUMBER_NAMES),
    "large": Kind("int", large, _NUMBER_NAMES),
    "integer": Kind("int", signed, ["n", "x", "value", "a"]),
    "other_integer": Kind("int", signed, ["m", "y", "other", "b"]),
    "third_integer": Kind("int", signed, ["p", "z", "third", "c"]),
    "size": Kind("int", lambda draw: draw.integer(1, 4), ["k", "size", "count", "step"]),
    "year": Kind("int", year, ["year", "y", "n"]),
    "x": Kind("int", signed, ["x", "a", "n", "m"]),
    "y": Kind("int", signed, ["y", "b", "k", "p"]),
    "z": Kind("int", signed, ["z", "c", "t", "q"]),
    "words": Kind("List[str]", words, ["words", "strings", "names", "items"]),
    "dictionary": Kind("Dict[str, int]", dictionary, ["d", "scores", "counts", "prices"]),
    "matrix": Kind("List[List[int]]", matrix, ["matrix", "grid", "rows", "m"]),
    "pairs": Kind("List[Tuple[str, int]]", pairs, ["pairs", "records", "entries", "items"]),
}


def parameter(draw: Draw, kind: str) -> str:
    """A name for a parameter of this kind."""
    return draw.choose(KINDS[kind].names)
