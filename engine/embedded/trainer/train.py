"""The training run."""

import json
import queue
import threading
import time
from dataclasses import asdict
from pathlib import Path

import torch

from trainer.documents import Role
from trainer.feeder import Batch, BatchShape, Feeder
from trainer.model.config import ModelConfig
from trainer.model.network import Network
from trainer.model.parameters import first_values
from trainer.optimizer import Optimizer, schedule
from trainer.plan import Plan

# Weight of a target in the loss by its class: prompt, answer, letter, ignored.
CLASS_WEIGHTS = (0.05, 1.0, 4.0, 0.0)
_BIAS_RATE = 0.002
_SAVE_EVERY = 2000  # steps


class Meter:
    """Mean losses since the last report."""

    def __init__(self, device):
        self._sums = torch.zeros(6, device=device)
        self._since = time.monotonic()
        self._tokens = 0

    def add(self, losses, weights, classes) -> None:
        answer, letter = classes == Role.ANSWER, classes == Role.LETTER
        parts = [losses * weights, weights, losses * answer, answer, losses * letter, letter]
        self._sums += torch.stack([part.float().sum() for part in parts])
        self._tokens += len(losses)

    def report(self) -> dict:
        weighted, weight, answer, answers, letter, letters = self._sums.tolist()
        seconds = time.monotonic() - self._since
        result = {
            "loss": round(weighted / weight, 4),
            "answer": round(answer / max(answers, 1), 4),
            "letter": round(letter / max(letters, 1), 4),
            "tokens_per_second": round(self._tokens / seconds),
        }
        self.__init__(self._sums.device)
        return result


def prefetched(batches, ahead: int = 4):
    """The same batches, received by a thread while the device computes."""
    waiting = queue.Queue(ahead)

    def receive():
        for batch in batches:
            waiting.put(batch)

    threading.Thread(target=receive, daemon=True).start()
    while True:
        yield waiting.get()


class Run:
    """Parameters, optimizer and counters of a training run."""

    def __init__(self, config: ModelConfig, plan: Plan, device: str):
        torch.manual_seed(plan.seed)
        on_cuda = device == "cuda"
        self.config, self.plan, self.device = config, plan, device
        self.parameters = first_values(config, plan.seed).to(device)
        self.bias = torch.zeros(config.layers - 1, config.experts, device=device)
        self.network = Network(
            config,
            self.parameters,
            self.bias,
            torch.bfloat16 if on_cuda else torch.float32,
            plan.longest_document,
            compiled=on_cuda,
        )
        self.optimizer = Optimizer(
            self.parameters, plan.matrix_rate, plan.embedding_rate, plan.decay
        )
        self.class_weights = torch.tensor(CLASS_WEIGHTS, device=device)
        self.meter = Meter(device)
        self.steps = self.documents = 0

    def step(self, batch: Batch) -> None:
        """One update from one batch."""
        plan = self.plan
        share = schedule(self.steps, plan.steps, plan.warm_up, plan.hold)
        arrays = (batch.tokens, batch.positions, batch.classes, batch.starts)
        tensors = [torch.from_numpy(array).to(self.device) for array in arrays]
        tokens, positions, classes = (each.long() for each in tensors[:3])
        inputs = tokens, positions, tensors[3], tokens.roll(-1)
        losses, loads = self.network.losses(*inputs)
        weights = self.class_weights[classes]
        ((losses * weights).sum() / weights.sum()).backward()
        self.optimizer.step(share)
        self._balance(loads, share)
        self.meter.add(losses.detach(), weights, classes)
        self.steps += 1
        self.documents += batch.documents

    @torch.no_grad()
    def _balance(self, loads, share: float) -> None:
        """Moves the routers' biases towards equal loads; no loss term is needed for that."""
        direction = torch.sign(loads.mean(-1, keepdim=True) - loads)
        self.bias += _BIAS_RATE * min(1.0, 2 * share) * direction
        self.bias -= self.bias.mean(-1, keepdim=True)

    def save(self, path: Path) -> None:
        """Writes parameters and biases; a crash leaves the last whole file."""
        state = {
            "config": asdict(self.config),
            "plan": asdict(self.plan),
            "parameters": {name: each.detach().cpu() for name, each in self.parameters.items()},
            "bias": self.bias.cpu(),
            "steps": self.steps,
            "documents": self.documents,
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)


def train(
    config: ModelConfig, plan: Plan, tokenizer: Path, out: Path, device: str, report_every: int
) -> list[dict]:
    """Runs the plan; writes out/log.jsonl and out/final.pt and returns the log's lines."""
    out.mkdir(parents=True, exist_ok=True)
    shape = BatchShape(plan.batch_tokens, plan.batch_documents, plan.longest_document)
    run = Run(config, plan, device)
    lines = []
    with (
        Feeder(plan.seed, plan.processes, tokenizer, shape) as feeder,
        open(out / "log.jsonl", "w", encoding="utf-8") as log,
    ):
        for batch in prefetched(feeder):
            run.step(batch)
            if run.steps % report_every == 0 or run.steps == plan.steps:
                lines.append({"step": run.steps, "documents": run.documents} | run.meter.report())
                print(json.dumps(lines[-1]), file=log, flush=True)
                print(json.dumps(lines[-1]), flush=True)
            if run.steps % _SAVE_EVERY == 0:
                run.save(out / "latest.pt")
            if run.steps == plan.steps:
                break
    run.save(out / "final.pt")
    return lines
