#!/usr/bin/env python3
"""Packs the held-out mixed sets into this folder: pack.py FOLDER, then compare SHA256SUMS.

FOLDER is what `python -m trainer heldout OUT` (engine/embedded) writes to OUT/mixed. The bytes
depend on the rows and on zlib alone: no name and no time is stored.
"""

import gzip
import hashlib
import sys
from pathlib import Path

SUITES = {
    "mini-aime": "aime_test",
    "mini-humaneval": "humaneval_test",
    "mini-livecodebench": "lcb_test",
    "mini-math": "math_test",
    "mini-mmlu": "mmlu_test",
}


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    here = Path(__file__).resolve().parent
    sums = []
    for suite, source in SUITES.items():
        rows = (Path(sys.argv[1]) / f"{source}.jsonl").read_bytes()
        packed = gzip.compress(rows, compresslevel=9, mtime=0)
        (here / f"{suite}.jsonl.gz").write_bytes(packed)
        sums.append(f"{hashlib.sha256(packed).hexdigest()}  {suite}.jsonl.gz\n")
    (here / "SHA256SUMS").write_text("".join(sums), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
