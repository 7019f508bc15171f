"""Fixed-size batches of packed documents, made by processes beside the trainer."""

import multiprocessing
from pathlib import Path
from typing import Iterator, NamedTuple

import numpy as np

from trainer.documents import Role, document
from trainer.draw import Draw
from trainer.tokenizer import BEGIN_ID, PAD_ID, Tokenizer

IGNORED = len(Role)  # the class of targets without loss
_QUEUED_BATCHES = 6  # per process


class Batch(NamedTuple):
    """Packed documents. Tokens, positions and classes are [tokens].

    A class is the Role of the token that follows, or IGNORED. `starts` holds where each
    document starts and ends; what is left over is padding, as documents of its own.
    """

    tokens: np.ndarray  # int16
    positions: np.ndarray  # int16, in the document
    classes: np.ndarray  # int8
    starts: np.ndarray  # int32, always as many
    documents: int


class BatchShape(NamedTuple):
    """Sizes of a batch: its tokens, most documents in it, most tokens of one."""

    tokens: int
    documents: int
    longest: int


def _encoded(draw: Draw, tokenizer: Tokenizer, longest: int) -> tuple[list[int], list[int]]:
    """Ids of the next document that is short enough, BOS in front, and the role of each."""
    while True:
        ids, roles = [BEGIN_ID], [int(Role.PROMPT)]
        for segment in document(draw):
            encoded = tokenizer.encode(segment.text)
            ids += encoded
            roles += [int(segment.role)] * len(encoded)
        if len(ids) <= longest:
            return ids, roles


def batches(seed: int, tokenizer: Tokenizer, shape: BatchShape) -> Iterator[Batch]:
    """Batches without end; a document that does not fit opens the next batch."""
    draw = Draw(seed)
    waiting = None
    while True:
        tokens = np.full(shape.tokens, PAD_ID, np.int16)
        positions = np.zeros(shape.tokens, np.int16)
        classes = np.full(shape.tokens, IGNORED, np.int8)
        starts = [0]
        filled = 0
        while len(starts) <= shape.documents:
            ids, roles = waiting or _encoded(draw, tokenizer, shape.longest)
            waiting = ids, roles
            end = filled + len(ids)
            if end > shape.tokens:
                break
            tokens[filled:end] = ids
            positions[filled:end] = np.arange(len(ids))
            classes[filled : end - 1] = roles[1:]
            starts.append(end)
            filled = end
            waiting = None
        count = len(starts) - 1
        while filled < shape.tokens:
            end = min(filled + shape.longest, shape.tokens)
            positions[filled:end] = np.arange(end - filled)
            starts.append(end)
            filled = end
        width = shape.documents + 1 + -(-shape.tokens // shape.longest)
        padded = np.full(width, shape.tokens, np.int32)
        padded[: len(starts)] = starts
        yield Batch(tokens, positions, classes, padded, count)


def _fill(queue, seed: int, tokenizer: Path, shape: BatchShape) -> None:
    for batch in batches(seed, Tokenizer(tokenizer), shape):
        queue.put(batch)


class Feeder:
    """Takes one batch from each process in turn, so that a seed fixes their order."""

    def __init__(self, seed: int, processes: int, tokenizer: Path, shape: BatchShape):
        context = multiprocessing.get_context("spawn")
        self._queues = [context.Queue(_QUEUED_BATCHES) for _ in range(processes)]
        self._processes = [
            context.Process(
                target=_fill, args=(queue, seed * 1000 + i, tokenizer, shape), daemon=True
            )
            for i, queue in enumerate(self._queues)
        ]

    def __enter__(self):
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_):
        for process in self._processes:
            process.terminate()

    def __iter__(self) -> Iterator[Batch]:
        while True:
            for queue in self._queues:
                yield queue.get()
