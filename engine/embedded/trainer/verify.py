"""Compares this package's forward pass with transformers on a checkpoint.

Needs the transformers package besides the pinned requirements.
"""

from pathlib import Path

import torch

from trainer.documents import document
from trainer.draw import Draw
from trainer.export import read_checkpoint
from trainer.model.config import ModelConfig
from trainer.model.network import Network
from trainer.tokenizer import BEGIN_ID, Tokenizer


def verify(directory: Path, count: int, seed: int) -> dict:
    """Logits of `count` documents in float32 on the CPU: largest difference, equal best tokens."""
    from transformers import AutoModelForCausalLM

    config = ModelConfig()
    parameters, bias = read_checkpoint(directory, config)
    network = Network(config, parameters, bias, torch.float32, config.context, compiled=False)
    reference = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    tokenizer = Tokenizer(Path(directory) / "tokenizer.json")
    draw = Draw(seed)
    largest, equal, positions = 0.0, 0, 0
    for _ in range(count):
        text = "".join(segment.text for segment in document(draw))
        ids = torch.tensor([BEGIN_ID] + tokenizer.encode(text))
        with torch.no_grad():
            wanted = reference(ids[None]).logits[0]
            starts = torch.tensor([0, len(ids)], dtype=torch.int32)
            hidden, _ = network.hidden(ids, torch.arange(len(ids)), starts)
            got = network.logits(hidden)
        largest = max(largest, (got - wanted).abs().max().item())
        equal += (got.argmax(-1) == wanted.argmax(-1)).sum().item()
        positions += len(ids)
    return {"positions": positions, "best_token_equal": equal, "largest_difference": largest}
