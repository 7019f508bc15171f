"""Binary numbers and Python."""

from trainer.draw import Draw
from trainer.mmlu.question import make_question, nearby_numbers
from trainer.mmlu.words import WORDS


def _from_binary(draw: Draw):
    n = draw.integer(2, 63)
    question = (
        draw.choose(
            ["What is the binary number %s in decimal?", "Convert the binary number %s to decimal."]
        )
        % bin(n)[2:]
    )
    return make_question(
        draw,
        "computer_science",
        question,
        n,
        nearby_numbers(draw, n, 0, (1, -1, 2, -2, 4, -4, 8, -8)),
        f"b{n}",
    )


def _to_binary(draw: Draw):
    n = draw.integer(4, 63)
    wrong = nearby_numbers(draw, n, 1, (1, -1, 2, -2, 4, -4, 8))
    question = (
        draw.choose(["What is %d in binary?", "Convert the decimal number %d to binary."]) % n
    )
    return make_question(
        draw, "computer_science", question, bin(n)[2:], [bin(x)[2:] for x in wrong], f"d{n}"
    )


def _integer_division(draw: Draw):
    a, b = draw.integer(10, 99), draw.integer(2, 9)
    operator = draw.choose(["//", "%"])
    right = a // b if operator == "//" else a % b
    wrong = nearby_numbers(draw, right, 0, (1, -1, 2, -2, 3, 4))
    question = draw.choose(
        ["What does the Python expression %d %s %d evaluate to?", "In Python, what is %d %s %d?"]
    ) % (a, operator, b)
    return make_question(draw, "computer_science", question, right, wrong, f"{a}{operator}{b}")


def _string_length(draw: Draw):
    word = draw.choose(WORDS)
    question = (
        draw.choose(["What does len('%s') return in Python?", "In Python, what is len('%s')?"])
        % word
    )
    return make_question(
        draw,
        "computer_science",
        question,
        len(word),
        nearby_numbers(draw, len(word), 1, (1, -1, 2, -2)),
        "l" + word,
    )


