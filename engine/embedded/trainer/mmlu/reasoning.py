"""Reasoning over a few statements."""

from trainer.draw import Draw
from trainer.mmlu.question import make_question
from trainer.mmlu.words import DAYS, MONTHS, MOVABLE_THINGS, SPOTS
from trainer.names import PEOPLE


def _day(draw: Draw):
    start, count = draw.integer(0, 6), draw.integer(1, 20)
    forward = draw.chance(0.6)
    right = (start + count) % 7 if forward else (start - count) % 7
    question = draw.choose(["What day is %d day%s %s %s?", "Which day comes %d day%s %s %s?"]) % (
        count,
        "" if count == 1 else "s",
        "after" if forward else "before",
        DAYS[start],
    )
    wrong = draw.sample([x for x in range(7) if x != right], 3)
    return make_question(
        draw,
        "calendar_and_time",
        question,
        DAYS[right],
        [DAYS[x] for x in wrong],
        f"d{start},{count},{forward:d}",
    )


def _month(draw: Draw):
    start, count = draw.integer(0, 11), draw.integer(1, 9)
    forward = draw.chance(0.6)
    right = (start + count) % 12 if forward else (start - count) % 12
    question = "Which month is %d month%s %s %s?" % (
        count,
        "" if count == 1 else "s",
        "after" if forward else "before",
        MONTHS[start],
    )
    wrong = draw.sample([x for x in range(12) if x != right], 3)
    return make_question(
        draw,
        "calendar_and_time",
        question,
        MONTHS[right],
        [MONTHS[x] for x in wrong],
        f"m{start},{count},{forward:d}",
    )


