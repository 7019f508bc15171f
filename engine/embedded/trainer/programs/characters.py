"""Rules that build a string from the characters of another."""

from typing import NamedTuple

from trainer.draw import Draw

# English, Python, signature; @o is the result so far, %L and %M letters, %P a sign.
_CONDITIONS = [
    ("c is a vowel", "c in 'aeiou'", "v"),
    ("c is not a vowel", "c not in 'aeiou'", "w"),
    ("c is the letter '%L'", "c == '%L'", "l"),
    ("c comes after '%L' in the alphabet", "c > '%L'", ">"),
    ("c comes before '%L' in the alphabet", "c < '%L'", "<"),
    ("c is already in the result", "c in @o", "in"),
    ("c is one of '%L', '%M'", "c in '%L%M'", "2"),
]
_ACTIONS = [
    ("append c twice", "@o += c * 2", "2"),
    ("append c in upper case", "@o += c.upper()", "U"),
    ("append '%P'", "@o += '%P'", "P"),
    ("append c followed by '%P'", "@o += c + '%P'", "cP"),
    ("append '%P' followed by c", "@o += '%P' + c", "Pc"),
    ("skip it", "continue", "s"),
    ("put c in front of the result", "@o = c + @o", "f"),
    ("append c", "@o += c", "c"),
    ("append c three times", "@o += c * 3", "3"),
    ("reverse the result", "@o = @o[::-1]", "r"),
]
_SKIP = 5
_SIGNS = "*-+#._!"


class CharacterRules(NamedTuple):
    """The body of a loop over characters c."""

    english: list[str]
    lines: list[str]
    signature: str


def character_rules(draw: Draw, result: str, count: int | None = None) -> CharacterRules:
    """`count` rules with different conditions (one or two if not given) and a last one."""
    if count is None:
        count = draw.choose([1, 2, 2])
    english, lines, signature = [], [], []
    used = set()
    for i in range(count):
        while True:
            test = draw.choose(_CONDITIONS)
            if test[2] not in used:
                break
        used.add(test[2])
        action = draw.choose(_ACTIONS)
        constants = {
            "%L": draw.choose("aeinorst"),
            "%M": draw.choose("bcdlmpu"),
            "%P": draw.choose(_SIGNS),
            "@o": result,
        }
        start = "if" if i == 0 else "otherwise, if"
        english.append(f"{start} {_fill(test[0], constants)}, {_fill(action[0], constants)}")
        keyword = "if" if i == 0 else "elif"
        lines += [
            f"    {keyword} {_fill(test[1], constants)}:",
            "        " + _fill(action[1], constants),
        ]
        signature += [test[2], action[2]]
    action = draw.choose(_ACTIONS[:_SKIP] + _ACTIONS[_SKIP + 1 :])
    constants = {"%P": draw.choose(_SIGNS), "@o": result}
    english.append(f"otherwise {_fill(action[0], constants)}")
    lines += ["    else:", "        " + _fill(action[1], constants)]
    signature.append(action[2])
    return CharacterRules(english, lines, "|".join(signature))


def _fill(text: str, constants: dict) -> str:
    for name, value in constants.items():
        text = text.replace(name, value)
    return text
