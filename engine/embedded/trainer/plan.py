"""What decides a training run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Everything that decides a run; the defaults made the shipped checkpoint.

    Rates are of Muon (matrices) and AdamW (embeddings; vectors and router take half).
    """

    steps: int = 25_180
    seed: int = 1
    processes: int = 11
    batch_tokens: int = 131_072
    batch_documents: int = 2048
    longest_document: int = 1024
    matrix_rate: float = 0.012
    embedding_rate: float = 0.0024
    decay: float = 0.05
    warm_up: int = 150
    hold: float = 0.25
