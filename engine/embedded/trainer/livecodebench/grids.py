"""Programs that read a grid of integers."""

from trainer.draw import Draw
from trainer.livecodebench.statement import GRID, Statement
from trainer.programs.steps import fill

# English, Python over the grid g, whether a list is printed.
GRID_QUESTIONS = [
    ("the sum of all numbers in the grid", "sum(map(sum, g))", False),
    ("the largest number in the grid", "max(map(max, g))", False),
    ("the smallest number in the grid", "min(map(min, g))", False),
    ("the sum of each row", "[sum(r) for r in g]", True),
    ("the sum of each column", "[sum(c) for c in zip(*g)]", True),
    ("the largest number of each row", "[max(r) for r in g]", True),
    ("the smallest number of each column", "[min(c) for c in zip(*g)]", True),
    ("the number of cells greater than @K", "sum(1 for r in g for x in r if x > @K)", False),
    ("the number of even cells", "sum(1 for r in g for x in r if x % 2 == 0)", False),
    (
        "the sum of the multiples of @P in the grid",
        "sum(x for r in g for x in r if x % @P == 0)",
        False,
    ),
    ("the largest row sum", "max(sum(r) for r in g)", False),
    ("the smallest column sum", "min(sum(c) for c in zip(*g))", False),
    ("the sum of the first column", "sum(r[0] for r in g)", False),
    ("the sum of the last column", "sum(r[-1] for r in g)", False),
    ("the sum of the top row", "sum(g[0])", False),
    ("the sum of the bottom row", "sum(g[-1])", False),
    ("the number of different values in the grid", "len({x for r in g for x in r})", False),
    ("the first row sorted", "sorted(g[0])", True),
    ("the product of the corner cells in the top row", "g[0][0] * g[0][-1]", False),
    ("all numbers of the grid in increasing order", "sorted(x for r in g for x in r)", True),
    ("the first column from bottom to top", "[r[0] for r in g][::-1]", True),
    ("the number of rows whose sum is greater than @Q", "sum(1 for r in g if sum(r) > @Q)", False),
    (
        "the number of columns whose sum is even",
        "sum(1 for c in zip(*g) if sum(c) % 2 == 0)",
        False,
    ),
    (
        "the difference between the largest and the smallest number in the grid",
        "max(map(max, g)) - min(map(min, g))",
        False,
    ),
    ("the number of rows that contain the value @P", "sum(1 for r in g if @P in r)", False),
]


def grid(draw: Draw) -> Statement:
    """One question about a grid."""
    number = draw.integer(0, len(GRID_QUESTIONS) - 1)
    values = {
        "@K": str(draw.integer(0, 15)),
        "@P": str(draw.integer(2, 7)),
        "@Q": str(draw.integer(10, 60)),
    }
    english, python, prints_list = GRID_QUESTIONS[number]
    return Statement(
        GRID,
        f"g|{number}",
        draw.choose(["Grid", "Table", "Matrix", "Board"]),
        [fill(english, values)],
        fill(python, values),
        prints_list=prints_list,
        family="grid",
    )
