"""Programs beyond the training ranges."""

import re
from dataclasses import replace

from trainer.draw import Draw, held_out
from trainer.humaneval.families import capitalized
from trainer.livecodebench import build, plan_of
from trainer.livecodebench.commands import commands
from trainer.livecodebench.families import on_the_list
from trainer.livecodebench.grids import grid
from trainer.livecodebench.statement import LIST, PAIR, STRING, ProgramItem, Statement
from trainer.programs.characters import character_rules
from trainer.programs.loops import loop
from trainer.stress.humaneval import LONG, deep_expression, longer_chain as chain_function
from trainer.stress.humaneval import two_filters as filter_function


def longer_chain(draw: Draw) -> Statement:
    """Six to eight operations; at most five in training."""
    function = chain_function(draw)
    on_list = function.kinds == ["list"]
    parameter = function.parameters[0]
    text = function.description.replace(f"Given {parameter}, f", "F", 1)
    text = text.replace(f"Apply these steps to {parameter}: ", "Apply these steps: ", 1)
    text = text.replace("return the list", "print the list")
    text = text.replace("return the string", "print the string")
    lines = _renamed(function.body, parameter, "a" if on_list else "s").split("\n")
    return Statement(
        LIST if on_list else STRING,
        function.key,
        "Pipeline",
        [text],
        lines[-1].replace("return ", ""),
        setup="\n".join(lines[:-1]),
        prints_list=on_list,
        whole=True,
        family="chain long",
    )


def _renamed(python: str, old: str, new: str) -> str:
    return re.sub(rf"\b{old}\b", new, python)


def longer_loop(draw: Draw) -> Statement:
    """Four or five conditions in the loop."""
    made = loop(draw, "a", draw.choose(["total", "result", "acc"]), LONG)
    sentences = ". ".join(map(capitalized, on_the_list(made.english)))
    return Statement(
        LIST,
        "Hl|" + "|".join(made.signature),
        "Simulation",
        [f"{sentences}. Print {made.result_english}."],
        made.result,
        setup="\n".join(made.lines),
        whole=True,
        family="loop long",
    )


def more_character_rules(draw: Draw) -> Statement:
    """Three rules; one or two in training."""
    rules = character_rules(draw, "r", 3)
    return Statement(
        STRING,
        "Hr|" + rules.signature,
        "Rewriting",
        [
            f"Build a result from the characters c of s: {'; '.join(rules.english)}."
            " Print the result."
        ],
        "r",
        setup="\n".join(["r = ''", "for c in s:"] + rules.lines),
        whole=True,
        family="characters long",
    )


def more_commands(draw: Draw) -> Statement:
    """Six to eight commands; at most five in training."""
    drawn = commands(draw, counts=(6, 8))
    return replace(drawn, name="H" + drawn.name, family="commands long")


def two_filters(draw: Draw) -> Statement:
    """Two conditions on the numbers of a list; one in training."""
    function = filter_function(draw)
    parameter = function.parameters[0]
    text = function.description.removeprefix("Return ").removesuffix(".")
    return Statement(
        LIST,
        function.key,
        "Filter",
        [text.replace(f" in {parameter}", " in the list")],
        _renamed(function.body.replace("return ", ""), parameter, "a"),
        prints_list=function.returns == "List[int]",
        family="two filters",
    )


def deeper_formula(draw: Draw) -> Statement:
    """Expressions of depth four; at most three in training."""
    value = None
    while value is None:
        value = deep_expression(draw, "lcb", ["a", "b"])
    return Statement(
        PAIR,
        "He|" + value.signature,
        "Formula",
        [value.english],
        value.python,
        family="expression deep",
    )


def unseen_grid(draw: Draw) -> Statement:
    """Held-out questions about a grid."""
    while True:
        drawn = grid(draw)
        if held_out("lcb", drawn.name):
            return replace(drawn, family="grid unseen")


FAMILIES = [
    longer_chain,
    longer_loop,
    more_character_rules,
    more_commands,
    two_filters,
    deeper_formula,
    unseen_grid,
]


def item(draw: Draw, family) -> ProgramItem:
    """An item of this family with its tests."""
    while True:
        built = build(draw, plan_of(draw, family(draw), 0.15), with_tests=True)
        if built is not None:
            return built