def _clock(draw: Draw, form):
    hour, minute = draw.integer(1, 12), draw.integer(0, 11) * 5
    count = draw.integer(1, 30) * 5
    forward = 1 if form == 2 else -1
    minutes = (hour % 12 * 60 + minute + forward * count) % 720

    def fm(minutes):
        return "%d:%02d" % ((minutes // 60 + 11) % 12 + 1, minutes % 60)

    errors = [5, -5, 10, -10, 60, -60, 30, -30, 15, -15]
    draw.shuffle(errors)
    question = draw.choose(
        [
            "What time is it %d minutes %s %d:%02d?",
            "A clock shows the time %d minutes %s %d:%02d. What does it show?",
        ]
    ) % (count, "after" if forward > 0 else "before", hour, minute)
    return make_question(
        draw,
        "calendar_and_time",
        question,
        fm(minutes),
        [fm((minutes + start) % 720) for start in errors[:3]],
        f"t{forward},{hour},{minute},{count}",
    )


def _working_hours(draw: Draw):
    hour, count = draw.integer(5, 11), draw.integer(2, 9)
    start_hour, end = hour, (hour + count - 1) % 12 + 1
    name = draw.choose(PEOPLE)
    question = (
        f"{name} starts work at {start_hour}:00 and stops {count} hours later. At what time does"
        f" {name} stop?"
    )
    wrong = draw.sample([x for x in range(1, 13) if x != end], 3)
    return make_question(
        draw,
        "calendar_and_time",
        question,
        f"{end}:00",
        [f"{x}:00" for x in wrong],
        f"w{hour},{count},{name}",
    )


def calendar_and_time(draw: Draw):
    """Days, months and clock times before and after."""
    form = draw.integer(0, 4)
    if form == 0:
        return _day(draw)
    if form == 1:
        return _month(draw)
    if form in (2, 3):
        return _clock(draw, form)
    return _working_hours(draw)


COMPARATIVES = [
    ("taller", "tallest", "shortest"),
    ("older", "oldest", "youngest"),
    ("faster", "fastest", "slowest"),
    ("heavier", "heaviest", "lightest"),
    ("richer", "richest", "poorest"),
]


def boolean_expression(draw: Draw, depth):
    """A random Python expression of True, False, and, or, not."""
    if depth == 0:
        return draw.choose(["True", "False"])
    shape = draw.fraction()
    if shape < 0.25:
        return "not " + boolean_expression(draw, 0)
    operator = draw.choose(["and", "or"])
    left, right = boolean_expression(draw, depth - 1), boolean_expression(draw, depth - 1)

    def grouped(text):
        return f"({text})" if " " in text else text

    return f"{grouped(left)} {operator} {grouped(right)}"


def logical_reasoning(draw: Draw):
    """Orderings of people, and the value of Boolean expressions."""
    return _ordering(draw) if draw.chance(0.6) else _truth(draw)


def _ordering(draw: Draw):
    count = draw.choose([4, 4, 5, 6])
    people = draw.sample(PEOPLE, count)
    comparative, highest, lowest = draw.choose(COMPARATIVES)
    statements = [f"{a} is {comparative} than {b}." for a, b in zip(people, people[1:])]
    order = list(range(count - 1))
    draw.shuffle(order)
    if draw.integer(0, 1) == 0:
        right, superlative = people[0], highest
    else:
        right, superlative = people[-1], lowest
    story = " ".join(statements[i] for i in order)
    wrong = draw.sample([each for each in people if each != right], 3)
    key = f"o{','.join(people)},{comparative},{order}"
    question = f"{story} Who is the {superlative}?"
    return make_question(draw, "logical_reasoning", question, right, wrong, key)


def _expressions(draw: Draw, value: bool, count: int) -> list[str]:
    """Up to `count` different expressions of this value, more than a name; 60 attempts."""
    found = []
    for _ in range(60):
        expression = boolean_expression(draw, 2)
        # The text consists of True, False, and, or, not and parentheses.
        if " " in expression and expression not in found and eval(expression) == value:
            found.append(expression)
            if len(found) == count:
                break
    return found


def _truth(draw: Draw):
    while True:
        wanted = draw.choose([True, False])
        wrong = _expressions(draw, not wanted, 3)
        if len(wrong) < 3:
            continue
        right = _expressions(draw, wanted, 1)
        if right:
            break
    phrasings = ["Which expression evaluates to %s?", "Which of these Python expressions is %s?"]
    question = draw.choose(phrasings) % wanted
    key = "b" + "|".join(sorted(wrong + right))
    return make_question(draw, "logical_reasoning", question, right[0], wrong, key)


def reading_comprehension(draw: Draw):
    """Where a thing is after it was moved, or who has it."""
    things = draw.sample(MOVABLE_THINGS, 2)
    people = draw.sample(PEOPLE, 3)
    spots = draw.sample(SPOTS, 4)
    form = draw.integer(0, 2)
    if form == 0:
        moves = draw.integer(2, 4)
        story = f"{people[0]} put the {things[0]} in the {spots[0]}."
        for i in range(1, moves):
            story += f" Then {people[i % 3]} moved the {things[0]} to the {spots[i]}."
        question = story + f" Where is the {things[0]} now?"
        return make_question(
            draw,
            "reading_comprehension",
            question,
            spots[moves - 1],
            [x for x in spots if x != spots[moves - 1]],
            f"m{things[0]}{spots[:moves]}{people[:moves]}",
        )
    if form == 1:
        story = [
            f"{people[0]} put the {things[0]} in the {spots[0]}.",
            f"{people[1]} put the {things[1]} in the {spots[1]}.",
        ]
        asked = draw.integer(0, 1)
        moved = draw.integer(0, 1)
        story = " ".join(story) + f" Later {people[2]} moved the {things[moved]} to the {spots[2]}."
        right = spots[2] if moved == asked else spots[asked]
        question = story + f" Where is the {things[asked]}?"
        return make_question(
            draw,
            "reading_comprehension",
            question,
            right,
            [x for x in spots if x != right],
            f"w{things}{spots[:3]}{people}{asked}{moved}",
        )
    fourth = draw.choose([x for x in PEOPLE if x not in people])
    story = f"{people[0]} gave the {things[0]} to {people[1]}. {people[1]} gave it to {people[2]}."
    moves = 2
    holder = people[2]
    if draw.chance(0.5):
        story += f" {people[2]} gave it to {fourth}."
        holder = fourth
    question = story + f" Who has the {things[0]}?"
    return make_question(
        draw,
        "reading_comprehension",
        question,
        holder,
        [x for x in people + [fourth] if x != holder],
        f"g{things[0]}{people}{holder}",
    )
