#!/usr/bin/env python3
"""Asks `moebius serve` with clients that others wrote: the OpenAI Python client, and
lm-evaluation-harness (local-completions), whose scores must be ours item by item.

    serve_clients.py --moebius BINARY --checkpoint DIR [--task SPEC ...] [--data-dir DIR] [--limit N]

Each task (mini-mmlu unless told otherwise; mmlu:text and such need --data-dir) is evaluated by
`moebius eval`; its stored prompts become a task of lm-evaluation-harness, with DIR's tokenizer, asked
over HTTP. Every log-probability must be the stored one to the last bit, and every verdict the same.
Needs the packages openai, lm_eval[api] and transformers (no torch): an oracle for the tests, not a part of
the product. Versions that were used: openai 3.54, lm_eval 0.4.13, transformers 5.23.
"""

import argparse
import asyncio
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import openai

BEGIN = "<｜begin▁of▁sentence｜>"  # what the engine puts in front of text
KEY = "oracle-key-0123456789"

failures = []


def expect(holds, what):
    print(f"{'ok  ' if holds else 'FAIL'} {what}")
    if not holds:
        failures.append(what)


class Server:
    """`moebius serve` of the embedded model on a free port, with a key."""

    def __init__(self, binary, folder):
        key = folder / "key"
        key.write_text(KEY + "\n")
        key.chmod(0o600)
        command = [binary, "serve", "--model", "embedded", "--port", "0", "--api-key-file", str(key)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        self.url = line.split(" at ")[-1].strip()
        if not self.url.startswith("http://"):
            sys.exit(f"no server: {line}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate()
        return self.process.returncode


# ---- the OpenAI client --------------------------------------------------------------------------


def raises(kind, call):
    try:
        call()
    except kind as error:
        return bool(error.body and error.body.get("message"))
    return False


def check_completions(client):
    asked = {"model": "embedded", "prompt": "The answer is", "max_tokens": 8, "temperature": 0}
    whole = client.completions.create(**asked, logprobs=3)
    choice = whole.choices[0]
    expect(whole.usage.completion_tokens == len(choice.logprobs.tokens), "completion: usage")
    expect(all(value == max(top.values()) for value, top in
               zip(choice.logprobs.token_logprobs, choice.logprobs.top_logprobs)),
           "completion: greedy takes the best")
    stream = list(client.completions.create(**asked, logprobs=3, stream=True,
                                            stream_options={"include_usage": True}))
    choices = [part.choices[0] for part in stream if part.choices]
    expect("".join(part.text for part in choices) == choice.text, "completion: stream, text")
    values = [value for part in choices if part.logprobs for value in part.logprobs.token_logprobs]
    expect(values == choice.logprobs.token_logprobs, "completion: stream, log-probabilities")
    expect(stream[-1].usage == whole.usage, "completion: stream, usage")
    echo = client.completions.create(**{**asked, "max_tokens": 0}, echo=True, logprobs=1).choices[0]
    arrays = echo.logprobs
    expect(echo.text == asked["prompt"], "completion: echo, text")
    spelled = [echo.text[at:] for at in arrays.text_offset[1:]]
    expect(all(rest.startswith(token) for rest, token in zip(spelled, arrays.tokens[1:])),
           "completion: echo, offsets")
    expect(arrays.token_logprobs[0] is None and all(x <= 0 for x in arrays.token_logprobs[1:]),
           "completion: echo, log-probabilities")
    batch = client.completions.create(**{**asked, "prompt": ["a", "The answer is"]}, n=2)
    expect([c.index for c in batch.choices] == [0, 1, 2, 3] and batch.choices[3].text == choice.text,
           "completion: several prompts and answers")


def check_chat(client):
    turns = [{"role": "user", "content": "What is 12 + 30?"}]
    asked = {"model": "embedded", "messages": turns, "max_tokens": 24, "temperature": 0.8, "seed": 3}
    whole = client.chat.completions.create(**asked, logprobs=True, top_logprobs=2)
    choice = whole.choices[0]
    expect(choice.message.role == "assistant" and bool(choice.message.content), "chat: answer")
    content = choice.logprobs.content
    expect(len(content) == whole.usage.completion_tokens and
           all(len(token.top_logprobs) == 2 for token in content), "chat: log-probabilities")
    said = b"".join(bytes(token.bytes) for token in content).decode(errors="replace")
    expect(said.startswith(choice.message.content), "chat: bytes of tokens")
    with client.chat.completions.create(**asked, stream=True) as stream:
        text = "".join(part.choices[0].delta.content or "" for part in stream)
    expect(text == choice.message.content, "chat: stream")
    expect(client.chat.completions.create(**asked).choices[0].message.content == text, "chat: seed")


def check_errors(client, url):
    complete = client.completions.create
    expect(raises(openai.NotFoundError, lambda: complete(model="gpt-4", prompt="x")), "error: model")
    expect(raises(openai.BadRequestError, lambda: complete(model="embedded", prompt="x",
                                                           temperature=-1)), "error: temperature")
    expect(raises(openai.BadRequestError, lambda: complete(model="embedded", prompt=[1] * 5000)),
           "error: context")
    stranger = openai.OpenAI(base_url=url, api_key="another-key-0123456789", max_retries=0)
    expect(raises(openai.AuthenticationError, stranger.models.list), "error: key")


async def check_many(url, count=200):
    client = openai.AsyncOpenAI(base_url=url, api_key=KEY, timeout=600)

    async def one(number):
        stream = await client.completions.create(model="embedded", prompt=f"{number} + 1 =", seed=1,
                                                 max_tokens=6, stream=True)
        return "".join([part.choices[0].text async for part in stream])

    together = await asyncio.gather(*(one(number) for number in range(count)))
    alone = [await one(number) for number in range(0, count, 20)]
    expect(together[::20] == alone, f"{count} streams at once say what each says alone")


def check_openai(url):
    client = openai.OpenAI(base_url=url, api_key=KEY, max_retries=0, timeout=600)
    expect([model.id for model in client.models.list()] == ["embedded"], "models")
    expect(client.models.retrieve("embedded").id == "embedded", "model")
    check_completions(client)
    check_chat(client)
    check_errors(client, url)
    asyncio.run(check_many(url))


# ---- lm-evaluation-harness ----------------------------------------------------------------------


def continuations(binary, task, item, more):
    """Those of a question, as `moebius tasks show` writes them: the text in quotes, then its ids."""
    shown = subprocess.run([binary, "tasks", "show", task, "--item", item, *more], check=True,
                           capture_output=True, text=True).stdout
    lines = shown.split("---- continuations ----\n")[1].split("\n----")[0].splitlines()
    return [json.JSONDecoder().raw_decode(line)[0] for line in lines]


def ours(binary, task, data, limit, folder):
    """Our own samples, with the texts of their choices."""
    store = str(folder / "store.sqlite")
    subprocess.run([binary, "eval", "--model", "embedded", "--tasks", task, "--limit", str(limit),
                    "--store", store, *data], check=True, stdout=subprocess.DEVNULL)
    exported = subprocess.run([binary, "runs", "export", "last", "--store", store], check=True,
                              capture_output=True, text=True).stdout
    samples = [json.loads(line) for line in exported.splitlines()]
    for sample in samples:
        sample["texts"] = continuations(binary, task, sample["item"], data)
    return samples


TASK = """task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {rows}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: prompt
doc_to_choice: texts
doc_to_target: target
target_delimiter: ""
metric_list: [{{metric: acc}}]
metadata: {{version: 1}}
"""


def theirs(samples, url, checkpoint, folder):
    """The same questions asked by lm-evaluation-harness: its samples, in our order."""
    os.environ |= {"OPENAI_API_KEY": KEY, "LMEVAL_LOG_LEVEL": "ERROR"}
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    rows = folder / "rows.jsonl"
    rows.write_text("".join(json.dumps({
        "prompt": BEGIN + sample["prompt"], "texts": sample["texts"],
        "target": "ABCD".index(sample["target"])}) + "\n" for sample in samples))
    (folder / "task.yaml").write_text(TASK.format(name="ours", rows=rows))
    result = simple_evaluate(
        model="local-completions",
        model_args={"model": "embedded", "base_url": url + "/completions",
                    "tokenizer_backend": "huggingface", "tokenizer": str(checkpoint),
                    "num_concurrent": 4, "max_length": 2048},
        tasks=["ours"], task_manager=TaskManager(include_path=str(folder)), log_samples=True)
    return sorted(result["samples"]["ours"], key=lambda sample: sample["doc_id"])


def check_lm_eval(arguments, task, url):
    data = ["--data-dir", str(arguments.data_dir)] if arguments.data_dir else []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        mine = ours(arguments.moebius, task, data, arguments.limit, folder)
        other = theirs(mine, url, arguments.checkpoint, folder)
    unequal, verdicts, values = 0, 0, 0
    for my, their in zip(mine, other, strict=True):
        got = [answer[0] for answer in their["filtered_resps"]]
        want = [choice["logprob"] for choice in my["choices"]]
        values += len(want)
        unequal += sum(g != w for g, w in zip(got, want, strict=True))
        # Variants that divide by the length have verdicts of their own.
        best = "ABCD"[max(range(len(want)), key=lambda i: want[i])]
        right = their["acc"] == 1.0
        verdicts += right != (best == my["target"])
        if task.partition(":")[2] != "text":
            verdicts += right != (my["scores"][0]["value"] == 1.0)
    expect(unequal == 0, f"{task}: {values - unequal} of {values} log-probabilities equal bit for bit")
    expect(verdicts == 0, f"{task}: {len(mine)} questions, {verdicts} verdicts differ")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--moebius", required=True)
    parser.add_argument("--checkpoint", required=True, type=pathlib.Path,
                        help="engine/embedded/checkpoint")
    parser.add_argument("--task", action="append")
    parser.add_argument("--data-dir", type=pathlib.Path)
    parser.add_argument("--limit", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.moebius, pathlib.Path(folder))
        try:
            check_openai(server.url)
            for task in arguments.task or ["mini-mmlu"]:
                check_lm_eval(arguments, task, server.url)
        finally:
            code = server.stop()
    expect(code == 0, "the server stops")
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
