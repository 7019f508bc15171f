"""The nine families of functions."""

from trainer.draw import Draw
from trainer.humaneval.task import SEPARATORS, Function
from trainer.humaneval.tasks_lists import LIST_TASKS
from trainer.humaneval.tasks_more_lists import MORE_LIST_TASKS
from trainer.humaneval.tasks_numbers import NUMBER_TASKS
from trainer.humaneval.tasks_strings import STRING_TASKS
from trainer.humaneval.tasks_tables import TABLE_TASKS
from trainer.humaneval.values import parameter
from trainer.programs import selections, steps
from trainer.programs.characters import character_rules
from trainer.programs.conditions import branches
from trainer.programs.expressions import expression
from trainer.programs.loops import loop
from trainer.programs.records import query

TASKS = LIST_TASKS + MORE_LIST_TASKS + STRING_TASKS + NUMBER_TASKS + TABLE_TASKS


def capitalized(text: str) -> str:
    """The text with its first letter in upper case and the rest as it is."""
    return text[0].upper() + text[1:]


def single(draw: Draw) -> Function:
    """A function out of the tables, with one of its names and descriptions."""
    task = draw.choose(TASKS)
    names, kinds = task.names.split(), task.kinds.split()
    name = draw.choose(names)
    parameters = []
    for kind in kinds:
        while True:
            candidate = parameter(draw, kind)
            if candidate not in parameters and candidate != name:
                break
        parameters.append(candidate)
    description = draw.integer(0, len(task.descriptions) - 1)
    if task.constant is SEPARATORS:
        values = {"@K": draw.choose(SEPARATORS)}
    else:
        values = {"@K": str(draw.integer(*task.constant))}
    if task.second:
        values["@J"] = str(draw.integer(*task.second))
    constants = "".join(values[each] for each in values if each in task.body)
    values.update(zip(("@a", "@b", "@c"), parameters))
    return Function(
        name,
        kinds,
        parameters,
        task.returns,
        steps.fill(task.descriptions[description], values),
        steps.fill(task.body, values),
        f"s|{names[0]}|{name}|{description}|{parameters[0]}|{constants}",
        "single",
    )


def composition(draw: Draw) -> Function:
    """Filter, map and aggregate the numbers of a list."""
    chosen = selections.selection(draw)
    name = parameter(draw, "list")
    values = selections.constants(draw, selections.bound(draw, chosen)) | {"@a": name}
    selected = chosen.filter.english[draw.integer(0, 1)]
    description = _composition_text(draw, chosen, selected) + chosen.ending + "."
    body = "return " + chosen.python()
    labels = [chosen.aggregate.name, chosen.mapping.label, chosen.filter.label]
    forwards = "_".join(label for label in labels if label)
    backwards = "_".join(label for label in labels[1:] + labels[:1] if label)
    return Function(
        draw.choose([forwards, backwards, "get_" + forwards, "solve", "process"]),
        ["list"],
        [name],
        chosen.aggregate.returns,
        steps.fill(description, values),
        steps.fill(body, values),
        chosen.key,
        "compose",
    )


def _composition_text(draw: Draw, chosen: selections.Selection, selected: str) -> str:
    verb = draw.choose(["Return the ", "Compute the ", "Find the "])
    mapping = chosen.mapping.english
    if chosen.aggregate.name == "count":
        return draw.choose(
            [
                "Count the " + selected,
                f"Return how many {selected} there are",
                "Return the number of " + selected,
            ]
        )
    if chosen.aggregate.name == "distinct":
        if not mapping:
            return verb + "number of different " + selected
        return verb + "number of different values among the " + mapping + selected
    return verb + chosen.aggregate.english + mapping + selected


