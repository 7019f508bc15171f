"""Programs from stdin to stdout, in the form of LiveCodeBench."""

from functools import lru_cache
from typing import NamedTuple

from trainer.draw import Draw, held_out
from trainer.humaneval.families import capitalized
from trainer.livecodebench.commands import commands
from trainer.livecodebench.families import (
    accumulation,
    chain,
    composition,
    decision,
    formula,
    record_query,
    rewriting,
)
from trainer.livecodebench.formats import FORMATS, Format, data
from trainer.livecodebench.grids import grid
from trainer.livecodebench.statement import COMMANDS, ProgramItem, Statement
from trainer.livecodebench.statements_lists import LIST_STATEMENTS
from trainer.livecodebench.statements_lists_k import LIST_AND_K_STATEMENTS
from trainer.livecodebench.statements_numbers import NUMBER_STATEMENTS
from trainer.livecodebench.statements_strings import STRING_STATEMENTS
from trainer.names import PEOPLE, PLACES, THINGS

STATEMENTS = LIST_STATEMENTS + LIST_AND_K_STATEMENTS + NUMBER_STATEMENTS + STRING_STATEMENTS

# (generator, weight among training documents); None takes one of STATEMENTS.
FAMILIES = [
    (None, 0.24),
    (composition, 0.1),
    (chain, 0.18),
    (accumulation, 0.12),
    (decision, 0.08),
    (formula, 0.06),
    (rewriting, 0.07),
    (grid, 0.05),
    (record_query, 0.05),
    (commands, 0.13),
]

_STORIES = [
    "",
    "",
    "",
    "{name} collects {things}. ",
    "{name} plays a game with {things}. ",
    "In the {place}, {name} writes down some data. ",
    "{name} has a puzzle for {friend}. ",
    "{name} asks {friend} for help. ",
]
_ATTEMPTS = 60
_LONGEST_INPUT, _LONGEST_OUTPUT = 400, 300


class Plan(NamedTuple):
    """A statement with its input format; `several` test cases in one input or one."""

    statement: Statement
    format: Format
    several: bool
    phrasing: int
    key: str


def plan_of(draw: Draw, statement: Statement, several: float) -> Plan:
    """Draws the format; `several` is the probability of several test cases."""
    layout = draw.choose(FORMATS[statement.given])
    repeated = draw.chance(several) and layout.repeatable
    return Plan(statement, layout, repeated, 0, statement.name)


def plan(draw: Draw) -> Plan:
    """A task of any family."""
    generator = draw.weighted(*zip(*FAMILIES))
    if generator is not None:
        return plan_of(draw, generator(draw), 0.22)
    drawn = plan_of(draw, draw.choose(STATEMENTS), 0.3)
    phrasing = draw.integer(0, 1)
    key = f"{drawn.statement.name}|{drawn.format.name}|{drawn.several:d}|{phrasing}"
    return drawn._replace(phrasing=phrasing, key=key)


@lru_cache(maxsize=20000)
def _compiled(program: str):
    return compile(program, "program", "exec")


def run(program: str, given: str) -> str:
    """What the program prints for this input."""
    lines = iter(given.split("\n"))
    printed = []
    exec(
        _compiled(program),
        {
            "input": lambda: next(lines),
            "print": lambda *values: printed.append(" ".join(map(str, values))),
        },
    )
    return "\n".join(printed) + "\n"


def build(draw: Draw, planned: Plan, with_tests: bool = False) -> ProgramItem | None:
    """Writes statement and program, computes tests; None if too few short ones were found."""
    statement = planned.statement
    body, output = _body(draw, planned)
    layout = planned.format.english
    if planned.several:
        first = "The first line contains the number of test cases t. Then for each test case: "
        layout = first + layout[0].lower() + layout[1:]
    program = _program(planned)
    tests = []
    for _ in range(_ATTEMPTS):
        given = _input(draw, planned)
        printed = run(program, given)
        if len(printed) > _LONGEST_OUTPUT or len(given) > _LONGEST_INPUT:
            continue
        if (given, printed) not in tests:
            tests.append((given, printed))
        if len(tests) == (9 if with_tests else 1):
            break
    if len(tests) < (4 if with_tests else 1):
        return None
    sample = f"Sample Input\n{tests[0][0]}\nSample Output\n" + tests[0][1].rstrip("\n")
    return ProgramItem(
        statement.title,
        f"{body}\n\nInput\n{layout}\n\nOutput\n{output}\n\n{sample}",
        program,
        _difficulty(planned),
        statement.family,
        planned.key,
        tests,
    )


def _body(draw: Draw, planned: Plan) -> tuple[str, str]:
    """The story with the question, and the description of the output."""
    statement = planned.statement
    name, friend = draw.sample(PEOPLE, 2)
    story = draw.choose(_STORIES).format(
        name=name, friend=friend, things=draw.choose(THINGS), place=draw.choose(PLACES)
    )
    question = _question(draw, planned)
    output = "Print the values separated by spaces" if statement.prints_list else "Print the answer"
    output += " for each test case on its own line." if planned.several else "."
    if statement.yes_no:
        output = "Print YES or NO" + (" for each test case." if planned.several else ".")
    if planned.several:
        return f"{story}You are given t test cases, each with {statement.given}. {question}", output
    opening = draw.choose(["You are given %s. ", "You get %s. ", "There is %s. "])
    if statement.given == COMMANDS:
        return story + question, "Print the output of the commands, one per line."
    given = (opening % statement.given).replace("There is two", "There are two")
    return story + given + question, output


def _question(draw: Draw, planned: Plan) -> str:
    statement = planned.statement
    text = statement.texts[planned.phrasing]
    if statement.whole:
        question = text
        if planned.several:
            question = text[0].lower() + text[1:]
    elif statement.yes_no:
        phrasings = [
            "print YES if %s and NO otherwise.",
            "decide whether %s. Print YES or NO.",
            "check if %s. Output YES if so, otherwise NO.",
        ]
        question = draw.choose(phrasings) % text
    else:
        question = draw.choose(["print %s.", "find %s.", "output %s.", "compute %s."]) % text
        if text.startswith(("how many", "at which")):
            question = draw.choose(["print %s.", "find out %s.", "determine %s."]) % text
    return "For each test case, " + question if planned.several else capitalized(question)


def _program(planned: Plan) -> str:
    statement = planned.statement
    if statement.given == COMMANDS:
        return statement.setup + "\n"
    parts = [planned.format.reading, statement.setup, statement.print_line()]
    lines = "\n".join(part for part in parts if part).split("\n")
    if planned.several:
        lines = ["for _ in range(int(input())):"] + ["    " + line for line in lines]
    return "\n".join(lines) + "\n"


def _input(draw: Draw, planned: Plan) -> str:
    statement = planned.statement
    if statement.write:
        return statement.write(draw)
    if not planned.several:
        return planned.format.write(data(draw, statement))
    count = draw.integer(2, 3)
    cases = [planned.format.write(data(draw, statement)) for _ in range(count)]
    return f"{count}\n" + "".join(cases)


def _difficulty(planned: Plan) -> str:
    setup = planned.statement.setup
    if setup and (planned.several or setup.count("\n") > 1):
        return "hard"
    return "medium" if setup or planned.several else "easy"


def item(draw: Draw, test: bool = False) -> ProgramItem:
    """An item of the training side, or one of the held-out side with nine tests."""
    while True:
        planned = plan(draw)
        if held_out("lcb", planned.key) == test:
            built = build(draw, planned, test)
            if built is not None:
                return built
