"""Command line: python -m trainer COMMAND --help"""

import argparse
import json
from dataclasses import fields
from pathlib import Path

from trainer.plan import Plan

CHECKPOINT = Path(__file__).resolve().parent.parent / "checkpoint"


def show_documents(arguments) -> None:
    from trainer.documents import document
    from trainer.draw import Draw

    draw = Draw(arguments.seed)
    for _ in range(arguments.count):
        segments = document(draw)
        print(json.dumps([{"text": each.text, "role": each.role.name} for each in segments]))


def write_heldout(arguments) -> None:
    from trainer import heldout
    from trainer.mixed import mixed

    core = list(heldout.core())
    for folder, files in (("core", core), ("mixed", mixed(core))):
        for name, rows in files:
            heldout.write(arguments.out / folder, name, rows)
            print(f"{folder}/{name}.jsonl: {len(rows)} rows")


def train_tokenizer(arguments) -> None:
    from trainer import tokenizer
    from trainer.documents import document
    from trainer.draw import Draw

    draw = Draw(arguments.seed)
    texts = ("".join(each.text for each in document(draw)) for _ in range(arguments.documents))
    vocabulary, merges = tokenizer.learn(texts, arguments.size)
    tokenizer.write(arguments.out, vocabulary, merges, frame=CHECKPOINT)
    print(f"{arguments.out}: {len(vocabulary)} tokens, {len(merges)} merges")


def run_training(arguments) -> None:
    from trainer.model.config import ModelConfig
    from trainer.train import train

    plan = Plan(**{field.name: getattr(arguments, field.name) for field in fields(Plan)})
    tokenizer = arguments.tokenizer / "tokenizer.json"
    train(ModelConfig(), plan, tokenizer, arguments.out, arguments.device, arguments.report_every)


def export_run(arguments) -> None:
    import torch

    from trainer.export import export
    from trainer.model.config import ModelConfig

    state = torch.load(arguments.run, map_location="cpu", weights_only=True)
    config = ModelConfig(**state["config"])
    export(config, state["parameters"], state["bias"], arguments.tokenizer, arguments.out)


def verify_checkpoint(arguments) -> None:
    from trainer.verify import verify

    print(json.dumps(verify(arguments.checkpoint, arguments.documents, arguments.seed)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trainer", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("documents", help="print training documents as JSON lines")
    command.add_argument("--count", type=int, default=10)
    command.add_argument("--seed", type=int, default=1)
    command.set_defaults(handler=show_documents)

    command = commands.add_parser("heldout", help="write the held-out items: OUT/core, OUT/mixed")
    command.add_argument("out", type=Path)
    command.set_defaults(handler=write_heldout)

    command = commands.add_parser("tokenizer", help="learn a vocabulary from training documents")
    command.add_argument("out", type=Path)
    command.add_argument("--documents", type=int, default=40_000)
    command.add_argument("--size", type=int, default=1536)
    command.add_argument("--seed", type=int, default=1)
    command.set_defaults(handler=train_tokenizer)

    _add_train(commands)

    command = commands.add_parser("export", help="write OUT/bf16 and OUT/fp8 from a finished run")
    command.add_argument("run", type=Path, help="final.pt of a run")
    command.add_argument("out", type=Path)
    command.add_argument("--tokenizer", type=Path, default=CHECKPOINT, help="its folder")
    command.set_defaults(handler=export_run)

    command = commands.add_parser("verify", help="compare a checkpoint's logits with transformers")
    command.add_argument("checkpoint", type=Path, nargs="?", default=CHECKPOINT)
    command.add_argument("--documents", type=int, default=12)
    command.add_argument("--seed", type=int, default=1)
    command.set_defaults(handler=verify_checkpoint)
    return parser


def _add_train(commands) -> None:
    command = commands.add_parser("train", help="train a model")
    command.add_argument("out", type=Path)
    command.add_argument("--tokenizer", type=Path, default=CHECKPOINT, help="its folder")
    command.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    command.add_argument("--report-every", type=int, default=100, help="steps between reports")
    for field in fields(Plan):
        option = "--" + field.name.replace("_", "-")
        command.add_argument(option, type=field.type, default=field.default)
    command.set_defaults(handler=run_training)


if __name__ == "__main__":
    parsed = _parser().parse_args()
    parsed.handler(parsed)
