#!/usr/bin/env python3
"""Compares a tokenizer program with Hugging Face tokenizers on random texts.

    tokenizer_fuzz.py TOKENIZER_JSON COUNT SEED COMMAND...

COMMAND reads one {"text": ..} a line and answers {"ids": [..]} a line, as `moebius tokenize
--tokenizer TOKENIZER_JSON --json` does. Prints the first differences; exit 0 if there is none.
Needs the Python package tokenizers.
"""
import json
import random
import subprocess
import sys
import unicodedata

from tokenizers import Tokenizer

WORDS = ("the of and Hello world I'm don't you'LL WE'VE it'S 'ſ he'd function return std::vector<int> x+=1; "
         "0 12 345 6789 1000000 3.14159 ½ Ⅷ ٣ $x^2$ \\frac{a}{b} ... !? -- == http://a.b/c?d=e#f _id __init__ "
         "naïve Führer ÀÁ çédille 你好 世界 日本語 カタカナ ひらがな 한국어 Привет мир שלום مرحبا สวัสดี नमस्ते "
         "🚀 😶‍🌫️ 👨‍👩‍👧 e\u0301 A\u030a ﬁ Ω K Å \u1e9b\u0323 ½ﷺ ‘quoted’ “text” 。、「」！ａｂｃ").split()
SPACES = [" ", "  ", "   ", "\n", "\n\n", "\r\n", "\r", "\t", " \n", "\n ", "\t\t", "\u00a0", "\u3000", "\u2028",
          "\x0b", "\x0c", "\x85", "\u200b", "\u180e", "        "]


def pools():
    """Characters by general category, so that rare ones are drawn too."""
    out = {}
    for code in range(0x110000):
        if not 0xD800 <= code < 0xE000:
            out.setdefault(unicodedata.category(chr(code)), []).append(chr(code))
    return list(out.values())


def text(rng, categories, added):
    parts = []
    for _ in range(rng.randint(1, 12)):
        kind = rng.random()
        if kind < 0.35:
            parts.append(rng.choice(WORDS))
        elif kind < 0.6:
            parts.append(rng.choice(SPACES))
        elif kind < 0.75:
            parts.append("".join(rng.choice(rng.choice(categories)) for _ in range(rng.randint(1, 4))))
        elif kind < 0.85:
            parts.append("".join(chr(rng.randint(1, 127)) for _ in range(rng.randint(1, 6))))
        elif kind < 0.93:
            parts.append(rng.choice(" aA1.\n-漢é'") * rng.randint(1, 60))
        elif added:
            parts.append(rng.choice(added))
    return "".join(parts)


def main():
    path, count, seed, command = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    rng, categories = random.Random(seed), pools()
    tokenizer = Tokenizer.from_file(path)
    added = [t.content for t in tokenizer.get_added_tokens_decoder().values()]
    texts = [text(rng, categories, added[:50] + added[-50:]) for _ in range(count)]
    answer = subprocess.run(command, input="".join(json.dumps({"text": t}) + "\n" for t in texts),
                            capture_output=True, text=True, check=True)
    lines = answer.stdout.splitlines()
    if len(lines) != count:
        sys.exit(f"{count} texts, {len(lines)} answers")
    wrong = 0
    for given, line in zip(texts, lines):
        got = json.loads(line).get("ids")
        expected = tokenizer.encode(given, add_special_tokens=False).ids
        if got != expected:
            wrong += 1
            if wrong <= 5:
                print(f"{given!r}\n  expected {expected}\n  found    {line[:500]}")
    print(f"{path}: {count} texts, {wrong} differences")
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()
