"""Word problems."""

from trainer.draw import Draw
from trainer.mathematics.latex import boxed
from trainer.mathematics.problem import PREALGEBRA, make_problem
from trainer.names import PEOPLE, PLACES, THINGS
from trainer.written_arithmetic import multiplication


def _boxes(draw: Draw, first, second, things):
    a, b, c = draw.integer(3, 12), draw.integer(3, 15), draw.integer(2, 40)
    problem = (
        f"{first} buys {a} boxes with {b} {things} in each box and then gives {c % (a * b) + 1}"
        f" {things} to {second}. How many {things} does {first} have left?"
    )
    c = c % (a * b) + 1
    answer = a * b - c
    solution = (
        f"There are ${multiplication(a, b)}$ {things} at first. After giving away {c}, there are"
        f" ${a * b} - {c} = {answer}$. The answer is {boxed(answer)}."
    )
    key = a, b, c
    return problem, answer, solution, key


def _two_purchases(draw: Draw, first, second, things):
    a, b, c, d = draw.integer(2, 9), draw.integer(2, 15), draw.integer(2, 9), draw.integer(2, 15)
    others = draw.choose([x for x in THINGS if x != things])
    problem = (
        f"At the {draw.choose(PLACES)}, {first} buys {a} {things} for {b} dollars each and {c}"
        f" {others} for {d} dollars each. How many dollars does {first} spend in total?"
    )
    answer = a * b + c * d
    solution = (
        f"The {things} cost ${multiplication(a, b)}$ dollars. The {others} cost"
        f" ${multiplication(c, d)}$ dollars. The total is ${a * b} + {c * d} = {answer}$. The"
        f" answer is {boxed(answer)}."
    )
    key = a, b, c, d
    return problem, answer, solution, key


def _times_as_many(draw: Draw, first, second, things):
    a, m = draw.integer(3, 40), draw.integer(2, 6)
    draw.integer(2, 20)  # not used; see Draw
    problem = (
        f"{first} has {a} {things}. {second} has {m} times as many {things} as {first}. How many"
        f" {things} do they have together?"
    )
    answer = a + a * m
    solution = (
        f"{second} has ${multiplication(a, m)}$ {things}. Together they have ${a} + {a * m} ="
        f" {answer}$. The answer is {boxed(answer)}."
    )
    key = a, m
    return problem, answer, solution, key


def _shared(draw: Draw, first, second, things):
    a, b, c = draw.integer(20, 90), draw.integer(10, 60), draw.integer(2, 8)
    while (a + b) % c:
        b += 1
    problem = (
        f"{first} has {a} {things} and {second} has {b} {things}. They share all of them equally"
        f" among {c} children. How many {things} does each child get?"
    )
    answer = (a + b) // c
    solution = (
        f"Together they have ${a} + {b} = {a + b}$ {things}. Each child gets ${a + b}/{c} ="
        f" {answer}$. The answer is {boxed(answer)}."
    )
    key = a, b, c
    return problem, answer, solution, key


def _train(draw: Draw, first, second, things):
    v, h, w = draw.integer(20, 90), draw.integer(2, 8), draw.integer(1, 6)
    v2 = draw.integer(10, 90)
    problem = (
        f"A train travels at {v} miles per hour for {h} hours and then at {v2} miles per hour for"
        f" {w} hours. How many miles does it travel in total?"
    )
    answer = v * h + v2 * w
    solution = (
        f"First it travels ${multiplication(v, h)}$ miles, then ${multiplication(v2, w)}$ miles."
        f" The total is ${v * h} + {v2 * w} = {answer}$. The answer is {boxed(answer)}."
    )
    key = v, h, v2, w
    return problem, answer, solution, key


def _savings(draw: Draw, first, second, things):
    a, b, w = draw.integer(5, 30), draw.integer(2, 15), draw.integer(3, 12)
    problem = (
        f"{first} saves {a} dollars in the first week and {b} dollars more each week than the week"
        f" before. How many dollars does {first} save in week {w}?"
    )
    answer = a + b * (w - 1)
    solution = (
        f"There are ${w} - 1 = {w - 1}$ increases, worth ${multiplication(b, w - 1)}$ dollars. In"
        f" week {w} the savings are ${a} + {b * (w - 1)} = {answer}$. The answer is"
        f" {boxed(answer)}."
    )
    key = a, b, w
    return problem, answer, solution, key


def _ages(draw: Draw, first, second, things):
    a, b = draw.integer(10, 40), draw.integer(2, 12)
    y = draw.integer(2, 15)
    problem = (
        f"{first} is {a + b} years old and {second} is {b} years younger. What will be the sum of"
        f" their ages in {y} years?"
    )
    answer = 2 * a + b + 2 * y
    solution = (
        f"{second} is ${a + b} - {b} = {a}$ years old. The sum of the ages now is ${a + b} + {a} ="
        f" {2 * a + b}$. In {y} years it grows by $2*{y} = {2 * y}$. So it is ${2 * a + b} +"
        f" {2 * y} = {answer}$. The answer is {boxed(answer)}."
    )
    key = a, b, y
    return problem, answer, solution, key


