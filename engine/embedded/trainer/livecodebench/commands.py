"""Programs that process commands with made-up names."""

from typing import NamedTuple

from trainer.draw import Draw
from trainer.livecodebench.statement import COMMANDS, Statement, code
from trainer.programs.words import WORDS

NOTHING, CHANGES_WITH_ARGUMENT, PRINTS, PRINTS_WITH_ARGUMENT = range(4)


class Command(NamedTuple):
    """English with {c} for the command's name, Python, and what it takes and does."""

    english: str
    python: str
    effect: int

    @property
    def prints(self) -> bool:
        return self.effect in (PRINTS, PRINTS_WITH_ARGUMENT)

    @property
    def has_argument(self) -> bool:
        return self.effect in (CHANGES_WITH_ARGUMENT, PRINTS_WITH_ARGUMENT)


COMMAND_WORDS = """
    add put push drop pop take show print sum max min size clear flip dup inc dec set zap go run mix
    tell ask top last first
""".split()

LIST_COMMANDS = [
    Command("{c} x appends x to the list", "a.append(int(c[1]))", CHANGES_WITH_ARGUMENT),
    Command(
        "{c} x puts x at the front of the list", "a.insert(0, int(c[1]))", CHANGES_WITH_ARGUMENT
    ),
    Command("{c} removes the last value if there is one", code("if a:", "    a.pop()"), NOTHING),
    Command("{c} removes the first value if there is one", code("if a:", "    a.pop(0)"), NOTHING),
    Command("{c} prints the sum of the list", "print(sum(a))", PRINTS),
    Command(
        "{c} prints the largest value, or 0 if the list is empty",
        "print(max(a, default=0))",
        PRINTS,
    ),
    Command(
        "{c} prints the smallest value, or 0 if the list is empty",
        "print(min(a, default=0))",
        PRINTS,
    ),
    Command("{c} prints the number of values", "print(len(a))", PRINTS),
    Command("{c} reverses the list", "a.reverse()", NOTHING),
    Command("{c} sorts the list", "a.sort()", NOTHING),
    Command("{c} empties the list", "a.clear()", NOTHING),
    Command(
        "{c} x removes every x from the list",
        "a = [x for x in a if x != int(c[1])]",
        CHANGES_WITH_ARGUMENT,
    ),
    Command(
        "{c} x prints how many times x occurs", "print(a.count(int(c[1])))", PRINTS_WITH_ARGUMENT
    ),
    Command("{c} prints the list", "print(*a)", PRINTS),
    Command("{c} repeats the list twice", "a = a + a", NOTHING),
    Command("{c} x adds x to every value", "a = [x + int(c[1]) for x in a]", CHANGES_WITH_ARGUMENT),
]

NUMBER_COMMANDS = [
    Command("{c} v adds v to x", "x += int(c[1])", CHANGES_WITH_ARGUMENT),
    Command("{c} v subtracts v from x", "x -= int(c[1])", CHANGES_WITH_ARGUMENT),
    Command("{c} doubles x", "x *= 2", NOTHING),
    Command("{c} negates x", "x = -x", NOTHING),
    Command("{c} prints x", "print(x)", PRINTS),
    Command("{c} v sets x to v", "x = int(c[1])", CHANGES_WITH_ARGUMENT),
    Command("{c} halves x and rounds down", "x //= 2", NOTHING),
    Command(
        "{c} v sets x to the larger of x and v", "x = max(x, int(c[1]))", CHANGES_WITH_ARGUMENT
    ),
    Command(
        "{c} v sets x to the smaller of x and v", "x = min(x, int(c[1]))", CHANGES_WITH_ARGUMENT
    ),
    Command("{c} v multiplies x by v", "x *= int(c[1])", CHANGES_WITH_ARGUMENT),
    Command(
        "{c} prints YES if x is even and NO otherwise",
        "print('YES' if x % 2 == 0 else 'NO')",
        PRINTS,
    ),
    Command("{c} prints the square of x", "print(x * x)", PRINTS),
    Command("{c} replaces x by its absolute value", "x = abs(x)", NOTHING),
    Command("{c} v replaces x by its remainder modulo v", "x %= int(c[1])", CHANGES_WITH_ARGUMENT),
]

