"""Functions to complete from signature, description and examples, in the form of HumanEval."""

import copy
from functools import lru_cache

from trainer.draw import Draw, held_out
from trainer.humaneval.families import FAMILIES
from trainer.humaneval.task import Function, FunctionItem
from trainer.humaneval.values import KINDS

_LARGEST_RESULT = 10**7
_LONGEST_EXAMPLE = 110
_ATTEMPTS = 60
_TESTS = 7  # besides the examples in the prompt


@lru_cache(maxsize=20000)
def _compiled(source: str, name: str):
    namespace = {}
    exec("from typing import List, Dict, Tuple\n" + source, namespace)
    return namespace[name]


def build(draw: Draw, function: Function, with_test: bool = False) -> FunctionItem | None:
    """Computes examples by running the solution; None if too few short ones were found."""
    hints = draw.chance(0.7)
    header, signature = _signature(function, hints)
    body = "".join(f"    {line}\n" for line in function.body.split("\n"))
    parameters = ", ".join(function.parameters)
    call = _compiled(f"def {function.name}({parameters}):\n{body}", function.name)
    shown = draw.integer(1, 2)
    if function.examples:
        shown = len(function.examples)
    examples = _examples(draw, function, call, shown + (_TESTS if with_test else 0))
    if len(examples) < shown + (2 if with_test else 0):
        return None
    doctest = "".join(
        f"    >>> {function.name}({arguments})\n    {result}\n"
        for arguments, result in examples[:shown]
    )
    prompt = f'{header}{signature}\n    """ {function.description}\n{doctest}    """\n'
    checks = "".join(
        f"    assert candidate({arguments}) == {result}\n" for arguments, result in examples
    )
    test = "def check(candidate):\n" + checks if with_test else ""
    return FunctionItem(prompt, body, function.name, test, function.family, function.key)


def _signature(function: Function, hints: bool) -> tuple[str, str]:
    """The import line that the hints need, and the def line."""
    if not hints:
        return "", f"def {function.name}({', '.join(function.parameters)}):"
    hinted = ", ".join(
        f"{name}: {KINDS[kind].hint}" for name, kind in zip(function.parameters, function.kinds)
    )
    signature = f"def {function.name}({hinted}) -> {function.returns}:"
    types = [each for each in ("Dict", "List", "Tuple") if each in signature]
    header = f"from typing import {', '.join(types)}\n\n\n" if types else ""
    return header, signature


def _examples(draw: Draw, function: Function, call, count: int) -> list[tuple[str, str]]:
    """Up to `count` different calls as text: arguments and result."""
    seen = set()
    examples = []
    for _ in range(_ATTEMPTS):
        if len(examples) == count:
            break
        if len(examples) < len(function.examples):
            arguments = list(function.examples[len(examples)])
        else:
            arguments = [KINDS[kind].generate(draw) for kind in function.kinds]
        if repr(arguments) in seen:
            continue
        result = call(*copy.deepcopy(arguments))
        if isinstance(result, int) and abs(result) > _LARGEST_RESULT:
            continue
        text = ", ".join(map(repr, arguments))
        if len(text) + len(repr(result)) > _LONGEST_EXAMPLE:
            continue
        seen.add(repr(arguments))
        examples.append((text, repr(result)))
    return examples


def item(draw: Draw, test: bool = False) -> FunctionItem:
    """An item of the training side, or one of the held-out side with its test."""
    while True:
        function = draw.weighted(*zip(*FAMILIES))(draw)
        if held_out("humaneval", function.key) == test:
            built = build(draw, function, test)
            if built is not None:
                return built
