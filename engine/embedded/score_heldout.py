#!/usr/bin/env python3
"""Scores what a moebius binary answers to held-out items, and compares with recorded scores.

The held-out folder holds mmlu_test, math_test, aime_test, humaneval_test and lcb_test as JSON
lines. The binary is run once per suite, greedily: `moebius score` with the four letters as
continuations for MMLU, `moebius generate` for the others. Generated Python runs in child
processes with limits of time, memory and output; that is no sandbox against malice.
"""

import argparse
import json
import re
import resource
import secrets
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LETTERS = [" A", " B", " C", " D"]
NEW_TOKENS = {"math": 300, "aime": 960, "humaneval": 280, "lcb": 330}
SUITES = ("mmlu_0shot", "mmlu_5shot", "math", "aime", "humaneval", "lcb")
FAMILY_FIELDS = {"mmlu": "subject", "math": "family", "aime": "type", "humaneval": "family"}

_SECONDS = 8
_MEMORY_BYTES = 1 << 30
_FILE_BYTES = 1 << 20

# Reads {"code", "tests"} on stdin and prints how many tests the program passes.
_RUN_TESTS = """
import io, json, sys
given = json.load(sys.stdin)
out = sys.stdout
passed = 0
try:
    program = compile(given["code"], "program", "exec")
except (SyntaxError, ValueError):
    print(0)
    sys.exit()
for test in given["tests"]:
    sys.stdin, sys.stdout = io.StringIO(test["input"]), io.StringIO()
    try:
        exec(program, {"__name__": "__main__"})
        passed += sys.stdout.getvalue().split() == test["output"].split()
    except BaseException:
        pass
    sys.stdout = out
print(passed)
"""


def _limit_child() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run_python(code: str, given: str = "") -> str:
    """Output of the code in a process of its own; "" if it fails or exceeds a limit."""
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", code],
                input=given.encode(),
                stdout=output,
                stderr=subprocess.DEVNULL,
                cwd=directory,
                timeout=_SECONDS,
                preexec_fn=_limit_child,
            )
        except subprocess.TimeoutExpired:
            return ""
        output.seek(0)
        return output.read().decode(errors="replace") if done.returncode == 0 else ""


