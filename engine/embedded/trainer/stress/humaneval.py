"""Functions beyond the training ranges."""

from trainer.draw import Draw, held_out
from trainer.humaneval import build
from trainer.humaneval.families import (
    capitalized,
    integer_parameters,
    rule_from_examples,
)
from trainer.humaneval.task import Function, FunctionItem
from trainer.humaneval.values import parameter
from trainer.programs import selections, steps
from trainer.programs.characters import character_rules
from trainer.programs.conditions import branches
from trainer.programs.expressions import Expression, expression
from trainer.programs.loops import loop

LONG = (4, 5)  # conditions; at most three in training


def longer_chain(draw: Draw) -> Function:
    """Six to eight operations; at most five in training."""
    on_list = draw.chance(0.6)
    available = steps.LIST_OPERATIONS if on_list else steps.STRING_OPERATIONS
    ending = (steps.LIST_ENDINGS if on_list else steps.STRING_ENDINGS)[0]
    chosen = steps.operations(draw, available, draw.integer(6, 8))
    kind = "list" if on_list else "text"
    name = parameter(draw, kind)
    english, lines = steps.write_out(draw, chosen)
    if draw.chance(0.5):
        description = f"Given @a, first {', then '.join(english)}, and finally {ending.english}."
    else:
        description = f"Apply these steps to @a: {'; '.join(english + [ending.english])}."
    body = "\n".join(lines + [ending.python])
    return Function(
        "process",
        [kind],
        [name],
        ending.returns,
        description.replace("@a", name),
        body.replace("@a", name),
        "Hp|" + ",".join(operation.name for operation in chosen),
        "chain long",
    )


def deep_expression(draw: Draw, suite: str, variables) -> Expression | None:
    """One attempt at a held-out expression of five to nine operations."""
    value = expression(draw, variables, 4)
    operations = value.signature.count("(")
    return value if 5 <= operations <= 9 and held_out(suite, "e|" + value.signature) else None


def deeper_formula(draw: Draw) -> Function:
    """Expressions of depth four; at most three in training."""
    value = None
    while value is None:
        kinds, parameters = integer_parameters(draw)
        value = deep_expression(draw, "humaneval", parameters)
    return Function(
        "formula",
        kinds,
        parameters,
        "int",
        f"Return {value.english}.",
        "return " + value.python,
        "He|" + value.signature,
        "expression deep",
    )


_ALSO = {
    "even": "that are also even",
    "odd": "that are also odd",
    "positive": "that are also positive",
    "negative": "that are also negative",
    "gt": "that are also greater than @X",
    "lt": "that are also less than @X",
    "mul": "that are also divisible by @X",
    "notmul": "that are not divisible by @X",
    "ge": "that are also at least @X",
    "le": "that are also at most @X",
    "ne": "that are not equal to @X",
}


def two_filters(draw: Draw) -> Function:
    """Two conditions on the numbers of a list; one in training."""
    while True:
        first, second = draw.sample(selections.FILTERS[1:], 2)
        if not {first.name, second.name} & {"last", "btw"}:
            break
    mapping = draw.choose(selections.MAPPINGS)
    aggregate = draw.choose(
        [each for each in selections.AGGREGATES if each.name not in ("count", "distinct")]
    )
    k, other_k = str(draw.integer(2, 9)), str(draw.integer(2, 9))
    name = parameter(draw, "list")
    modulus = str(draw.integer(3, 10))
    chosen = selections.Selection(first, mapping, aggregate)
    selected = first.english[0].replace("@K", k)
    also = _ALSO[second.name].replace("@X", other_k)
    description = (
        f"Return the {aggregate.english}{mapping.english}{selected} {also}{chosen.ending}."
    )
    condition = first.python.replace("@K", k) + " and " + second.python.replace("@K", other_k)
    both = chosen._replace(filter=first._replace(python=condition))
    values = {"@a": name, "@M": modulus}
    return Function(
        "solve",
        ["list"],
        [name],
        aggregate.returns,
        steps.fill(description, values),
        steps.fill("return " + both.python(), values),
        f"Hc|{first.name}|{second.name}|{mapping.name}|{aggregate.name}",
        "two filters",
    )


def longer_decision(draw: Draw) -> Function:
    """Four or five conditions."""
    kinds, parameters = integer_parameters(draw)
    cases = branches(draw, parameters, LONG)
    return Function(
        "decide",
        kinds,
        parameters,
        "int",
        capitalized(cases.english) + ".",
        "\n".join(cases.lines),
        "Hb|" + cases.signature,
        "branches long",
    )


def longer_loop(draw: Draw) -> Function:
    """Four or five conditions in the loop."""
    values = parameter(draw, "list")
    made = loop(draw, values, draw.choose(["total", "result", "acc"]), LONG)
    sentences = ". ".join(map(capitalized, made.english))
    return Function(
        "simulate",
        ["short_list"],
        [values],
        "int",
        f"{sentences}. Return {made.result_english}.",
        "\n".join(made.lines + ["return " + made.result]),
        "Hl|" + "|".join(made.signature),
        "loop long",
    )


def more_character_rules(draw: Draw) -> Function:
    """Three rules; one or two in training."""
    source = parameter(draw, "lower_word")
    rules = character_rules(draw, "result", 3)
    body = ["result = ''", f"for c in {source}:"] + rules.lines + ["return result"]
    return Function(
        "encode",
        ["lower_word"],
        [source],
        "str",
        f"Build a result from the characters c of {source}: {'; '.join(rules.english)}."
        " Return the result.",
        "\n".join(body),
        "Hr|" + rules.signature,
        "characters long",
    )


def unseen_rule(draw: Draw) -> Function:
    """Held-out rules to be worked out from examples."""
    while True:
        drawn = rule_from_examples(draw)
        if held_out("humaneval", drawn.key):
            return drawn


FAMILIES = [
    longer_chain,
    deeper_formula,
    two_filters,
    longer_decision,
    longer_loop,
    more_character_rules,
    unseen_rule,
]


def item(draw: Draw, family) -> FunctionItem:
    """An item of this family with its test."""
    while True:
        built = build(draw, family(draw), with_test=True)
        if built is not None:
            return built
