"""Multiple-choice questions beyond the training ranges."""

from trainer.draw import Draw
from trainer.mmlu.question import Question, make_question, nearby_numbers
from trainer.mmlu.reasoning import COMPARATIVES
from trainer.mmlu.words import ALPHABET, MOVABLE_THINGS, SPOTS
from trainer.names import PEOPLE


def four_digit_arithmetic(draw: Draw) -> Question:
    """Sums and products of larger numbers than in training, and of more of them."""
    form = draw.integer(0, 4)
    deltas = (10, -10, 100, -100, 1, -1, 1000, -1000, 90, 110)
    if form == 0:
        a, b = draw.integer(1000, 4999), draw.integer(1000, 4999)
        right = a + b
        question = f"What is {a} + {b}?"
    elif form == 1:
        a, b = draw.integer(5000, 9999), draw.integer(1000, 4999)
        right = a - b
        question = f"What is {a} - {b}?"
        deltas = (10, -10, 100, -100, 1, -1, 1000, -1000, 90)
    elif form == 2:
        a, b = draw.integer(50, 99), draw.integer(13, 99)
        right = a * b
        question = f"What is {a} * {b}?"
        deltas = (10, -10, 100, -100, 20, -20, 200, -200)
    elif form == 3:
        v = [draw.integer(10, 150) for _ in range(4)]
        right = sum(v)
        question = f"What is {v[0]} + {v[1]} + {v[2]} + {v[3]}?"
        deltas = (10, -10, 1, -1, 20, -20, 9)
        a, b = v[0] * 1000 + v[1], v[2] * 1000 + v[3]
    else:
        a, b, c = draw.integer(2, 40), draw.integer(13, 30), draw.integer(13, 30)
        right = a + b * c
        question = f"What is {a} + {b} * {c}?"
        deltas = (10, -10, b, -b, c, -c, 100, -100)
        b = b * 100 + c
    wrong = nearby_numbers(draw, right, 0, deltas)
    return make_question(draw, "elementary_arithmetic", question, right, wrong, f"H{form},{a},{b}")


def _ordering(draw: Draw, count: int):
    """People from highest to lowest, the superlatives, and shuffled statements about them."""
    people = draw.sample(PEOPLE, count)
    comparative, highest, lowest = draw.choose(COMPARATIVES)
    statements = [f"{people[i]} is {comparative} than {people[i + 1]}." for i in range(count - 1)]
    draw.shuffle(statements)
    return people, highest, lowest, statements


def longer_ordering(draw: Draw) -> Question:
    """Seven or eight people."""
    people, highest, lowest, statements = _ordering(draw, draw.integer(7, 8))
    if draw.integer(0, 1) == 0:
        right, superlative = people[0], highest
    else:
        right, superlative = people[-1], lowest
    question = " ".join(statements) + f" Who is the {superlative}?"
    wrong = draw.sample([each for each in people if each != right], 3)
    return make_question(draw, "logical_reasoning", question, right, wrong, f"H{statements}")


def second_in_ordering(draw: Draw) -> Question:
    """The second of four, which is never asked in training."""
    people, highest, _, statements = _ordering(draw, 4)
    question = " ".join(statements) + f" Who is the second {highest}?"
    wrong = [each for each in people if each != people[1]]
    return make_question(draw, "logical_reasoning", question, people[1], wrong, f"HM{statements}")


def longer_binary(draw: Draw) -> Question:
    """Seven and eight binary digits."""
    number = draw.integer(64, 255)
    question = f"What is the binary number {bin(number)[2:]} in decimal?"
    wrong = nearby_numbers(draw, number, 0, (1, -1, 2, -2, 4, -4, 8, -8, 16, -16))
    return make_question(draw, "computer_science", question, number, wrong, f"Hb{number}")


