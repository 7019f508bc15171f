#!/usr/bin/env python3
"""Makes small random checkpoints of every model family with reference answers (golden.json), or
checks the answers that a checkpoint already has.

    make_goldens.py --out DIR [--family NAME ...] [--seed N] [--count N] [--shards N]
    make_goldens.py --check CHECKPOINT ...

Each checkpoint has its own sizes and options, drawn from the seed; DIR/<family>_s<seed> is a
folder in Hugging Face layout. Needs torch, transformers and safetensors: an oracle for the
tests, not a part of the product. Versions that agree with each other: transformers 5.17, torch
2.11; older ones lack the mscale of DeepSeek-V2's softmax or weigh experts by biased scores.
"""

import argparse
import json
import pathlib
import shutil
import sys

import torch
import transformers

import checkpoints
import reference


def flatten(value):
    """All numbers in nested lists and dictionaries, in order."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    if isinstance(value, list):
        return [number for item in value for number in flatten(item)]
    return [value]


EXACT = ("top5_ids", "routed_experts", "greedy_16")
CLOSE = ("logits_last", "top5_logprobs", "next_token_logprobs", "hidden_l2")
TOLERANCE = 5e-5  # absolute below 1, relative above: other orders of summation are right too


def worst(got, want):
    """The largest difference between numbers, relative to those above 1."""
    got, want = flatten(got), flatten(want)
    if len(got) != len(want):
        return float("inf")
    return max((abs(g - w) / max(1.0, abs(w)) for g, w in zip(got, want)), default=0.0)


def check(folder):
    """Recomputes the recorded answers; returns whether all of them hold."""
    model = reference.load(folder)
    recorded = json.loads((folder / "golden.json").read_text())
    good, largest = True, 0.0
    for want in recorded["cases"]:
        ids = want["input_ids"]
        got = reference.case(ids, reference.Run(model, ids))
        if "greedy_16" in want:
            got["greedy_16"], _ = reference.greedy(model, ids)
        unequal = [key for key in EXACT if key in want and got[key] != want[key]]
        difference = max(worst(got[key], want[key]) for key in CLOSE)
        largest = max(largest, difference)
        if unequal or not difference <= TOLERANCE:
            good = False
            print(f"{folder}: {len(ids)} tokens: unequal {unequal}, largest difference "
                  f"{difference:.2e}")
    print(f"{folder}: {'holds' if good else 'DIFFERS'}, largest difference {largest:.1e}")
    return good


def make(out, family, seed, shards):
    """Writes one checkpoint with its answers."""
    folder = out / f"{family}_s{seed}"
    notes = checkpoints.write(folder, family, seed, shards)
    answers = reference.golden(reference.load(folder), seed)
    if answers is None:
        shutil.rmtree(folder)
        print(f"{folder}: not kept, float32 does not decide its answers", flush=True)
        return
    (folder / "golden.json").write_text(json.dumps(answers))
    print(f"{folder}: {notes}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--family", action="append", choices=sorted(checkpoints.FAMILIES))
    parser.add_argument("--seed", type=int, default=1, help="of each family's first checkpoint")
    parser.add_argument("--count", type=int, default=1, help="checkpoints per family")
    parser.add_argument("--shards", type=int,
                        help="weight files per checkpoint; drawn from the seed if not given")
    parser.add_argument("--check", type=pathlib.Path, nargs="+", metavar="CHECKPOINT")
    args = parser.parse_args()
    torch.set_num_threads(1)  # the models are tiny, and more threads may sum in another order
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if args.check:
        sys.exit(0 if all([check(folder) for folder in args.check]) else 1)
    if not args.out:
        parser.error("--out or --check is needed")
    for family in args.family or sorted(checkpoints.FAMILIES):
        for seed in range(args.seed, args.seed + args.count):
            make(args.out, family, seed, args.shards)


if __name__ == "__main__":
    main()