def _unit_price(draw: Draw, first, second, things):
    a, b, c = draw.integer(2, 9), draw.integer(3, 20), draw.integer(2, 12)
    problem = f"If {a} {things} cost {a * b} dollars, how many dollars do {c} {things} cost?"
    answer = b * c
    solution = (
        f"One costs ${a * b}/{a} = {b}$ dollars. Then {c} cost ${multiplication(b, c)}$ dollars."
        f" The answer is {boxed(answer)}."
    )
    key = a, b, c
    return problem, answer, solution, key


_WORD_PROBLEM_FORMS = (
    _boxes,
    _two_purchases,
    _times_as_many,
    _shared,
    _train,
    _savings,
    _ages,
    _unit_price,
)


def word_problem(draw: Draw):
    """Eight kinds of two-step stories."""
    first, second = draw.sample(PEOPLE, 2)
    things = draw.choose(THINGS)
    form = draw.integer(0, 7)
    problem, answer, solution, key = _WORD_PROBLEM_FORMS[form](draw, first, second, things)
    return make_problem(
        PREALGEBRA, 2 + (form in (1, 4, 6)), problem, solution, answer, f"w{form},{key}"
    )


def _more(draw: Draw, value, giver, friend):
    k = draw.integer(3, 60)
    text = draw.choose(
        [f"{{he}} finds {k} more.", f"{giver} gives {{he}} {k} more.", f"{{he}} buys {k} more."]
    )
    return text, f"{value} + {k} = {value + k}", value + k, k


def _fewer(draw: Draw, value, giver, friend):
    if value < 5:
        return None
    k = draw.integer(2, min(value - 1, 60))
    text = draw.choose(
        [
            f"{{he}} loses {k} of them.",
            f"{{he}} gives {k} of them to {friend}.",
            f"{{he}} sells {k} of them.",
        ]
    )
    return text, f"{value} - {k} = {value - k}", value - k, k


def _doubled(draw: Draw, value, giver, friend):
    if value > 300:
        return None
    text = draw.choose(["Then the number doubles.", "{he} wins as many as {he} already has."])
    return text, f"2*{value} = {2 * value}", 2 * value, 2


def _halved(draw: Draw, value, giver, friend):
    if value % 2 or value < 4:
        return None
    text = draw.choose(["{he} gives away half of them.", "Half of them get lost."])
    return text, f"{value}/2 = {value // 2}", value // 2, 0


def _boxes_bought(draw: Draw, value, giver, friend):
    a, b = draw.integer(2, 9), draw.integer(2, 12)
    text = f"{{he}} buys {a} boxes with {b} in each box."
    return (
        text,
        f"{a}*{b} = {a * b}, {value} + {a * b} = {value + a * b}",
        value + a * b,
        a * 100 + b,
    )


def _given_to_friends(draw: Draw, value, giver, friend):
    a, b = draw.integer(2, 6), draw.integer(2, 9)
    if a * b >= value:
        return None
    text = f"{{he}} gives {b} to each of {a} friends."
    return (
        text,
        f"{a}*{b} = {a * b}, {value} - {a * b} = {value - a * b}",
        value - a * b,
        a * 100 + b,
    )


def _tripled(draw: Draw, value, giver, friend):
    if value > 150:
        return None
    return "Then the number triples.", f"3*{value} = {3 * value}", 3 * value, 3


def _third_given(draw: Draw, value, giver, friend):
    if value % 3 or value < 6:
        return None
    left = value - value // 3
    step = f"{value}/3 = {value // 3}, {value} - {value // 3} = {left}"
    return f"{{he}} gives a third of them to {giver}.", step, left, 1


def _percentage_sold(draw: Draw, value, giver, friend):
    a = draw.choose([10, 20, 25, 50])
    if value * a % 100 or value < 4:
        return None
    sold = value * a // 100
    step = f"{value}*{a}/100 = {sold}, {value} - {sold} = {value - sold}"
    return f"{{he}} sells ${a}\\%$ of them.", step, value - sold, a


# Each gives (sentence, step, new value, key), or None where the value does not allow it.
_EVENTS = (
    _more,
    _fewer,
    _doubled,
    _halved,
    _boxes_bought,
    _given_to_friends,
    _tripled,
    _third_given,
    _percentage_sold,
)


def _event(draw: Draw, last, value, giver, friend):
    """Another event than the last one: (its number, what it gives)."""
    while True:
        number = draw.integer(0, 8)
        if number == last:
            continue
        event = _EVENTS[number](draw, value, giver, friend)
        if event is not None:
            return number, event


def story_chain(draw: Draw, events=(3, 6)):
    """Several events in a row change one quantity: from events[0] to events[1] of them."""
    name, giver, friend = draw.sample(PEOPLE, 3)
    things = draw.choose(THINGS)
    value = draw.integer(10, 90)
    count = draw.integer(*events)
    sentences = [f"{name} has {value} {things}."]
    steps = []
    key = [value]
    last = None
    for _ in range(count):
        last, (sentence, step, value, event_key) = _event(draw, last, value, giver, friend)
        sentences.append(sentence.replace("{he}", name))
        steps.append(step)
        key += [last, event_key]
    problem = " ".join(sentences) + f" How many {things} does {name} have now?"
    joined = ", ".join(steps)
    solution = f"Step by step: ${joined}$. The answer is {boxed(value)}."
    return make_problem(PREALGEBRA, min(5, count), problem, solution, value, f"cw{key}")