def more_moves(draw: Draw) -> Question:
    """Two things that are moved two or three times."""
    things = draw.sample(MOVABLE_THINGS, 2)
    people = draw.sample(PEOPLE, 4)
    spots = draw.sample(SPOTS, 6)
    story = (
        f"{people[0]} put the {things[0]} in the {spots[0]}."
        f" {people[1]} put the {things[1]} in the {spots[1]}."
    )
    places = spots[:2]
    for i in range(draw.integer(2, 3)):
        moved = draw.integer(0, 1)
        places[moved] = spots[2 + i]
        story += f" Then {draw.choose(people)} moved the {things[moved]} to the {spots[2 + i]}."
    asked = draw.integer(0, 1)
    wrong = draw.sample([each for each in spots if each != places[asked]], 3)
    question = story + f" Where is the {things[asked]} now?"
    return make_question(draw, "reading_comprehension", question, places[asked], wrong, f"H{story}")


def loop_with_product(draw: Draw) -> Question:
    """A loop that multiplies and subtracts."""
    a, b, c = draw.integer(2, 12), draw.integer(2, 5), draw.integer(1, 9)
    count = draw.integer(2, 3)
    x = a
    for _ in range(count):
        x = x * b - c
    question = (
        f"What does this Python code print?\nx = {a}\nfor i in range({count}):\n"
        f"    x = x * {b} - {c}\nprint(x)"
    )
    wrong = nearby_numbers(draw, x, None, (c, -c, b, -b, 1, -1, 10, -10, 2, -2))
    return make_question(draw, "python_output", question, x, wrong, f"H{a},{b},{c},{count}")


def multiplied_sequence(draw: Draw) -> Question:
    """Each term is a multiple of the last one, less a constant."""
    start, offset, factor = draw.integer(1, 20), draw.integer(2, 9), draw.choose([2, 3])
    terms = [start]
    for _ in range(5):
        following = terms[-1] * factor - offset
        terms.append(following if following > 0 else terms[-1] + offset)
    shown = ", ".join(map(str, terms[:4]))
    question = f"What is the next number in the sequence {shown}?"
    wrong = nearby_numbers(draw, terms[4], 0, (1, -1, 2, -2, offset, -offset, 10, -10))
    return make_question(draw, "number_sequences", question, terms[4], wrong, f"H{terms}")


def larger_remainder(draw: Draw) -> Question:
    """Divisors from 7 to 19."""
    number, divisor = draw.integer(300, 999), draw.integer(7, 19)
    right = number % divisor
    question = f"What is the remainder when {number} is divided by {divisor}?"
    wrong = draw.sample([each for each in range(divisor) if each != right], 3)
    return make_question(draw, "number_theory", question, right, wrong, f"Hr{number},{divisor}")


def farther_letters(draw: Draw) -> Question:
    """Six to ten places on in the alphabet."""
    distance = draw.integer(6, 10)
    start = draw.integer(0, 25 - distance)
    end = start + distance
    question = f"Which letter is {distance} places after '{ALPHABET[start]}' in the alphabet?"
    around = [i for i in range(max(0, end - 4), min(26, end + 5)) if i != end]
    wrong = [ALPHABET[i] for i in draw.sample(around, 3)]
    return make_question(
        draw, "letters_and_words", question, ALPHABET[end], wrong, f"Hn{start},{distance}"
    )


def longer_times(draw: Draw) -> Question:
    """Clock times to the minute, up to five hours on."""
    hour, minute = draw.integer(1, 12), draw.integer(0, 11) * 5 + draw.integer(1, 4)
    added = draw.integer(30, 300)
    minutes = (hour % 12 * 60 + minute + added) % 720

    def clock(value):
        return f"{(value // 60 + 11) % 12 + 1}:{value % 60:02d}"

    errors = draw.sample([1, -1, 10, -10, 60, -60, 20, -20], 3)
    question = f"What time is it {added} minutes after {hour}:{minute:02d}?"
    wrong = [clock((minutes + error) % 720) for error in errors]
    return make_question(
        draw, "calendar_and_time", question, clock(minutes), wrong, f"Ht{hour},{minute},{added}"
    )


# (name in the held-out files, generator)
FAMILIES = [
    ("arith4", four_digit_arithmetic),
    ("order", longer_ordering),
    ("order_mid", second_in_ordering),
    ("binary", longer_binary),
    ("track", more_moves),
    ("code", loop_with_product),
    ("seq", multiplied_sequence),
    ("rem", larger_remainder),
    ("letters", farther_letters),
    ("time", longer_times),
]