STRING_COMMANDS = [
    Command("{c} w appends the word w to s", "s += c[1]", CHANGES_WITH_ARGUMENT),
    Command("{c} w puts the word w in front of s", "s = c[1] + s", CHANGES_WITH_ARGUMENT),
    Command("{c} reverses s", "s = s[::-1]", NOTHING),
    Command("{c} prints s", "print(s)", PRINTS),
    Command("{c} prints the length of s", "print(len(s))", PRINTS),
    Command("{c} removes the last character of s", "s = s[:-1]", NOTHING),
    Command("{c} removes the first character of s", "s = s[1:]", NOTHING),
    Command("{c} w removes every w from s", "s = s.replace(c[1], '')", CHANGES_WITH_ARGUMENT),
    Command("{c} w prints how often w occurs in s", "print(s.count(c[1]))", PRINTS_WITH_ARGUMENT),
    Command("{c} converts s to upper case", "s = s.upper()", NOTHING),
    Command("{c} makes s empty", "s = ''", NOTHING),
    Command("{c} doubles s", "s = s * 2", NOTHING),
    Command("{c} sorts the characters of s", "s = ''.join(sorted(s))", NOTHING),
]


class Session(NamedTuple):
    """The commands of one statement with their names; on words or on integers."""

    names: list[str]
    commands: list[Command]
    on_words: bool

    def write(self, draw: Draw) -> str:
        """The input of a run: three to seven commands, and one that prints."""
        count = draw.integer(3, 7)
        lines = [self._line(draw) for _ in range(count)]
        last = draw.choose([i for i, each in enumerate(self.commands) if each.prints])
        argument = ""
        if self.commands[last].has_argument:
            argument = " " + (draw.choose("aeio") if self.on_words else str(draw.integer(1, 20)))
        lines.append(self.names[last] + argument)
        return f"{len(lines)}\n" + "\n".join(lines) + "\n"

    def _line(self, draw: Draw) -> str:
        chosen = draw.integer(0, len(self.commands) - 1)
        if draw.chance(0.4):
            changing = CHANGES_WITH_ARGUMENT
            chosen = draw.choose(
                [i for i, each in enumerate(self.commands) if each.effect == changing]
            )
        takes_argument = self.commands[chosen].has_argument
        if takes_argument and self.on_words:
            argument = draw.choose(WORDS)[: draw.integer(1, 4)]
        else:
            argument = str(draw.integer(1, 20))
        return self.names[chosen] + (" " + argument if takes_argument else "")


def commands(draw: Draw, counts=(3, 5)) -> Statement:
    """From counts[0] to counts[1] commands on a list, a number or a string."""
    kind = draw.integer(0, 2)
    available = [LIST_COMMANDS, NUMBER_COMMANDS, STRING_COMMANDS][kind]
    count = draw.integer(*counts)
    while True:
        indices = draw.sample(range(len(available)), count)
        chosen = [available[i] for i in indices]
        changes = any(command.effect == CHANGES_WITH_ARGUMENT for command in chosen)
        if changes and any(command.prints for command in chosen):
            break
    names = draw.sample(COMMAND_WORDS, count)
    start = draw.integer(0, 20)
    introduction = [
        "A list starts empty.",
        f"A number x starts at {start}.",
        "A string s starts empty.",
    ][kind]
    described = "; ".join(
        command.english.replace("{c}", name) for name, command in zip(names, chosen)
    )
    lines = [["a = []", f"x = {start}", "s = ''"][kind]]
    lines += ["for _ in range(int(input())):", "    c = input().split()"]
    for i, (name, command) in enumerate(zip(names, chosen)):
        lines.append(f"    {'if' if i == 0 else 'elif'} c[0] == '{name}':")
        lines += ["        " + line for line in command.python.split("\n")]
    return Statement(
        COMMANDS,
        f"k|{kind}|{sorted(indices)}",
        draw.choose(["Commands", "Machine", "Operations", "Queries"]),
        [f"{introduction} Process q commands: {described}."],
        "",
        setup="\n".join(lines),
        whole=True,
        family="commands",
        write=Session(names, chosen, kind == 2).write,
    )