def chain(draw: Draw) -> Function:
    """Two to five operations on a list or a string, one after the other."""
    on_list = draw.chance(0.6)
    available = steps.LIST_OPERATIONS if on_list else steps.STRING_OPERATIONS
    endings = steps.LIST_ENDINGS if on_list else steps.STRING_ENDINGS
    chosen = steps.operations(draw, available, draw.choose([2, 3, 3, 4, 5]))
    ending = endings[0] if draw.chance(0.5) else draw.choose(endings)
    kind = "list" if on_list else "text"
    name = parameter(draw, kind)
    english, lines = steps.write_out(draw, chosen)
    values = steps.constants(draw)
    last = steps.fill(ending.english, values)
    lines.append(steps.fill(ending.python, values))
    description = _chain_text(draw, english, last)
    verb = draw.choose(["process", "transform", "pipeline", "apply_steps", "solve", "run_steps"])
    operations = ",".join(operation.name for operation in chosen)
    return Function(
        verb + draw.choose(["", "_" + name, "_list" if on_list else "_text"]),
        [kind],
        [name],
        ending.returns,
        description.replace("@a", name),
        "\n".join(lines).replace("@a", name),
        f"p|{on_list:d}|{operations}|{ending.name}",
        "chain",
    )


def _chain_text(draw: Draw, english: list[str], last: str) -> str:
    style = draw.integer(0, 2)
    if style == 0:
        return f"Given @a, first {', then '.join(english)}, and finally {last}."
    if style == 1:
        openings = ["First ", "Then ", "Then ", "After that ", "Then "]
        sentences = ". ".join(opening + step for opening, step in zip(openings, english))
        return f"Start with @a. {sentences}. Finally {last}."
    return f"Apply these steps to @a: {'; '.join(english + [last])}."


def integer_parameters(draw: Draw) -> tuple[list[str], list[str]]:
    """One to three integers: their kinds and names."""
    kinds = ["x", "y", "z"][: draw.choose([1, 2, 2, 3])]
    return kinds, [parameter(draw, kind) for kind in kinds]


def formula(draw: Draw) -> Function:
    """An integer expression."""
    kinds, parameters = integer_parameters(draw)
    value = expression(draw, parameters, draw.choose([1, 2, 2, 3]))
    description = draw.choose(["Return %s.", "Compute %s.", "Calculate %s."]) % value.english
    name = draw.choose(["compute", "formula", "evaluate", "calculate", "f", "value"])
    key = "e|" + value.signature
    body = "return " + value.python
    return Function(name, kinds, parameters, "int", description, body, key, "expression")


def decision(draw: Draw) -> Function:
    """Conditions on integers, each with its result."""
    kinds, parameters = integer_parameters(draw)
    cases = branches(draw, parameters)
    name = draw.choose(["decide", "classify", "choose", "rule", "f", "select"])
    description = capitalized(cases.english) + "."
    key = "b|" + cases.signature
    body = "\n".join(cases.lines)
    return Function(name, kinds, parameters, "int", description, body, key, "branches")


def accumulation(draw: Draw) -> Function:
    """A loop that updates a number."""
    values = parameter(draw, "list")
    total = draw.choose(["total", "result", "acc", "t"])
    made = loop(draw, values, total)
    closing = draw.choose(["Return %s.", "Finally return %s."]) % made.result_english
    description = ". ".join(map(capitalized, made.english)) + ". " + closing
    name = draw.choose(["accumulate", "run", "simulate", "process", "fold", "compute"])
    key = "l|" + "|".join(made.signature)
    body = "\n".join(made.lines + ["return " + made.result])
    return Function(name, ["short_list"], [values], "int", description, body, key, "loop")


def rewriting(draw: Draw) -> Function:
    """A string built from the characters of another."""
    source = parameter(draw, "lower_word")
    result = draw.choose(["result", "out", "r"])
    rules = character_rules(draw, result)
    description = (
        f"Build a result from the characters c of {source}: {'; '.join(rules.english)}. "
        + draw.choose(["Return the result.", "Finally return the result."])
    )
    body = [f"{result} = ''", f"for c in {source}:"] + rules.lines + [f"return {result}"]
    name = draw.choose(["encode", "rewrite", "translate", "convert", "build"])
    key = "r|" + rules.signature
    return Function(
        name, ["lower_word"], [source], "str", description, "\n".join(body), key, "characters"
    )