def _power(draw: Draw):
    a, b = draw.integer(2, 5), draw.integer(2, 6)
    if a**b > 1100:
        b = 3
    right = a**b
    wrong = (
        nearby_numbers(draw, right, 1, (a, -a, right, -right // 2, 1, -1, a * b))
        if a * b != right
        else nearby_numbers(draw, right, 1)
    )
    question = draw.choose(
        ["What does the Python expression %d ** %d evaluate to?", "In Python, what is %d ** %d?"]
    ) % (a, b)
    return make_question(
        draw, "computer_science", question, right, list(dict.fromkeys(wrong)), f"p{a},{b}"
    )


def _list_builtin(draw: Draw):
    values = [draw.integer(1, 30) for _ in range(draw.integer(3, 5))]
    while len(set(values)) < 3:
        values = [draw.integer(1, 30) for _ in range(5)]
    builtin = draw.choose(["max", "min", "sum", "len"])
    right = eval(builtin)(values)
    wrong = [x for x in dict.fromkeys(values) if x != right]
    wrong = (
        nearby_numbers(draw, right, 0) if builtin in ("sum", "len") or len(wrong) < 3 else wrong[:3]
    )
    question = draw.choose(
        ["What does the Python expression %s(%s) evaluate to?", "In Python, what is %s(%s)?"]
    ) % (builtin, values)
    return make_question(draw, "computer_science", question, right, wrong, f"{builtin}{values}")


def _list_index(draw: Draw):
    values = draw.sample(range(1, 60), draw.integer(4, 6))
    index = draw.integer(-2, len(values) - 1)
    question = draw.choose(
        ["In Python, if a = %s, what is a[%d]?", "Let a = %s in Python. What is a[%d]?"]
    ) % (values, index)
    return make_question(
        draw,
        "computer_science",
        question,
        values[index],
        draw.sample([x for x in values if x != values[index]], 3),
        f"i{values},{index}",
    )


def _string_index(draw: Draw):
    word = draw.choose([wrong for wrong in WORDS if len(wrong) >= 5 and len(set(wrong)) >= 4])
    index = draw.integer(0, min(4, len(word) - 1))
    operator = [c for c in dict.fromkeys(word) if c != word[index]]
    question = draw.choose(
        ["In Python, what is '%s'[%d]?", "What does the Python expression '%s'[%d] evaluate to?"]
    ) % (word, index)
    return make_question(
        draw,
        "computer_science",
        question,
        word[index],
        draw.sample(operator, 3),
        f"x{word},{index}",
    )


def computer_science(draw: Draw):
    """Binary numbers and values of small Python expressions."""
    form = draw.integer(0, 7)
    if form == 0:
        return _from_binary(draw)
    if form == 1:
        return _to_binary(draw)
    if form == 2:
        return _integer_division(draw)
    if form == 3:
        return _string_length(draw)
    if form == 4:
        return _power(draw)
    if form == 5:
        return _list_builtin(draw)
    if form == 6:
        return _list_index(draw)
    return _string_index(draw)


_PRINTS = "What does this Python code print?\n"


def _repeated_addition(draw: Draw, a, b):
    n = draw.integer(2, 6)
    question = f"{_PRINTS}x = {a}\nfor i in range({n}):\n    x += {b}\nprint(x)"
    right = a + n * b
    return (
        question,
        right,
        nearby_numbers(draw, right, 0, (b, -b, 1, -1, 2 * b, 10)),
        f"{a},{n},{b}",
    )


def _assignments(draw: Draw, a, b):
    c = draw.integer(2, 30)
    question = f"{_PRINTS}x = {a}\ny = x * {b}\nx = y - {c}\nprint(x + y)"
    right = 2 * a * b - c
    wrong = nearby_numbers(draw, right, None, (c, -c, a * b, -a, b, 10, -10, 1))
    return question, right, wrong, f"{a},{b},{c}"


def _sum_of_multiples(draw: Draw, a, b):
    values = [draw.integer(1, 20) for _ in range(draw.integer(4, 6))]
    k = draw.integer(2, 4)
    question = f"{_PRINTS}a = {values}\nprint(sum(x for x in a if x % {k} == 0))"
    right = sum(x for x in values if x % k == 0)
    return question, right, nearby_numbers(draw, right, 0), f"{values},{k}"


def _swap(draw: Draw, a, b):
    x, y = draw.integer(1, 30), draw.integer(1, 30)
    swap = "if x > y:\n    x, y = y, x\n"
    question = f"{_PRINTS}x, y = {x}, {y}\n{swap}print(y * 2 - x)"
    right = 2 * max(x, y) - min(x, y)
    return question, right, nearby_numbers(draw, right, None), f"{x},{y}"


def _slice(draw: Draw, a, b):
    values = [draw.integer(1, 30) for _ in range(draw.integer(5, 7))]
    i, j = draw.integer(0, 2), draw.integer(3, 5)
    question = f"{_PRINTS}a = {values}\nprint(a[{i}:{j}])"
    right = values[i:j]
    others = [
        values[i : j + 1],
        values[i + 1 : j],
        values[i + 1 : j + 1],
        values[max(0, i - 1) : j],
        values[:j],
    ]
    wrong = list(dict.fromkeys(str(other) for other in others if other != right))[:3]
    return question, right, wrong, f"{values},{i},{j}"


_PROGRAMS = (_repeated_addition, _assignments, _sum_of_multiples, _swap, _slice)


def python_output(draw: Draw):
    """What a short Python program prints."""
    while True:
        form = draw.integer(0, len(_PROGRAMS) - 1)
        a, b = draw.integer(2, 12), draw.integer(2, 9)
        question, right, wrong, key = _PROGRAMS[form](draw, a, b)
        if len(wrong) == 3:  # a slice may have fewer other ones
            return make_question(draw, "python_output", question, right, wrong, f"{form},{key}")
