"""Facts of the world."""

from trainer.draw import Draw
from trainer.mmlu.facts import (
    CAPITALS,
    CONTINENTS,
    ELEMENTS,
    EVENTS,
    ORDINALS,
    ORGANS,
    PLANETS,
    SI_UNITS,
    WORKS,
)
from trainer.mmlu.question import fact_question, make_question


def world_capitals(draw: Draw):
    """Capitals of countries, both ways."""
    i = draw.integer(0, len(CAPITALS) - 1)
    others = draw.sample([j for j in range(len(CAPITALS)) if j != i], 3)
    country, capital = CAPITALS[i]
    if draw.chance(0.6):
        phrasing = draw.integer(0, 3)
        question = [
            "What is the capital of %s?",
            "Which city is the capital of %s?",
            "The capital city of %s is",
            "The government of %s sits in which city?",
        ][phrasing] % country
        return make_question(
            draw,
            "world_capitals",
            question,
            capital,
            [CAPITALS[j][1] for j in others],
            f"f{phrasing},{country}",
        )
    phrasing = draw.integer(0, 2)
    question = [
        "%s is the capital of which country?",
        "In which country is %s the capital?",
        "Which country has %s as its capital?",
    ][phrasing] % capital
    return make_question(
        draw,
        "world_capitals",
        question,
        country,
        [CAPITALS[j][0] for j in others],
        f"r{phrasing},{country}",
    )


def _symbol_of_element(draw: Draw, others, name, symbol):
    phrasing = draw.integer(0, 2)
    question = [
        "What is the chemical symbol for %s?",
        "The symbol of the element %s is",
        "Which symbol stands for %s?",
    ][phrasing] % name
    return make_question(
        draw,
        "chemical_elements",
        question,
        symbol,
        [ELEMENTS[j][1] for j in others],
        f"s{phrasing},{name}",
    )


def _element_of_symbol(draw: Draw, others, name, symbol):
    phrasing = draw.integer(0, 2)
    question = [
        "Which element has the symbol %s?",
        "The chemical symbol %s stands for",
        "What element does %s represent?",
    ][phrasing] % symbol
    return make_question(
        draw,
        "chemical_elements",
        question,
        name,
        [ELEMENTS[j][0] for j in others],
        f"e{phrasing},{name}",
    )


def _atomic_number(draw: Draw, others, name, number):
    phrasing = draw.integer(0, 2)
    question = [
        "What is the atomic number of %s?",
        "How many protons does an atom of %s have?",
        "The atomic number of %s is",
    ][phrasing] % name
    return make_question(
        draw,
        "chemical_elements",
        question,
        number,
        [ELEMENTS[j][2] for j in others],
        f"z{phrasing},{name}",
    )


def _element_of_number(draw: Draw, others, name, number):
    phrasing = draw.integer(0, 2)
    question = [
        "Which element has atomic number %s?",
        "Which element has %s protons in its nucleus?",
        "The element with atomic number %s is",
    ][phrasing] % number
    return make_question(
        draw,
        "chemical_elements",
        question,
        name,
        [ELEMENTS[j][0] for j in others],
        f"n{phrasing},{name}",
    )


def chemical_elements(draw: Draw):
    """Symbols and atomic numbers, both ways."""
    i = draw.integer(0, len(ELEMENTS) - 1)
    others = draw.sample([j for j in range(len(ELEMENTS)) if j != i], 3)
    name, symbol, number = ELEMENTS[i]
    form = draw.integer(0, 3)
    if form == 0:
        return _symbol_of_element(draw, others, name, symbol)
    if form == 1:
        return _element_of_symbol(draw, others, name, symbol)
    if form == 2:
        return _atomic_number(draw, others, name, number)
    return _element_of_number(draw, others, name, number)


