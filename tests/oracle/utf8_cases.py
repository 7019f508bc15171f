#!/usr/bin/env python3
"""What Python makes of broken UTF-8; writes engine/text/testdata/utf8_cases.txt.

    utf8_cases.py > engine/text/testdata/utf8_cases.txt

A line is: bytes in hex, a space, the bytes decoded with errors="replace" and encoded again, in hex.
"""
import random

PARTS = [b"a", b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf",
         b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xe0\xa0\x80", b"\xed\x9f\xbf", b"\xed\xa0\x80", b"\xed\xbf\xbf",
         b"\xee\x80\x80", b"\xef\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf0\x90\x80\x80",
         b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe", b"\xff",
         b"\xe2\x82", b"\xf0\x9f\x98", b"\xf0\x9f", b"\xf0", b"\xe2", b"\xc3", b"\xef\xbf\xbd"]


def main():
    rng = random.Random(7)
    cases = [a for a in PARTS] + [a + b for a in PARTS for b in PARTS]
    cases += [bytes(rng.randrange(128, 256) for _ in range(rng.randrange(1, 9))) for _ in range(1000)]
    for case in cases:
        print(case.hex(), case.decode("utf-8", errors="replace").encode().hex())


if __name__ == "__main__":
    main()
