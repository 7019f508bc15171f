"""The ten families of programs."""

from trainer.draw import Draw
from trainer.humaneval.families import capitalized
from trainer.livecodebench.statement import LIST, NUMBER, PAIR, RECORDS, STRING, Statement
from trainer.programs import selections, steps
from trainer.programs.characters import character_rules
from trainer.programs.conditions import branches
from trainer.programs.expressions import expression
from trainer.programs.loops import loop
from trainer.programs.records import query


def composition(draw: Draw) -> Statement:
    """Filter, map and aggregate the numbers of a list."""
    chosen = selections.selection(draw)
    values = selections.constants(draw, selections.bound(draw, chosen))
    values["@a"] = "the list"
    selected = chosen.filter.english[draw.integer(0, 1)]
    text = _composition_text(draw, chosen, selected) + chosen.ending
    python = chosen.python().replace("@a", "a")
    title = draw.choose(["Numbers", "Selected Values", "List Query", "Filter and Combine"])
    return Statement(
        LIST,
        chosen.key,
        title,
        [steps.fill(text, values)],
        steps.fill(python, values),
        prints_list=chosen.aggregate.returns == "List[int]",
        family="compose",
    )


def _composition_text(draw: Draw, chosen: selections.Selection, selected: str) -> str:
    mapping = chosen.mapping.english
    if chosen.aggregate.name == "count":
        return draw.choose([f"how many {selected} there are", f"the count of {selected}"])
    if chosen.aggregate.name == "distinct":
        if not mapping:
            return "the number of different " + selected
        return f"the number of different values among the {mapping}{selected}"
    if chosen.aggregate.name == "list":
        return f"the {mapping}{selected}, in order"
    return f"the {chosen.aggregate.english}{mapping}{selected}"


def chain(draw: Draw) -> Statement:
    """Two to five operations on a list or a string, one after the other."""
    on_list = draw.chance(0.6)
    available = steps.LIST_OPERATIONS if on_list else steps.STRING_OPERATIONS
    endings = steps.LIST_ENDINGS if on_list else steps.STRING_ENDINGS
    chosen = steps.operations(draw, available, draw.choose([2, 3, 3, 4, 5]))
    ending = endings[0] if draw.chance(0.5) else draw.choose(endings)
    variable = "a" if on_list else "s"
    english, lines = steps.write_out(draw, chosen)
    values = steps.constants(draw)
    last = steps.fill(ending.english, values).replace("return", "print")
    if last.startswith("count"):
        last = last.replace("count", "print the number of times", 1)
        last = last.replace("the letter", "you see the letter")
    text = _chain_text(draw, english, last)
    result = steps.fill(ending.python, values).replace("return ", "").replace("@a", variable)
    operations = ",".join(operation.name for operation in chosen)
    return Statement(
        LIST if on_list else STRING,
        f"p|{on_list:d}|{operations}|{ending.name}",
        draw.choose(["Steps", "Pipeline", "Transformations", "Follow the Rules"]),
        [text],
        result,
        setup="\n".join(lines).replace("@a", variable),
        prints_list=on_list and ending.name == "list",
        whole=True,
        family="chain",
    )


def _chain_text(draw: Draw, english: list[str], last: str) -> str:
    style = draw.integer(0, 2)
    if style == 0:
        return f"First {', then '.join(english)}, and finally {last}."
    if style == 1:
        openings = ["First ", "Then ", "Then ", "After that ", "Then "]
        sentences = " ".join(f"{opening}{step}." for opening, step in zip(openings, english))
        return f"{sentences} Finally {last}."
    return f"Apply these steps: {'; '.join(english + [last])}."


def on_the_list(english: list[str]) -> list[str]:
    """Sentences about the variable a as sentences about the list."""
    return [
        each.replace(" in a ", " in the list ").replace(" in a:", " in the list:")
        for each in english
    ]


def accumulation(draw: Draw) -> Statement:
    """A loop that updates a number."""
    total = draw.choose(["total", "result", "t", "acc"])
    made = loop(draw, "a", total)
    sentences = ". ".join(map(capitalized, on_the_list(made.english)))
    closing = draw.choose(["Print %s.", "Finally print %s."]) % made.result_english
    return Statement(
        LIST,
        "l|" + "|".join(made.signature),
        draw.choose(["Simulation", "Accumulator", "Step by Step", "Running Value"]),
        [f"{sentences}. {closing}"],
        made.result,
        setup="\n".join(made.lines),
        whole=True,
        family="loop",
    )


def decision(draw: Draw) -> Statement:
    """Conditions on integers, each with its result."""
    variables = ["a", "b"] if draw.chance(0.7) else ["n"]
    cases = branches(draw, variables)
    english = cases.english.replace(", return ", ", print ")
    english = english.replace("otherwise return ", "otherwise print ")
    return Statement(
        PAIR if len(variables) == 2 else NUMBER,
        "b|" + cases.signature,
        draw.choose(["Decision", "Cases", "Rules", "Which Case"]),
        [capitalized(english) + "."],
        "r",
        setup="\n".join(_as_assignments(cases.lines)),
        whole=True,
        family="branches",
    )


def _as_assignments(lines: list[str]) -> list[str]:
    """Branches that return, as one if-elif-else that assigns r."""
    assigned = [line.replace("return ", "r = ") for line in lines]
    result = []
    for line in assigned[:-1]:
        if line.startswith("if ") and result:
            line = "el" + line
        result.append(line)
    return result + ["else:", "    " + assigned[-1]]


def formula(draw: Draw) -> Statement:
    """An integer expression."""
    variables = ["a", "b"] if draw.chance(0.7) else ["n"]
    value = expression(draw, variables, draw.choose([1, 2, 2, 3]))
    return Statement(
        PAIR if len(variables) == 2 else NUMBER,
        "e|" + value.signature,
        draw.choose(["Formula", "Calculator", "Evaluate", "Arithmetic"]),
        [value.english],
        value.python,
        family="expression",
    )


def rewriting(draw: Draw) -> Statement:
    """A string built from the characters of another."""
    result = draw.choose(["r", "result", "out"])
    rules = character_rules(draw, result)
    closing = draw.choose(["Print the result.", "Finally print the result."])
    return Statement(
        STRING,
        "r|" + rules.signature,
        draw.choose(["Rewriting", "Secret Code", "Translation", "Letters"]),
        [f"Build a result from the characters c of s: {'; '.join(rules.english)}. {closing}"],
        result,
        setup="\n".join([f"{result} = ''", "for c in s:"] + rules.lines),
        whole=True,
        family="characters",
    )


def record_query(draw: Draw) -> Statement:
    """A query over pairs read line by line; none that makes a dictionary."""
    while True:
        asked = query(draw, "p")
        if asked.returns != "Dict[str, int]":
            break
    return Statement(
        RECORDS,
        "q|" + asked.signature,
        draw.choose(["Records", "Scoreboard", "Shopping List", "Register"]),
        [asked.english],
        asked.python,
        prints_list=asked.returns.startswith("List"),
        family="records",
    )