def boxed(text: str) -> str | None:
    """What stands in the last \\boxed{...}, or None."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    start += len("\\boxed{")
    depth = 1
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return text[start:i]
    return None


def normalized(answer: str | None) -> str | None:
    """Without the differences in writing that do not change the answer."""
    if answer is None:
        return None
    for old, new in ((" ", ""), ("\\dfrac", "\\frac"), ("^\\circ", ""), ("\\%", "%")):
        answer = answer.replace(old, new)
    return answer


def math_verdict(row: dict, text: str) -> bool:
    return normalized(boxed(text)) == normalized(row["answer"])


def aime_verdict(row: dict, text: str) -> bool:
    """An answer before the end of thinking does not count."""
    _, closed, after = text.rpartition("</think>")
    answer = boxed(after) if closed else None
    return answer is not None and answer.strip().isdigit() and int(answer) == int(row["answer"])


def humaneval_verdict(row: dict, text: str) -> bool:
    """The test must be reached and pass; a program that exits before it does not."""
    passed = secrets.token_hex(16)
    test = f"{row['test']}\ncheck({row['entry_point']})\nprint('{passed}')\n"
    return run_python(f"{row['prompt']}{text}\n{test}").rstrip().endswith(passed)


def lcb_verdict(row: dict, text: str) -> bool:
    fenced = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    code = fenced.group(1) if fenced else text
    tests = json.loads(row["public_test_cases"]) + json.loads(row["private_test_cases"])
    output = run_python(_RUN_TESTS, json.dumps({"code": code, "tests": tests}))
    return output.strip() == str(len(tests))


VERDICTS = {
    "math": math_verdict,
    "aime": aime_verdict,
    "humaneval": humaneval_verdict,
    "lcb": lcb_verdict,
}


class Binary:
    """The moebius binary with a model."""

    def __init__(self, path: str, model: str):
        self._path, self._model = path, model

    def answers(self, command: str, option: str, requests: list[dict]) -> list[dict]:
        """One answer per request, matched by id. Ends the program if the binary fails."""
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            file.writelines(json.dumps(each) + "\n" for each in requests)
            file.flush()
            line = [self._path, command, "--model", self._model, option, file.name, "--json"]
            done = subprocess.run(line, stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(line)}: exit status {done.returncode}")
        found = {}
        for text in done.stdout.decode().splitlines():
            answer = json.loads(text)
            found[answer["id"]] = answer
        missing = [each["id"] for each in requests if each["id"] not in found]
        if missing:
            sys.exit(f"{' '.join(line)}: no answer for {len(missing)}, first {missing[0]}")
        return [found[each["id"]] for each in requests]


def score_letters(binary: Binary, rows: list[dict], field: str) -> dict:
    """MMLU: the letter with the highest log-probability, the first one if several share it."""
    requests = [
        {"id": i, "context": row[field], "continuations": LETTERS} for i, row in enumerate(rows)
    ]
    answers = binary.answers("score", "--requests", requests)
    predicted = []
    for answer in answers:
        logprobs = [each["logprob"] for each in answer["continuations"]]
        predicted.append(logprobs.index(max(logprobs)))
    verdicts = [letter == row["answer"] for letter, row in zip(predicted, rows)]
    return {"verdicts": verdicts, "answers": [LETTERS[letter].strip() for letter in predicted]}


def score_texts(binary: Binary, rows: list[dict], suite: str, pool) -> dict:
    """The other suites: greedy answers and the verdict on each."""
    limit = NEW_TOKENS[suite]
    requests = [
        {"id": i, "prompt": row["prompt"], "max_new_tokens": limit} for i, row in enumerate(rows)
    ]
    answers = binary.answers("generate", "--prompts-file", requests)
    texts = [answer["text"] for answer in answers]
    verdicts = list(pool.map(VERDICTS[suite], rows, texts))
    unfinished = sum(answer["finish"] != "stop" for answer in answers)
    return {"verdicts": verdicts, "answers": texts, "unfinished": unfinished}


def shares(rows: list[dict], verdicts: list[bool], field: str) -> dict[str, list[int]]:
    """[right, all] by the value of a field."""
    counts = defaultdict(lambda: [0, 0])
    for row, right in zip(rows, verdicts):
        counts[row.get(field, "")][0] += right
        counts[row.get(field, "")][1] += 1
    return dict(counts)


def identity(row: dict) -> str:
    return next(row[field] for field in ("id", "task_id", "question_id") if field in row)


def differences(suite: str, scored: dict, recorded: dict, limit: int) -> list[str]:
    """One line for each item whose recorded verdict (MMLU: letter) is another one."""
    rows = scored["rows"]
    if suite.startswith("mmlu"):
        wanted = ["ABCD"[letter] for letter in spread(recorded["pred"], limit)]
        got = scored["answers"]
    else:
        wanted = [bool(each) for each in spread(recorded["ok"], limit)]
        got = scored["verdicts"]
    if len(wanted) != len(got):
        return [f"{suite}: {len(got)} items, {len(wanted)} recorded"]
    return [
        f"{suite}: {identity(row)}: {have}, recorded {want}"
        for row, have, want in zip(rows, got, wanted)
        if have != want
    ]


def spread(values: list, limit: int) -> list:
    """All values, or `limit` of them evenly spread."""
    if not 0 < limit < len(values):
        return values
    return [values[i * len(values) // limit] for i in range(limit)]


def read_rows(path: Path, limit: int) -> list[dict]:
    with open(path, encoding="utf-8") as lines:
        return spread([json.loads(line) for line in lines], limit)


def score(binary: Binary, folder: Path, suites: list[str], limit: int) -> dict:
    """Per suite: rows, verdicts and answers."""
    results = {}
    with ThreadPoolExecutor(max_workers=2) as pool:
        for suite in suites:
            name = suite.partition("_")[0]
            rows = read_rows(folder / f"{name}_test.jsonl", limit)
            if name == "mmlu":
                field = "prompt" if suite == "mmlu_0shot" else "prompt_5shot"
                scored = score_letters(binary, rows, field)
            else:
                scored = score_texts(binary, rows, suite, pool)
            results[suite] = {"rows": rows} | scored
    return results


def summary(suite: str, result: dict) -> dict:
    """Counts of a suite: overall, by split and by family."""
    rows, verdicts = result["rows"], result["verdicts"]
    family = FAMILY_FIELDS.get(suite.partition("_")[0], "family")
    report = {"right": sum(verdicts), "items": len(verdicts)}
    if any("split" in row for row in rows):
        report["splits"] = shares(rows, verdicts, "split")
    report["families"] = shares(rows, verdicts, family)
    if "unfinished" in result:
        report["unfinished"] = result["unfinished"]
    return report


def print_summary(suite: str, report: dict) -> None:
    print(f"{suite}: {100 * report['right'] / report['items']:.2f} % of {report['items']}")
    for split, (right, items) in report.get("splits", {}).items():
        print(f"  {split}: {100 * right / items:.2f} % of {items}")
    if report.get("unfinished"):
        print(f"  without end: {report['unfinished']}")
    for family, (right, items) in report["families"].items():
        if right < items:
            print(f"  {family}: {right}/{items}")


def recorded_details(path: Path) -> dict:
    """The details of the only variant in a file of recorded scores."""
    details = json.loads(path.read_text(encoding="utf-8"))["details"]
    if len(details) != 1:
        sys.exit(f"{path}: expected the scores of one variant, found {sorted(details)}")
    return next(iter(details.values()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("moebius", help="the binary")
    parser.add_argument("heldout", type=Path, help="folder with the held-out files")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--suite", action="append", choices=SUITES, help="only this one (repeat)")
    parser.add_argument("--limit", type=int, default=0, help="so many items of each suite")
    parser.add_argument("--recorded", type=Path, help="recorded scores to compare with")
    parser.add_argument("--answers", type=Path, help="write every answer and verdict here")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    arguments = parser.parse_args()
    binary = Binary(arguments.moebius, arguments.model)
    results = score(binary, arguments.heldout, arguments.suite or list(SUITES), arguments.limit)
    reports = {suite: summary(suite, result) for suite, result in results.items()}
    differing = []
    if arguments.recorded:
        recorded = recorded_details(arguments.recorded)
        for suite, result in results.items():
            differing += differences(suite, result, recorded[suite], arguments.limit)
    if arguments.answers:
        with open(arguments.answers, "w", encoding="utf-8") as out:
            for suite, result in results.items():
                for row, answer, right in zip(
                    result["rows"], result["answers"], result["verdicts"]
                ):
                    line = {"suite": suite, "id": identity(row), "answer": answer, "right": right}
                    out.write(json.dumps(line) + "\n")
    if arguments.json:
        print(json.dumps({"scores": reports, "differences": differing}))
        return 0
    for suite, report in reports.items():
        print_summary(suite, report)
    for difference in differing:
        print(difference)
    if arguments.recorded:
        print(f"{len(differing)} items differ from the recorded scores")
    return 0


if __name__ == "__main__":
    sys.exit(main())