def continents(draw: Draw):
    """Which continent a country lies on, both ways."""
    names = list(CONTINENTS)
    continent = draw.choose(names)
    country = draw.choose(CONTINENTS[continent])
    if draw.chance(0.5):
        phrasing = draw.integer(0, 2)
        question = [
            "On which continent is %s?",
            "%s is located in",
            "Which continent does %s belong to?",
        ][phrasing] % country
        return make_question(
            draw,
            "continents",
            question,
            continent,
            draw.sample([x for x in names if x != continent], 3),
            f"c{phrasing},{country}",
        )
    phrasing = draw.integer(0, 2)
    question = [
        "Which of these countries is in %s?",
        "Which country is located in %s?",
        "Find the country in %s.",
    ][phrasing] % continent
    other = (
        draw.choose([x for x in names if x != continent and len(CONTINENTS[x]) > 3])
        if draw.chance(0.4)
        else None
    )
    wrong = []
    while len(wrong) < 3:
        x = draw.choose(CONTINENTS[other or draw.choose([x for x in names if x != continent])])
        if x not in wrong:
            wrong.append(x)
    return make_question(
        draw, "continents", question, country, wrong, f"k{phrasing},{country},{sorted(wrong)}"
    )


def history(draw: Draw):
    """Years of events, and which of four came first or last."""
    if draw.chance(0.3):
        while True:
            events = draw.sample(EVENTS, 4)
            if len({x[1] for x in events}) == 4:
                break
        last = draw.integer(0, 1)
        events.sort(key=lambda x: int(x[1]))
        right = events[0] if last == 0 else events[-1]

        def c(x):
            return x[0][0].upper() + x[0][1:]

        return make_question(
            draw,
            "history",
            ["Which of these events happened first?", "Which of these events happened last?"][last],
            c(right),
            [c(x) for x in events if x is not right],
            f"o{last}{[x[0] for x in events]}",
        )
    return fact_question(
        draw,
        "history",
        EVENTS,
        [
            "In which year was it that %s?",
            "Which year is it in which %s?",
            "When did it happen that %s?",
        ],
        None,
        "h",
    )


def literature(draw: Draw):
    """Authors of works, both ways."""
    return fact_question(
        draw,
        "literature",
        WORKS,
        ["Who wrote '%s'?", "Who is the author of '%s'?", "'%s' was written by"],
        ["Which of these works is by %s?", "Which of these did %s write?"],
        "a",
    )


def anatomy(draw: Draw):
    """What organs do, both ways."""
    return fact_question(
        draw,
        "anatomy",
        ORGANS,
        ["Which part of the body %s?", "What part of the body %s?", "Name the organ that %s."],
        ["What is true of the %s?", "Which statement describes the %s?"],
        "b",
    )


def physics_units(draw: Draw):
    """SI units of quantities, both ways."""
    return fact_question(
        draw,
        "physics_units",
        SI_UNITS,
        ["What is the SI unit of %s?", "In which unit is %s measured?", "The unit of %s is the"],
        ["What is measured in units of the %s?", "The %s is a unit of"],
        "u",
    )


def astronomy(draw: Draw):
    """The order of the planets."""
    i = draw.integer(0, 7)
    form = draw.integer(0, 3)
    others = [x for x in PLANETS if x != PLANETS[i]]
    if form == 0:
        phrasing = draw.integer(0, 1)
        return make_question(
            draw,
            "astronomy",
            [
                "Which planet is the %s from the Sun?",
                "Counting from the Sun, which planet is the %s?",
            ][phrasing]
            % ORDINALS[i],
            PLANETS[i],
            draw.sample(others, 3),
            f"n{phrasing}{i}",
        )
    if form == 1:
        phrasing = draw.integer(0, 1)
        return make_question(
            draw,
            "astronomy",
            [
                "What is the position of %s counted from the Sun?",
                "Counting from the Sun, %s is the planet number",
            ][phrasing]
            % PLANETS[i],
            ORDINALS[i] if phrasing == 0 else i + 1,
            draw.sample([ORDINALS[j] if phrasing == 0 else j + 1 for j in range(8) if j != i], 3),
            f"p{phrasing}{i}",
        )
    farthest = draw.integer(0, 1)
    places = draw.sample(range(8), 4)
    right = min(places) if farthest == 0 else max(places)
    return make_question(
        draw,
        "astronomy",
        [
            "Which of these planets is closest to the Sun?",
            "Which of these planets is farthest from the Sun?",
        ][farthest],
        PLANETS[right],
        [PLANETS[x] for x in places if x != right],
        f"c{farthest}{sorted(places)}",
    )