def record_query(draw: Draw) -> Function:
    """A query over pairs of a name and a number."""
    pairs = parameter(draw, "pairs")
    asked = query(draw, pairs)
    description = draw.choose(
        [
            "Each element of %s is a pair of a name and a number. Return %s.",
            "Given %s, a list of pairs of a name and a number, return %s.",
        ]
    ) % (pairs, asked.english)
    name = draw.choose(["query", "select", "report", "find", "lookup"])
    body = "return " + asked.python
    key = "q|" + asked.signature
    return Function(name, ["pairs"], [pairs], asked.returns, description, body, key, "records")


_RULE_NAMES = ["rule", "mystery", "guess", "pattern"]
# Body with the list and a constant, in the order in which they appear; the constant's range.
_RULES_WITH_CONSTANT = [
    ("return [x + %d for x in %s]", True, (2, 9)),
    ("return [x - %d for x in %s]", True, (2, 9)),
    ("return [x * %d for x in %s]", True, (2, 9)),
    ("return %s[%d:]", False, (1, 3)),
    ("return %s[:%d]", False, (1, 3)),
    ("return [x %% %d for x in %s]", True, (2, 9)),
]
_RULES = [
    "return %s[::-1]",
    "return sorted(%s)",
    "return sorted(%s, reverse=True)",
    "return [x * x for x in %s]",
    "return [-x for x in %s]",
    "return [x for x in %s if x %% 2 == 0]",
    "return [x for x in %s if x %% 2 == 1]",
    "return [x for x in %s if x > 0]",
    "return %s[::2]",
    "return %s[1:]",
    "return %s[:-1]",
    "return [abs(x) for x in %s]",
    "return [2 * x for x in %s]",
    "return %s + %s",
    "return [x for x in %s if x < 0]",
    "return [max(x, 0) for x in %s]",
]


def rule_from_examples(draw: Draw) -> Function:
    """A rule that must be worked out from the examples alone."""
    form = draw.integer(0, 3)
    if form == 0:
        return _linear_rule(draw)
    values = parameter(draw, "list")
    if form == 1:
        template, constant_first, limits = draw.choose(_RULES_WITH_CONSTANT)
        k = draw.integer(*limits)
        body = template % ((k, values) if constant_first else (values, k))
        key = f"x|{template},{k}"
    else:
        template = draw.choose(_RULES)
        body = template.replace("%s", values).replace("%%", "%")
        key = f"x|{template},{values}"
    examples = [([draw.integer(-9, 20) for _ in range(draw.integer(4, 6))],) for _ in range(2)]
    name = draw.choose(_RULE_NAMES)
    description = f"Apply the rule shown by the examples to {values}."
    return Function(
        name, ["list"], [values], "List[int]", description, body, key, "from examples", examples
    )


def _linear_rule(draw: Draw) -> Function:
    factor, offset = draw.integer(2, 9), draw.integer(-12, 15) or 1
    x = parameter(draw, "x")
    inputs = draw.sample(range(13), 3)
    if draw.chance(0.6):
        inputs[0] = 0
    name = draw.choose(_RULE_NAMES)
    description = f"Apply the linear rule shown by the examples to {x}."
    body = f"return {factor} * {x} {'+' if offset > 0 else '-'} {abs(offset)}"
    key = f"x|lin{factor},{offset}"
    examples = [(value,) for value in dict.fromkeys(inputs)]
    return Function(name, ["x"], [x], "int", description, body, key, "from examples", examples)


# (generator, weight among training documents)
FAMILIES = [
    (single, 0.22),
    (composition, 0.12),
    (chain, 0.16),
    (formula, 0.13),
    (decision, 0.1),
    (accumulation, 0.1),
    (rewriting, 0.08),
    (record_query, 0.05),
    (rule_from_examples, 0.04),
]
