#!/usr/bin/env python3
"""Token ids by Hugging Face tokenizers for random texts; writes a fixture of the tokenizer tests.

    tokenizer_cases.py COUNT NAME=TOKENIZER_JSON... [--texts FILE NAME] > engine/text/testdata/tokenizer_cases.json

The texts are those of tokenizer_fuzz.py with a fixed seed. With --texts, the ids that NAME gives the
texts of a llama.cpp .inp file are kept too, as "inp" (without the texts). Needs the package tokenizers.
"""
import json
import random
import sys

from tokenizers import Tokenizer

import tokenizer_fuzz


def main():
    args = sys.argv[1:]
    inp = None
    if "--texts" in args:
        at = args.index("--texts")
        inp = (args[at + 1], args[at + 2])
        del args[at:at + 3]
    count = int(args[0])
    out = {}
    for pair in args[1:]:
        name, path = pair.split("=", 1)
        tokenizer = Tokenizer.from_file(path)
        rng, categories = random.Random(name), tokenizer_fuzz.pools()
        added = [t.content for t in tokenizer.get_added_tokens_decoder().values()]
        texts = [tokenizer_fuzz.text(rng, categories, added[:20] + added[-20:]) for _ in range(count)]
        rows = []
        for special in (True, False):
            tokenizer.encode_special_tokens = not special
            rows.append([tokenizer.encode(t, add_special_tokens=False).ids for t in texts])
        out[name] = [{"text": t, "ids": a, "plain": b} for t, a, b in zip(texts, *rows)]
        if inp is not None and inp[1] == name:
            tokenizer.encode_special_tokens = False
            with open(inp[0], newline="") as file:
                parts = file.read().split("\n__ggml_vocab_test__\n")
            out["inp"] = {"name": name, "ids": [tokenizer.encode(t, add_special_tokens=False).ids for t in parts]}
    json.dump(out, sys.stdout, ensure_ascii=True, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
